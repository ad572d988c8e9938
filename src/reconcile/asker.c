/* SPDX-License-Identifier: MIT */
/* In this order: everyone who is shown online, after a gap; users in doubt; everybody else, after a gap; and
 * with what is left of a tenth of the calls, everybody again and again. Nobody stands in a list: passes over
 * the table have a cursor, and doubts a bit in it. Whom a call that failed was about is in doubt.
 *
 * Where several nodes ask, each asks about its own users and makes its share of the calls. But what this node
 * alone may have missed can be about anybody, so after such a gap it asks about everybody; and doubts arise
 * where the event was heard, so they are asked about there. */
#include "asker.h"

#include "answer.h"
#include "presenced/clock.h"
#include "presenced/log.h"
#include "presenced/usersig.h"
#include "presenced/vendor_error.h"
#include "presenced/wipe.h"
#include "silence.h"
#include "vendor_clock.h"
#include "walk.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define N_IN_FLIGHT_MAX 8
#define DOUBT_MS \
    3000 /* an answer is stamped two seconds before its time, and must be newer than what it mends */
#define BACKGROUND_SHARE 10 /* of calls_per_second */
#define ROUND_MIN_MS 60000  /* nobody is asked about more often without cause */
#define FILL_WAIT_MS 10000  /* for how long a call waits to be worth it */
#define STALLED_MS 30000    /* who did not run for so long may have missed events */
#define RETRY_MIN_MS 1000
#define RETRY_MAX_MS 60000
#define PAUSE_MS 60000 /* until a person has mended it */
#define LONG_PAUSE_MS 600000
#define CLOCK_OFF_MS 5000 /* is said */
#define USERSIG_EXPIRE_S 3600
#define USERSIG_EARLY_S 60 /* its time is so much before ours, which may be ahead of Tencent's */

struct asker {
    struct table *table;
    struct calls *calls;
    const struct reconcile_history *history;
    const struct reconcile_sharing *sharing;
    struct asker_settings settings;
    unsigned host;
    struct secret *usersig; /* NULL: one is to be made */
    uint64_t usersig_number;
    uint64_t usersig_made_ms;
    bool usersig_was_refused; /* the one before, since the last answer */
    bool is_unproven;         /* that Tencent answers: not yet, or not since a call has failed */
    struct vendor_clock vendor_clock;

    uint64_t n_nodes; /* that share the app's users */
    uint64_t n_nodes_lost;
    struct walk gap_online;
    struct walk gap_all;
    bool gap_is_shared; /* other nodes ask about theirs at the same time */
    struct walk online;
    struct walk all;
    struct silence silence;
    uint64_t ticked_ms;
    uint64_t next_gap_ms; /* while events do not come */
    uint64_t gap_interval_ms;
    bool looks_for_doubts;
    uint64_t background_ms; /* when the last call with users of it was made */

    double tokens; /* calls that may be made at once */
    double rate;   /* a second */
    unsigned n_in_flight;
    unsigned n_failures; /* in a row */
    uint64_t paused_until_ms;
    size_t batch_max;

    pthread_mutex_t lock; /* of `published` */
    struct reconcile_stats stats;
    struct reconcile_stats published;
};

void asker_settings_fini(struct asker_settings *settings)
{
    secret_free(settings->key);
    settings->key = NULL;
}

static uint64_t at_most(uint64_t value, uint64_t max)
{
    return value < max ? value : max;
}

static uint64_t at_least(uint64_t value, uint64_t min)
{
    return value > min ? value : min;
}

static void publish(struct asker *asker)
{
    struct reconcile_stats *stats = &asker->stats;
    const struct vendor_clock *clock = &asker->vendor_clock;
    stats->n_waiting = table_n_marked(asker->table, asker->settings.app);
    stats->calls_per_second = (uint64_t)asker->rate;
    stats->n_nodes = asker->n_nodes;
    stats->clock_ahead_ms = clock->ahead_min_ms;
    stats->clock_uncertainty_ms = (uint64_t)(clock->ahead_max_ms - clock->ahead_min_ms);
    (void)pthread_mutex_lock(&asker->lock);
    asker->published = *stats;
    (void)pthread_mutex_unlock(&asker->lock);
}

void asker_stats(struct asker *asker, struct reconcile_stats *ret_stats)
{
    (void)pthread_mutex_lock(&asker->lock);
    *ret_stats = asker->published;
    (void)pthread_mutex_unlock(&asker->lock);
}

uint16_t asker_app(const struct asker *asker)
{
    return asker->settings.app;
}

/* One that is under way and is not shared begins anew and stays so. */
static void begin_gap(struct asker *asker, bool is_shared, uint64_t now_ms)
{
    asker->gap_is_shared = is_shared && (asker->gap_is_shared || asker->gap_all.is_over);
    walk_begin(&asker->gap_online, now_ms);
    walk_begin(&asker->gap_all, now_ms);
    asker->stats.n_gaps++;
}

void asker_gap(struct asker *asker)
{
    begin_gap(asker, false, clock_monotonic_ms());
}

/* The users of a node that has gone are asked about by those that are left; all of which begin a gap, for
 * what it had heard may be lost. */
static void look_at_nodes(struct asker *asker, uint64_t now_ms)
{
    const struct reconcile_sharing *sharing = asker->sharing;
    uint64_t n_lost = 0;
    asker->n_nodes = sharing->n_nodes == NULL ? 1
                                              : sharing->n_nodes(sharing->cls, asker->settings.app, &n_lost);
    if (n_lost != asker->n_nodes_lost) {
        asker->n_nodes_lost = n_lost;
        begin_gap(asker, true, now_ms);
    }
}

static void drop_usersig(struct asker *asker)
{
    secret_free(asker->usersig);
    asker->usersig = NULL;
    asker->usersig_number++;
}

/* Calls a second that this node may make of those that the app may. */
static double rate_max(const struct asker *asker)
{
    return (double)asker->settings.calls_per_second / (double)asker->n_nodes;
}

/* What follows from the settings. */
static void begin(struct asker *asker)
{
    asker->rate = rate_max(asker);
    asker->host = 0;
    asker->batch_max = ONLINE_QUERY_N_USERS_MAX;
    asker->n_failures = 0;
    asker->paused_until_ms = 0;
    asker->stats.problem_code = 0;
    asker->stats.problem[0] = '\0';
    asker->is_unproven = true;
    asker->usersig_was_refused = false;
    drop_usersig(asker);
}

int asker_new(struct table *table, struct calls *calls, const struct reconcile_history *history,
              const struct reconcile_sharing *sharing, struct asker_settings *settings,
              struct asker **ret_asker)
{
    struct asker *asker = calloc(1, sizeof(*asker));
    uint64_t now_ms = clock_monotonic_ms();
    if (asker == NULL) {
        return -ENOMEM;
    }
    asker->table = table;
    asker->calls = calls;
    asker->history = history;
    asker->sharing = sharing;
    asker->n_nodes = 1;
    asker->gap_is_shared = true;
    asker->settings = *settings;
    *settings = (struct asker_settings){.app = settings->app};
    (void)pthread_mutex_init(&asker->lock, NULL);
    uint16_t app = asker->settings.app;
    walk_init(&asker->gap_online, app, true, now_ms);
    walk_init(&asker->gap_all, app, false, now_ms);
    walk_init(&asker->online, app, true, now_ms);
    walk_init(&asker->all, app, false, now_ms);
    table_mark_doubts(table, app, true);
    silence_init(&asker->silence, table_n_events(table, app), now_ms);
    asker->ticked_ms = now_ms;
    asker->gap_interval_ms = ROUND_MIN_MS;
    asker->stats.n_gaps = 1;
    begin(asker);
    publish(asker);
    *ret_asker = asker;
    return 0;
}

static void mark_again(struct asker *asker, const struct user_batch *batch)
{
    for (size_t i = 0; i < batch->n; i++) {
        table_mark(asker->table, asker->settings.app, user_batch_user(batch, i));
    }
}

static void drop_call(void *owner, struct call *call)
{
    struct asker *asker = owner;
    asker->n_in_flight--;
    mark_again(asker, &call->batch);
    if (call->inquiry != NULL) {
        inquiry_end(call->inquiry, "another configuration was taken over meanwhile", 0, &asker->vendor_clock);
    }
    call_free(call);
}

void asker_free(struct asker *asker)
{
    if (asker == NULL) {
        return;
    }
    calls_end_of(asker->calls, asker, drop_call);
    table_mark_doubts(asker->table, asker->settings.app, false);
    secret_free(asker->usersig);
    asker_settings_fini(&asker->settings);
    (void)pthread_mutex_destroy(&asker->lock);
    free(asker);
}

void asker_adopt(struct asker *asker, struct asker_settings *settings)
{
    calls_end_of(asker->calls, asker, drop_call);
    asker_settings_fini(&asker->settings);
    asker->settings = *settings;
    *settings = (struct asker_settings){.app = settings->app};
    begin(asker);
    publish(asker);
}

/* Whom. */

struct collecting {
    struct user_batch *batch;
    enum reconcile_cause cause;
    const struct reconcile_sharing *sharing; /* NULL: users of other nodes too */
};

static void collect_doubt(void *cls, const struct user *user)
{
    struct collecting *collecting = cls;
    (void)user_batch_add(collecting->batch, user_id(user), collecting->cause);
}

static bool collect_user(void *cls, const struct user *user)
{
    struct collecting *collecting = cls;
    const struct reconcile_sharing *sharing = collecting->sharing;
    if (sharing != NULL && sharing->is_ours != NULL &&
        !sharing->is_ours(sharing->cls, user->app, user_id(user))) {
        return false;
    }
    (void)user_batch_add(collecting->batch, user_id(user), collecting->cause);
    return true;
}

static size_t room_in(const struct asker *asker, const struct user_batch *batch)
{
    return asker->batch_max - batch->n;
}

static void collect_gap(struct asker *asker, struct walk *walk, struct collecting *collecting,
                        uint64_t now_ms)
{
    while (!walk->is_over && room_in(asker, collecting->batch) > 0) {
        size_t n = collecting->batch->n;
        (void)walk_take(walk, asker->table, room_in(asker, collecting->batch), now_ms, collect_user,
                        collecting);
        if (walk->is_over && walk == &asker->gap_all) {
            /* Everybody was asked about: the rounds have no need to hurry. */
            walk_begin(&asker->all, now_ms);
            walk_begin(&asker->online, now_ms);
        }
        if (collecting->batch->n == n) {
            return; /* many users of others: on at the next look */
        }
    }
}

static void collect_doubts(struct asker *asker, struct collecting *collecting)
{
    uint64_t now_ms = clock_unix_ms();
    size_t room = room_in(asker, collecting->batch);
    if (!asker->looks_for_doubts || room == 0) {
        return;
    }
    size_t n = table_take_marked(asker->table, asker->settings.app, now_ms > DOUBT_MS ? now_ms - DOUBT_MS : 0,
                                 room, collect_doubt, collecting);
    asker->looks_for_doubts = n == room;
}

/* How long a round over so many users takes with a tenth of the calls. */
static uint64_t round_ms(const struct asker *asker, uint64_t n_users, uint64_t longest_ms)
{
    double users_per_ms = asker->rate / BACKGROUND_SHARE * ONLINE_QUERY_N_USERS_MAX / 1000;
    uint64_t needed_ms = (uint64_t)((double)n_users / users_per_ms);
    return at_most(at_least(needed_ms, ROUND_MIN_MS), longest_ms - longest_ms / 10);
}

static void collect_round(struct asker *asker, struct walk *walk, uint64_t n_users, uint64_t period_ms,
                          struct collecting *collecting, uint64_t now_ms)
{
    uint64_t due = walk_due(walk, n_users, period_ms, now_ms);
    size_t room = room_in(asker, collecting->batch);
    bool is_worth_it = collecting->batch->n > 0 || due >= room ||
                       now_ms - asker->background_ms >= FILL_WAIT_MS;
    if (due == 0 || room == 0 || !is_worth_it) {
        return;
    }
    asker->background_ms = now_ms;
    if (walk_take(walk, asker->table, at_most(due, room), now_ms, collect_user, collecting) &&
        walk == &asker->all) {
        asker->stats.last_sweep_unix_ms = clock_unix_ms();
        asker->stats.last_sweep_ms = walk->took_ms;
    }
}

/* This node's part of so many users, about. */
static uint64_t part_of(const struct asker *asker, uint64_t n_users)
{
    return (n_users + asker->n_nodes - 1) / asker->n_nodes;
}

/* Where a round over all takes no longer than one over those online may, there is no need for both. */
static void collect_rounds(struct asker *asker, struct collecting *collecting, uint64_t now_ms)
{
    const struct asker_settings *settings = &asker->settings;
    struct table_counts counts;
    uint64_t n_users = 0;
    table_counts(asker->table, settings->app, &counts);
    for (unsigned state = 0; state < USER_N_STATES; state++) {
        n_users += counts.n_users[state];
    }
    n_users = part_of(asker, n_users);
    uint64_t n_online = part_of(asker, counts.n_users[USER_ONLINE]);
    uint64_t all_ms = settings->sweep_ms == 0 ? UINT64_MAX : round_ms(asker, n_users, settings->sweep_ms);
    if (all_ms > settings->stale_after_ms) {
        collect_round(asker, &asker->online, n_online, round_ms(asker, n_online, settings->stale_after_ms),
                      collecting, now_ms);
    }
    if (settings->sweep_ms != 0) {
        collect_round(asker, &asker->all, n_users, all_ms, collecting, now_ms);
    }
}

static void collect(struct asker *asker, struct user_batch *batch, uint64_t now_ms)
{
    struct collecting gap = {batch, RECONCILE_GAP, asker->gap_is_shared ? asker->sharing : NULL};
    struct collecting doubts = {batch, RECONCILE_DOUBT, NULL};
    struct collecting rounds = {batch, RECONCILE_ROUND, asker->sharing};
    collect_gap(asker, &asker->gap_online, &gap, now_ms);
    collect_doubts(asker, &doubts);
    collect_gap(asker, &asker->gap_all, &gap, now_ms);
    collect_rounds(asker, &rounds, now_ms);
    if (batch->n == 0 && asker->is_unproven && asker->n_in_flight == 0) {
        /* Nobody is due: about the administrator, to find out at once what a person has to mend. */
        (void)user_batch_add(batch, str_from(asker->settings.admin), RECONCILE_ROUND);
    }
}

/* How. */

/* By Tencent's clock, as far as that is known. */
static uint64_t signing_time_s(const struct asker *asker)
{
    int64_t now_ms = (int64_t)clock_unix_ms() +
                     (asker->vendor_clock.is_known ? asker->vendor_clock.ahead_min_ms : 0);
    return now_ms > 0 ? (uint64_t)now_ms / 1000 : 0;
}

static int sign(struct asker *asker, uint64_t now_ms)
{
    const struct asker_settings *settings = &asker->settings;
    if (asker->usersig != NULL && now_ms - asker->usersig_made_ms < USERSIG_EXPIRE_S * 1000 / 2) {
        return 0;
    }
    struct usersig_claim claim = {settings->sdkappid, str_from(settings->admin),
                                  signing_time_s(asker) - USERSIG_EARLY_S, USERSIG_EXPIRE_S};
    cleanup(wipe_buf) struct buf text = {0};
    (void)buf_reserve(&text, SECRET_SIZE_MAX);
    int r = usersig_make(&claim, secret_str(settings->key), &text);
    if (r < 0) {
        return r;
    }
    struct secret *usersig;
    r = secret_new(buf_str(&text), &usersig);
    if (r < 0) {
        return r;
    }
    drop_usersig(asker);
    asker->usersig = usersig;
    asker->usersig_made_ms = now_ms;
    return 0;
}

static int start_call(struct asker *asker, struct call *call, uint64_t now_ms)
{
    cleanup(wipe_buf) struct buf url = {0};
    cleanup(buf_fini) struct buf body = {0};
    struct str users[ONLINE_QUERY_N_USERS_MAX];
    int r = sign(asker, now_ms);
    if (r < 0) {
        return r;
    }
    for (size_t i = 0; i < call->batch.n; i++) {
        users[i] = user_batch_user(&call->batch, i);
    }
    struct online_query_caller caller = {asker->settings.sdkappid, str_from(asker->settings.admin),
                                         secret_str(asker->usersig), (uint32_t)random()};
    (void)buf_reserve(&url, (size_t)2 * SECRET_SIZE_MAX); /* at once: what grows leaves copies behind */
    buf_append(&url, str_from(asker->settings.urls[asker->host]));
    online_query_write_target(&url, &caller);
    online_query_write_request(&body, users, call->batch.n);
    if (url.failed || body.failed) {
        return -ENOMEM;
    }
    call->owner = asker;
    call->host = asker->host;
    call->usersig_number = asker->usersig_number;
    call->sent_unix_ms = clock_unix_ms();
    size_t n_users = call->batch.n;
    r = calls_start(asker->calls, call, &url, &body);
    if (r < 0) {
        return r;
    }
    asker->tokens -= 1;
    asker->n_in_flight++;
    asker->stats.n_calls++;
    asker->stats.n_users_asked += n_users;
    return 0;
}

static void pause_for(struct asker *asker, uint64_t ms)
{
    asker->paused_until_ms = clock_monotonic_ms() + ms;
}

/* Whether another call may be made. After a failure one at a time shows whether it is over. */
static bool may_call(const struct asker *asker, uint64_t now_ms)
{
    unsigned n_max = asker->n_failures > 0 ? 1 : N_IN_FLIGHT_MAX;
    return now_ms >= asker->paused_until_ms && asker->tokens >= 1 && asker->n_in_flight < n_max;
}

/* Asks what is due, as far as it may. */
static void ask(struct asker *asker, uint64_t now_ms)
{
    while (may_call(asker, now_ms)) {
        cleanup(call_freep) struct call *call = calloc(1, sizeof(*call));
        if (call == NULL) {
            return;
        }
        collect(asker, &call->batch, now_ms);
        if (call->batch.n == 0) {
            return;
        }
        if (start_call(asker, call, now_ms) < 0) {
            mark_again(asker, &call->batch);
            pause_for(asker, RETRY_MIN_MS);
            return;
        }
        (void)take_pointer(call);
    }
}

/* A person waits, so neither pace nor pause holds it back; and what is found out is of the key as it is now,
 * not of a UserSig of half an hour ago. */
void asker_inquire(struct asker *asker, struct inquiry *inquiry)
{
    cleanup(call_freep) struct call *call = calloc(1, sizeof(*call));
    bool is_whole = call != NULL;
    for (size_t i = 0; is_whole && i < inquiry->batch.n; i++) {
        is_whole = user_batch_add(&call->batch, user_batch_user(&inquiry->batch, i), RECONCILE_ORDER);
    }
    if (is_whole && inquiry->batch.n == 0) {
        is_whole = user_batch_add(&call->batch, str_from(asker->settings.admin), RECONCILE_ORDER);
    }
    if (is_whole) {
        call->inquiry = inquiry;
        drop_usersig(asker);
        asker->usersig_was_refused = true; /* so that a refusal is said */
        is_whole = start_call(asker, call, clock_monotonic_ms()) == 0;
    }
    if (!is_whole) {
        inquiry_end(inquiry, "out of memory", 0, &asker->vendor_clock);
        return;
    }
    (void)take_pointer(call);
}

/* Answers. */

static void set_problem(struct asker *asker, unsigned code, const char *text)
{
    asker->stats.problem_code = code;
    (void)snprintf(asker->stats.problem, sizeof(asker->stats.problem), "%s", text);
}

__attribute__((format(printf, 3, 4))) static void describe_problem(struct asker *asker, unsigned code,
                                                                   const char *format, ...)
{
    char text[RECONCILE_PROBLEM_SIZE];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    set_problem(asker, code, text);
}

/* Tried again after a while that grows, at another host where there is one. */
static void retry(struct asker *asker, const struct call *call, bool other_host)
{
    uint64_t wait_ms = at_most(RETRY_MIN_MS << at_most(asker->n_failures, 6), RETRY_MAX_MS);
    asker->n_failures++;
    asker->is_unproven = true;
    mark_again(asker, &call->batch);
    pause_for(asker, wait_ms / 2 + (uint64_t)random() % wait_ms);
    if (other_host && call->host == asker->host) {
        asker->host = (asker->host + 1) % asker->settings.n_urls;
    }
}

/* Of no use before a person has mended something. */
static void wait_for_person(struct asker *asker, const struct call *call, uint64_t ms)
{
    asker->n_failures++;
    asker->is_unproven = true;
    mark_again(asker, &call->batch);
    pause_for(asker, ms);
}

/* One that Tencent says has expired is made anew, once; those under way with it are asked again too. */
static bool renews_usersig(struct asker *asker, const struct call *call)
{
    if (call->usersig_number == asker->usersig_number) {
        if (asker->usersig_was_refused) {
            return false;
        }
        asker->usersig_was_refused = true;
        drop_usersig(asker);
    }
    mark_again(asker, &call->batch);
    return true;
}

static void take_failure(struct asker *asker, const struct call *call,
                         const struct online_query_answer *answer)
{
    const struct vendor_error *error = vendor_error_find(answer->error_code);
    unsigned code = answer->error_code;
    if (error == NULL) {
        describe_problem(asker, code, "Tencent answers %u, which is not known: %.*s", code,
                         (int)at_most(answer->error_info.len, 80), answer->error_info.ptr);
        retry(asker, call, false);
        return;
    }
    switch (error->class) {
    case VENDOR_ERROR_RATE:
        asker->rate = asker->rate / 2 < 1 ? 1 : asker->rate / 2;
        retry(asker, call, false);
        return;
    case VENDOR_ERROR_USERSIG:
        if (renews_usersig(asker, call)) {
            return;
        }
        break;
    case VENDOR_ERROR_PLAN:
        describe_problem(asker, code, "Tencent answers %u: %s", code, error->meaning);
        wait_for_person(asker, call, LONG_PAUSE_MS);
        return;
    case VENDOR_ERROR_REQUEST:
        describe_problem(asker, code, "Tencent answers %u: %s: a bug of presenced's", code, error->meaning);
        asker->n_failures++;
        pause_for(asker, asker->batch_max < ONLINE_QUERY_N_USERS_MAX ? LONG_PAUSE_MS : RETRY_MIN_MS);
        asker->batch_max = ONLINE_QUERY_N_USERS_MAX / 2;
        return;
    case VENDOR_ERROR_RETRY:
        describe_problem(asker, code, "Tencent answers %u: %s", code, error->meaning);
        retry(asker, call, false);
        return;
    default:
        break;
    }
    describe_problem(asker, code, "Tencent answers %u: %s", code, error->meaning);
    wait_for_person(asker, call, PAUSE_MS);
}

static void look_at_clock(struct asker *asker)
{
    const struct vendor_clock *clock = &asker->vendor_clock;
    if (clock->ahead_min_ms > CLOCK_OFF_MS) {
        describe_problem(asker, 0, "this machine's clock is %" PRId64 " s behind Tencent's",
                         clock->ahead_min_ms / 1000);
    } else if (clock->ahead_max_ms < -CLOCK_OFF_MS) {
        describe_problem(asker, 0, "this machine's clock is %" PRId64 " s ahead of Tencent's",
                         -clock->ahead_max_ms / 1000);
    } else {
        set_problem(asker, 0, "");
    }
}

static void take_results(struct asker *asker, const struct call *call, struct online_query_answer *answer)
{
    const struct answer_taking taking = {
        .table = asker->table,
        .history = asker->history,
        .app = asker->settings.app,
        .batch = &call->batch,
        .inquiry = call->inquiry,
        .stamp_ms = at_most(vendor_clock_stamp_ms(&asker->vendor_clock, call->sent_unix_ms),
                            EVENT_TIME_MAX_MS),
        .now_ms = clock_unix_ms(),
    };
    answer_take(&taking, answer, &asker->stats);
    asker->n_failures = 0;
    asker->is_unproven = false;
    if (call->inquiry != NULL) {
        asker->paused_until_ms = 0; /* it has been mended */
    }
    asker->usersig_was_refused = false;
    asker->stats.last_answer_unix_ms = clock_unix_ms();
    look_at_clock(asker);
}

/* Whether the answer was one, whatever it says. */
static bool read_outcome(struct asker *asker, const struct call *call)
{
    const char *url = asker->settings.urls[call->host];
    struct online_query_answer answer;
    if (!call->is_answered) {
        describe_problem(asker, 0, "%s cannot be asked: %s", url, call->error);
        return false;
    }
    if (call->http_status != 200) {
        describe_problem(asker, 0, "%s answers HTTP %ld", url, call->http_status);
        return false;
    }
    if (call->date_s != 0) {
        vendor_clock_observe(&asker->vendor_clock, call->date_s, call->sent_unix_ms, clock_unix_ms());
    }
    int r = online_query_read_answer(buf_str(&call->answer), &answer);
    if (r != 0) {
        describe_problem(asker, 0, "what %s answers cannot be read%s", url, r < 0 ? ": out of memory" : "");
        return false;
    }
    if (answer.error_code != 0) {
        asker->stats.n_calls_failed++;
        take_failure(asker, call, &answer);
    } else {
        take_results(asker, call, &answer);
    }
    online_query_answer_fini(&answer);
    return true;
}

void asker_take(struct asker *asker, struct call *call)
{
    asker->n_in_flight--;
    if (!read_outcome(asker, call)) {
        asker->stats.n_calls_failed++;
        retry(asker, call, true);
    }
    if (call->inquiry != NULL) {
        inquiry_end(call->inquiry, asker->stats.problem, asker->stats.problem_code, &asker->vendor_clock);
    }
    call_free(call);
    ask(asker, clock_monotonic_ms());
    publish(asker);
}

/* Where events stop coming, asking is all there is; less often the longer it lasts. */
static void look_for_gap(struct asker *asker, uint64_t now_ms)
{
    bool has_turned = silence_look(&asker->silence, table_n_events(asker->table, asker->settings.app),
                                   now_ms);
    bool is_next = asker->silence.is_silent && now_ms >= asker->next_gap_ms;
    if (has_turned) {
        asker->gap_interval_ms = ROUND_MIN_MS;
    }
    if (now_ms - asker->ticked_ms > STALLED_MS || has_turned || is_next) {
        begin_gap(asker, false, now_ms);
        asker->next_gap_ms = now_ms + asker->gap_interval_ms;
        asker->gap_interval_ms = at_most(2 * asker->gap_interval_ms, asker->settings.stale_after_ms);
    }
}

void asker_tick(struct asker *asker)
{
    uint64_t now_ms = clock_monotonic_ms();
    double elapsed_s = (double)(now_ms - asker->ticked_ms) / 1000;
    look_at_nodes(asker, now_ms);
    look_for_gap(asker, now_ms);
    double max = rate_max(asker);
    asker->ticked_ms = now_ms;
    asker->rate += max / 60 * elapsed_s; /* back where it was within a minute */
    asker->rate = asker->rate < max ? asker->rate : max;
    asker->tokens += asker->rate * elapsed_s;
    double tokens_max = asker->rate < 1 ? 1 : asker->rate;
    asker->tokens = asker->tokens < tokens_max ? asker->tokens : tokens_max;
    asker->looks_for_doubts = true;
    ask(asker, now_ms);
    publish(asker);
}

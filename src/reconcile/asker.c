/* SPDX-License-Identifier: MIT */
#include "asker.h"

#include "answer.h"
#include "credential.h"
#include "pace.h"
#include "presenced/clock.h"
#include "presenced/log.h"
#include "presenced/vendor_error.h"
#include "presenced/wipe.h"
#include "selection.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define CALL_AGAIN_MS 1000
#define PAUSE_MS 60000 /* retry interval while a person must solve the problem */
#define LONG_PAUSE_MS 600000
#define CLOCK_OFF_MS 5000 /* reported as a problem beyond this */

struct asker {
    struct table *table;
    struct calls *calls;
    const struct reconcile_history *history;
    struct app_settings settings;
    struct selection selection;
    struct pace pace;
    struct credential credential;
    struct vendor_clock vendor_clock;
    unsigned host;
    size_t batch_max;
    bool is_unproven; /* no call has succeeded yet, or none since the last failure */

    pthread_mutex_t lock; /* protects `published` */
    struct reconcile_stats stats;
    struct reconcile_stats published;
};

static void publish(struct asker *asker)
{
    struct reconcile_stats *stats = &asker->stats;
    const struct selection *selection = &asker->selection;
    const struct vendor_clock *clock = &asker->vendor_clock;
    stats->n_waiting = table_n_marked(asker->table, asker->settings.app);
    stats->n_gaps = selection->n_gaps;
    stats->n_nodes = selection->n_nodes;
    stats->last_sweep_unix_ms = selection->last_sweep_unix_ms;
    stats->last_sweep_ms = selection->last_sweep_ms;
    stats->calls_per_second = (uint64_t)asker->pace.rate;
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

void asker_gap(struct asker *asker)
{
    selection_gap(&asker->selection, clock_monotonic_ms());
}

/* Returns this node's share of the app's calls_per_second. */
static double rate_max(const struct asker *asker)
{
    return (double)asker->settings.calls_per_second / (double)asker->selection.n_nodes;
}

/* Resets the state after the settings have changed. */
static void reset(struct asker *asker, uint64_t now_ms)
{
    const struct app_settings *settings = &asker->settings;
    selection_configure(&asker->selection, settings->stale_after_ms, settings->sweep_ms);
    pace_reset(&asker->pace, rate_max(asker), now_ms);
    credential_drop(&asker->credential);
    asker->credential.was_refused = false;
    asker->host = 0;
    asker->batch_max = ONLINE_QUERY_N_USERS_MAX;
    asker->is_unproven = true;
    asker->stats.problem_code = 0;
    asker->stats.problem[0] = '\0';
}

int asker_new(struct table *table, struct calls *calls, const struct reconcile_history *history,
              const struct reconcile_sharing *sharing, struct app_settings *settings,
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
    asker->settings = *settings;
    *settings = (struct app_settings){.app = settings->app};
    (void)pthread_mutex_init(&asker->lock, NULL);
    selection_init(&asker->selection, table, sharing, asker->settings.app, now_ms);
    reset(asker, now_ms);
    publish(asker);
    *ret_asker = asker;
    return 0;
}

static void drop_call(void *owner, struct call *call)
{
    struct asker *asker = owner;
    pace_call_ended(&asker->pace);
    selection_mark(&asker->selection, &call->batch);
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
    selection_fini(&asker->selection);
    credential_drop(&asker->credential);
    app_settings_fini(&asker->settings);
    (void)pthread_mutex_destroy(&asker->lock);
    free(asker);
}

void asker_adopt(struct asker *asker, struct app_settings *settings)
{
    calls_end_of(asker->calls, asker, drop_call);
    app_settings_fini(&asker->settings);
    asker->settings = *settings;
    *settings = (struct app_settings){.app = settings->app};
    reset(asker, clock_monotonic_ms());
    publish(asker);
}

static void collect(struct asker *asker, struct user_batch *batch, uint64_t now_ms)
{
    selection_collect(&asker->selection, batch, asker->batch_max, asker->pace.rate, now_ms);
    if (batch->n == 0 && asker->is_unproven && asker->pace.n_in_flight == 0) {
        /* No user is due: ask about the administrator, so that a problem that a person must solve is noticed
         * at once. */
        (void)user_batch_add(batch, str_from(asker->settings.admin), RECONCILE_ROUND);
    }
}

static int start_call(struct asker *asker, struct call *call, uint64_t now_ms)
{
    cleanup(wipe_buf) struct buf url = {0};
    cleanup(buf_fini) struct buf body = {0};
    struct str users[ONLINE_QUERY_N_USERS_MAX];
    int r = credential_renew(&asker->credential, &asker->settings, &asker->vendor_clock, now_ms);
    if (r < 0) {
        return r;
    }
    for (size_t i = 0; i < call->batch.n; i++) {
        users[i] = user_batch_user(&call->batch, i);
    }
    struct online_query_caller caller = {asker->settings.sdkappid, str_from(asker->settings.admin),
                                         secret_str(asker->credential.usersig), (uint32_t)random()};
    /* Reserved at once, because growing would leave copies behind. */
    (void)buf_reserve(&url, (size_t)2 * SECRET_SIZE_MAX);
    buf_append(&url, str_from(asker->settings.urls[asker->host]));
    online_query_write_target(&url, &caller);
    online_query_write_request(&body, users, call->batch.n);
    if (url.failed || body.failed) {
        return -ENOMEM;
    }
    call->owner = asker;
    call->host = asker->host;
    call->usersig_number = asker->credential.number;
    call->sent_unix_ms = clock_unix_ms();
    size_t n_users = call->batch.n;
    r = calls_start(asker->calls, call, &url, &body);
    if (r < 0) {
        return r;
    }
    pace_call_began(&asker->pace);
    asker->stats.n_calls++;
    asker->stats.n_users_asked += n_users;
    return 0;
}

/* Makes the calls that are due, as far as the pace permits. */
static void ask(struct asker *asker, uint64_t now_ms)
{
    while (pace_may_call(&asker->pace, now_ms)) {
        cleanup(call_freep) struct call *call = calloc(1, sizeof(*call));
        if (call == NULL) {
            return;
        }
        collect(asker, &call->batch, now_ms);
        if (call->batch.n == 0) {
            return;
        }
        if (start_call(asker, call, now_ms) < 0) {
            selection_mark(&asker->selection, &call->batch);
            pace_pause(&asker->pace, CALL_AGAIN_MS);
            return;
        }
        (void)take_pointer(call);
    }
}

/* Not subject to pace and pauses, because a person waits. The call gets a new UserSig, so that the answer
 * shows whether the key is valid now, not half an hour ago. */
void asker_inquire(struct asker *asker, struct inquiry *inquiry)
{
    cleanup(call_freep) struct call *call = calloc(1, sizeof(*call));
    bool has_memory = call != NULL;
    for (size_t i = 0; has_memory && i < inquiry->batch.n; i++) {
        has_memory = user_batch_add(&call->batch, user_batch_user(&inquiry->batch, i), RECONCILE_ORDER);
    }
    if (has_memory && inquiry->batch.n == 0) {
        has_memory = user_batch_add(&call->batch, str_from(asker->settings.admin), RECONCILE_ORDER);
    }
    if (has_memory) {
        call->inquiry = inquiry;
        credential_drop(&asker->credential);
        asker->credential.was_refused = true; /* so that a refusal is reported rather than retried */
        has_memory = start_call(asker, call, clock_monotonic_ms()) == 0;
    }
    if (!has_memory) {
        inquiry_end(inquiry, "out of memory", 0, &asker->vendor_clock);
        return;
    }
    (void)take_pointer(call);
}

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

/* Repeats the users of the call after an increasing pause, and at another host if `other_host`. */
static void retry(struct asker *asker, const struct call *call, bool other_host)
{
    asker->is_unproven = true;
    selection_mark(&asker->selection, &call->batch);
    pace_retry(&asker->pace);
    if (other_host && call->host == asker->host) {
        asker->host = (asker->host + 1) % asker->settings.n_urls;
    }
}

/* Pauses for a long time, because calls will fail until a person has solved the problem. */
static void wait_for_person(struct asker *asker, const struct call *call, uint64_t ms)
{
    asker->is_unproven = true;
    selection_mark(&asker->selection, &call->batch);
    pace_fail(&asker->pace, ms);
}

static void take_failure(struct asker *asker, const struct call *call,
                         const struct online_query_answer *answer)
{
    const struct vendor_error *error = vendor_error_find(answer->error_code);
    unsigned code = answer->error_code;
    if (error == NULL) {
        describe_problem(asker, code, "Tencent answers %u, which is not known: %.*s", code,
                         answer->error_info.len < 80 ? (int)answer->error_info.len : 80,
                         answer->error_info.ptr);
        retry(asker, call, false);
        return;
    }
    switch (error->class) {
    case VENDOR_ERROR_RATE:
        pace_slow_down(&asker->pace);
        retry(asker, call, false);
        return;
    case VENDOR_ERROR_USERSIG:
        if (credential_refused(&asker->credential, call->usersig_number)) {
            selection_mark(&asker->selection, &call->batch);
            return;
        }
        break;
    case VENDOR_ERROR_PLAN:
        describe_problem(asker, code, "Tencent answers %u: %s", code, error->meaning);
        wait_for_person(asker, call, LONG_PAUSE_MS);
        return;
    case VENDOR_ERROR_REQUEST:
        describe_problem(asker, code, "Tencent answers %u: %s: a bug of presenced's", code, error->meaning);
        pace_fail(&asker->pace, asker->batch_max < ONLINE_QUERY_N_USERS_MAX ? LONG_PAUSE_MS : CALL_AGAIN_MS);
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

static void check_clock(struct asker *asker)
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
    uint64_t stamp_ms = vendor_clock_stamp_ms(&asker->vendor_clock, call->sent_unix_ms);
    const struct answer_taking taking = {
        .table = asker->table,
        .history = asker->history,
        .app = asker->settings.app,
        .batch = &call->batch,
        .inquiry = call->inquiry,
        .stamp_ms = stamp_ms < EVENT_TIME_MAX_MS ? stamp_ms : EVENT_TIME_MAX_MS,
        .now_ms = clock_unix_ms(),
    };
    answer_take(&taking, answer, &asker->stats);
    pace_succeeded(&asker->pace);
    asker->is_unproven = false;
    if (call->inquiry != NULL) {
        pace_pause(&asker->pace, 0); /* it works again, so a pause ends */
    }
    asker->credential.was_refused = false;
    asker->stats.last_answer_unix_ms = clock_unix_ms();
    check_clock(asker);
}

/* Handles the outcome of a call. Returns whether Tencent has answered, even if with an error. */
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
    pace_call_ended(&asker->pace);
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

void asker_tick(struct asker *asker)
{
    uint64_t now_ms = clock_monotonic_ms();
    selection_tick(&asker->selection, now_ms);
    pace_tick(&asker->pace, rate_max(asker), now_ms);
    ask(asker, now_ms);
    publish(asker);
}

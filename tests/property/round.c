/* SPDX-License-Identifier: MIT */
#include "round.h"

#include "presenced/record.h"

#include <check.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

void round_fail(const struct round *round, int line, const char *format, ...)
{
    char text[8192];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    ck_abort_msg("line %d: PRESENCED_SEED=%" PRIu64 " PRESENCED_ROUNDS=1, step %u, now %" PRIu64
                 ", window %" PRIu64 ", max_users %" PRIu64 ", forget_after %" PRIu64 "\n%s\n%s",
                 line, round->seed, round->step, round->now_ms, round->config.push_online_window_ms,
                 round->config.max_users, round->config.forget_after_ms, round->what, text);
}

static bool is_absent(void *cls, const struct user *user)
{
    struct user unused;
    return table_get(cls, user->app, user_id(user), &unused) == TABLE_ABSENT;
}

static void expect_platforms_apart(const struct pool *pool)
{
    struct platform_set seen = {0};

    for (unsigned i = 0; i < PLATFORM_N_MAX; i++) {
        /* No ck_assert: it would write a hundred thousand places to its file. */
        if (pool->platforms[i] >= PLATFORM_N_MAX || platform_set_has(&seen, pool->platforms[i])) {
            ck_abort_msg("platform %u is drawn twice, or none", pool->platforms[i]);
        }
        platform_set_add(&seen, pool->platforms[i]);
    }
}

void round_init(struct round *round, uint64_t seed, const struct table_config *config)
{
    *round = (struct round){.seed = seed, .now_ms = HISTORY_START_MS, .config = *config};
    ck_assert_int_eq(table_new(config, &round->table), 0);
    for (unsigned i = 0; i < HISTORY_N_APPS_MAX; i++) {
        uint16_t app;
        ck_assert_int_eq(table_add_app(round->table, HISTORY_FIRST_APP_ID + i, &app), 0);
        ck_assert_uint_eq(app, i);
    }
    pool_init(&round->pool, seed, table_platform_names(round->table));
    expect_platforms_apart(&round->pool);
    round->model.config = *config;
    round->model.was_dropped = is_absent;
    round->model.cls = round->table;
}

void round_fini(struct round *round)
{
    table_free(round->table);
    model_fini(&round->model);
    replica_fini(&round->replica);
    users_fini(&round->listed.users);
}

/* The user is in the table as in the model, or in neither. */
static void expect_user(struct round *round, uint16_t app, struct str id)
{
    struct buf got_text cleanup(buf_fini) = {0};
    struct buf want_text cleanup(buf_fini) = {0};
    struct user got = {0};
    int outcome = table_get(round->table, app, id, &got);
    const struct model_user *want = model_find(&round->model, app, id);

    expect(round, outcome == (want == NULL ? TABLE_ABSENT : 0), "table_get(): got %d", outcome);
    if (want != NULL && !users_equal(&got, &want->user)) {
        round_fail(round, __LINE__, "got  %s\nwant %s", describe_user(&got, &got_text),
                   describe_user(&want->user, &want_text));
    }
}

void round_expect_counts(struct round *round)
{
    for (uint16_t app = 0; app < HISTORY_N_APPS_MAX; app++) {
        struct table_counts got;
        struct table_counts want;
        table_counts(round->table, app, &got);
        model_counts(&round->model, app, &want);
        if (!counts_equal(&got, &want)) {
            struct buf text cleanup(buf_fini) = {0};
            buf_appendf(&text, "app %u got ", app);
            describe_counts(&got, &text);
            buf_appendf(&text, "\nwant ");
            describe_counts(&want, &text);
            round_fail(round, __LINE__, "%.*s", STR_FMT(buf_str(&text)));
        }
    }
}

/* What follows from a user's rows, at an instant of its own. */
static void expect_reading(struct round *round, const struct user *user)
{
    uint64_t window_ms = round->config.push_online_window_ms;
    uint64_t at_ms = round->now_ms + rng_below(&round->pool.rng, 3) - 1;
    struct user_summary got;
    struct user_summary want;

    if (one_in(&round->pool.rng, 2)) {
        at_ms += window_ms;
    }
    user_summarise(user, &(struct user_view){.now_ms = at_ms, .push_online_window_ms = window_ms}, &got);
    model_summarise(user, window_ms, at_ms, &want);
    expect(round, summaries_equal(&got, &want),
           "at %" PRIu64 " got %u since %" PRIu64 " to %" PRIu64 ", want %u since %" PRIu64 " to %" PRIu64,
           at_ms, got.state, got.since_ms, got.window_end_ms, want.state, want.since_ms, want.window_end_ms);
    expect(round, user_last_stamp_ms(user) == model_last_stamp_ms(user), "last stamp %" PRIu64,
           user_last_stamp_ms(user));
    expect(round, user_forgotten_stamp_ms(user, at_ms) == model_forgotten_stamp_ms(user, at_ms),
           "forgotten stamp %" PRIu64, user_forgotten_stamp_ms(user, at_ms));
    for (unsigned i = 0; i < user->n_rows; i++) {
        struct row got_row = user_effective_row(user, &user->rows[i]);
        struct row want_row = model_effective_row(user, &user->rows[i]);
        expect(round, rows_equal(&got_row, &want_row), "platform %u reads otherwise", got_row.platform);
        expect(round, user_row(user, got_row.platform) == &user->rows[i], "user_row(%u)", got_row.platform);
    }
}

static int sign(int order)
{
    return (order > 0) - (order < 0);
}

static void expect_row_order(struct round *round, const struct user *user)
{
    for (unsigned i = 0; i < user->n_rows && i < 12; i++) {
        for (unsigned j = 0; j < user->n_rows && j < 12; j++) {
            expect(round,
                   sign(row_compare(&user->rows[i], &user->rows[j])) ==
                       model_row_compare(&user->rows[i], &user->rows[j]),
                   "rows %u and %u are ordered otherwise", i, j);
        }
    }
}

void round_expect_listed(struct round *round, const struct table_filter *filter)
{
    uint64_t *rng = &round->pool.rng;
    struct listed *listed = &round->listed;
    const char *wrong = listed_read(listed, round->table, filter, 1 + rng_below(rng, 4),
                                    1 + rng_below(rng, 6));
    size_t n_wanted = 0;

    expect(round, wrong == NULL, "table_list(): %s", wrong);
    for (size_t i = 0; i < round->model.n_users; i++) {
        const struct model_user *user = &round->model.users[i];
        if (!model_matches(user, filter)) {
            continue;
        }
        const struct user *got = users_find(&listed->users, &user->user);
        expect(round, got != NULL && users_equal(got, &user->user), "app %d state %d platform %d: %.*s of %u",
               filter->app, filter->state, filter->platform, STR_FMT(short_id(user_id(&user->user))),
               user->user.app);
        n_wanted++;
    }
    expect(round, n_wanted == listed->users.n, "app %d state %d platform %d: got %zu users, want %zu",
           filter->app, filter->state, filter->platform, listed->users.n, n_wanted);
}

static void expect_lists(struct round *round)
{
    unsigned n_platforms = round->pool.n_platforms < 8 ? round->pool.n_platforms : 8;

    for (int app = -1; app < HISTORY_N_APPS_MAX; app++) {
        for (int state = -1; state < USER_N_STATES; state++) {
            round_expect_listed(round, &(struct table_filter){app, state, -1});
            for (unsigned i = 0; i < n_platforms; i++) {
                round_expect_listed(round, &(struct table_filter){app, state, round->pool.platforms[i]});
            }
        }
    }
}

static void follow(struct round *round, struct replica *replica)
{
    size_t max_changes = 1 + rng_below(&round->pool.rng, REPLICA_PAGE_MAX);
    const char *wrong = replica_follow(replica, table_changes(round->table), max_changes);

    expect(round, wrong == NULL, "the log: %s", wrong);
}

static void expect_replica(struct round *round, struct replica *replica)
{
    follow(round, replica);
    expect(round, replica->users.n == round->model.n_users, "the log gives %zu users, want %zu",
           replica->users.n, round->model.n_users);
    for (size_t i = 0; i < replica->users.n; i++) {
        const struct user *got = &replica->users.users[i];
        const struct model_user *want = model_find(&round->model, got->app, user_id(got));
        expect(round, want != NULL && users_equal(got, &want->user), "the log gives another %.*s of %u",
               STR_FMT(short_id(user_id(got))), got->app);
    }
    for (unsigned app = 0; app < HISTORY_N_APPS_MAX; app++) {
        expect(round, replica->forgotten_before_ms[app] == round->model.apps[app].forgotten_before_ms,
               "the log gives another forgotten_before %" PRIu64, replica->forgotten_before_ms[app]);
    }
}

static void expect_lost(struct round *round, uint64_t after_revision)
{
    struct buf storage cleanup(buf_fini) = {0};
    struct change change;
    size_t n;
    int outcome = changes_read(table_changes(round->table), after_revision, 1, 1, &storage, &change, &n);

    expect(round, outcome == CHANGES_LOST, "reading after %" PRIu64 " gave %d", after_revision, outcome);
}

void round_expect_log(struct round *round)
{
    struct replica late cleanup(replica_fini) = {0};
    uint64_t last_revision = changes_last_revision(table_changes(round->table));

    expect_replica(round, &round->replica);
    if (round->config.changes_max_entries == 0) {
        expect_replica(round, &late);
    } else if (last_revision > round->config.changes_max_entries) {
        expect_lost(round, 0);
    }
    expect_lost(round, last_revision + 1);
}

void round_expect_users(struct round *round)
{
    for (uint16_t app = 0; app < HISTORY_N_APPS_MAX; app++) {
        for (unsigned i = 0; i < round->pool.n_ids; i++) {
            expect_user(round, app, round->pool.ids[i]);
        }
    }
}

void round_expect_everything(struct round *round)
{
    round_expect_users(round);
    round_expect_counts(round);
    expect_lists(round);
    round_expect_log(round);
}

/* The revision of a change is that of the log's entry with the user as it now is. */
static void expect_entry(struct round *round, const struct table_event *event, uint64_t revision)
{
    struct buf storage cleanup(buf_fini) = {0};
    struct change change;
    struct user got;
    size_t n;

    expect(round,
           changes_read(table_changes(round->table), revision - 1, 1, 1, &storage, &change, &n) == 0 &&
               n == 1,
           "no entry of revision %" PRIu64, revision);
    record_decode((const uint8_t *)change.record.ptr, &got);
    expect(round,
           change.revision == revision && change.kind == CHANGE_UPDATED && change.unix_ms == round->now_ms,
           "entry %" PRIu64 " of kind %u at %" PRIu64, change.revision, change.kind, change.unix_ms);
    const struct model_user *want = model_find(&round->model, event->app, event->user_id);
    expect(round, want != NULL && users_equal(&got, &want->user), "the entry holds another user");
}

/* How many of the log's entries tell of a window that has ended and of nothing else: the table may settle
 * such users with any event. */
static unsigned settle_with_log(struct round *round, uint64_t after_revision)
{
    struct changes *log = table_changes(round->table);
    unsigned n_settled = 0;

    for (uint64_t revision = after_revision; revision < changes_last_revision(log); revision++) {
        struct buf storage cleanup(buf_fini) = {0};
        struct change change;
        struct user user;
        size_t n;
        expect(round, changes_read(log, revision, 1, 1, &storage, &change, &n) == 0 && n == 1,
               "no entry after %" PRIu64, revision);
        record_decode((const uint8_t *)change.record.ptr, &user);
        const struct model_user *known = model_find(&round->model, user.app, user_id(&user));
        if (change.kind == CHANGE_UPDATED && known != NULL && users_equal(&user, &known->user) &&
            model_settle(&round->model, user.app, user_id(&user), round->now_ms)) {
            n_settled++;
        }
    }
    return n_settled;
}

/* Rows keep the order in which they were first heard of. */
static void expect_rows_appended(struct round *round, const struct user *before, const struct user *after)
{
    for (unsigned i = 0; i < before->n_rows; i++) {
        expect(round, i < after->n_rows && after->rows[i].platform == before->rows[i].platform,
               "row %u has moved", i);
    }
}

/* Applies one event to both, and sees that they did the same. */
void round_apply(struct round *round, const struct table_event *event, struct reached *reached)
{
    struct buf text cleanup(buf_fini) = {0};
    struct table_applied got = {0};
    struct model_effect want;

    snprintf(round->what, sizeof(round->what), "%s", describe_event(event, &text));
    uint64_t last_revision = changes_last_revision(table_changes(round->table));
    int outcome = table_apply(round->table, event, round->now_ms, &got);
    unsigned n_settled = settle_with_log(round, last_revision);
    int want_outcome = (int)model_apply(&round->model, event, round->now_ms, &want);
    uint64_t n_entries = changes_last_revision(table_changes(round->table)) - last_revision;

    expect(round, outcome == want_outcome, "outcome %d, want %d", outcome, want_outcome);
    expect(round, got.restamped == want.restamped, "restamped %d", got.restamped);
    expect(round, n_entries == n_settled + want.n_updated + want.n_dropped,
           "%" PRIu64 " entries in the log, want %u, %u and %u", n_entries, n_settled, want.n_updated,
           want.n_dropped);
    if (outcome == TABLE_CHANGED) {
        expect_entry(round, event, got.revision);
    } else {
        expect(round, got.revision == 0, "revision %" PRIu64 " without a change", got.revision);
    }
    expect_user(round, event->app, event->user_id);
    reached->outcomes[outcome]++;
    reached->n_restamped += want.restamped;
    reached->n_dropped_for_room += want.n_dropped;
}

static void step_event(struct round *round, const struct table_event *event, struct reached *reached)
{
    struct user before = {0};
    struct user after = {0};

    (void)table_get(round->table, event->app, event->user_id, &before);
    round_apply(round, event, reached);
    round_expect_counts(round);
    if (table_get(round->table, event->app, event->user_id, &after) == 0) {
        expect_rows_appended(round, &before, &after);
        expect_reading(round, &after);
        expect_row_order(round, &after);
    }
}

void round_tick(struct round *round, struct reached *reached)
{
    uint64_t last_revision = changes_last_revision(table_changes(round->table));
    struct model_effect want;
    uint64_t next_ms;
    unsigned n_calls = 0;

    snprintf(round->what, sizeof(round->what), "tick");
    do {
        next_ms = table_tick(round->table, round->now_ms);
        expect(round, n_calls++ < 1000, "table_tick() never ends");
    } while (next_ms <= round->now_ms);
    model_tick(&round->model, round->now_ms, &want);
    uint64_t n_entries = changes_last_revision(table_changes(round->table)) - last_revision;

    expect(round, next_ms <= round->now_ms + 1000, "the next tick is at %" PRIu64, next_ms);
    round_expect_counts(round);
    unsigned n_sure = want.n_reopened + want.n_dropped;
    expect(round, n_entries <= want.n_updated + n_sure && n_entries >= n_sure,
           "%" PRIu64 " entries in the log, want %u, %u and %u", n_entries, want.n_updated, want.n_reopened,
           want.n_dropped);
    reached->n_windows_ended += want.n_updated;
    reached->n_windows_reopened += want.n_reopened;
    reached->n_dropped_for_age += want.n_dropped;
}

/* The instant at which a tick has something to do to the user. */
static uint64_t due_ms(const struct round *round, const struct user *user)
{
    struct user_summary summary;

    model_summarise(user, round->config.push_online_window_ms, round->now_ms, &summary);
    if (summary.state == USER_PUSH_ONLINE) {
        return summary.window_end_ms;
    }
    uint64_t since_ms = summary.has_since ? summary.since_ms : user->custom_status_time_ms;
    return since_ms + round->config.forget_after_ms;
}

/* To a millisecond before, at or behind where some user is due; never back. */
static void move_to_due(struct round *round)
{
    uint64_t *rng = &round->pool.rng;

    if (round->model.n_users > 0) {
        size_t i = rng_below(rng, (unsigned)round->model.n_users);
        uint64_t then_ms = due_ms(round, &round->model.users[i].user) + rng_below(rng, 3);
        round->now_ms = then_ms > round->now_ms + 1 ? then_ms - 1 : round->now_ms;
    }
}

/* Ahead by so much that windows end, or back to where it was before. */
static void jump(struct round *round)
{
    round->now_ms -= round->jumped_ms;
    round->jumped_ms = round->jumped_ms == 0 ? 1000 + rng_below(&round->pool.rng, 20000) : 0;
    round->now_ms += round->jumped_ms;
}

static void move_clock(struct round *round)
{
    uint64_t *rng = &round->pool.rng;

    switch (rng_below(rng, 24)) {
    case 0:
        round->now_ms += rng_below(rng, 3000);
        break;
    case 1:
        round->now_ms -= rng_below(rng, 3000);
        break;
    case 2:
        move_to_due(round);
        break;
    case 3:
    case 4:
        jump(round);
        break;
    default:
        round->now_ms += rng_below(rng, 3);
    }
}

void round_step(struct round *round, struct reached *reached)
{
    uint64_t *rng = &round->pool.rng;

    move_clock(round);
    if (one_in(rng, 6)) {
        round_tick(round, reached);
    } else {
        struct table_event *event = &round->recent[rng_below(rng, N_ITEMS(round->recent))];
        if (event->user_id.len == 0 || !one_in(rng, 5)) {
            *event = draw_event(&round->pool, round->now_ms);
        }
        step_event(round, event, reached);
    }
    follow(round, &round->replica);
    if (getenv("PRESENCED_TRACE") != NULL) {
        fprintf(stderr, "%u now %" PRIu64 ": %s\n", round->step, round->now_ms, round->what);
    }
}

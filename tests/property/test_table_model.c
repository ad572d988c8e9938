/* SPDX-License-Identifier: MIT */
/* The table against its model over random histories, and what must hold in any order and from many threads.
 *
 * PRESENCED_SEED    where the random numbers begin; a failure says with which seed its round is the first
 * PRESENCED_ROUNDS  how many rounds of each test
 * PRESENCED_TRACE   set: every step is printed */

#include "round.h"

#include <check.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

#define N_ROUNDS_DEFAULT 500
#define N_ROUNDS_ENOUGH 100 /* to reach everything, whatever the seed */
#define N_STEPS 400
#define N_THREADS 4

static uint64_t first_seed;
static unsigned n_rounds;

/* A comparison of what never happens finds nothing wrong with it. The rarest happens once in two rounds. */
static void expect_reached(const struct reached *reached)
{
    unsigned min = n_rounds / 10;

    for (unsigned outcome = 0; outcome <= TABLE_FULL; outcome++) {
        ck_assert_uint_gt(reached->outcomes[outcome], min);
    }
    ck_assert_uint_gt(reached->n_restamped, min);
    ck_assert_uint_gt(reached->n_windows_ended, min);
    ck_assert_uint_gt(reached->n_windows_reopened, min);
    ck_assert_uint_gt(reached->n_dropped_for_room, min);
    ck_assert_uint_gt(reached->n_dropped_for_age, min);
}

START_TEST(random_histories)
{
    struct reached reached = {0};

    for (unsigned i = 0; i < n_rounds; i++) {
        struct round round;
        struct table_config config = draw_config(first_seed + i);
        round_init(&round, first_seed + i, &config);
        for (round.step = 0; round.step < N_STEPS; round.step++) {
            round_step(&round, &reached);
            if (round.step % 50 == 49) {
                round_expect_everything(&round);
            }
        }
        round_fini(&round);
    }
    if (n_rounds >= N_ROUNDS_ENOUGH) {
        expect_reached(&reached);
    }
}
END_TEST

#define N_CHOSEN 6

#define AT(ms) .has_event_time = true, .event_time_ms = HISTORY_START_MS + (ms)
#define BIT(platform) (UINT64_C(1) << (platform))

static const struct table_event chosen[][N_CHOSEN] = {
    /* A login that kicks, what it kicked coming late, and an end of everything in between. */
    {
        {.kind = TABLE_LOGIN, .platform = PLATFORM_IOS, AT(10), .client = {4, {192, 0, 2, 4}}},
        {.kind = TABLE_LOGIN,
         .platform = PLATFORM_WEB,
         AT(20),
         .kicked = {{BIT(PLATFORM_IOS) | BIT(PLATFORM_WEB)}}},
        {.kind = TABLE_DISCONNECT, .platform = PLATFORM_IOS, .reason = ROW_REASON_TIMEOUT, AT(20)},
        {.kind = TABLE_LOGOUT, .platform = PLATFORM_RESTAPI, .reason = ROW_REASON_UNREGISTER, AT(15)},
        {.kind = TABLE_LOGIN, .platform = PLATFORM_ANDROID, AT(15)},
        {.kind = TABLE_CUSTOM_STATUS, .custom_status = {"busy", 4}, AT(30)},
    },
    /* All at one instant: action, reason and address decide. */
    {
        {.kind = TABLE_LOGIN, .platform = PLATFORM_IPAD, .reason = ROW_REASON_OTHER, AT(5)},
        {.kind = TABLE_LOGIN, .platform = PLATFORM_IPAD, AT(5), .client = {4, {192, 0, 2, 5}}},
        {.kind = TABLE_LOGIN,
         .platform = PLATFORM_IPAD,
         .reason = ROW_REASON_OTHER,
         AT(5),
         .client = {4, {192, 0, 2, 4}}},
        {.kind = TABLE_DISCONNECT, .platform = PLATFORM_IPAD, .reason = ROW_REASON_OTHER, AT(5)},
        {.kind = TABLE_LOGIN,
         .platform = PLATFORM_MAC,
         AT(5),
         .kicked = {{BIT(PLATFORM_IPAD) | BIT(PLATFORM_RESTAPI)}}},
        {.kind = TABLE_DISCONNECT, .platform = PLATFORM_RESTAPI, .reason = ROW_REASON_LINK_CLOSE, AT(5)},
    },
    /* Two ends of RESTAPI, the later of which is itself superseded by a login of RESTAPI. */
    {
        {.kind = TABLE_DISCONNECT, .platform = PLATFORM_RESTAPI, AT(10)},
        {.kind = TABLE_LOGOUT, .platform = PLATFORM_RESTAPI, AT(40)},
        {.kind = TABLE_LOGIN, .platform = PLATFORM_RESTAPI, AT(50), .kicked = {{BIT(PLATFORM_LINUX)}}},
        {.kind = TABLE_LOGIN, .platform = PLATFORM_ANDROID, AT(40)},
        {.kind = TABLE_CUSTOM_STATUS, .custom_status = {"a", 1}, AT(7)},
        {.kind = TABLE_CUSTOM_STATUS, .custom_status = {"ab", 2}, AT(7)},
    },
};

/* The `n`th order of six, counted in the factorial number system. */
static void nth_order(unsigned n, unsigned ret_order[static N_CHOSEN])
{
    unsigned left[N_CHOSEN] = {0, 1, 2, 3, 4, 5};

    for (unsigned i = 0; i < N_CHOSEN; i++) {
        unsigned n_left = N_CHOSEN - i;
        unsigned pick = n % n_left;
        n /= n_left;
        ret_order[i] = left[pick];
        left[pick] = left[n_left - 1];
    }
}

START_TEST(every_order_ends_the_same)
{
    struct table_config config = {.push_online_window_ms = 1000};
    struct table *table cleanup(table_freep) = NULL;
    struct model model cleanup(model_fini) = {.config = config};
    uint16_t app;

    ck_assert_int_eq(table_new(&config, &table), 0);
    ck_assert_int_eq(table_add_app(table, HISTORY_FIRST_APP_ID, &app), 0);
    for (unsigned i = 0; i < N_CHOSEN; i++) {
        struct table_event event = chosen[_i][i];
        struct model_effect unused;
        event.user_id = STR("model");
        model_apply(&model, &event, HISTORY_START_MS, &unused);
    }
    for (unsigned n = 0; n < 720; n++) {
        struct user want = model.users[0].user;
        struct user got;
        unsigned order[N_CHOSEN];
        want.id_len = (uint16_t)snprintf(want.id, sizeof(want.id), "order %u", n);
        nth_order(n, order);
        for (unsigned i = 0; i < N_CHOSEN; i++) {
            struct table_event event = chosen[_i][order[i]];
            struct table_applied unused;
            event.user_id = user_id(&want);
            ck_assert_int_ge(table_apply(table, &event, HISTORY_START_MS, &unused), 0);
        }
        ck_assert_int_eq(table_get(table, app, user_id(&want), &got), 0);
        ck_assert_msg(users_equal(&got, &want), "set %d, order %u: %u %u %u %u %u %u", _i, n, order[0],
                      order[1], order[2], order[3], order[4], order[5]);
    }
}
END_TEST

#define N_HISTORY 300

/* One of several that apply a history to one table, each in an order of its own. */
struct applier {
    pthread_barrier_t *start;
    struct table *table;
    const struct table_event *history;
    uint64_t rng;
    unsigned number;
    bool failed;
};

static void shuffle(unsigned *order, unsigned n, uint64_t *rng)
{
    for (unsigned i = n; i > 1; i--) {
        unsigned j = rng_below(rng, i);
        unsigned swapped = order[i - 1];
        order[i - 1] = order[j];
        order[j] = swapped;
    }
}

/* Its own part of the history, and a third of the others'. */
static void *apply_history(void *cls)
{
    struct applier *applier = cls;
    unsigned order[N_HISTORY];

    for (unsigned i = 0; i < N_HISTORY; i++) {
        order[i] = i;
    }
    shuffle(order, N_HISTORY, &applier->rng);
    (void)pthread_barrier_wait(applier->start);
    for (unsigned i = 0; i < N_HISTORY; i++) {
        struct table_applied applied;
        if (order[i] % N_THREADS != applier->number && !one_in(&applier->rng, 3)) {
            continue;
        }
        if (table_apply(applier->table, &applier->history[order[i]], HISTORY_START_MS, &applied) < 0) {
            applier->failed = true;
        }
    }
    return NULL;
}

static void apply_from_threads(struct round *round, const struct table_event *history)
{
    struct applier appliers[N_THREADS];
    pthread_t threads[N_THREADS];
    pthread_barrier_t start;

    ck_assert_int_eq(pthread_barrier_init(&start, NULL, N_THREADS), 0);
    for (unsigned i = 0; i < N_THREADS; i++) {
        appliers[i] = (struct applier){&start, round->table, history, rng_next(&round->pool.rng), i, false};
        ck_assert_int_eq(pthread_create(&threads[i], NULL, apply_history, &appliers[i]), 0);
    }
    for (unsigned i = 0; i < N_THREADS; i++) {
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
        expect(round, !appliers[i].failed, "table_apply() failed");
    }
    (void)pthread_barrier_destroy(&start);
}

START_TEST(threads_end_as_the_model)
{
    for (unsigned i = 0; i < n_rounds; i++) {
        struct table_event history[N_HISTORY];
        struct round round;
        round_init(&round, first_seed + i, &(struct table_config){.push_online_window_ms = 1000});
        round.pool.own_stamps = true;
        for (unsigned j = 0; j < N_HISTORY; j++) {
            struct model_effect unused;
            history[j] = draw_event(&round.pool, HISTORY_START_MS);
            model_apply(&round.model, &history[j], HISTORY_START_MS, &unused);
        }
        apply_from_threads(&round, history);
        round_expect_everything(&round);
        round_fini(&round);
    }
}
END_TEST

/* So many that the table's parts hold more than one user each. */

#define N_CROWD 3000
#define N_CROWD_STEPS 8000

static void run_crowd_step(struct round *round, struct reached *reached)
{
    round->now_ms += rng_below(&round->pool.rng, 3);
    if (round->step % 200 == 199) {
        round_tick(round, reached);
    } else {
        struct table_event event = draw_event(&round->pool, round->now_ms);
        round_apply(round, &event, reached);
    }
}

START_TEST(a_crowd_comes_and_goes)
{
    struct table_config config = {.push_online_window_ms = 1000, .max_users = 2000};
    struct reached reached = {0};
    struct round round;

    config.forget_after_ms = (first_seed + (unsigned)_i) % 2 == 0 ? 0 : 2500;
    round_init(&round, first_seed + (unsigned)_i, &config);
    round.pool.n_platforms = 6;
    round.pool.ids = history_crowd;
    round.pool.n_ids = N_CROWD;
    for (round.step = 0; round.step < N_CROWD_STEPS; round.step++) {
        run_crowd_step(&round, &reached);
    }
    round_expect_counts(&round);
    round_expect_users(&round);
    round_expect_log(&round);
    for (int state = -1; state < USER_N_STATES; state++) {
        round_expect_listed(&round, &(struct table_filter){-1, state, -1});
    }
    round_fini(&round);
}
END_TEST

static void note_age(void *cls, const struct user *user)
{
    unsigned *n_seen = cls;
    n_seen[user->rows[0].event_time_ms - HISTORY_START_MS]++;
}

/* Logs user `i` of the crowd in or out at an instant that is its own. */
static int touch(struct table *table, enum table_event_kind kind, unsigned i, uint64_t age_ms)
{
    struct table_applied unused;
    struct table_event event = {
        .kind = kind, .platform = PLATFORM_WEB, .user_id = history_crowd[i], AT(age_ms)};
    return table_apply(table, &event, HISTORY_START_MS, &unused);
}

/* Of a full table's idle users those that have been so the longest make room, in that order. */
START_TEST(the_longest_idle_make_room)
{
    struct table_config config = {.max_users = HISTORY_N_CROWD / 3 * UINT64_C(2)};
    unsigned *n_seen cleanup(cleanup_freep) = calloc(HISTORY_N_CROWD, sizeof(*n_seen));
    struct table *table cleanup(table_freep) = NULL;
    struct table_cursor cursor = {0};
    unsigned n_new = HISTORY_N_CROWD / 3;
    unsigned n_held = 2 * n_new;
    uint16_t app;

    ck_assert_ptr_nonnull(n_seen);
    ck_assert_int_eq(table_new(&config, &table), 0);
    ck_assert_int_eq(table_add_app(table, HISTORY_FIRST_APP_ID, &app), 0);
    for (unsigned i = 0; i < n_held; i++) {
        ck_assert_int_eq(touch(table, TABLE_LOGOUT, i, (uint64_t)i * 7919 % n_held), TABLE_CHANGED);
    }
    for (unsigned i = 0; i < n_new; i++) {
        ck_assert_int_eq(touch(table, TABLE_LOGIN, n_held + i, n_held + i), TABLE_CHANGED);
    }
    while (table_list(table, &(struct table_filter){-1, -1, -1}, 1000, 1000, &cursor, note_age, n_seen)) {}
    for (unsigned age = 0; age < HISTORY_N_CROWD; age++) {
        if (n_seen[age] != (age >= n_new)) {
            ck_abort_msg("the user of %u was listed %u times", age, n_seen[age]);
        }
    }
}
END_TEST

/* One of several that do what they like: events, ticks and readings of all kinds. */
struct stirrer {
    pthread_barrier_t *start;
    struct table *table;
    struct pool pool;
    const char *wrong;
};

static void stir_once(struct stirrer *stirrer, struct listed *listed, uint64_t now_ms)
{
    uint64_t *rng = &stirrer->pool.rng;
    struct table_event event = draw_event(&stirrer->pool, now_ms);
    struct table_applied applied;
    struct table_counts counts;
    struct user user;

    switch (rng_below(rng, 8)) {
    case 0:
        (void)table_tick(stirrer->table, now_ms);
        break;
    case 1:
        (void)table_get(stirrer->table, event.app, event.user_id, &user);
        table_counts(stirrer->table, event.app, &counts);
        break;
    case 2:
        /* A user who is dropped and comes again while the list is read may be met twice. */
        (void)listed_read(listed, stirrer->table, &(struct table_filter){-1, -1, -1}, 3, 5);
        break;
    default:
        if (table_apply(stirrer->table, &event, now_ms, &applied) < 0) {
            stirrer->wrong = "table_apply() failed";
        }
    }
}

static void *stir(void *cls)
{
    struct stirrer *stirrer = cls;
    struct listed listed = {0};
    uint64_t now_ms = HISTORY_START_MS;

    (void)pthread_barrier_wait(stirrer->start);
    for (unsigned i = 0; i < N_HISTORY && stirrer->wrong == NULL; i++) {
        now_ms += rng_below(&stirrer->pool.rng, 20);
        stir_once(stirrer, &listed, now_ms);
    }
    users_fini(&listed.users);
    return NULL;
}

static void stir_from_threads(struct round *round)
{
    struct stirrer stirrers[N_THREADS];
    pthread_t threads[N_THREADS];
    pthread_barrier_t start;

    ck_assert_int_eq(pthread_barrier_init(&start, NULL, N_THREADS), 0);
    for (unsigned i = 0; i < N_THREADS; i++) {
        stirrers[i] = (struct stirrer){.start = &start, .table = round->table, .pool = round->pool};
        stirrers[i].pool.rng = rng_next(&round->pool.rng);
        ck_assert_int_eq(pthread_create(&threads[i], NULL, stir, &stirrers[i]), 0);
    }
    for (unsigned i = 0; i < N_THREADS; i++) {
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
        expect(round, stirrers[i].wrong == NULL, "%s", stirrers[i].wrong);
    }
    (void)pthread_barrier_destroy(&start);
}

/* The model has not followed what the threads did: it takes over what the table holds, and how it says that
 * came about, so that everything the table says of itself can be held against it. */
static void adopt(struct round *round)
{
    const struct users *users = &round->listed.users;
    const char *wrong = listed_read(&round->listed, round->table, &(struct table_filter){-1, -1, -1}, 3, 5);

    expect(round, wrong == NULL, "table_list(): %s", wrong);
    for (size_t i = 0; i < users->n; i++) {
        model_adopt(&round->model, &users->users[i], round->now_ms);
    }
    for (uint16_t app = 0; app < HISTORY_N_APPS_MAX; app++) {
        struct table_counts counts;
        table_counts(round->table, app, &counts);
        round->model.apps[app] = (struct model_app){counts.forgotten_before_ms, counts.n_dropped_for_room,
                                                    counts.n_dropped_for_age};
    }
}

START_TEST(threads_leave_the_table_whole)
{
    for (unsigned i = 0; i < n_rounds; i++) {
        struct round round;
        struct table_config config = draw_config(first_seed + i);
        struct reached unused = {0};
        config.changes_max_entries = 0;
        config.changes_max_bytes = 0;
        round_init(&round, first_seed + i, &config);
        stir_from_threads(&round);
        round.now_ms = HISTORY_START_MS + UINT64_C(20) * N_HISTORY + TABLE_MAX_AHEAD_MS;
        while (table_tick(round.table, round.now_ms) <= round.now_ms) {}
        adopt(&round);
        expect(&round, config.max_users == 0 || round.model.n_users <= config.max_users, "%zu users",
               round.model.n_users);
        round_expect_everything(&round);
        for (round.step = 0; round.step < N_STEPS / 8; round.step++) {
            round_step(&round, &unused);
        }
        round_expect_everything(&round);
        round_fini(&round);
    }
}
END_TEST

#define N_STILL 40

static atomic_bool is_done;

static void *come_and_go(void *cls)
{
    struct stirrer *stirrer = cls;

    for (unsigned i = 0; !atomic_load(&is_done); i++) {
        struct table_event event = draw_event(&stirrer->pool, HISTORY_START_MS + i);
        struct table_applied applied;
        (void)table_apply(stirrer->table, &event, HISTORY_START_MS + i, &applied);
        (void)table_tick(stirrer->table, HISTORY_START_MS + i);
    }
    return NULL;
}

struct still_seen {
    unsigned n_seen[N_STILL];
};

static void note_still(void *cls, const struct user *user)
{
    struct still_seen *seen = cls;

    if (user->app == 1) {
        seen->n_seen[user->rows[0].event_time_ms - HISTORY_START_MS]++;
    }
}

static void add_still_users(struct table *table)
{
    for (unsigned i = 0; i < N_STILL; i++) {
        char id[16];
        struct table_applied unused;
        struct table_event event = {.kind = TABLE_LOGIN, .platform = PLATFORM_WEB, .app = 1, AT(i)};
        snprintf(id, sizeof(id), "still %u", i);
        event.user_id = str_from(id);
        ck_assert_int_eq(table_apply(table, &event, HISTORY_START_MS, &unused), TABLE_CHANGED);
    }
}

static void expect_still_users(struct round *round)
{
    static const struct table_filter filters[] = {{-1, -1, -1},
                                                  {1, -1, -1},
                                                  {-1, USER_ONLINE, -1},
                                                  {1, USER_ONLINE, PLATFORM_WEB},
                                                  {-1, -1, PLATFORM_WEB}};
    const struct table_filter *filter = &filters[rng_below(&round->pool.rng, N_ITEMS(filters))];
    struct table_cursor cursor = {0};
    struct still_seen seen = {0};
    size_t limit = 1 + rng_below(&round->pool.rng, 5);

    while (table_list(round->table, filter, limit, 7, &cursor, note_still, &seen)) {}
    for (unsigned i = 0; i < N_STILL; i++) {
        expect(round, seen.n_seen[i] == 1, "user %u was listed %u times", i, seen.n_seen[i]);
    }
}

START_TEST(paging_meets_each_still_user_once)
{
    struct round round;
    struct table_config config = {.push_online_window_ms = 3, .forget_after_ms = 2, .max_users = N_STILL + 8};
    struct stirrer stirrer;
    pthread_t thread;

    round_init(&round, first_seed, &config);
    round.pool.n_apps = 1;
    round.pool.n_ids = HISTORY_N_IDS;
    add_still_users(round.table);
    atomic_store(&is_done, false);
    stirrer = (struct stirrer){.table = round.table, .pool = round.pool};
    ck_assert_int_eq(pthread_create(&thread, NULL, come_and_go, &stirrer), 0);
    for (round.step = 0; round.step < 2 * n_rounds; round.step++) {
        expect_still_users(&round);
    }
    atomic_store(&is_done, true);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    round_fini(&round);
}
END_TEST

/* Two platforms kick each other by turns. */
static void *take_turns(void *cls)
{
    for (unsigned i = 0; i < 100 * n_rounds; i++) {
        struct table_applied unused;
        struct table_event event = {
            .kind = TABLE_LOGIN,
            .platform = i % 2 == 0 ? PLATFORM_IOS : PLATFORM_WEB,
            .user_id = history_ids[0],
            .kicked = {{BIT(PLATFORM_IOS) | BIT(PLATFORM_WEB)}},
            AT(i),
        };
        (void)table_apply(cls, &event, HISTORY_START_MS, &unused);
    }
    atomic_store(&is_done, true);
    return NULL;
}

START_TEST(no_reader_sees_half_a_login)
{
    struct round round;
    pthread_t thread;

    round_init(&round, first_seed, &(struct table_config){0});
    atomic_store(&is_done, false);
    ck_assert_int_eq(pthread_create(&thread, NULL, take_turns, round.table), 0);
    for (bool is_last = false; !is_last; round.step++) {
        struct user user;
        is_last = atomic_load(&is_done);
        if (table_get(round.table, 0, history_ids[0], &user) == TABLE_ABSENT) {
            continue;
        }
        const struct row *rows = user.rows;
        expect(&round, user.n_rows == 2 && rows[0].event_time_ms == rows[1].event_time_ms, "%u rows",
               user.n_rows);
        expect(&round, (rows[0].action == ROW_LOGIN) != (rows[1].action == ROW_LOGIN), "actions %u and %u",
               rows[0].action, rows[1].action);
    }
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    round_fini(&round);
}
END_TEST

static uint64_t env_u64(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    uint64_t value;

    if (text == NULL) {
        return otherwise;
    }
    if (!str_parse_u64(str_from(text), UINT64_MAX, &value)) {
        fprintf(stderr, "%s is not a number\n", name);
        exit(2);
    }
    return value;
}

static uint64_t some_seed(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static Suite *make_suite(void)
{
    Suite *suite = suite_create("table against its model");
    TCase *cases = tcase_create("properties");

    tcase_set_timeout(cases, 60 + n_rounds);
    tcase_add_test(cases, random_histories);
    tcase_add_loop_test(cases, every_order_ends_the_same, 0, (int)N_ITEMS(chosen));
    tcase_add_loop_test(cases, a_crowd_comes_and_goes, 0, 1 + (int)n_rounds / 250);
    tcase_add_test(cases, the_longest_idle_make_room);
    tcase_add_test(cases, threads_end_as_the_model);
    tcase_add_test(cases, threads_leave_the_table_whole);
    tcase_add_test(cases, no_reader_sees_half_a_login);
    tcase_add_test(cases, paging_meets_each_still_user_once);
    suite_add_tcase(suite, cases);
    return suite;
}

int main(void)
{
    first_seed = env_u64("PRESENCED_SEED", some_seed());
    n_rounds = (unsigned)env_u64("PRESENCED_ROUNDS", N_ROUNDS_DEFAULT);
    history_init();
    printf("PRESENCED_SEED=%" PRIu64 " PRESENCED_ROUNDS=%u\n", first_seed, n_rounds);
    fflush(stdout);

    SRunner *runner = srunner_create(make_suite());
    srunner_run_all(runner, CK_ENV);
    int n_failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

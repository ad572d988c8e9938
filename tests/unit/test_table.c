/* SPDX-License-Identifier: MIT */
/* Apps, lookups, what a follower of the log sees, and threads. The rules are tested in test_apply.c,
 * test_aging.c and test_list.c. */
#include "../../src/presence/table_private.h"
#include "presenced/record.h"
#include "suite.h"
#include "table_fixture.h"
#include "must.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

#define WINDOW_MS UINT64_C(1000)

static void set_up(void)
{
    table_fixture_open((struct table_config){.push_online_window_ms = WINDOW_MS});
}

START_TEST(finds_apps_by_id)
{
    uint16_t app = 77;
    ck_assert_uint_eq(table_n_apps(fixture.table), 2);
    ck_assert_int_eq(table_add_app(fixture.table, 1400000001, &app), -EEXIST);
    ck_assert_uint_eq(app, 77);
    ck_assert_int_eq(table_find_app(fixture.table, 1400000001), fixture.other_app);
    ck_assert_int_eq(table_find_app(fixture.table, 1400000002), -1);
    ck_assert_uint_eq(table_app_id(fixture.table, fixture.app), 1400000000);
    for (unsigned i = 2; i < TABLE_N_APPS_MAX; i++) {
        ck_assert_int_eq(table_add_app(fixture.table, i, &app), 0);
        ck_assert_uint_eq(app, i);
    }
    ck_assert_int_eq(table_add_app(fixture.table, 1400000002, &app), -ENOSPC);
    ck_assert_uint_eq(table_n_apps(fixture.table), TABLE_N_APPS_MAX);
}
END_TEST

START_TEST(an_absent_user_is_said_to_be)
{
    char long_id[USER_ID_MAX + 2];
    memset(long_id, 'a', sizeof(long_id));
    long_id[USER_ID_MAX + 1] = '\0';
    (void)apply(login("alice", PLATFORM_IOS, NOW_MS));
    ck_assert(is_held("alice"));
    ck_assert(!is_held("alic"));
    ck_assert(!is_held("Alice"));
    ck_assert(!is_held("alicea"));
    ck_assert(!is_held(""));
    ck_assert(!is_held(long_id));
}
END_TEST

START_TEST(platform_names_are_of_the_table)
{
    struct platform_names *names = table_platform_names(fixture.table);
    uint8_t platform = platform_intern(names, STR("HarmonyOS"));
    (void)apply(login("alice", platform, NOW_MS));
    ck_assert_uint_eq(counts().n_online_rows[platform], 1);
}
END_TEST

/* A log of 16 holds the last 16 changes; whoever missed one is told. */
START_TEST(an_overflown_log_says_so)
{
    struct buf storage cleanup(buf_fini) = {0};
    struct change changes[32];
    size_t n = 0;
    table_fixture_close();
    table_fixture_open((struct table_config){.changes_max_entries = 16, .changes_max_bytes = 4096});
    for (unsigned i = 0; i < 20; i++) {
        ck_assert_int_eq(apply(login("alice", PLATFORM_IOS, NOW_MS + i)), TABLE_CHANGED);
    }
    struct changes *log_of_changes = table_changes(fixture.table);
    ck_assert_int_eq(changes_read(log_of_changes, 3, 32, 4096, &storage, changes, &n), CHANGES_LOST);
    ck_assert_uint_eq(changes_after(4, &storage, changes, 32), 16);
    ck_assert_uint_eq(changes[15].revision, 20);
}
END_TEST

#define N_THREADS 4
#define N_EVENTS 8000
#define N_USERS 50

struct history {
    struct table_event events[N_EVENTS];
    char ids[N_USERS][8];
};

static struct history history;

/* Events with stamps of their own, many of them equal. */
static void draw_history(unsigned seed)
{
    static const char *const statuses[] = {"", "busy", "away"};
    for (unsigned i = 0; i < N_USERS; i++) {
        (void)snprintf(history.ids[i], sizeof(history.ids[i]), "user%u", i);
    }
    for (unsigned i = 0; i < N_EVENTS; i++) {
        struct table_event *event = &history.events[i];
        unsigned kind = (unsigned)rand_r(&seed) % 8;
        *event = login(history.ids[(unsigned)rand_r(&seed) % N_USERS], (uint8_t)(rand_r(&seed) % 9),
                       NOW_MS - (unsigned)rand_r(&seed) % 30);
        event->client.bytes[3] = (uint8_t)(rand_r(&seed) % 3);
        event->kind = kind < 4 ? TABLE_LOGIN : (enum table_event_kind)(kind - 4);
        event->custom_status = str_from(statuses[(unsigned)rand_r(&seed) % 3]);
        event->kicked.bits[0] = (unsigned)rand_r(&seed) & 0x1ff & (unsigned)rand_r(&seed);
    }
}

struct shift {
    unsigned from;
    atomic_bool *stop;
};

static void *apply_share(void *cls)
{
    const struct shift *shift = cls;
    struct table_applied applied;
    for (unsigned i = shift->from; i < N_EVENTS; i += N_THREADS) {
        must(table_apply(fixture.table, &history.events[i], NOW_MS, &applied) >= 0);
    }
    return NULL;
}

static void count_user(void *cls, const struct user *user)
{
    unsigned *n = cls;
    must(user->id_len >= 5);
    *n += 1;
}

/* Reads whatever there is to read until it is stopped. */
static void *read_along(void *cls)
{
    const struct shift *shift = cls;
    while (!atomic_load(shift->stop)) {
        const struct table_filter filter = {-1, USER_ONLINE, -1};
        struct table_cursor cursor = {0};
        struct user user;
        unsigned n = 0;
        (void)table_list(fixture.table, &filter, 1000, 1000, &cursor, count_user, &n);
        ck_assert_uint_le(n, N_USERS + N_EVENTS);
        (void)table_get(fixture.table, fixture.app, str_from(history.ids[0]), &user);
        (void)counts();
        (void)table_tick(fixture.table, NOW_MS);
    }
    return NULL;
}

static void apply_from_threads(void)
{
    pthread_t threads[N_THREADS + 1];
    struct shift shifts[N_THREADS + 1];
    atomic_bool stop = false;
    for (unsigned i = 0; i < N_THREADS + 1; i++) {
        shifts[i] = (struct shift){i, &stop};
        ck_assert_int_eq(
            pthread_create(&threads[i], NULL, i < N_THREADS ? apply_share : read_along, &shifts[i]), 0);
    }
    for (unsigned i = 0; i < N_THREADS + 1; i++) {
        atomic_store(&stop, i >= N_THREADS - 1);
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    }
}

/* The users that the log tells of: what a follower has in the end. */
static struct user followed[N_USERS];

static void follow_log(void)
{
    struct buf storage cleanup(buf_fini) = {0};
    struct change changes[64];
    uint64_t revision = 0;
    size_t n;
    while ((n = changes_after(revision, &storage, changes, 64)) > 0) {
        for (size_t i = 0; i < n; i++) {
            uint64_t number;
            struct user user;
            record_decode((const uint8_t *)changes[i].record.ptr, &user);
            struct str digits = {user.id + 4, user.id_len - (size_t)4};
            ck_assert(str_parse_u64(digits, N_USERS - 1, &number));
            ck_assert_uint_eq(changes[i].revision, ++revision);
            followed[number] = user;
        }
    }
}

/* Whatever way four threads take through a history, it ends as if one had gone through it. */
START_TEST(threads_end_as_one)
{
    unsigned seed = (unsigned)time(NULL);
    struct user users[N_USERS];
    printf("seed %u\n", seed);
    draw_history(seed);
    for (unsigned i = 0; i < N_EVENTS; i++) {
        must(apply(history.events[i]) >= 0);
    }
    for (unsigned i = 0; i < N_USERS; i++) {
        users[i] = get(history.ids[i]);
    }
    struct table_counts expected = counts();
    table_fixture_close();
    set_up();
    apply_from_threads();
    follow_log();
    for (unsigned i = 0; i < N_USERS; i++) {
        struct user user = get(history.ids[i]);
        check_users_equal(&user, &users[i]);
        check_users_equal(&user, &followed[i]);
    }
    struct table_counts now = counts();
    ck_assert_mem_eq(&now, &expected, sizeof(now));
}
END_TEST

/* All want room at once: the bound holds, and counts, lists and users agree in the end. */
START_TEST(threads_and_room)
{
    const struct table_filter filter = {-1, -1, -1};
    struct table_cursor cursor = {0};
    unsigned seed = (unsigned)time(NULL);
    unsigned n_listed = 0;
    unsigned n_held = 0;
    uint64_t n_counted = 0;
    printf("seed %u\n", seed);
    table_fixture_close();
    table_fixture_open((struct table_config){.push_online_window_ms = 5, .max_users = N_USERS / 4});
    draw_history(seed);
    apply_from_threads();
    ck_assert(!table_list(fixture.table, &filter, 1000, 1000, &cursor, count_user, &n_listed));
    struct table_counts now = counts();
    for (unsigned i = 0; i < USER_N_STATES; i++) {
        n_counted += now.n_users[i];
    }
    for (unsigned i = 0; i < N_USERS; i++) {
        n_held += is_held(history.ids[i]);
    }
    ck_assert_uint_le(n_listed, N_USERS / 4);
    ck_assert_uint_eq(n_listed, n_held);
    ck_assert_uint_eq(n_listed, n_counted);
}
END_TEST

static void *pass_locks(void *cls)
{
    table_pass_locks(cls);
    return NULL;
}

/* A lock that is held for good is not got past. */
START_TEST(threads_pass_locks_on)
{
    pthread_t thread;
    struct timespec until;
    pthread_mutex_t *lock = &fixture.table->shards[_i == 0 ? 0 : TABLE_N_SHARDS - 1].lock;
    table_pass_locks(fixture.table);
    (void)pthread_mutex_lock(lock);
    ck_assert_int_eq(pthread_create(&thread, NULL, pass_locks, fixture.table), 0);
    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 1;
    ck_assert_int_eq(pthread_timedjoin_np(thread, NULL, &until), ETIMEDOUT);
    (void)pthread_mutex_unlock(lock);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
}
END_TEST

START_TEST(free_takes_null)
{
    table_free(NULL);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("table");
    TCase *tcase = tcase_create("table");
    tcase_add_checked_fixture(tcase, set_up, table_fixture_close);
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, finds_apps_by_id);
    tcase_add_test(tcase, an_absent_user_is_said_to_be);
    tcase_add_test(tcase, platform_names_are_of_the_table);
    tcase_add_test(tcase, an_overflown_log_says_so);
    tcase_add_test(tcase, threads_end_as_one);
    tcase_add_test(tcase, threads_and_room);
    tcase_add_loop_test(tcase, threads_pass_locks_on, 0, 2); /* the first, the last */
    tcase_add_test(tcase, free_takes_null);
    suite_add_tcase(suite, tcase);
    return suite;
}

/* SPDX-License-Identifier: MIT */
/* Rounds over the users of an app. */
#include "../../src/reconcile/walk.h"
#include "suite.h"
#include "table_fixture.h"

#include <stdio.h>

#define N_USERS 1000
#define ROUND_MS 100000

static struct walk walk;
static unsigned seen[N_USERS];

static void set_up(void)
{
    table_fixture_open((struct table_config){0});
    memset(seen, 0, sizeof(seen));
    for (unsigned i = 0; i < N_USERS; i++) {
        char user[16];
        (void)snprintf(user, sizeof(user), "%u", i);
        (void)apply(i % 4 == 0 ? login(user, PLATFORM_WEB, NOW_MS) : logout(user, PLATFORM_WEB, NOW_MS));
        struct table_event event = login(user, PLATFORM_WEB, NOW_MS);
        event.app = fixture.other_app;
        (void)apply(event);
    }
}

static void tear_down(void)
{
    table_fixture_close();
}

static bool see(void *cls, const struct user *user)
{
    uint64_t number = N_USERS;
    (void)cls;
    ck_assert_uint_eq(user->app, fixture.app);
    ck_assert(str_parse_u64(user_id(user), N_USERS - 1, &number));
    seen[number]++;
    return true;
}

/* What another node does not ask about. */
static bool see_every_third(void *cls, const struct user *user)
{
    uint64_t number = 0;
    (void)str_parse_u64(user_id(user), N_USERS - 1, &number);
    return number % 3 == 0 && see(cls, user);
}

/* So many seconds, asking what is due each second. */
static void pass(uint64_t from_ms, unsigned seconds, uint64_t n_users)
{
    for (unsigned i = 1; i <= seconds; i++) {
        uint64_t now_ms = from_ms + i * 1000;
        uint64_t due = walk_due(&walk, n_users, ROUND_MS, now_ms);
        (void)walk_take(&walk, fixture.table, due, now_ms, see, NULL);
    }
}

static unsigned n_seen(void)
{
    unsigned n = 0;
    for (unsigned i = 0; i < N_USERS; i++) {
        n += seen[i];
    }
    return n;
}

START_TEST(goes_over_all_evenly_and_once_a_round)
{
    walk_init(&walk, fixture.app, false, 0);
    pass(0, 50, N_USERS);
    ck_assert_uint_ge(n_seen(), N_USERS / 2);
    ck_assert_uint_le(n_seen(), N_USERS / 2 + 1);
    pass(50000, 50, N_USERS);
    for (unsigned i = 0; i < N_USERS; i++) {
        ck_assert_uint_eq(seen[i], 1);
    }
    ck_assert(walk.is_over);
    pass(100000, 101, N_USERS);
    ck_assert_uint_eq(n_seen(), 2 * N_USERS);
}
END_TEST

START_TEST(goes_over_those_online_alone)
{
    walk_init(&walk, fixture.app, true, 0);
    pass(0, 100, N_USERS / 4);
    for (unsigned i = 0; i < N_USERS; i++) {
        ck_assert_uint_eq(seen[i], i % 4 == 0);
    }
}
END_TEST

/* Who was held up is behind, and goes on. */
START_TEST(what_is_late_is_due_at_once)
{
    walk_init(&walk, fixture.app, false, 0);
    ck_assert_uint_eq(walk_due(&walk, N_USERS, ROUND_MS, 10 * ROUND_MS), N_USERS);
    while (!walk_take(&walk, fixture.table, 100, 10 * ROUND_MS, see, NULL)) {}
    ck_assert_uint_eq(n_seen(), N_USERS);
    ck_assert_uint_eq(walk.took_ms, 10 * ROUND_MS);
}
END_TEST

/* So that a call is full though most users are left to others. */
START_TEST(as_many_are_taken_as_there_is_room_for)
{
    walk_init(&walk, fixture.app, false, 0);
    ck_assert(!walk_take(&walk, fixture.table, 100, 0, see_every_third, NULL));
    ck_assert_uint_eq(n_seen(), 100);
    ck_assert_uint_eq(walk.n_taken, 100);
    ck_assert(walk_take(&walk, fixture.table, N_USERS, 0, see_every_third, NULL));
    for (unsigned i = 0; i < N_USERS; i++) {
        ck_assert_uint_eq(seen[i], i % 3 == 0);
    }
}
END_TEST

START_TEST(nobody_is_due_where_there_is_nobody)
{
    walk_init(&walk, fixture.app, false, 0);
    ck_assert_uint_eq(walk_due(&walk, 0, ROUND_MS, 5000), 0);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("walk");
    TCase *tcase = tcase_create("walk");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, goes_over_all_evenly_and_once_a_round);
    tcase_add_test(tcase, goes_over_those_online_alone);
    tcase_add_test(tcase, what_is_late_is_due_at_once);
    tcase_add_test(tcase, as_many_are_taken_as_there_is_room_for);
    tcase_add_test(tcase, nobody_is_due_where_there_is_nobody);
    suite_add_tcase(suite, tcase);
    return suite;
}

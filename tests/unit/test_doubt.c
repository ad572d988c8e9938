/* SPDX-License-Identifier: MIT */
/* Who is marked to be asked about. */
#include "suite.h"
#include "table_fixture.h"

#include <stdio.h>

static char taken[64];

static void set_up(void)
{
    table_fixture_open((struct table_config){.max_users = 20000});
    table_mark_doubts(fixture.table, fixture.app, true);
}

static void tear_down(void)
{
    table_fixture_close();
}

static void note_user(void *cls, const struct user *user)
{
    size_t len = strlen(taken);
    (void)cls;
    (void)snprintf(taken + len, sizeof(taken) - len, "%.*s ", STR_FMT(user_id(user)));
}

static size_t take_until(uint64_t until_ms, size_t limit)
{
    taken[0] = '\0';
    return table_take_marked(fixture.table, fixture.app, until_ms, limit, note_user, NULL);
}

static uint64_t n_marked(void)
{
    return table_n_marked(fixture.table, fixture.app);
}

START_TEST(an_end_leaves_doubt_and_a_login_does_not)
{
    (void)apply(login("alice", PLATFORM_WEB, NOW_MS));
    (void)apply(custom_status("alice", "busy", NOW_MS));
    (void)apply(kicking(login("alice", PLATFORM_WEB, NOW_MS + 1), PLATFORM_IOS));
    ck_assert_uint_eq(n_marked(), 0);
    (void)apply(logout("alice", PLATFORM_WEB, NOW_MS + 2));
    (void)apply(disconnect("bob", PLATFORM_WEB, NOW_MS));
    ck_assert_uint_eq(n_marked(), 2);
    ck_assert_uint_eq(take_until(NOW_MS, 10), 2);
    ck_assert_uint_eq(n_marked(), 0);
    ck_assert_uint_eq(take_until(NOW_MS, 10), 0);
}
END_TEST

START_TEST(a_login_that_kicks_its_own_platform_leaves_doubt)
{
    (void)apply(kicking(login("alice", PLATFORM_WEB, NOW_MS + 1), PLATFORM_WEB));
    ck_assert_uint_eq(n_marked(), 1);
}
END_TEST

/* The order of arrival says nothing. */
START_TEST(an_event_that_changes_nothing_leaves_it_too)
{
    (void)apply(login("alice", PLATFORM_WEB, NOW_MS + 1));
    ck_assert_int_eq(apply(logout("alice", PLATFORM_WEB, NOW_MS)), TABLE_UNCHANGED);
    ck_assert_uint_eq(n_marked(), 1);
}
END_TEST

START_TEST(those_heard_of_since_are_left_for_later)
{
    (void)apply(logout("alice", PLATFORM_WEB, NOW_MS));
    ck_assert_uint_eq(take_until(NOW_MS - 1, 10), 0);
    ck_assert_uint_eq(n_marked(), 1);
    ck_assert_uint_eq(take_until(NOW_MS, 10), 1);
    ck_assert_str_eq(taken, "alice ");
}
END_TEST

START_TEST(no_more_than_are_asked_for_are_taken)
{
    for (unsigned i = 0; i < 1000; i++) {
        char user[16];
        (void)snprintf(user, sizeof(user), "user%u", i);
        (void)apply(logout(user, PLATFORM_WEB, NOW_MS));
    }
    ck_assert_uint_eq(take_until(NOW_MS, 300), 300);
    ck_assert_uint_eq(n_marked(), 700);
    ck_assert_uint_eq(take_until(NOW_MS, 1000), 700);
}
END_TEST

START_TEST(users_of_other_apps_are_their_own)
{
    struct table_event event = logout("alice", PLATFORM_WEB, NOW_MS);
    event.app = fixture.other_app;
    (void)apply(event);
    ck_assert_uint_eq(table_n_marked(fixture.table, fixture.other_app), 0);
    table_mark_doubts(fixture.table, fixture.other_app, true);
    (void)apply(event);
    ck_assert_uint_eq(table_n_marked(fixture.table, fixture.other_app), 1);
    ck_assert_uint_eq(take_until(NOW_MS, 10), 0);
}
END_TEST

START_TEST(marked_by_hand_once)
{
    (void)apply(login("alice", PLATFORM_WEB, NOW_MS));
    table_mark(fixture.table, fixture.app, STR("alice"));
    table_mark(fixture.table, fixture.app, STR("alice"));
    table_mark(fixture.table, fixture.app, STR("nobody"));
    ck_assert_uint_eq(n_marked(), 1);
}
END_TEST

/* Their numbers are given to others, who are not in doubt. */
START_TEST(who_is_dropped_is_in_doubt_no_more)
{
    for (unsigned i = 0; i < 20000; i++) {
        char user[16];
        (void)snprintf(user, sizeof(user), "user%u", i);
        (void)apply(logout(user, PLATFORM_WEB, NOW_MS));
    }
    ck_assert_uint_eq(n_marked(), 20000);
    for (unsigned i = 0; i < 20000; i++) {
        char user[16];
        (void)snprintf(user, sizeof(user), "other%u", i);
        (void)apply(login(user, PLATFORM_WEB, NOW_MS + 1));
    }
    ck_assert_uint_eq(n_marked(), 0);
    ck_assert_uint_eq(take_until(NOW_MS + 1, 10), 0);
}
END_TEST

START_TEST(events_are_counted_while_doubts_are)
{
    (void)apply(login("alice", PLATFORM_WEB, NOW_MS));
    (void)apply(login("alice", PLATFORM_WEB, NOW_MS));
    ck_assert_uint_eq(table_n_events(fixture.table, fixture.app), 2);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("doubt");
    TCase *tcase = tcase_create("doubt");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, an_end_leaves_doubt_and_a_login_does_not);
    tcase_add_test(tcase, a_login_that_kicks_its_own_platform_leaves_doubt);
    tcase_add_test(tcase, an_event_that_changes_nothing_leaves_it_too);
    tcase_add_test(tcase, those_heard_of_since_are_left_for_later);
    tcase_add_test(tcase, no_more_than_are_asked_for_are_taken);
    tcase_add_test(tcase, users_of_other_apps_are_their_own);
    tcase_add_test(tcase, marked_by_hand_once);
    tcase_add_test(tcase, who_is_dropped_is_in_doubt_no_more);
    tcase_add_test(tcase, events_are_counted_while_doubts_are);
    suite_add_tcase(suite, tcase);
    return suite;
}

/* SPDX-License-Identifier: MIT */
/* Logins that nothing was heard of for too long. */
#include "suite.h"
#include "table_fixture.h"

#include "presenced/record.h"

#include <stdio.h>

#define AFTER_MS UINT64_C(60000)
#define WINDOW_MS UINT64_C(10000000)

static void set_up(void)
{
    table_fixture_open(
        (struct table_config){.push_online_window_ms = WINDOW_MS, .assume_offline_after_ms = AFTER_MS});
}

static void tear_down(void)
{
    table_fixture_close();
}

static void tick_at(uint64_t now_ms)
{
    fixture.now_ms = now_ms;
    (void)table_tick(fixture.table, now_ms);
}

static enum user_state state_of(const char *id)
{
    struct user user = get(id);
    struct user_summary summary;
    struct user_view view = table_view(fixture.table, fixture.now_ms);
    user_summarise(&user, &view, &summary);
    return summary.state;
}

static void count_user(void *cls, const struct user *user)
{
    (void)user;
    ++*(unsigned *)cls;
}

static unsigned n_listed(int state, int platform)
{
    unsigned n = 0;
    struct table_cursor cursor = {0};
    struct table_filter filter = {.app = fixture.app, .state = state, .platform = platform};
    (void)table_list(fixture.table, &filter, 1000, 1000, &cursor, count_user, &n);
    return n;
}

START_TEST(reads_as_offline_from_then_on)
{
    cleanup(buf_fini) struct buf storage = {0};
    struct change change;
    struct user_summary summary;
    (void)apply(login("alice", PLATFORM_WEB, NOW_MS - 5));
    tick_at(NOW_MS + AFTER_MS);
    ck_assert_int_eq(state_of("alice"), USER_ONLINE);
    check_counts(1, 0, 0, 0);
    uint64_t revision = last_revision();
    tick_at(NOW_MS + AFTER_MS + 1);
    ck_assert_int_eq(state_of("alice"), USER_OFFLINE);
    check_counts(0, 0, 1, 0);
    ck_assert_uint_eq(counts().n_online_rows[PLATFORM_WEB], 0);
    ck_assert_uint_eq(n_listed(USER_OFFLINE, -1), 1);
    ck_assert_uint_eq(changes_after(revision, &storage, &change, 1), 1);
    ck_assert_int_eq(change.origin, CHANGE_BY_CLOCK);
    struct user alice = get("alice");
    struct user_view view = table_view(fixture.table, fixture.now_ms);
    user_summarise(&alice, &view, &summary);
    ck_assert_uint_eq(summary.since_ms, NOW_MS + AFTER_MS);
    tick_at(NOW_MS + AFTER_MS + 5000);
    ck_assert_uint_eq(last_revision(), revision + 1);
}
END_TEST

START_TEST(one_of_two_devices_is_counted_out)
{
    (void)apply(login("alice", PLATFORM_WEB, NOW_MS));
    fixture.now_ms = NOW_MS + 1000;
    (void)apply(login("alice", PLATFORM_MAC, NOW_MS + 1000));
    tick_at(NOW_MS + AFTER_MS + 1);
    check_counts(1, 0, 0, 0);
    ck_assert_uint_eq(counts().n_online_rows[PLATFORM_WEB], 0);
    ck_assert_uint_eq(counts().n_online_rows[PLATFORM_MAC], 1);
    ck_assert_uint_eq(n_listed(USER_ONLINE, PLATFORM_WEB), 0);
    ck_assert_uint_eq(n_listed(USER_ONLINE, PLATFORM_MAC), 1);
    (void)apply(logout("alice", PLATFORM_MAC, NOW_MS + 2000));
    check_counts(0, 0, 1, 0);
    ck_assert_uint_eq(counts().n_online_rows[PLATFORM_MAC], 0);
}
END_TEST

START_TEST(a_window_shows_behind_it)
{
    (void)apply(login("alice", PLATFORM_WEB, NOW_MS));
    (void)apply(disconnect("alice", PLATFORM_IOS, NOW_MS));
    tick_at(NOW_MS + AFTER_MS + 1);
    check_counts(0, 1, 0, 0);
    ck_assert_int_eq(state_of("alice"), USER_PUSH_ONLINE);
}
END_TEST

START_TEST(a_repeat_or_a_newer_login_makes_it_count_again)
{
    (void)apply(login("alice", PLATFORM_WEB, NOW_MS));
    tick_at(NOW_MS + AFTER_MS + 1);
    check_counts(0, 0, 1, 0);
    ck_assert_int_eq(apply(login("alice", PLATFORM_WEB, NOW_MS + (uint64_t)_i)), TABLE_CHANGED);
    check_counts(1, 0, 0, 0);
    ck_assert_int_eq(state_of("alice"), USER_ONLINE);
    ck_assert_int_eq(apply(login("alice", PLATFORM_WEB, NOW_MS + (uint64_t)_i)), TABLE_UNCHANGED);
    tick_at(NOW_MS + 2 * AFTER_MS);
    check_counts(1, 0, 0, 0);
    tick_at(NOW_MS + 2 * AFTER_MS + 2);
    check_counts(0, 0, 1, 0);
}
END_TEST

/* Whoever asks for one user reads the state off the clock, so the counts follow it. */
START_TEST(a_clock_that_is_set_back_brings_it_back)
{
    (void)apply(login("alice", PLATFORM_WEB, NOW_MS));
    (void)apply(disconnect("bob", PLATFORM_IOS, NOW_MS));
    tick_at(NOW_MS + 3 * AFTER_MS);
    check_counts(0, 1, 1, 0);
    tick_at(NOW_MS + AFTER_MS / 2);
    check_counts(1, 1, 0, 0);
    ck_assert_uint_eq(counts().n_online_rows[PLATFORM_WEB], 1);
    ck_assert_int_eq(state_of("alice"), USER_ONLINE);
    tick_at(NOW_MS + AFTER_MS + 1);
    check_counts(0, 1, 1, 0);
}
END_TEST

START_TEST(never_where_it_is_off)
{
    table_fixture_close();
    table_fixture_open((struct table_config){.push_online_window_ms = WINDOW_MS});
    (void)apply(login("alice", PLATFORM_WEB, 1));
    tick_at(NOW_MS * 2);
    check_counts(1, 0, 0, 0);
}
END_TEST

START_TEST(restored_as_it_reads)
{
    uint8_t record[RECORD_SIZE_MAX];
    struct user user = {.app = fixture.app, .id_len = 5, .id = "alice", .n_rows = 1};
    user.rows[0] = (struct row){
        .event_time_ms = NOW_MS, .received_unix_ms = NOW_MS, .action = ROW_LOGIN, .platform = PLATFORM_WEB};
    (void)record_encode(&user, record);
    fixture.now_ms = NOW_MS + AFTER_MS + (uint64_t)_i;
    ck_assert_int_eq(table_restore_user(fixture.table, record, fixture.now_ms), 0);
    check_counts(_i == 0, 0, _i != 0, 0);
    uint64_t revision = last_revision();
    tick_at(fixture.now_ms);
    check_counts(_i == 0, 0, _i != 0, 0);
    ck_assert_uint_eq(last_revision(), revision);
}
END_TEST

/* More users than one hold of a lock looks at, with others heard of in between. */
START_TEST(many_at_once)
{
    const unsigned n_users = 300000;
    for (unsigned i = 0; i < n_users; i++) {
        char user[16];
        (void)snprintf(user, sizeof(user), "user%u", i);
        fixture.now_ms = NOW_MS + i % 2 * AFTER_MS / 2;
        (void)apply(login(user, PLATFORM_WEB, NOW_MS));
    }
    fixture.now_ms = NOW_MS + AFTER_MS + 1;
    for (unsigned i = 0; i < 10; i++) {
        tick_at(fixture.now_ms);
    }
    check_counts(n_users / 2, 0, n_users / 2, 0);
    for (unsigned i = 0; i < 10; i++) {
        tick_at(NOW_MS + AFTER_MS / 2);
    }
    check_counts(n_users, 0, 0, 0);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("assume");
    TCase *tcase = tcase_create("assume");
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, reads_as_offline_from_then_on);
    tcase_add_test(tcase, one_of_two_devices_is_counted_out);
    tcase_add_test(tcase, a_window_shows_behind_it);
    tcase_add_loop_test(tcase, a_repeat_or_a_newer_login_makes_it_count_again, 0, 2);
    tcase_add_test(tcase, a_clock_that_is_set_back_brings_it_back);
    tcase_add_test(tcase, never_where_it_is_off);
    tcase_add_loop_test(tcase, restored_as_it_reads, 0, 2);
    tcase_add_test(tcase, many_at_once);
    suite_add_tcase(suite, tcase);
    return suite;
}

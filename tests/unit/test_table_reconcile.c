/* SPDX-License-Identifier: MIT */
/* What Tencent's answers do to the table. */
#include "suite.h"
#include "table_fixture.h"

#define WINDOW_MS UINT64_C(60000)
#define MONTH_MS UINT64_C(2592000000)

static struct table_corrections corrections;

static void tear_down(void)
{
    table_fixture_close();
}

static void open_table(void)
{
    table_fixture_open((struct table_config){.push_online_window_ms = WINDOW_MS});
}

/* An answer about alice's Web and iOS that was asked for at that time; what it does not name is offline. */
static struct table_answer answer_at(uint64_t stamp_ms)
{
    struct table_answer answer = {.app = fixture.app, .user_id = STR("alice"), .stamp_ms = stamp_ms};
    platform_set_add(&answer.platforms, PLATFORM_WEB);
    platform_set_add(&answer.platforms, PLATFORM_IOS);
    return answer;
}

static int take(const struct table_answer *answer)
{
    return table_reconcile(fixture.table, answer, fixture.now_ms, &corrections);
}

static void check_corrections(unsigned n_ended, unsigned n_begun, unsigned n_others, unsigned n_older)
{
    ck_assert_uint_eq(corrections.n_ended, n_ended);
    ck_assert_uint_eq(corrections.n_begun, n_begun);
    ck_assert_uint_eq(corrections.n_others, n_others);
    ck_assert_uint_eq(corrections.n_older, n_older);
}

static void check_answered(uint8_t platform, enum row_action action, uint64_t stamp_ms)
{
    struct user alice = get("alice");
    check_row("alice", platform, action, stamp_ms);
    ck_assert_uint_eq(user_row(&alice, platform)->reason, ROW_REASON_RECONCILED);
}

START_TEST(what_was_lost_is_mended_in_one_step)
{
    open_table();
    (void)apply(login("alice", PLATFORM_WEB, NOW_MS));
    uint64_t revision = last_revision();
    struct table_answer answer = answer_at(NOW_MS + 1);
    platform_set_add(&answer.online, PLATFORM_IOS);
    ck_assert_int_eq(take(&answer), TABLE_CHANGED);
    check_corrections(1, 1, 0, 0);
    check_answered(PLATFORM_WEB, ROW_LOGOUT, NOW_MS + 1);
    check_answered(PLATFORM_IOS, ROW_LOGIN, NOW_MS + 1);
    check_counts(1, 0, 0, 0);
    ck_assert_uint_eq(counts().n_online_rows[PLATFORM_WEB], 0);
    ck_assert_uint_eq(counts().n_online_rows[PLATFORM_IOS], 1);
    ck_assert_uint_eq(last_revision(), revision + 1);
}
END_TEST

START_TEST(what_is_as_known_changes_nothing)
{
    open_table();
    (void)apply(login("alice", PLATFORM_WEB, NOW_MS));
    (void)apply(disconnect("alice", PLATFORM_IOS, NOW_MS));
    uint64_t revision = last_revision();
    struct table_answer answer = answer_at(NOW_MS + 1);
    platform_set_add(&answer.online, PLATFORM_WEB);
    platform_set_add(&answer.push_online, PLATFORM_IOS);
    ck_assert_int_eq(take(&answer), TABLE_UNCHANGED);
    check_corrections(0, 0, 0, 0);
    ck_assert_uint_eq(last_revision(), revision);
    check_row("alice", PLATFORM_WEB, ROW_LOGIN, NOW_MS);
}
END_TEST

START_TEST(never_beats_an_event_stamped_later_or_at_once)
{
    open_table();
    (void)apply(login("alice", PLATFORM_WEB, NOW_MS));
    struct table_answer answer = answer_at(NOW_MS - (uint64_t)_i);
    ck_assert_int_eq(take(&answer), TABLE_UNCHANGED);
    check_corrections(0, 0, 0, 1);
    ck_assert_uint_eq(corrections.older_by_ms, (uint64_t)_i);
    check_row("alice", PLATFORM_WEB, ROW_LOGIN, NOW_MS);
}
END_TEST

START_TEST(events_stamped_later_replace_it_and_earlier_ones_do_not)
{
    open_table();
    (void)apply(login("alice", PLATFORM_WEB, NOW_MS));
    struct table_answer answer = answer_at(NOW_MS + 10);
    ck_assert_int_eq(take(&answer), TABLE_CHANGED);
    ck_assert_int_eq(apply(login("alice", PLATFORM_WEB, NOW_MS + 9)), TABLE_UNCHANGED);
    check_answered(PLATFORM_WEB, ROW_LOGOUT, NOW_MS + 10);
    ck_assert_int_eq(apply(login("alice", PLATFORM_WEB, NOW_MS + 10)), TABLE_CHANGED);
    check_row("alice", PLATFORM_WEB, ROW_LOGIN, NOW_MS + 10);
}
END_TEST

START_TEST(a_platform_that_it_does_not_speak_of_is_left_alone)
{
    open_table();
    (void)apply(login("alice", PLATFORM_LINUX, NOW_MS));
    struct table_answer answer = answer_at(NOW_MS + 10);
    ck_assert_int_eq(take(&answer), TABLE_UNCHANGED);
    check_row("alice", PLATFORM_LINUX, ROW_LOGIN, NOW_MS);
}
END_TEST

START_TEST(nobody_comes_of_it_who_is_absent)
{
    open_table();
    struct table_answer answer = answer_at(NOW_MS);
    platform_set_add(&answer.online, PLATFORM_WEB);
    ck_assert_int_eq(take(&answer), TABLE_UNCHANGED);
    ck_assert(!is_held("alice"));
    check_counts(0, 0, 0, 0);
}
END_TEST

START_TEST(offline_ends_a_window_and_push_online_opens_one)
{
    open_table();
    (void)apply(disconnect("alice", PLATFORM_IOS, NOW_MS));
    check_counts(0, 1, 0, 0);
    struct table_answer answer = answer_at(NOW_MS + 1);
    ck_assert_int_eq(take(&answer), TABLE_CHANGED);
    check_corrections(0, 0, 1, 0);
    check_counts(0, 0, 1, 0);
    /* Of a platform that has no window by itself, too. */
    answer = answer_at(NOW_MS + 2);
    platform_set_add(&answer.push_online, PLATFORM_WEB);
    ck_assert_int_eq(take(&answer), TABLE_CHANGED);
    check_counts(0, 1, 0, 0);
    check_answered(PLATFORM_WEB, ROW_DISCONNECT, NOW_MS + 2);
    fixture.now_ms = NOW_MS + 2 + WINDOW_MS;
    (void)table_tick(fixture.table, fixture.now_ms);
    check_counts(0, 0, 1, 0);
}
END_TEST

/* A window that has ended here first, or there, is no difference. */
START_TEST(an_ended_window_is_not_opened_again)
{
    open_table();
    (void)apply(disconnect("alice", PLATFORM_IOS, NOW_MS));
    fixture.now_ms = NOW_MS + WINDOW_MS;
    struct table_answer answer = answer_at(fixture.now_ms);
    ck_assert_int_eq(take(&answer), TABLE_UNCHANGED);
    platform_set_add(&answer.push_online, PLATFORM_IOS);
    ck_assert_int_eq(take(&answer), TABLE_UNCHANGED);
    check_row("alice", PLATFORM_IOS, ROW_DISCONNECT, NOW_MS);
}
END_TEST

START_TEST(online_beats_the_end_of_all_rows_when_it_is_newer)
{
    open_table();
    (void)apply(login("alice", PLATFORM_WEB, NOW_MS));
    (void)apply(logout("alice", PLATFORM_RESTAPI, NOW_MS + 5));
    check_counts(0, 0, 1, 0);
    struct table_answer answer = answer_at(NOW_MS + 5);
    platform_set_add(&answer.online, PLATFORM_WEB);
    ck_assert_int_eq(take(&answer), TABLE_UNCHANGED);
    check_corrections(0, 0, 0, 1);
    answer.stamp_ms = NOW_MS + 6;
    ck_assert_int_eq(take(&answer), TABLE_CHANGED);
    check_counts(1, 0, 0, 0);
}
END_TEST

START_TEST(its_change_says_where_it_comes_from)
{
    cleanup(buf_fini) struct buf storage = {0};
    struct change change;
    open_table();
    (void)apply(login("alice", PLATFORM_WEB, NOW_MS));
    uint64_t revision = last_revision();
    struct table_answer answer = answer_at(NOW_MS + 1);
    (void)take(&answer);
    ck_assert_uint_eq(changes_after(revision, &storage, &change, 1), 1);
    ck_assert_int_eq(change.origin, CHANGE_BY_RECONCILE);
}
END_TEST

/* What is said again and again does not come to be assumed offline. */
START_TEST(online_for_long_is_said_again)
{
    table_fixture_open((struct table_config){.assume_offline_after_ms = MONTH_MS});
    (void)apply(login("alice", PLATFORM_WEB, NOW_MS));
    fixture.now_ms = NOW_MS + MONTH_MS / 2 - 1;
    struct table_answer answer = answer_at(fixture.now_ms);
    platform_set_add(&answer.online, PLATFORM_WEB);
    ck_assert_int_eq(take(&answer), TABLE_UNCHANGED);
    fixture.now_ms = NOW_MS + MONTH_MS / 2;
    answer.stamp_ms = fixture.now_ms;
    ck_assert_int_eq(take(&answer), TABLE_CHANGED);
    check_corrections(0, 0, 0, 0);
    fixture.now_ms = NOW_MS + MONTH_MS + 1;
    (void)table_tick(fixture.table, fixture.now_ms);
    check_counts(1, 0, 0, 0);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("table_reconcile");
    TCase *tcase = tcase_create("table_reconcile");
    tcase_add_checked_fixture(tcase, NULL, tear_down);
    tcase_add_test(tcase, what_was_lost_is_mended_in_one_step);
    tcase_add_test(tcase, what_is_as_known_changes_nothing);
    tcase_add_loop_test(tcase, never_beats_an_event_stamped_later_or_at_once, 0, 2);
    tcase_add_test(tcase, events_stamped_later_replace_it_and_earlier_ones_do_not);
    tcase_add_test(tcase, a_platform_that_it_does_not_speak_of_is_left_alone);
    tcase_add_test(tcase, nobody_comes_of_it_who_is_absent);
    tcase_add_test(tcase, offline_ends_a_window_and_push_online_opens_one);
    tcase_add_test(tcase, an_ended_window_is_not_opened_again);
    tcase_add_test(tcase, online_beats_the_end_of_all_rows_when_it_is_newer);
    tcase_add_test(tcase, its_change_says_where_it_comes_from);
    tcase_add_test(tcase, online_for_long_is_said_again);
    suite_add_tcase(suite, tcase);
    return suite;
}

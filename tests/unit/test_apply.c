/* SPDX-License-Identifier: MIT */
/* The rules from events to presence, one by one, as the table applies them. */
#include "presenced/record.h"
#include "suite.h"
#include "table_fixture.h"
#include "must.h"

#include <stdio.h>

#define WINDOW_MS UINT64_C(1000)
#define T (NOW_MS - 100000) /* a stamp of the past, whose windows have long ended */

static void set_up(void)
{
    table_fixture_open((struct table_config){.push_online_window_ms = WINDOW_MS});
}

static struct user_summary summary_of(const char *user)
{
    struct user copy = get(user);
    struct user_summary summary;
    struct user_view view = table_view(fixture.table, fixture.now_ms);
    user_summarise(&copy, &view, &summary);
    return summary;
}

START_TEST(login_makes_a_row)
{
    ck_assert_int_eq(apply(login("alice", PLATFORM_IOS, T)), TABLE_CHANGED);
    ck_assert_uint_eq(fixture.applied.revision, 1);
    ck_assert(!fixture.applied.restamped);
    struct user user = get("alice");
    struct row expected = {.event_time_ms = T,
                           .client = {4, {192, 0, 2, 4}},
                           .action = ROW_LOGIN,
                           .reason = ROW_REASON_REGISTER};
    ck_assert_uint_eq(user.n_rows, 1);
    ck_assert_uint_eq(user.rows[0].platform, PLATFORM_IOS);
    ck_assert_uint_eq(user.rows[0].received_unix_ms, NOW_MS);
    ck_assert_int_eq(row_compare(&user.rows[0], &expected), 0);
    ck_assert(!user.has_custom_status);
    check_counts(1, 0, 0, 0);
    ck_assert_uint_eq(counts().n_online_rows[PLATFORM_IOS], 1);
}
END_TEST

START_TEST(apps_are_apart)
{
    struct table_event event = login("alice", PLATFORM_IOS, T);
    event.app = fixture.other_app;
    ck_assert_int_eq(apply(event), TABLE_CHANGED);
    ck_assert(!is_held("alice"));
    check_counts(0, 0, 0, 0);
    ck_assert_int_eq(apply(logout("alice", PLATFORM_IOS, T)), TABLE_CHANGED);
    check_counts(0, 0, 1, 0);
}
END_TEST

/* A second event on an iOS row that was last logged in at T. */
static const struct {
    enum table_event_kind kind;
    enum row_reason reason;
    int64_t later_ms;
    uint8_t client;
    int outcome;
    enum row_action action; /* what the row is then */
} second_events[] = {
    {TABLE_LOGOUT, ROW_REASON_UNREGISTER, 1, 4, TABLE_CHANGED, ROW_LOGOUT},
    {TABLE_LOGOUT, ROW_REASON_UNREGISTER, 0, 4, TABLE_UNCHANGED, ROW_LOGIN},
    {TABLE_LOGOUT, ROW_REASON_UNREGISTER, -1, 4, TABLE_UNCHANGED, ROW_LOGIN},
    {TABLE_DISCONNECT, ROW_REASON_LINK_CLOSE, 1, 4, TABLE_CHANGED, ROW_DISCONNECT},
    {TABLE_DISCONNECT, ROW_REASON_LINK_CLOSE, 0, 4, TABLE_UNCHANGED, ROW_LOGIN},
    {TABLE_LOGIN, ROW_REASON_REGISTER, 0, 4, TABLE_UNCHANGED, ROW_LOGIN},
    {TABLE_LOGIN, ROW_REASON_REGISTER, 0, 3, TABLE_UNCHANGED, ROW_LOGIN},
    {TABLE_LOGIN, ROW_REASON_REGISTER, 0, 5, TABLE_CHANGED, ROW_LOGIN},
    {TABLE_LOGIN, ROW_REASON_OTHER, 0, 3, TABLE_CHANGED, ROW_LOGIN},
    {TABLE_LOGIN, ROW_REASON_REGISTER, 1, 4, TABLE_CHANGED, ROW_LOGIN},
    {TABLE_LOGIN, ROW_REASON_REGISTER, -1, 4, TABLE_UNCHANGED, ROW_LOGIN},
};

#define N_SECOND_EVENTS ((int)(sizeof(second_events) / sizeof(second_events[0])))

START_TEST(last_writer_wins)
{
    struct table_event event = login("alice", PLATFORM_IOS, T + (uint64_t)second_events[_i].later_ms);
    bool wins = second_events[_i].outcome == TABLE_CHANGED;
    event.kind = second_events[_i].kind;
    event.reason = (uint8_t)second_events[_i].reason;
    event.client.bytes[3] = second_events[_i].client;
    (void)apply(login("alice", PLATFORM_IOS, T));
    struct user before = get("alice");
    fixture.now_ms += 7;
    ck_assert_int_eq(apply(event), second_events[_i].outcome);
    ck_assert_uint_eq(fixture.applied.revision, wins ? 2 : 0);
    ck_assert_uint_eq(last_revision(), wins ? 2 : 1);
    check_row("alice", PLATFORM_IOS, second_events[_i].action, wins ? event.event_time_ms : T);
    struct user after = get("alice");
    ck_assert_uint_eq(after.rows[0].received_unix_ms, wins ? NOW_MS + 7 : NOW_MS);
    if (!wins) {
        check_users_equal(&before, &after);
    }
    check_counts(second_events[_i].action == ROW_LOGIN, 0, second_events[_i].action != ROW_LOGIN, 0);
    ck_assert_uint_eq(counts().n_online_rows[PLATFORM_IOS], second_events[_i].action == ROW_LOGIN);
}
END_TEST

START_TEST(late_login_revives_nothing)
{
    ck_assert_int_eq(apply(logout("alice", PLATFORM_WEB, T)), TABLE_CHANGED);
    ck_assert_int_eq(apply(login("alice", PLATFORM_WEB, T - 1)), TABLE_UNCHANGED);
    check_row("alice", PLATFORM_WEB, ROW_LOGOUT, T);
    check_counts(0, 0, 1, 0);
    ck_assert_int_eq(apply(login("alice", PLATFORM_WEB, T)), TABLE_CHANGED);
    check_counts(1, 0, 0, 0);
}
END_TEST

START_TEST(login_kicks_others)
{
    (void)apply(login("alice", PLATFORM_IOS, T));
    (void)apply(login("alice", PLATFORM_WEB, T));
    struct table_event event = login("alice", PLATFORM_ANDROID, T + 1);
    event.client.bytes[3] = 9;
    event = kicking(kicking(kicking(event, PLATFORM_IOS), PLATFORM_IPAD), PLATFORM_ANDROID);
    ck_assert_int_eq(apply(event), TABLE_CHANGED);
    ck_assert_uint_eq(last_revision(), 3);
    check_row("alice", PLATFORM_WEB, ROW_LOGIN, T);
    check_row("alice", PLATFORM_ANDROID, ROW_LOGIN, T + 1);
    check_row("alice", PLATFORM_IPAD, ROW_KICKED, T + 1);
    struct user user = get("alice");
    const struct row *kicked = user_row(&user, PLATFORM_IOS);
    struct row expected = {.event_time_ms = T + 1,
                           .client = {4, {192, 0, 2, 9}},
                           .action = ROW_KICKED,
                           .reason = ROW_REASON_KICKED};
    ck_assert_int_eq(row_compare(kicked, &expected), 0);
    ck_assert_uint_eq(user.n_rows, 4);
    ck_assert_uint_eq(counts().n_online_rows[PLATFORM_IOS], 0);
    ck_assert_uint_eq(counts().n_online_rows[PLATFORM_WEB], 1);
    ck_assert_uint_eq(counts().n_online_rows[PLATFORM_ANDROID], 1);
}
END_TEST

START_TEST(nothing_but_a_login_kicks)
{
    (void)apply(login("alice", PLATFORM_IOS, T));
    (void)apply(login("alice", PLATFORM_WEB, T));
    (void)apply(kicking(logout("alice", PLATFORM_WEB, T + 1), PLATFORM_IOS));
    (void)apply(kicking(disconnect("alice", PLATFORM_ANDROID, T + 1), PLATFORM_IOS));
    check_row("alice", PLATFORM_IOS, ROW_LOGIN, T);
    check_counts(1, 0, 0, 0);
}
END_TEST

/* The row of the kick is there before the login that it is about, which then comes too late. */
START_TEST(kick_outlives_a_late_login)
{
    (void)apply(kicking(login("alice", PLATFORM_WEB, T), PLATFORM_IOS));
    ck_assert_int_eq(apply(login("alice", PLATFORM_IOS, T - 1)), TABLE_UNCHANGED);
    check_row("alice", PLATFORM_IOS, ROW_KICKED, T);
    ck_assert_int_eq(apply(login("alice", PLATFORM_IOS, T)), TABLE_CHANGED);
    check_row("alice", PLATFORM_IOS, ROW_LOGIN, T);
}
END_TEST

START_TEST(old_login_may_still_kick)
{
    (void)apply(logout("alice", PLATFORM_WEB, T));
    (void)apply(login("alice", PLATFORM_IOS, T - 10));
    ck_assert_int_eq(apply(kicking(login("alice", PLATFORM_WEB, T - 1), PLATFORM_IOS)), TABLE_CHANGED);
    check_row("alice", PLATFORM_WEB, ROW_LOGOUT, T);
    check_row("alice", PLATFORM_IOS, ROW_KICKED, T - 1);
    check_counts(0, 0, 1, 0);
}
END_TEST

START_TEST(restapi_ends_all_that_is_not_newer)
{
    (void)apply(login("alice", PLATFORM_IOS, T));
    (void)apply(login("alice", PLATFORM_WEB, T + 2));
    ck_assert_int_eq(apply(logout("alice", PLATFORM_RESTAPI, T + 1)), TABLE_CHANGED);
    check_row("alice", PLATFORM_IOS, ROW_LOGIN, T);
    ck_assert_uint_eq(counts().n_online_rows[PLATFORM_IOS], 0);
    ck_assert_uint_eq(counts().n_online_rows[PLATFORM_WEB], 1);
    ck_assert_uint_eq(summary_of("alice").since_ms, T + 2);
    (void)apply(logout("alice", PLATFORM_RESTAPI, T + 3));
    check_counts(0, 0, 1, 0);
    ck_assert_uint_eq(counts().n_online_rows[PLATFORM_WEB], 0);
    ck_assert_uint_eq(summary_of("alice").since_ms, T + 3);
    (void)apply(login("alice", PLATFORM_IOS, T + 3));
    check_counts(1, 0, 0, 0);
    ck_assert_uint_eq(counts().n_online_rows[PLATFORM_IOS], 1);
}
END_TEST

START_TEST(restapi_disconnect_leaves_phones_push_online)
{
    (void)apply(login("alice", PLATFORM_IOS, NOW_MS - 1));
    (void)apply(disconnect("alice", PLATFORM_RESTAPI, NOW_MS));
    check_counts(0, 1, 0, 0);
    ck_assert_uint_eq(summary_of("alice").window_end_ms, NOW_MS + WINDOW_MS);
}
END_TEST

static const struct {
    const char *text;
    int64_t later_ms;
    int outcome;
} statuses[] = {
    {"busy", 0, TABLE_UNCHANGED}, {"busx", 0, TABLE_UNCHANGED}, {"bus", 0, TABLE_UNCHANGED},
    {"", 0, TABLE_UNCHANGED},     {"busy!", 0, TABLE_CHANGED},  {"c", 0, TABLE_CHANGED},
    {"a", 1, TABLE_CHANGED},      {"zzz", -1, TABLE_UNCHANGED}, {"", 1, TABLE_CHANGED},
};

#define N_STATUSES ((int)(sizeof(statuses) / sizeof(statuses[0])))

START_TEST(newest_custom_status_stays)
{
    uint64_t time_ms = T + (uint64_t)statuses[_i].later_ms;
    bool wins = statuses[_i].outcome == TABLE_CHANGED;
    ck_assert_int_eq(apply(custom_status("alice", "busy", T)), TABLE_CHANGED);
    ck_assert_int_eq(apply(custom_status("alice", statuses[_i].text, time_ms)), statuses[_i].outcome);
    struct user user = get("alice");
    ck_assert(user.has_custom_status);
    ck_assert(str_equal(user_custom_status(&user), str_from(wins ? statuses[_i].text : "busy")));
    ck_assert_uint_eq(user.custom_status_time_ms, wins ? time_ms : T);
}
END_TEST

/* It makes no row, whatever platform the callback names. */
START_TEST(custom_status_says_nothing_of_presence)
{
    (void)apply(custom_status("alice", "busy", T));
    ck_assert_uint_eq(get("alice").n_rows, 0);
    check_counts(0, 0, 0, 1);
    (void)apply(login("alice", PLATFORM_IOS, T));
    check_counts(1, 0, 0, 0);
    (void)apply(custom_status("alice", "", T + 1));
    ck_assert_uint_eq(get("alice").n_rows, 1);
    ck_assert_uint_eq(get("alice").custom_status_len, 0);
    check_counts(1, 0, 0, 0);
}
END_TEST

START_TEST(longest_id_and_status)
{
    char id[USER_ID_MAX + 1];
    char text[USER_CUSTOM_STATUS_MAX + 1];
    memset(id, 'i', USER_ID_MAX);
    memset(text, 's', USER_CUSTOM_STATUS_MAX);
    id[USER_ID_MAX] = '\0';
    text[USER_CUSTOM_STATUS_MAX] = '\0';
    ck_assert_int_eq(apply(custom_status(id, text, T)), TABLE_CHANGED);
    struct user user = get(id);
    ck_assert(str_equal(user_custom_status(&user), str_from(text)));
}
END_TEST

START_TEST(every_platform_at_once)
{
    for (unsigned i = 0; i < PLATFORM_N_MAX; i++) {
        ck_assert_int_eq(apply(login("alice", (uint8_t)i, T + i)), TABLE_CHANGED);
    }
    ck_assert_uint_eq(get("alice").n_rows, PLATFORM_N_MAX);
    struct table_event event = login("alice", PLATFORM_WEB, T + 1000);
    for (unsigned i = 0; i < PLATFORM_N_MAX; i++) {
        event = kicking(event, (uint8_t)i);
    }
    ck_assert_int_eq(apply(event), TABLE_CHANGED);
    for (unsigned i = 0; i < PLATFORM_N_MAX; i++) {
        ck_assert_uint_eq(counts().n_online_rows[i], i == PLATFORM_WEB);
    }
}
END_TEST

/* Which stamp an event gets that has none, or one that can't be: that of the rows it is to replace, plus one,
 * or now. */

START_TEST(without_stamp_the_time_received_counts)
{
    ck_assert_int_eq(apply(unstamped(login("alice", PLATFORM_IOS, 0))), TABLE_CHANGED);
    ck_assert(fixture.applied.restamped);
    check_row("alice", PLATFORM_IOS, ROW_LOGIN, NOW_MS);
    ck_assert_int_eq(apply(unstamped(logout("alice", PLATFORM_IOS, 0))), TABLE_CHANGED);
    check_row("alice", PLATFORM_IOS, ROW_LOGOUT, NOW_MS + 1);
    fixture.now_ms += 100;
    ck_assert_int_eq(apply(unstamped(login("alice", PLATFORM_IOS, 0))), TABLE_CHANGED);
    check_row("alice", PLATFORM_IOS, ROW_LOGIN, NOW_MS + 100);
}
END_TEST

static const struct {
    uint64_t ahead_ms;
    bool restamped;
} stamps_ahead[] = {
    {0, false},
    {TABLE_MAX_AHEAD_MS, false},
    {TABLE_MAX_AHEAD_MS + 1, true},
    {EVENT_TIME_MAX_MS - NOW_MS, true},
};

#define N_STAMPS_AHEAD ((int)(sizeof(stamps_ahead) / sizeof(stamps_ahead[0])))

START_TEST(stamps_too_far_ahead)
{
    uint64_t stamp = NOW_MS + stamps_ahead[_i].ahead_ms;
    ck_assert_int_eq(apply(login("alice", PLATFORM_IOS, stamp)), TABLE_CHANGED);
    ck_assert_int_eq(fixture.applied.restamped, stamps_ahead[_i].restamped);
    check_row("alice", PLATFORM_IOS, ROW_LOGIN, stamps_ahead[_i].restamped ? NOW_MS : stamp);
}
END_TEST

START_TEST(restamped_login_outdoes_own_and_kicked_rows)
{
    (void)apply(logout("alice", PLATFORM_IOS, NOW_MS + 50));
    (void)apply(login("alice", PLATFORM_WEB, NOW_MS + 70));
    (void)apply(login("alice", PLATFORM_MAC, NOW_MS + 90));
    (void)apply(unstamped(kicking(login("alice", PLATFORM_IOS, 0), PLATFORM_WEB)));
    check_row("alice", PLATFORM_IOS, ROW_LOGIN, NOW_MS + 71);
    check_row("alice", PLATFORM_WEB, ROW_KICKED, NOW_MS + 71);
    check_row("alice", PLATFORM_MAC, ROW_LOGIN, NOW_MS + 90);
}
END_TEST

START_TEST(restamped_restapi_outdoes_all_rows)
{
    (void)apply(login("alice", PLATFORM_IOS, NOW_MS + 50));
    (void)apply(login("alice", PLATFORM_MAC, NOW_MS + 90));
    (void)apply(unstamped(logout("alice", PLATFORM_RESTAPI, 0)));
    check_row("alice", PLATFORM_RESTAPI, ROW_LOGOUT, NOW_MS + 91);
    check_counts(0, 0, 1, 0);
    (void)apply(unstamped(login("alice", PLATFORM_RESTAPI, 0)));
    check_row("alice", PLATFORM_RESTAPI, ROW_LOGIN, NOW_MS + 92);
}
END_TEST

START_TEST(restamped_disconnect_outdoes_its_own_row_only)
{
    (void)apply(login("alice", PLATFORM_MAC, NOW_MS + 90));
    (void)apply(login("alice", PLATFORM_IOS, NOW_MS + 50));
    (void)apply(unstamped(disconnect("alice", PLATFORM_IOS, 0)));
    check_row("alice", PLATFORM_IOS, ROW_DISCONNECT, NOW_MS + 51);
}
END_TEST

START_TEST(restamped_custom_status)
{
    (void)apply(login("alice", PLATFORM_IOS, NOW_MS + 90));
    (void)apply(unstamped(custom_status("alice", "zz", 0)));
    ck_assert_uint_eq(get("alice").custom_status_time_ms, NOW_MS);
    ck_assert_int_eq(apply(unstamped(custom_status("alice", "a", 0))), TABLE_CHANGED);
    ck_assert(fixture.applied.restamped);
    ck_assert_uint_eq(get("alice").custom_status_time_ms, NOW_MS + 1);
}
END_TEST

/* Where there is no later stamp, the order of rows decides. */
START_TEST(restamped_at_the_end_of_time)
{
    fixture.now_ms = EVENT_TIME_MAX_MS;
    (void)apply(login("alice", PLATFORM_IOS, EVENT_TIME_MAX_MS));
    ck_assert_int_eq(apply(unstamped(logout("alice", PLATFORM_IOS, 0))), TABLE_UNCHANGED);
    ck_assert(fixture.applied.restamped);
    check_row("alice", PLATFORM_IOS, ROW_LOGIN, EVENT_TIME_MAX_MS);
}
END_TEST

START_TEST(log_carries_the_user)
{
    struct buf storage cleanup(buf_fini) = {0};
    struct change changes[4];
    struct user user;
    (void)apply(login("alice", PLATFORM_IOS, T));
    fixture.now_ms += 5;
    (void)apply(login("alice", PLATFORM_IOS, T));
    (void)apply(kicking(login("alice", PLATFORM_WEB, T + 1), PLATFORM_IOS));
    ck_assert_uint_eq(changes_after(0, &storage, changes, 4), 2);
    ck_assert_uint_eq(changes[1].revision, 2);
    ck_assert_uint_eq(changes[1].unix_ms, NOW_MS + 5);
    ck_assert_int_eq(changes[1].kind, CHANGE_UPDATED);
    struct user now = get("alice");
    record_decode((const uint8_t *)changes[1].record.ptr, &user);
    check_users_equal(&user, &now);
}
END_TEST

/* Six events in every order end the same. */

#define N_EVENTS 6
#define N_ORDERS 720

struct expected_row {
    uint8_t platform;
    uint8_t action;
    uint64_t event_time_ms;
};

struct ordered_set {
    enum table_event_kind restapi_kind; /* of the event that differs */
    uint64_t restapi_ms;
    enum user_state state;
    uint64_t since_ms;
    uint64_t n_online_rows[2]; /* Web, iOS */
};

static const struct ordered_set ordered_sets[] = {
    {TABLE_LOGOUT, NOW_MS, USER_ONLINE, NOW_MS, {1, 1}},
    {TABLE_LOGOUT, NOW_MS + 1, USER_OFFLINE, NOW_MS + 1, {0, 0}},
    {TABLE_DISCONNECT, NOW_MS + 1, USER_PUSH_ONLINE, NOW_MS + 1, {0, 0}},
};

#define N_ORDERED_SETS ((int)(sizeof(ordered_sets) / sizeof(ordered_sets[0])))

static void make_events(const struct ordered_set *set, const char *user, struct table_event *ret_events)
{
    ret_events[0] = kicking(login(user, PLATFORM_WEB, NOW_MS), PLATFORM_IOS);
    ret_events[0] = kicking(ret_events[0], PLATFORM_ANDROID);
    ret_events[1] = kicking(login(user, PLATFORM_IOS, NOW_MS), PLATFORM_IOS);
    ret_events[1] = kicking(ret_events[1], PLATFORM_WEB);
    ret_events[2] = disconnect(user, PLATFORM_IPAD, NOW_MS);
    ret_events[3] = logout(user, PLATFORM_RESTAPI, set->restapi_ms);
    ret_events[3].kind = set->restapi_kind;
    ret_events[4] = login(user, PLATFORM_ANDROID, NOW_MS - 1);
    ret_events[5] = logout(user, PLATFORM_WEB, NOW_MS);
}

/* The `number`th order of six: takes each event by what is left of the number. */
static void apply_in_order(const struct table_event *events, unsigned number)
{
    unsigned left[N_EVENTS] = {0, 1, 2, 3, 4, 5};
    for (unsigned n_left = N_EVENTS; n_left > 0; n_left--) {
        unsigned at = number % n_left;
        number /= n_left;
        must(apply(events[left[at]]) >= 0);
        /* Repetition changes nothing either. */
        must(apply(events[left[at]]) == TABLE_UNCHANGED);
        memmove(&left[at], &left[at + 1], (n_left - 1 - at) * sizeof(left[0]));
    }
}

static void check_ordered_user(const struct ordered_set *set, const char *user)
{
    const struct expected_row rows[] = {
        {PLATFORM_WEB, ROW_LOGIN, NOW_MS},
        {PLATFORM_IOS, ROW_LOGIN, NOW_MS},
        {PLATFORM_ANDROID, ROW_KICKED, NOW_MS},
        {PLATFORM_IPAD, ROW_DISCONNECT, NOW_MS},
        {PLATFORM_RESTAPI, set->restapi_kind == TABLE_LOGOUT ? ROW_LOGOUT : ROW_DISCONNECT, set->restapi_ms},
    };
    struct user_summary summary = summary_of(user);
    ck_assert_uint_eq(get(user).n_rows, 5);
    for (unsigned i = 0; i < 5; i++) {
        check_row(user, rows[i].platform, rows[i].action, rows[i].event_time_ms);
    }
    ck_assert_int_eq(summary.state, set->state);
    ck_assert_uint_eq(summary.since_ms, set->since_ms);
}

START_TEST(all_orders_end_the_same)
{
    const struct ordered_set *set = &ordered_sets[_i];
    for (unsigned order = 0; order < N_ORDERS; order++) {
        char user[16];
        struct table_event events[N_EVENTS];
        (void)snprintf(user, sizeof(user), "user%u", order);
        make_events(set, user, events);
        apply_in_order(events, order);
        check_ordered_user(set, user);
        ck_assert_uint_eq(counts().n_users[set->state], order + 1);
        ck_assert_uint_eq(counts().n_online_rows[PLATFORM_WEB], (order + 1) * set->n_online_rows[0]);
        ck_assert_uint_eq(counts().n_online_rows[PLATFORM_IOS], (order + 1) * set->n_online_rows[1]);
        ck_assert_uint_eq(counts().n_online_rows[PLATFORM_ANDROID], 0);
    }
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("apply");
    TCase *tcase = tcase_create("apply");
    tcase_add_checked_fixture(tcase, set_up, table_fixture_close);
    tcase_add_test(tcase, login_makes_a_row);
    tcase_add_test(tcase, apps_are_apart);
    tcase_add_loop_test(tcase, last_writer_wins, 0, N_SECOND_EVENTS);
    tcase_add_test(tcase, late_login_revives_nothing);
    tcase_add_test(tcase, login_kicks_others);
    tcase_add_test(tcase, nothing_but_a_login_kicks);
    tcase_add_test(tcase, kick_outlives_a_late_login);
    tcase_add_test(tcase, old_login_may_still_kick);
    tcase_add_test(tcase, restapi_ends_all_that_is_not_newer);
    tcase_add_test(tcase, restapi_disconnect_leaves_phones_push_online);
    tcase_add_loop_test(tcase, newest_custom_status_stays, 0, N_STATUSES);
    tcase_add_test(tcase, custom_status_says_nothing_of_presence);
    tcase_add_test(tcase, longest_id_and_status);
    tcase_add_test(tcase, every_platform_at_once);
    tcase_add_test(tcase, without_stamp_the_time_received_counts);
    tcase_add_loop_test(tcase, stamps_too_far_ahead, 0, N_STAMPS_AHEAD);
    tcase_add_test(tcase, restamped_login_outdoes_own_and_kicked_rows);
    tcase_add_test(tcase, restamped_restapi_outdoes_all_rows);
    tcase_add_test(tcase, restamped_disconnect_outdoes_its_own_row_only);
    tcase_add_test(tcase, restamped_custom_status);
    tcase_add_test(tcase, restamped_at_the_end_of_time);
    tcase_add_test(tcase, log_carries_the_user);
    tcase_add_loop_test(tcase, all_orders_end_the_same, 0, N_ORDERED_SETS);
    suite_add_tcase(suite, tcase);
    return suite;
}

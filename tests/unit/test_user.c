/* SPDX-License-Identifier: MIT */
#include "presenced/user.h"
#include "suite.h"

#define WINDOW_MS 1000

#define ROW(p, a, t)                                                      \
    {                                                                     \
        .platform = PLATFORM_##p, .action = ROW_##a, .event_time_ms = (t) \
    }

static struct user user_of(const struct row *rows, unsigned n_rows)
{
    struct user user = {.id_len = 1, .id = "a", .n_rows = (uint16_t)n_rows};
    memcpy(user.rows, rows, n_rows * sizeof(*rows));
    return user;
}

#define N_ROWS_MAX 4

static const struct {
    unsigned n_rows;
    struct row rows[N_ROWS_MAX];
    uint64_t window_ms;
    uint64_t now_ms;
    struct {
        enum user_state state;
        bool has_since;
        uint64_t since_ms;
        uint64_t window_end_ms;
    } expected;
} summaries[] = {
    {0, {{0}}, WINDOW_MS, 5, {USER_UNKNOWN, false, 0, 0}},
    {1, {ROW(WEB, LOGIN, 7)}, WINDOW_MS, 100, {USER_ONLINE, true, 7, 0}},
    {2, {ROW(WEB, LOGIN, 7), ROW(IOS, LOGIN, 5)}, WINDOW_MS, 100, {USER_ONLINE, true, 5, 0}},
    {2, {ROW(WEB, LOGIN, 7), ROW(IOS, LOGOUT, 5)}, WINDOW_MS, 100, {USER_ONLINE, true, 7, 0}},
    {2, {ROW(WEB, LOGIN, 7), ROW(IOS, DISCONNECT, 9)}, WINDOW_MS, 100, {USER_ONLINE, true, 7, 0}},
    {1, {ROW(WEB, LOGIN, 0)}, WINDOW_MS, 100, {USER_ONLINE, true, 0, 0}},

    {1, {ROW(IOS, DISCONNECT, 5)}, WINDOW_MS, 1004, {USER_PUSH_ONLINE, true, 5, 1005}},
    {1, {ROW(IOS, DISCONNECT, 5)}, WINDOW_MS, 1005, {USER_OFFLINE, true, 1005, 1005}},
    {1, {ROW(ANDROID, DISCONNECT, 5)}, WINDOW_MS, 6, {USER_PUSH_ONLINE, true, 5, 1005}},
    {1, {ROW(IPAD, DISCONNECT, 5)}, WINDOW_MS, 6, {USER_PUSH_ONLINE, true, 5, 1005}},
    {1, {ROW(WEB, DISCONNECT, 5)}, WINDOW_MS, 6, {USER_OFFLINE, true, 5, 0}},
    {1, {ROW(MAC, DISCONNECT, 5)}, WINDOW_MS, 6, {USER_OFFLINE, true, 5, 0}},
    {1, {ROW(IOS, LOGOUT, 5)}, WINDOW_MS, 6, {USER_OFFLINE, true, 5, 0}},
    {1, {ROW(IOS, KICKED, 5)}, WINDOW_MS, 6, {USER_OFFLINE, true, 5, 0}},
    {1, {ROW(IOS, DISCONNECT, 5)}, 0, 6, {USER_OFFLINE, true, 5, 0}},
    {2,
     {ROW(IOS, DISCONNECT, 5), ROW(WEB, LOGOUT, 900)},
     WINDOW_MS,
     950,
     {USER_PUSH_ONLINE, true, 900, 1005}},
    {2, {ROW(IOS, DISCONNECT, 5), ROW(WEB, LOGOUT, 900)}, WINDOW_MS, 1005, {USER_OFFLINE, true, 1005, 1005}},
    {2, {ROW(IOS, DISCONNECT, 5), ROW(WEB, LOGOUT, 2000)}, WINDOW_MS, 3000, {USER_OFFLINE, true, 2000, 1005}},
    {2,
     {ROW(IOS, DISCONNECT, 5), ROW(IPAD, DISCONNECT, 9)},
     WINDOW_MS,
     1005,
     {USER_PUSH_ONLINE, true, 9, 1009}},

    /* RESTAPI ends what is not newer than it. */
    {2, {ROW(WEB, LOGIN, 7), ROW(RESTAPI, LOGOUT, 8)}, WINDOW_MS, 100, {USER_OFFLINE, true, 8, 0}},
    {2, {ROW(WEB, LOGIN, 8), ROW(RESTAPI, LOGOUT, 8)}, WINDOW_MS, 100, {USER_ONLINE, true, 8, 0}},
    {2, {ROW(WEB, LOGIN, 9), ROW(RESTAPI, LOGOUT, 8)}, WINDOW_MS, 100, {USER_ONLINE, true, 9, 0}},
    {2, {ROW(IOS, LOGIN, 7), ROW(RESTAPI, DISCONNECT, 8)}, WINDOW_MS, 100, {USER_PUSH_ONLINE, true, 8, 1008}},
    {2, {ROW(IOS, DISCONNECT, 7), ROW(RESTAPI, LOGOUT, 8)}, WINDOW_MS, 100, {USER_OFFLINE, true, 8, 0}},
    {2,
     {ROW(IOS, DISCONNECT, 8), ROW(RESTAPI, LOGOUT, 8)},
     WINDOW_MS,
     100,
     {USER_PUSH_ONLINE, true, 8, 1008}},
    {1, {ROW(RESTAPI, DISCONNECT, 8)}, WINDOW_MS, 100, {USER_OFFLINE, true, 8, 0}},
    {2, {ROW(WEB, LOGIN, 7), ROW(RESTAPI, KICKED, 8)}, WINDOW_MS, 100, {USER_ONLINE, true, 7, 0}},
    {2, {ROW(WEB, LOGOUT, 7), ROW(RESTAPI, LOGIN, 8)}, WINDOW_MS, 100, {USER_ONLINE, true, 8, 0}},

    /* As long a window as there is. */
    {1, {ROW(IOS, DISCONNECT, 5)}, UINT64_MAX, 100, {USER_PUSH_ONLINE, true, 5, EVENT_TIME_MAX_MS + 5}},
};

#define N_SUMMARIES ((int)(sizeof(summaries) / sizeof(summaries[0])))

START_TEST(sums_up_its_rows)
{
    struct user user = user_of(summaries[_i].rows, summaries[_i].n_rows);
    struct user_summary summary;
    struct user_view view = {.now_ms = summaries[_i].now_ms,
                             .push_online_window_ms = summaries[_i].window_ms};
    user_summarise(&user, &view, &summary);
    ck_assert_int_eq(summary.state, summaries[_i].expected.state);
    ck_assert_int_eq(summary.has_since, summaries[_i].expected.has_since);
    ck_assert_uint_eq(summary.since_ms, summaries[_i].expected.since_ms);
    ck_assert_uint_eq(summary.window_end_ms, summaries[_i].expected.window_end_ms);
}
END_TEST

START_TEST(rows_change_with_time)
{
    static const struct row rows[] = {
        ROW(IOS, LOGIN, 7),
        {.platform = PLATFORM_RESTAPI,
         .action = ROW_LOGOUT,
         .reason = ROW_REASON_UNREGISTER,
         .event_time_ms = 8,
         .received_unix_ms = 9,
         .client = {4, {192, 0, 2, 1}}},
        ROW(WEB, LOGIN, 9),
        ROW(MAC, KICKED, 8),
    };
    struct user user = user_of(rows, 4);
    static const unsigned reads_as[] = {1, 1, 2, 1};
    for (unsigned i = 0; i < 4; i++) {
        struct row effective = user_effective_row(&user, &user.rows[i]);
        const struct row *expected = &rows[reads_as[i]];
        ck_assert_uint_eq(effective.platform, rows[i].platform);
        ck_assert_uint_eq(effective.action, expected->action);
        ck_assert_uint_eq(effective.reason, expected->reason);
        ck_assert_uint_eq(effective.event_time_ms, expected->event_time_ms);
        ck_assert_uint_eq(effective.received_unix_ms, expected->received_unix_ms);
        ck_assert(address_equal(&effective.client, &expected->client));
    }
}
END_TEST

START_TEST(lists_online_platforms)
{
    static const struct row rows[] = {ROW(IOS, LOGIN, 7), ROW(RESTAPI, LOGOUT, 8), ROW(WEB, LOGIN, 9),
                                      ROW(MAC, LOGIN, 8)};
    struct user user = user_of(rows, 4);
    struct platform_set online = user_online_platforms(&user, &(struct user_view){0});
    for (unsigned i = 0; i < PLATFORM_N_MAX; i++) {
        ck_assert_int_eq(platform_set_has(&online, (uint8_t)i), i == PLATFORM_WEB || i == PLATFORM_MAC);
    }
}
END_TEST

START_TEST(row_of_platform)
{
    static const struct row rows[] = {ROW(IOS, LOGIN, 7), ROW(WEB, LOGIN, 9)};
    struct user user = user_of(rows, 2);
    ck_assert_ptr_eq(user_row(&user, PLATFORM_WEB), &user.rows[1]);
    ck_assert_ptr_null(user_row(&user, PLATFORM_MAC));
}
END_TEST

START_TEST(knows_its_last_stamp)
{
    static const struct row rows[] = {ROW(IOS, LOGIN, 7), ROW(WEB, LOGOUT, 9), ROW(MAC, LOGIN, 8)};
    struct user user = user_of(rows, 0);
    ck_assert_uint_eq(user_last_stamp_ms(&user), 0);
    user = user_of(rows, 3);
    ck_assert_uint_eq(user_last_stamp_ms(&user), 9);
    user.custom_status_time_ms = 10;
    ck_assert_uint_eq(user_last_stamp_ms(&user), 9);
    user.has_custom_status = true;
    ck_assert_uint_eq(user_last_stamp_ms(&user), 10);
    user.custom_status_time_ms = 8;
    ck_assert_uint_eq(user_last_stamp_ms(&user), 9);
}
END_TEST

START_TEST(states_have_names)
{
    ck_assert(str_equal(user_state_name(USER_ONLINE), STR("online")));
    ck_assert(str_equal(user_state_name(USER_PUSH_ONLINE), STR("push_online")));
    ck_assert(str_equal(user_state_name(USER_OFFLINE), STR("offline")));
    ck_assert(str_equal(user_state_name(USER_UNKNOWN), STR("unknown")));
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("user");
    TCase *tcase = tcase_create("user");
    tcase_add_loop_test(tcase, sums_up_its_rows, 0, N_SUMMARIES);
    tcase_add_test(tcase, rows_change_with_time);
    tcase_add_test(tcase, lists_online_platforms);
    tcase_add_test(tcase, row_of_platform);
    tcase_add_test(tcase, knows_its_last_stamp);
    tcase_add_test(tcase, states_have_names);
    suite_add_tcase(suite, tcase);
    return suite;
}

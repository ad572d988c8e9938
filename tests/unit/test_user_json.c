/* SPDX-License-Identifier: MIT */
#include "suite.h"

#include "../../src/status/user_json.h"
#include "status_fixture.h"

#define USER_HEAD "{\"app\":1400000000,\"user\":\"alice\",\"state\":"
#define NO_CUSTOM_STATUS ",\"custom_status\":null,\"custom_status_time\":null"

static void expect_user(const char *id, uint64_t now_ms, const char *expected)
{
    struct user user;
    struct buf out = {0};
    struct json_writer json = {.out = &out};
    ck_assert_int_eq(table_get(fixture.table, 0, str_from(id), &user), 0);
    user_json_write(&json, fixture.table, &user, now_ms);
    buf_append_char(&out, '\0');
    ck_assert(!out.failed);
    ck_assert_str_eq(out.ptr, expected);
    buf_fini(&out);
}

static void login(uint8_t platform, uint64_t time_ms, const char *client)
{
    happen((struct event){TABLE_LOGIN, 0, "alice", platform, ROW_REASON_REGISTER, time_ms, client, NULL});
}

START_TEST(keys_stand_in_the_promised_order)
{
    login(PLATFORM_IOS, 1629883332497, "192.0.2.4");
    expect_user("alice", 1629883332600,
                USER_HEAD "\"online\",\"since\":1629883332497" NO_CUSTOM_STATUS
                          ",\"devices\":[{\"platform\":\"iOS\",\"state\":\"online\",\"action\":\"Login\","
                          "\"reason\":\"Register\",\"event_time\":1629883332497,"
                          "\"received_time\":1629883332597,\"client_ip\":\"192.0.2.4\"}]}");
}
END_TEST

START_TEST(every_platform_is_a_device)
{
    login(PLATFORM_WEB, 1000, NULL);
    login(PLATFORM_MAC, 2000, "2001:db8::5");
    happen((struct event){TABLE_LOGOUT, 0, "alice", PLATFORM_WEB, ROW_REASON_UNREGISTER, 3000, NULL, NULL});
    expect_user("alice", 4000,
                USER_HEAD "\"online\",\"since\":2000" NO_CUSTOM_STATUS
                          ",\"devices\":[{\"platform\":\"Web\",\"state\":\"offline\",\"action\":\"Logout\","
                          "\"reason\":\"Unregister\",\"event_time\":3000,\"received_time\":3100,"
                          "\"client_ip\":null},"
                          "{\"platform\":\"Mac\",\"state\":\"online\",\"action\":\"Login\","
                          "\"reason\":\"Register\",\"event_time\":2000,\"received_time\":2100,"
                          "\"client_ip\":\"2001:db8::5\"}]}");
}
END_TEST

START_TEST(a_device_ended_by_restapi_reads_as_that)
{
    login(PLATFORM_WEB, 1000, "192.0.2.4");
    happen((struct event){TABLE_LOGOUT, 0, "alice", PLATFORM_RESTAPI, ROW_REASON_UNREGISTER, 2000,
                          "192.0.2.9", NULL});
    expect_user("alice", 4000,
                USER_HEAD "\"offline\",\"since\":2000" NO_CUSTOM_STATUS
                          ",\"devices\":[{\"platform\":\"Web\",\"state\":\"offline\",\"action\":\"Logout\","
                          "\"reason\":\"Unregister\",\"event_time\":2000,\"received_time\":2100,"
                          "\"client_ip\":\"192.0.2.9\"},"
                          "{\"platform\":\"RESTAPI\",\"state\":\"offline\",\"action\":\"Logout\","
                          "\"reason\":\"Unregister\",\"event_time\":2000,\"received_time\":2100,"
                          "\"client_ip\":\"192.0.2.9\"}]}");
}
END_TEST

#define PHONE_IS_GONE                                                                          \
    ",\"devices\":[{\"platform\":\"Android\",\"state\":\"offline\",\"action\":\"Disconnect\"," \
    "\"reason\":\"TimeOut\",\"event_time\":5000,\"received_time\":5100,\"client_ip\":null}]}"

START_TEST(state_is_that_of_now)
{
    happen(
        (struct event){TABLE_DISCONNECT, 0, "alice", PLATFORM_ANDROID, ROW_REASON_TIMEOUT, 5000, NULL, NULL});
    expect_user("alice", 5000 + WINDOW_MS - 1,
                USER_HEAD "\"push_online\",\"since\":5000" NO_CUSTOM_STATUS PHONE_IS_GONE);
    expect_user("alice", 5000 + WINDOW_MS,
                USER_HEAD "\"offline\",\"since\":604805000" NO_CUSTOM_STATUS PHONE_IS_GONE);
}
END_TEST

#define WEB_LOGIN                                                                                            \
    ",\"devices\":[{\"platform\":\"Web\",\"state\":\"online\",\"action\":\"Login\",\"reason\":\"Register\"," \
    "\"event_time\":1000,\"received_time\":1100,\"client_ip\":null}]}"

START_TEST(custom_status_is_shown_while_online)
{
    struct event status = {.kind = TABLE_CUSTOM_STATUS, .user = "alice", .time_ms = 2000};
    login(PLATFORM_WEB, 1000, NULL);
    status.custom_status = "at \"lunch\"";
    happen(status);
    expect_user("alice", 3000,
                USER_HEAD "\"online\",\"since\":1000,\"custom_status\":\"at \\\"lunch\\\"\","
                          "\"custom_status_time\":2000" WEB_LOGIN);
    status.custom_status = "";
    status.time_ms = 2500;
    happen(status);
    expect_user("alice", 3000, USER_HEAD "\"online\",\"since\":1000" NO_CUSTOM_STATUS WEB_LOGIN);
}
END_TEST

START_TEST(custom_status_is_hidden_while_offline)
{
    login(PLATFORM_WEB, 1000, NULL);
    happen((struct event){
        .kind = TABLE_CUSTOM_STATUS, .user = "alice", .time_ms = 2000, .custom_status = "busy"});
    happen((struct event){TABLE_LOGOUT, 0, "alice", PLATFORM_WEB, ROW_REASON_UNREGISTER, 3000, NULL, NULL});
    expect_user("alice", 3000,
                USER_HEAD "\"offline\",\"since\":3000" NO_CUSTOM_STATUS
                          ",\"devices\":[{\"platform\":\"Web\",\"state\":\"offline\",\"action\":\"Logout\","
                          "\"reason\":\"Unregister\",\"event_time\":3000,\"received_time\":3100,"
                          "\"client_ip\":null}]}");
}
END_TEST

START_TEST(a_custom_status_alone_is_an_unknown_state)
{
    happen((struct event){
        .kind = TABLE_CUSTOM_STATUS, .user = "alice", .time_ms = 2000, .custom_status = "busy"});
    expect_user("alice", 3000, USER_HEAD "\"unknown\",\"since\":null" NO_CUSTOM_STATUS ",\"devices\":[]}");
}
END_TEST

START_TEST(a_user_never_heard_of_is_written_whole)
{
    struct buf out = {0};
    struct json_writer json = {.out = &out};
    user_json_write_unknown(&json, APP_ID, STR("bob \"b\"\n"));
    buf_append_char(&out, '\0');
    ck_assert_str_eq(out.ptr, "{\"app\":1400000000,\"user\":\"bob \\\"b\\\"\\n\",\"state\":\"unknown\","
                              "\"since\":null,\"custom_status\":null,\"custom_status_time\":null,"
                              "\"devices\":[]}");
    buf_fini(&out);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("user_json");
    TCase *tcase = tcase_create("user_json");
    tcase_add_checked_fixture(tcase, fixture_start_one_app, fixture_stop);
    tcase_add_test(tcase, keys_stand_in_the_promised_order);
    tcase_add_test(tcase, every_platform_is_a_device);
    tcase_add_test(tcase, a_device_ended_by_restapi_reads_as_that);
    tcase_add_test(tcase, state_is_that_of_now);
    tcase_add_test(tcase, custom_status_is_shown_while_online);
    tcase_add_test(tcase, custom_status_is_hidden_while_offline);
    tcase_add_test(tcase, a_custom_status_alone_is_an_unknown_state);
    tcase_add_test(tcase, a_user_never_heard_of_is_written_whole);
    suite_add_tcase(suite, tcase);
    return suite;
}

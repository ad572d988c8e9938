/* SPDX-License-Identifier: MIT */
#include "suite.h"

#include "status_fixture.h"

static cJSON *stats;

static void setup(void)
{
    fixture_start_two_apps();
    stats = NULL;
}

static void teardown(void)
{
    cJSON_Delete(stats);
    fixture_stop();
}

static void happen_to(enum table_event_kind kind, uint16_t app, const char *user, uint8_t platform)
{
    enum row_reason reason = kind == TABLE_LOGIN ? ROW_REASON_REGISTER : ROW_REASON_LINK_CLOSE;
    happen((struct event){kind, app, user, platform, (uint8_t)reason, NOW_MS - 1000, NULL, NULL});
}

static void read_stats(void)
{
    struct http_reply *reply = get("/v1/stats");
    ck_assert_ptr_nonnull(reply);
    ck_assert_uint_eq(reply_status(reply), 200);
    stats = reply_json(reply);
    http_reply_free(reply);
}

static void expect_json(const char *key, const char *expected)
{
    char *text = cJSON_PrintUnformatted(cJSON_GetObjectItemCaseSensitive(stats, key));
    ck_assert_ptr_nonnull(text);
    ck_assert_msg(strcmp(text, expected) == 0, "%s is %s", key, text);
    cJSON_free(text);
}

START_TEST(nothing_has_happened_yet)
{
    read_stats();
    expect_json("apps", "[{\"app\":1400000000,\"users\":0,\"states\":{\"online\":0,\"push_online\":0,"
                        "\"offline\":0,\"unknown\":0},\"online_devices\":{},\"dropped\":{\"max_users\":0,"
                        "\"forget_after\":0},\"forgotten_before\":null,\"reconcile\":{\"state\":\"off\"}},"
                        "{\"app\":1400000001,\"users\":0,\"states\":{\"online\":0,\"push_online\":0,"
                        "\"offline\":0,\"unknown\":0},\"online_devices\":{},\"dropped\":{\"max_users\":0,"
                        "\"forget_after\":0},\"forgotten_before\":null,\"reconcile\":{\"state\":\"off\"}}]");
    expect_json("users", "0");
    expect_json("revision", "0");
    expect_json("online_history", "{\"start_time\":null,\"interval_ms\":60000,\"online\":[]}");
    expect_json("warnings", "[]");
    expect_json("log", "{\"lines_dropped\":0}");
}
END_TEST

START_TEST(users_are_counted_by_app_state_and_platform)
{
    (void)platform_intern(table_platform_names(fixture.table), STR("Toaster \"9\""));
    happen_to(TABLE_LOGIN, 0, "a", PLATFORM_WEB);
    happen_to(TABLE_LOGIN, 0, "a", PLATFORM_IOS);
    happen_to(TABLE_LOGIN, 0, "b", PLATFORM_WEB);
    happen_to(TABLE_LOGIN, 0, "b", PLATFORM_N_KNOWN);
    happen_to(TABLE_DISCONNECT, 0, "c", PLATFORM_IOS);
    happen_to(TABLE_LOGOUT, 0, "d", PLATFORM_MAC);
    happen_to(TABLE_LOGIN, 1, "a", PLATFORM_WEB);
    happen((struct event){.kind = TABLE_CUSTOM_STATUS,
                          .app = 1,
                          .user = "e",
                          .time_ms = NOW_MS - 1000,
                          .custom_status = "busy"});
    read_stats();
    expect_json("apps",
                "[{\"app\":1400000000,\"users\":4,\"states\":{\"online\":2,\"push_online\":1,\"offline\":1,"
                "\"unknown\":0},\"online_devices\":{\"iOS\":1,\"Web\":2,\"Toaster \\\"9\\\"\":1},"
                "\"dropped\":{\"max_users\":0,\"forget_after\":0},\"forgotten_before\":null,"
                "\"reconcile\":{\"state\":\"off\"}},"
                "{\"app\":1400000001,\"users\":2,\"states\":{\"online\":1,\"push_online\":0,\"offline\":0,"
                "\"unknown\":1},\"online_devices\":{\"Web\":1},"
                "\"dropped\":{\"max_users\":0,\"forget_after\":0},\"forgotten_before\":null,"
                "\"reconcile\":{\"state\":\"off\"}}]");
    expect_json("users", "6");
    expect_json("revision", "8");
}
END_TEST

START_TEST(whom_the_table_dropped_is_told)
{
    happen_to(TABLE_LOGOUT, 0, "a", PLATFORM_WEB);
    (void)table_tick(fixture.table, NOW_MS + FORGET_AFTER_MS);
    read_stats();
    const cJSON *app = cJSON_GetObjectItem(stats, "apps")->child;
    ck_assert_int_eq(cJSON_GetObjectItem(app, "users")->valueint, 0);
    ck_assert_int_eq(cJSON_GetObjectItem(cJSON_GetObjectItem(app, "dropped"), "max_users")->valueint, 0);
    ck_assert_int_eq(cJSON_GetObjectItem(cJSON_GetObjectItem(app, "dropped"), "forget_after")->valueint, 1);
    ck_assert(cJSON_GetObjectItem(app, "forgotten_before")->valuedouble == (double)(NOW_MS - 1000));
}
END_TEST

START_TEST(what_others_know_is_passed_on)
{
    read_stats();
    expect_json("version", "\"1.2.3\"");
    expect_json("start_time", "1699999995000");
    expect_json("health", "{\"status\":\"ready\"}");
    expect_json("events", "{\"applied\":12,\"refused_sign\":3,\"restamped\":2}");
    expect_json("configuration",
                "{\"reloads_successful\":4,\"reloads_failed\":1,\"loaded_time\":1699999997500}");
    expect_json("listeners",
                "{\"callback\":{\"connections\":7,\"handshakes_full\":5,\"handshakes_failed\":6},"
                "\"status\":{\"connections\":1,\"handshakes_full\":5,\"handshakes_failed\":6}}");
    expect_json("store", "{\"state\":\"ok\",\"commits\":9}");
    expect_json("replication", "{\"state\":\"off\"}");
    const cJSON *uptime = cJSON_GetObjectItemCaseSensitive(stats, "uptime_ms");
    ck_assert(cJSON_IsNumber(uptime) && uptime->valuedouble >= 0 && uptime->valuedouble < 3600000);
}
END_TEST

START_TEST(a_degraded_daemon_says_so)
{
    fixture.health = (struct status_health){STATUS_DRAINING, "redis is away"};
    read_stats();
    expect_json("health", "{\"status\":\"draining\",\"degraded\":\"redis is away\"}");
    expect_json("store", "{\"state\":\"degraded\",\"commits\":9}");
}
END_TEST

START_TEST(what_needs_a_person_is_told)
{
    warnings_raise(fixture.warnings, WARNING_APP_UNSIGNED, APP_ID, "\"x\"", 0);
    warnings_raise(fixture.warnings, WARNING_CERTIFICATE_EXPIRED, 0, "it expired", 0);
    read_stats();
    expect_json("warnings", "[{\"code\":\"certificate_expired\",\"text\":\"it expired\"},"
                            "{\"code\":\"app_unsigned\",\"text\":\"\\\"x\\\"\"}]");
}
END_TEST

START_TEST(missing_minutes_are_null)
{
    uint64_t minute = NOW_MS - NOW_MS % ONLINE_MINUTE_MS;
    online_minutes_record(fixture.online_minutes, minute, 5);
    online_minutes_record(fixture.online_minutes, minute + 2 * ONLINE_MINUTE_MS, 7);
    read_stats();
    expect_json("online_history",
                "{\"start_time\":1699999980000,\"interval_ms\":60000,\"online\":[5,null,7]}");
}
END_TEST

START_TEST(without_memory_there_is_no_answer)
{
    fixture.memory_is_gone = true;
    ck_assert_ptr_null(get("/v1/stats"));
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("stats");
    TCase *tcase = tcase_create("stats");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, nothing_has_happened_yet);
    tcase_add_test(tcase, users_are_counted_by_app_state_and_platform);
    tcase_add_test(tcase, whom_the_table_dropped_is_told);
    tcase_add_test(tcase, what_others_know_is_passed_on);
    tcase_add_test(tcase, a_degraded_daemon_says_so);
    tcase_add_test(tcase, what_needs_a_person_is_told);
    tcase_add_test(tcase, missing_minutes_are_null);
    tcase_add_test(tcase, without_memory_there_is_no_answer);
    suite_add_tcase(suite, tcase);
    return suite;
}

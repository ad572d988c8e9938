/* SPDX-License-Identifier: MIT */
#include "suite.h"

#include "status_fixture.h"

#include "../../src/status/online.h"

/* GET /v1/stats/online, and struct breakdown behind it. */

#define MINUTE (NOW_MS - NOW_MS % ONLINE_MINUTE_MS)
#define START "{\"start_time\":1699999980000,\"interval_ms\":60000"

static void login(uint16_t app, const char *user, uint8_t platform)
{
    happen((struct event){TABLE_LOGIN, app, user, platform, ROW_REASON_REGISTER, NOW_MS, NULL, NULL});
}

static void record(uint64_t unix_ms, uint64_t n_online)
{
    online_minutes_record(fixture.online_minutes, unix_ms, n_online);
    breakdown_record(fixture.breakdown, unix_ms);
}

static struct http_reply *get_showing(const char *token)
{
    const struct http_header headers[] = {{"Authorization", token}, {NULL, NULL}};
    return ask_with(headers, "GET", "/v1/stats/online", STR(""));
}

START_TEST(nothing_is_recorded_yet)
{
    expect_body(
        get("/v1/stats/online"), 200,
        "{\"start_time\":null,\"interval_ms\":60000,\"online\":[],\"apps\":[{\"app\":1400000000,\"online\":[]},"
        "{\"app\":1400000001,\"online\":[]}],\"platforms\":[]}");
}
END_TEST

/* The series begin at the first minute of any of them: who was nobody's yet is unknown there. */
START_TEST(minutes_are_told_by_app_and_platform)
{
    login(0, "alice", PLATFORM_IOS);
    login(0, "alice", PLATFORM_WEB);
    login(0, "carol", PLATFORM_IOS);
    record(MINUTE, 2);
    login(1, "bob", PLATFORM_MAC);
    record(MINUTE + 2 * ONLINE_MINUTE_MS, 3);
    expect_body(
        get("/v1/stats/online"), 200,
        START
        ",\"online\":[2,null,3],\"apps\":[{\"app\":1400000000,\"online\":[2,null,2]},"
        "{\"app\":1400000001,\"online\":[null,null,1]}],"
        "\"platforms\":[{\"platform\":\"iOS\",\"online\":[2,null,2]},"
        "{\"platform\":\"Web\",\"online\":[1,null,1]},{\"platform\":\"Mac\",\"online\":[null,null,1]}]}");
}
END_TEST

START_TEST(the_app_with_the_most_comes_first)
{
    login(1, "alice", PLATFORM_IOS);
    record(MINUTE, 1);
    expect_body(
        get("/v1/stats/online"), 200,
        START
        ",\"online\":[1],\"apps\":[{\"app\":1400000001,\"online\":[1]},"
        "{\"app\":1400000000,\"online\":[null]}],\"platforms\":[{\"platform\":\"iOS\",\"online\":[1]}]}");
}
END_TEST

START_TEST(of_many_apps_those_with_the_most_are_told)
{
    char user[] = "a";
    for (uint16_t i = 2; i < 2 * ONLINE_N_APPS_MAX; i++) {
        uint16_t app;
        ck_assert_int_eq(table_add_app(fixture.table, APP_ID + i, &app), 0);
        for (int n = 0; n <= i % 11; n++) { /* in no order */
            user[0] = (char)('a' + n);
            login(app, user, PLATFORM_IOS);
        }
    }
    struct http_reply *reply = get("/v1/stats/online");
    cJSON *json = reply_json(reply);
    const cJSON *apps = cJSON_GetObjectItem(json, "apps");
    static const int expected[ONLINE_N_APPS_MAX] = {10, 9, 8, 7, 6, 5, 4, 15};
    ck_assert_int_eq(cJSON_GetArraySize(apps), ONLINE_N_APPS_MAX);
    for (int i = 0; i < ONLINE_N_APPS_MAX; i++) {
        ck_assert_int_eq(
            (int)(cJSON_GetObjectItem(cJSON_GetArrayItem(apps, i), "app")->valuedouble - (double)APP_ID),
            expected[i]);
    }
    cJSON_Delete(json);
    http_reply_free(reply);
}
END_TEST

START_TEST(who_shows_the_token_of_an_app_is_told_of_that_app)
{
    const struct status_app_token tokens[] = {{1, STR("of-other")}};
    login(0, "alice", PLATFORM_IOS);
    login(1, "bob", PLATFORM_MAC);
    record(MINUTE, 2);
    use_settings(&(struct status_settings){.token = STR("all"), .app_tokens = tokens, .n_app_tokens = 1});
    expect_body(get_showing("Bearer of-other"), 200,
                START ",\"apps\":[{\"app\":1400000001,\"online\":[1]}]}");
    expect_problem(get("/v1/stats/online"), 401, "the bearer token of this listener is needed");
}
END_TEST

START_TEST(where_there_is_one_app_its_token_tells_of_platforms)
{
    const struct status_app_token tokens[] = {{0, STR("of-app")}};
    login(0, "alice", PLATFORM_IOS);
    record(MINUTE, 1);
    use_settings(&(struct status_settings){.app_tokens = tokens, .n_app_tokens = 1});
    expect_body(get_showing("Bearer of-app"), 200,
                START ",\"online\":[1],\"apps\":[{\"app\":1400000000,\"online\":[1]}],"
                      "\"platforms\":[{\"platform\":\"iOS\",\"online\":[1]}]}");
}
END_TEST

START_TEST(counts_are_taken_again_after_a_second)
{
    login(0, "alice", PLATFORM_IOS);
    record(MINUTE, 1);
    login(0, "bob", PLATFORM_IOS);
    breakdown_record(fixture.breakdown, MINUTE + 100);
    uint64_t start_unix_ms;
    uint32_t counts[ONLINE_N_MINUTES];
    ck_assert_uint_eq(online_minutes_read(breakdown_of_app(fixture.breakdown, 0), &start_unix_ms, counts), 1);
    ck_assert_uint_eq(counts[0], 1);
    breakdown_record(fixture.breakdown, MINUTE + 1000);
    ck_assert_uint_eq(online_minutes_read(breakdown_of_app(fixture.breakdown, 0), &start_unix_ms, counts), 1);
    ck_assert_uint_eq(counts[0], 2);
    breakdown_record(fixture.breakdown, MINUTE - ONLINE_MINUTE_MS); /* the clock was set back */
    ck_assert_uint_eq(online_minutes_read(breakdown_of_app(fixture.breakdown, 0), &start_unix_ms, counts), 1);
    ck_assert_uint_eq(start_unix_ms, MINUTE - ONLINE_MINUTE_MS);
}
END_TEST

START_TEST(free_takes_null)
{
    breakdown_free(NULL);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("online");
    TCase *tcase = tcase_create("two apps");
    tcase_add_checked_fixture(tcase, fixture_start_two_apps, fixture_stop);
    tcase_add_test(tcase, nothing_is_recorded_yet);
    tcase_add_test(tcase, minutes_are_told_by_app_and_platform);
    tcase_add_test(tcase, the_app_with_the_most_comes_first);
    tcase_add_test(tcase, of_many_apps_those_with_the_most_are_told);
    tcase_add_test(tcase, who_shows_the_token_of_an_app_is_told_of_that_app);
    tcase_add_test(tcase, counts_are_taken_again_after_a_second);
    tcase_add_test(tcase, free_takes_null);
    suite_add_tcase(suite, tcase);
    tcase = tcase_create("one app");
    tcase_add_checked_fixture(tcase, fixture_start_one_app, fixture_stop);
    tcase_add_test(tcase, where_there_is_one_app_its_token_tells_of_platforms);
    suite_add_tcase(suite, tcase);
    return suite;
}

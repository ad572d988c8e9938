/* SPDX-License-Identifier: MIT */
#include "suite.h"

#include "status_fixture.h"

#include <stdio.h>

#define BAD_USER "the user in the path must be 1 to 256 bytes of percent-encoded UTF-8 without NUL"

static void log_in(uint16_t app, const char *user)
{
    happen(
        (struct event){TABLE_LOGIN, app, user, PLATFORM_WEB, ROW_REASON_REGISTER, NOW_MS - 1000, NULL, NULL});
}

static void expect_user(const char *target, uint64_t app_id, const char *user)
{
    struct http_reply *reply = get(target);
    ck_assert_ptr_nonnull(reply);
    cJSON *json = reply_json(reply);
    ck_assert_msg(reply_status(reply) == 200, "%s: %s", target, reply_body(reply));
    ck_assert_str_eq(cJSON_GetObjectItem(json, "user")->valuestring, user);
    ck_assert(cJSON_GetObjectItem(json, "app")->valuedouble == (double)app_id);
    ck_assert_str_eq(cJSON_GetObjectItem(json, "state")->valuestring, "online");
    cJSON_Delete(json);
    http_reply_free(reply);
}

START_TEST(a_user_is_shown_whole)
{
    log_in(0, "alice");
    expect_body(get("/v1/users/alice?app=1400000000"), 200,
                "{\"app\":1400000000,\"user\":\"alice\",\"state\":\"online\",\"since\":1699999999000,"
                "\"custom_status\":null,\"custom_status_time\":null,\"devices\":[{\"platform\":\"Web\","
                "\"state\":\"online\",\"action\":\"Login\",\"reason\":\"Register\","
                "\"event_time\":1699999999000,\"received_time\":1699999999100,\"client_ip\":null}]}");
}
END_TEST

static const struct {
    const char *encoded;
    const char *user;
} ids[] = {
    {"alice", "alice"},
    {"%61lice", "alice"},
    {"a%2Fb", "a/b"},
    {"a%2fb%3Fc", "a/b?c"},
    {"100%25", "100%"},
    {"two%20words", "two words"},
    {"a+b", "a+b"},
    {"%E4%BD%A0%E5%A5%BD", "\xe4\xbd\xa0\xe5\xa5\xbd"},
    {"\xe4\xbd\xa0", "\xe4\xbd\xa0"},
    {"%F0%9F%98%80", "\xf0\x9f\x98\x80"},
    {"query", "query"}, /* not to be taken for /v1/users/query */
    {"..", ".."},
    {"a&app=2", "a&app=2"},
};

START_TEST(any_id_can_be_asked_for)
{
    char target[256];
    log_in(0, ids[_i].user);
    (void)snprintf(target, sizeof(target), "/v1/users/%s", ids[_i].encoded);
    expect_user(target, APP_ID, ids[_i].user);
}
END_TEST

static const char *const bad_ids[] = {
    "/v1/users/",    "/v1/users/%",      "/v1/users/a%2",       "/v1/users/a%zz",   "/v1/users/a%00b",
    "/v1/users/%FF", "/v1/users/%C0%AF", "/v1/users/%ED%A0%80", "/v1/users/%E4%BD", "/v1/users/\xff",
};

START_TEST(what_is_no_id_is_refused)
{
    expect_problem(get(bad_ids[_i]), 400, BAD_USER);
}
END_TEST

static struct http_reply *get_repeated(const char *piece, unsigned n)
{
    struct buf target = {0};
    buf_append(&target, STR("/v1/users/"));
    while (n-- > 0) {
        buf_append(&target, str_from(piece));
    }
    buf_append_char(&target, '\0');
    struct http_reply *reply = get(target.ptr);
    buf_fini(&target);
    return reply;
}

START_TEST(an_id_of_256_bytes_is_the_longest)
{
    expect_problem(get_repeated("x", 256), 404, "this user was never heard of");
    expect_problem(get_repeated("%78", 256), 404, "this user was never heard of");
    expect_problem(get_repeated("x", 257), 400, BAD_USER);
    expect_problem(get_repeated("%78", 257), 400, BAD_USER);
}
END_TEST

START_TEST(a_user_never_heard_of_is_not_found)
{
    log_in(0, "alice");
    expect_problem(get("/v1/users/Alice"), 404, "this user was never heard of");
}
END_TEST

START_TEST(a_custom_status_alone_is_heard_of)
{
    happen((struct event){
        .kind = TABLE_CUSTOM_STATUS, .user = "alice", .time_ms = NOW_MS - 1000, .custom_status = "busy"});
    expect_body(get("/v1/users/alice"), 200,
                "{\"app\":1400000000,\"user\":\"alice\",\"state\":\"unknown\",\"since\":null,"
                "\"custom_status\":null,\"custom_status_time\":null,\"devices\":[]}");
}
END_TEST

START_TEST(an_app_that_is_not_configured_is_not_found)
{
    expect_problem(get("/v1/users/alice?app=1400000001"), 404, "no such app is configured");
    expect_problem(get("/v1/users/alice?app=18446744073709551615"), 404, "no such app is configured");
}
END_TEST

static const char *const bad_apps[] = {
    "app=x",           "app=-1",
    "app=1400000000x", "app=18446744073709551616",
    "app=%31%3",       "app=1400000000&app=1400000000",
    "app=%20",         "app=1.4e9",
    "app=&app=",
};

START_TEST(an_app_that_is_no_number_is_refused)
{
    char target[128];
    (void)snprintf(target, sizeof(target), "/v1/users/alice?%s", bad_apps[_i]);
    expect_problem(get(target), 400, "app is not the number of an app, given once");
}
END_TEST

START_TEST(the_only_app_need_not_be_named)
{
    log_in(0, "alice");
    expect_user("/v1/users/alice", APP_ID, "alice");
    expect_user("/v1/users/alice?", APP_ID, "alice");
    expect_user("/v1/users/alice?app=&other=1", APP_ID, "alice");
    expect_user("/v1/users/alice?%61pp=%31400000000", APP_ID, "alice");
}
END_TEST

START_TEST(one_of_two_apps_must_be_named)
{
    log_in(1, "alice");
    expect_problem(get("/v1/users/alice"), 400,
                   "app is missing; it may be left out only where one app is configured");
    expect_problem(get("/v1/users/alice?app=1400000000"), 404, "this user was never heard of");
    expect_user("/v1/users/alice?app=1400000001", OTHER_APP_ID, "alice");
}
END_TEST

START_TEST(the_state_is_that_of_the_clock)
{
    happen((struct event){TABLE_DISCONNECT, 0, "alice", PLATFORM_IOS, ROW_REASON_LINK_CLOSE, NOW_MS - 1000,
                          NULL, NULL});
    for (int i = 0; i < 2; i++) {
        struct http_reply *reply = get("/v1/users/alice");
        cJSON *json = reply_json(reply);
        ck_assert_str_eq(cJSON_GetObjectItem(json, "state")->valuestring, i == 0 ? "push_online" : "offline");
        cJSON_Delete(json);
        http_reply_free(reply);
        fixture.now_ms += WINDOW_MS;
    }
}
END_TEST

START_TEST(without_memory_there_is_no_answer)
{
    fixture.memory_is_gone = true;
    ck_assert_ptr_null(get("/v1/users/alice"));
}
END_TEST

#define N(array) ((int)(sizeof(array) / sizeof((array)[0])))

Suite *test_suite(void)
{
    Suite *suite = suite_create("user_lookup");
    TCase *one = tcase_create("one app");
    TCase *two = tcase_create("two apps");
    tcase_add_checked_fixture(one, fixture_start_one_app, fixture_stop);
    tcase_add_checked_fixture(two, fixture_start_two_apps, fixture_stop);
    tcase_add_test(one, a_user_is_shown_whole);
    tcase_add_loop_test(one, any_id_can_be_asked_for, 0, N(ids));
    tcase_add_loop_test(one, what_is_no_id_is_refused, 0, N(bad_ids));
    tcase_add_test(one, an_id_of_256_bytes_is_the_longest);
    tcase_add_test(one, a_user_never_heard_of_is_not_found);
    tcase_add_test(one, a_custom_status_alone_is_heard_of);
    tcase_add_test(one, an_app_that_is_not_configured_is_not_found);
    tcase_add_loop_test(one, an_app_that_is_no_number_is_refused, 0, N(bad_apps));
    tcase_add_test(one, the_only_app_need_not_be_named);
    tcase_add_test(one, the_state_is_that_of_the_clock);
    tcase_add_test(one, without_memory_there_is_no_answer);
    tcase_add_test(two, one_of_two_apps_must_be_named);
    suite_add_tcase(suite, one);
    suite_add_tcase(suite, two);
    return suite;
}

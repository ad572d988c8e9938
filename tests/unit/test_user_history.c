/* SPDX-License-Identifier: MIT */
#include "suite.h"

#include "../../src/status/user_history.h"
#include "status_fixture.h"

#include <stdio.h>

#define PATH "/v1/users/alice/history"

static struct status_user_events_query asked;
static char asked_user[USER_ID_MAX + 1];
static int result;

static int read_events(void *cls, const struct status_user_events_query *query,
                       void (*visit)(void *cls, const struct user_event *event), void *visit_cls,
                       bool *ret_complete)
{
    struct user_event event = {
        .received_unix_ms = NOW_MS,
        .has_event_time = true,
        .event_time_ms = NOW_MS - 100,
        .origin = CHANGE_BY_CALLBACK,
        .action = STR("Login"),
        .reason = STR("Register"),
        .platform = STR("iOS"),
        .outcome = STR("applied"),
        .request_id = STR("r\"1"),
        .client = {4, {192, 0, 2, 4}},
        .peer = {4, {192, 0, 2, 9}},
        .n_kicked = 2,
        .kicked = {STR("Web"), STR("Android")},
    };
    static const struct user_event bare = {
        .received_unix_ms = NOW_MS - 1, .origin = CHANGE_BY_RECONCILE, .outcome = {"full", 4}};
    (void)cls;
    asked = *query;
    (void)snprintf(asked_user, sizeof(asked_user), "%.*s", STR_FMT(query->user_id));
    if (result != 0) {
        return result;
    }
    visit(visit_cls, &event);
    visit(visit_cls, &bare);
    *ret_complete = true;
    return 0;
}

static void start(void)
{
    result = 0;
    fixture.user_events = (struct status_user_events){read_events, NULL};
    fixture_start_one_app();
}

static void start_without(void)
{
    fixture.user_events = (struct status_user_events){NULL, NULL};
    fixture_start_one_app();
}

START_TEST(events_have_all_that_is_remembered)
{
    expect_body(get(PATH), 200,
                "{\"events\":[{\"received_time\":1700000000000,\"event_time\":1699999999900,"
                "\"action\":\"Login\",\"reason\":\"Register\",\"platform\":\"iOS\","
                "\"client_ip\":\"192.0.2.4\",\"peer\":\"192.0.2.9\",\"kicked\":[\"Web\",\"Android\"],"
                "\"outcome\":\"applied\",\"request_id\":\"r\\\"1\",\"source\":\"callback\"},"
                "{\"received_time\":1699999999999,\"event_time\":null,\"action\":null,\"reason\":null,"
                "\"platform\":null,\"client_ip\":null,\"peer\":null,\"kicked\":[],\"outcome\":\"full\","
                "\"request_id\":null,\"source\":\"reconcile\"}],\"complete\":true}");
    ck_assert_uint_eq(asked.app_id, APP_ID);
    ck_assert_str_eq(asked_user, "alice");
    ck_assert_uint_eq(asked.since_unix_ms, 0);
    ck_assert_uint_eq(asked.limit, USER_HISTORY_LIMIT_DEFAULT);
}
END_TEST

START_TEST(parameters_are_passed_on)
{
    http_reply_free(get("/v1/users/a%2Fb/history?limit=1000&since=1699999999999&app=1400000000"));
    ck_assert_str_eq(asked_user, "a/b");
    ck_assert_uint_eq(asked.since_unix_ms, 1699999999999);
    ck_assert_uint_eq(asked.limit, 1000);
    http_reply_free(get("/v1/users/history/history?since="));
    ck_assert_str_eq(asked_user, "history");
}
END_TEST

#define BAD_LIMIT "limit is not a number from 1 to 1000, given once"
#define BAD_SINCE "since is not a time in ms, given once"

static const struct {
    const char *target;
    unsigned status;
    const char *detail;
} bad[] = {
    {PATH "?limit=0", 400, BAD_LIMIT},
    {PATH "?limit=1001", 400, BAD_LIMIT},
    {PATH "?limit=1&limit=1", 400, BAD_LIMIT},
    {PATH "?since=x", 400, BAD_SINCE},
    {PATH "?since=9007199254740992", 400, BAD_SINCE},
    {PATH "?app=1", 404, "no such app is configured"},
    {"/v1/users/%ff/history", 400,
     "the user in the path must be 1 to 256 bytes of percent-encoded UTF-8 without NUL"},
    {"/v1/users//history", 400,
     "the user in the path must be 1 to 256 bytes of percent-encoded UTF-8 without NUL"},
    {"/v1/users/a/b/history", 404, "there is nothing at this path"},
    {"/v1/users/a/history/", 404, "there is nothing at this path"},
};

START_TEST(what_is_malformed_is_refused)
{
    expect_problem(get(bad[_i].target), bad[_i].status, bad[_i].detail);
}
END_TEST

START_TEST(a_busy_disk_is_said)
{
    result = 1;
    expect_problem(get(PATH), 503, "the history's disk is busy; ask again");
    result = -1;
    ck_assert_ptr_null(get(PATH));
}
END_TEST

START_TEST(where_none_is_kept_the_reason_is_said)
{
    expect_problem(get(PATH), 404,
                   "no history is kept: that needs [store] path, and history above 0; else see the log");
}
END_TEST

#define N(array) ((int)(sizeof(array) / sizeof((array)[0])))

Suite *test_suite(void)
{
    Suite *suite = suite_create("user_history");
    TCase *kept = tcase_create("kept");
    TCase *without = tcase_create("without");
    tcase_add_checked_fixture(kept, start, fixture_stop);
    tcase_add_checked_fixture(without, start_without, fixture_stop);
    tcase_add_test(kept, events_have_all_that_is_remembered);
    tcase_add_test(kept, parameters_are_passed_on);
    tcase_add_loop_test(kept, what_is_malformed_is_refused, 0, N(bad));
    tcase_add_test(kept, a_busy_disk_is_said);
    tcase_add_test(without, where_none_is_kept_the_reason_is_said);
    suite_add_tcase(suite, kept);
    suite_add_tcase(suite, without);
    return suite;
}

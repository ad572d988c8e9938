/* SPDX-License-Identifier: MIT */
#include "suite.h"

#include "../../src/status/answer.h"
#include "status_fixture.h"

#include <pthread.h>
#include <stdio.h>

#define TOKEN "s3cret-token"

static const struct http_header no_headers[] = {{NULL, NULL}};
static const struct http_header local[] = {{"Host", "127.0.0.1:8080"}, {NULL, NULL}};
static const struct http_header stranger[] = {{"Host", "evil.example"}, {NULL, NULL}};

static void expect_status(struct http_reply *reply, unsigned status)
{
    ck_assert_ptr_nonnull(reply);
    ck_assert_uint_eq(reply_status(reply), status);
    http_reply_free(reply);
}

static void expect_security_headers(struct http_reply *reply)
{
    ck_assert_str_eq(reply_header(reply, "X-Content-Type-Options"), "nosniff");
    ck_assert_str_eq(reply_header(reply, "Cache-Control"), "no-store");
    ck_assert_str_eq(reply_header(reply, "Content-Security-Policy"),
                     "default-src 'none'; frame-ancestors 'none'");
    http_reply_free(reply);
}

START_TEST(every_reply_guards_the_browser)
{
    expect_security_headers(get("/livez"));
    expect_security_headers(get("/v1/stats"));
    expect_security_headers(get("/nothing"));
    expect_security_headers(ask_with(stranger, "GET", "/v1/stats", STR("")));
    expect_security_headers(ask_with(local, "DELETE", "/v1/stats", STR("")));
    expect_security_headers(post("/v4/openim/query_online_status", ""));
}
END_TEST

static const char *const absent_paths[] = {
    "/page.cs",    "",          "/v1",           "/v1/user",    "/livez/",          "/v1/users/alice/devices",
    "/v1/users//", "/V1/STATS", "/v1/users/a/b", "/v1/events/", "/metrics/",        "http://localhost/livez",
    "*",           "/livez2",   "/v1/stats/x",   "//livez",     "/v1/users/query/",
};

START_TEST(an_unknown_path_is_not_found)
{
    expect_problem(get(absent_paths[_i]), 404, "there is nothing at this path");
}
END_TEST

static const struct {
    const char *method;
    const char *target;
    const char *allow;
} wrong_methods[] = {
    {"POST", "/livez", "GET, HEAD"},
    {"PUT", "/readyz", "GET, HEAD"},
    {"POST", "/v1/users", "GET, HEAD"},
    {"POST", "/v1/users/alice", "GET, HEAD"},
    {"OPTIONS", "/v1/stats", "GET, HEAD"},
    {"get", "/v1/stats", "GET, HEAD"},
    {"DELETE", "/v1/users/query", "GET, HEAD, POST"}, /* a user may be called "query" */
    {"GET", "/v4/openim/query_online_status", "POST"},
    {"HEAD", "/v4/openim/query_online_status", "POST"},
    {"GET", "/v4/openim/querystate", "POST"},
};

START_TEST(a_wrong_method_is_told_the_right_ones)
{
    struct http_reply *reply = ask_with(local, wrong_methods[_i].method, wrong_methods[_i].target, STR(""));
    ck_assert_str_eq(reply_header(reply, "Allow"), wrong_methods[_i].allow);
    expect_problem(reply, 405, "this path knows other methods, see Allow");
}
END_TEST

START_TEST(head_is_answered_as_get)
{
    expect_body(ask_with(local, "HEAD", "/livez", STR("")), 200, "{\"status\":\"alive\"}");
}
END_TEST

START_TEST(problems_are_rfc_9457)
{
    struct http_reply *reply = get("/nothing");
    ck_assert_str_eq(reply_body(reply), "{\"type\":\"about:blank\",\"title\":\"Not Found\",\"status\":404,"
                                        "\"detail\":\"there is nothing at this path\"}");
    http_reply_free(reply);
}
END_TEST

#define BAD_HOST "the Host header names neither localhost nor an IP address nor one of allowed_hosts"

START_TEST(a_host_that_is_not_allowed_is_refused)
{
    expect_problem(ask_with(stranger, "GET", "/v1/stats", STR("")), 403, BAD_HOST);
    expect_problem(ask_with(stranger, "GET", "/nothing", STR("")), 403, BAD_HOST);
    expect_problem(ask_with(stranger, "POST", "/v1/users/query", STR("{}")), 403, BAD_HOST);
}
END_TEST

START_TEST(a_host_given_twice_is_refused)
{
    static const struct http_header twice[] = {{"Host", "localhost"}, {"Host", "localhost"}, {NULL, NULL}};
    expect_problem(ask_with(twice, "GET", "/v1/stats", STR("")), 400, "the Host header is given twice");
}
END_TEST

START_TEST(no_host_is_no_browser)
{
    expect_status(ask_with(no_headers, "GET", "/v1/stats", STR("")), 200);
}
END_TEST

START_TEST(an_empty_host_is_refused)
{
    static const struct http_header empty[] = {{"Host", ""}, {NULL, NULL}};
    expect_problem(ask_with(empty, "GET", "/v1/stats", STR("")), 403, BAD_HOST);
}
END_TEST

START_TEST(configured_hosts_are_allowed_and_exchanged)
{
    static const struct http_header named[] = {{"host", "Presence.Example:8443"}, {NULL, NULL}};
    struct str hosts[] = {STR("one.example"), STR("presence.example")};
    use_settings(&(struct status_settings){.allowed_hosts = hosts, .n_allowed_hosts = 2});
    expect_status(ask_with(named, "GET", "/v1/stats", STR("")), 200);
    use_settings(&(struct status_settings){.allowed_hosts = hosts, .n_allowed_hosts = 1});
    expect_problem(ask_with(named, "GET", "/v1/stats", STR("")), 403, BAD_HOST);
}
END_TEST

static const char *const guarded_targets[] = {
    "/v1/stats",
    "/v1/users",
    "/v1/users/alice",
    "/nothing",
    "/v4/openim/query_online_status",
    "/v4/openim/querystate",
};

START_TEST(without_the_token_nothing_is_told)
{
    use_settings(&(struct status_settings){.token = STR(TOKEN)});
    struct http_reply *reply = get(guarded_targets[_i]);
    ck_assert_str_eq(reply_header(reply, "WWW-Authenticate"), "Bearer");
    expect_problem(reply, 401, "the bearer token of this listener is needed");
}
END_TEST

START_TEST(the_token_opens)
{
    static const struct http_header right[] = {{"Authorization", "Bearer " TOKEN}, {NULL, NULL}};
    static const struct http_header wrong[] = {{"Authorization", "Bearer " TOKEN "s"}, {NULL, NULL}};
    static const struct http_header twice[] = {
        {"Authorization", "Bearer " TOKEN}, {"Authorization", "Bearer " TOKEN}, {NULL, NULL}};
    use_settings(&(struct status_settings){.token = STR(TOKEN)});
    expect_status(ask_with(right, "GET", "/v1/stats", STR("")), 200);
    expect_status(ask_with(wrong, "GET", "/v1/stats", STR("")), 401);
    expect_status(ask_with(twice, "GET", "/v1/stats", STR("")), 401);
    use_settings(&(struct status_settings){.token = STR("another")});
    expect_status(ask_with(right, "GET", "/v1/stats", STR("")), 401);
    use_settings(&(struct status_settings){0});
    expect_status(ask_with(no_headers, "GET", "/v1/stats", STR("")), 200);
}
END_TEST

/* Tokens of apps. */

#define OF_APP "of-app"
#define OF_OTHER_APP "of-other-app"

static const struct status_app_token app_tokens[] = {
    {0, {OF_APP, sizeof(OF_APP) - 1}},
    {1, {OF_OTHER_APP, sizeof(OF_OTHER_APP) - 1}},
};

static const struct status_settings all_tokens = {
    .token = {TOKEN, sizeof(TOKEN) - 1}, .app_tokens = app_tokens, .n_app_tokens = 2};

/* alice is of both apps, bob of the other alone. */
static void start_two_apps_with_tokens(void)
{
    fixture_start_two_apps();
    happen((struct event){TABLE_LOGIN, 0, "alice", PLATFORM_WEB, ROW_REASON_REGISTER, NOW_MS, NULL, NULL});
    happen((struct event){TABLE_LOGIN, 1, "alice", PLATFORM_WEB, ROW_REASON_REGISTER, NOW_MS, NULL, NULL});
    happen((struct event){TABLE_LOGIN, 1, "bob", PLATFORM_WEB, ROW_REASON_REGISTER, NOW_MS, NULL, NULL});
    use_settings(&all_tokens);
}

static struct http_reply *ask_showing(const char *token, const char *target, const char *body)
{
    char authorization[64];
    (void)snprintf(authorization, sizeof(authorization), "Bearer %s", token);
    const struct http_header headers[] = {{"Authorization", authorization}, {NULL, NULL}};
    return ask_with(headers, body == NULL ? "GET" : "POST", target, str_from(body == NULL ? "" : body));
}

#define QUERY "/v1/users/query"
#define VENDOR_QUERY "/v4/openim/query_online_status"
#define ALICE_AND_BOB "{\"users\":[\"alice\",\"bob\"]}"
#define THEIRS "{\"app\":1400000001,\"users\":[\"alice\",\"bob\"]}"
#define TO_BOB "{\"To_Account\":[\"bob\"]}"

/* What is told to who shows a token: `says` is in the answer, `hides` is not. */
static const struct {
    const char *token;
    const char *target;
    const char *body; /* NULL: GET */
    unsigned status;
    const char *says;
    const char *hides;
} scopes[] = {
    {OF_APP, "/v1/users/alice?app=1400000000", NULL, 200, "\"app\":1400000000", "1400000001"},
    {OF_APP, "/v1/users/alice", NULL, 200, "\"app\":1400000000", "1400000001"},
    {OF_APP, "/v1/users/alice?app=1400000001", NULL, 404, "no such app is configured", "alice"},
    {OF_APP, "/v1/users/alice?app=1400000002", NULL, 404, "no such app is configured", "alice"},
    {OF_APP, "/v1/users/bob", NULL, 404, "this user was never heard of", "1400000001"},
    {OF_OTHER_APP, "/v1/users/bob", NULL, 200, "\"app\":1400000001", "1400000000"},
    {OF_APP, QUERY, ALICE_AND_BOB, 200, "\"user\":\"bob\",\"state\":\"unknown\"", "1400000001"},
    {OF_APP, QUERY, THEIRS, 404, "no such app is configured", "alice"},
    {OF_OTHER_APP, QUERY, THEIRS, 200, "\"user\":\"bob\",\"state\":\"online\"", "1400000000"},
    {OF_APP, "/v1/users", NULL, 200, "\"user\":\"alice\"", "bob"},
    {OF_APP, "/v1/users?app=1400000000", NULL, 200, "\"user\":\"alice\"", "1400000001"},
    {OF_APP, "/v1/users?app=1400000001", NULL, 404, "no such app is configured", "bob"},
    {OF_OTHER_APP, "/v1/users?state=online", NULL, 200, "\"user\":\"bob\"", "1400000000"},
    {OF_APP, VENDOR_QUERY "?sdkappid=1400000000", TO_BOB, 200, "70107", "Online\""},
    {OF_APP, VENDOR_QUERY "?sdkappid=1400000001", TO_BOB, 200, "sdkappid is not configured here", "bob"},
    {OF_OTHER_APP, VENDOR_QUERY, TO_BOB, 200, "\"To_Account\":\"bob\",\"Status\":\"Online\"", "70107"},
    {OF_APP, "/v1/stats", NULL, 200, "\"apps\":[{\"app\":1400000000,\"users\":1,", "1400000001"},
    {OF_APP, "/v1/stats", NULL, 200, "\"users\":1}", "\"events\""},
    {OF_APP, "/v1/stats", NULL, 200, "\"health\"", "online_history"},
    {OF_APP, "/v1/stats", NULL, 200, "\"version\"", "listeners"},
    {OF_APP, "/metrics", NULL, 403, "the token of an app does not open this", "presenced_"},
    {OF_APP, "/v1/refused", NULL, 403, "the token of an app does not open this", "\"refused\""},
    {OF_APP, "/nothing", NULL, 404, "there is nothing at this path", ""},
    {OF_APP "x", "/v1/users/alice", NULL, 401, "the bearer token of this listener is needed", "alice"},
    {TOKEN, "/v1/users/bob?app=1400000001", NULL, 200, "\"app\":1400000001", "1400000000"},
    {TOKEN, "/v1/users/alice", NULL, 400, "app is missing", "online"},
    {TOKEN, "/v1/stats", NULL, 200, "\"app\":1400000001", ""},
    {TOKEN, "/metrics", NULL, 200, "1400000001", ""},
};

START_TEST(the_token_of_an_app_opens_that_app_alone)
{
    struct http_reply *reply = ask_showing(scopes[_i].token, scopes[_i].target, scopes[_i].body);
    ck_assert_ptr_nonnull(reply);
    const char *body = reply_body(reply);
    ck_assert_msg(reply_status(reply) == scopes[_i].status, "%s: %u %s", scopes[_i].target,
                  reply_status(reply), body);
    ck_assert_msg(strstr(body, scopes[_i].says) != NULL, "%s: no %s in %s", scopes[_i].target,
                  scopes[_i].says, body);
    ck_assert_msg(*scopes[_i].hides == '\0' || strstr(body, scopes[_i].hides) == NULL, "%s: %s in %s",
                  scopes[_i].target, scopes[_i].hides, body);
    http_reply_free(reply);
}
END_TEST

/* One token is enough for one to be asked for. */
START_TEST(the_token_of_an_app_alone_closes_the_rest)
{
    use_settings(&(struct status_settings){.app_tokens = app_tokens, .n_app_tokens = 1});
    expect_status(ask_with(no_headers, "GET", "/v1/stats", STR("")), 401);
    expect_status(ask_showing(OF_OTHER_APP, "/v1/stats", NULL), 401);
    expect_status(ask_showing("", "/v1/stats", NULL), 401);
    expect_status(ask_showing(OF_APP, "/v1/stats", NULL), 200);
    expect_status(ask_showing(OF_APP, "/metrics", NULL), 403);
    use_settings(&(struct status_settings){0});
    expect_status(ask_with(no_headers, "GET", "/metrics", STR("")), 200);
}
END_TEST

START_TEST(a_bad_host_is_refused_token_or_not)
{
    static const struct http_header both[] = {
        {"Host", "evil.example"}, {"Authorization", "Bearer " TOKEN}, {NULL, NULL}};
    use_settings(&(struct status_settings){.token = STR(TOKEN)});
    expect_problem(ask_with(both, "GET", "/v1/stats", STR("")), 403, BAD_HOST);
}
END_TEST

START_TEST(health_is_told_to_anybody)
{
    use_settings(&(struct status_settings){.token = STR(TOKEN)});
    expect_body(ask_with(stranger, "GET", "/livez", STR("")), 200, "{\"status\":\"alive\"}");
    expect_body(ask_with(stranger, "GET", "/readyz?x=1", STR("")), 200, "{\"status\":\"ready\"}");
    expect_status(ask_with(stranger, "POST", "/livez", STR("")), 405);
}
END_TEST

static const struct {
    struct status_health health;
    unsigned status;
    const char *body;
} healths[] = {
    {{STATUS_STARTING, NULL}, 503, "{\"status\":\"starting\"}"},
    {{STATUS_LEARNING, NULL}, 503, "{\"status\":\"learning\"}"},
    {{STATUS_READY, NULL}, 200, "{\"status\":\"ready\"}"},
    {{STATUS_READY, "redis is away"}, 200, "{\"status\":\"ready\",\"degraded\":\"redis is away\"}"},
    {{STATUS_DRAINING, NULL}, 503, "{\"status\":\"draining\"}"},
    {{STATUS_DRAINING, "redis is away"}, 503, "{\"status\":\"draining\",\"degraded\":\"redis is away\"}"},
};

START_TEST(readiness_is_that_of_the_daemon)
{
    fixture.health = healths[_i].health;
    expect_body(get("/readyz"), healths[_i].status, healths[_i].body);
    expect_body(get("/livez"), 200, "{\"status\":\"alive\"}");
}
END_TEST

static const struct {
    enum http_refusal why;
    unsigned status;
    const char *title;
} refusals[] = {
    {HTTP_REFUSAL_BAD_FRAMING, 400, "Bad Request"},
    {HTTP_REFUSAL_LENGTH_REQUIRED, 411, "Length Required"},
    {HTTP_REFUSAL_TOO_LARGE, 413, "Content Too Large"},
};

START_TEST(what_the_listener_refuses_is_a_problem_too)
{
    struct http_request request = {.connection = (void *)(uintptr_t)no_headers};
    struct http_reply *reply = status_handler()->on_refusal(fixture.status, &request, refusals[_i].why,
                                                            "what is wrong");
    cJSON *json = reply_json(reply);
    ck_assert_str_eq(cJSON_GetObjectItem(json, "title")->valuestring, refusals[_i].title);
    cJSON_Delete(json);
    expect_problem(reply, refusals[_i].status, "what is wrong");
}
END_TEST

/* A handler that cannot word its refusal must not let the request pass. */
START_TEST(a_refusal_without_memory_is_still_one)
{
    fixture.memory_is_gone = true;
    ck_assert_ptr_null(ask_with(stranger, "GET", "/v1/stats", STR("")));
    struct http_request request = {
        .method = STR("GET"), .path = STR("/v1/stats"), .connection = (void *)(uintptr_t)stranger};
    ck_assert_ptr_null(status_handler()->on_headers(fixture.status, &request));
    fixture.memory_is_gone = false;
    ck_assert_ptr_null(status_handler()->on_request(fixture.status, &request));
}
END_TEST

static void *exchange_settings(void *cls)
{
    struct str names[] = {STR("one.example"), STR("presence.example")};
    for (int i = 0; i < 500; i++) {
        const struct status_settings settings = {.allowed_hosts = names, .n_allowed_hosts = 2};
        struct status_settings *prepared = NULL;
        if (status_prepare(&settings, &prepared) == 0) {
            status_adopt(cls, prepared);
        }
    }
    return NULL;
}

/* For the sanitizers to watch: settings are exchanged under the requests that read them. */
START_TEST(settings_are_exchanged_under_requests)
{
    static const struct http_header named[] = {{"Host", "presence.example"}, {NULL, NULL}};
    pthread_t thread;
    struct str names[] = {STR("presence.example")};
    use_settings(&(struct status_settings){.allowed_hosts = names, .n_allowed_hosts = 1});
    ck_assert_int_eq(pthread_create(&thread, NULL, exchange_settings, fixture.status), 0);
    for (int i = 0; i < 500; i++) {
        expect_status(ask_with(named, "GET", "/v1/stats", STR("")), 200);
    }
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
}
END_TEST

START_TEST(a_body_cut_short_is_no_answer)
{
    struct buf body = {0};
    buf_append(&body, STR("{\"users\":["));
    body.failed = true;
    ck_assert_ptr_null(answer_json(200, &body));
    ck_assert_ptr_null(body.ptr);
}
END_TEST

START_TEST(free_takes_null)
{
    status_free(NULL);
}
END_TEST

#define N(array) ((int)(sizeof(array) / sizeof((array)[0])))

Suite *test_suite(void)
{
    Suite *suite = suite_create("status");
    TCase *tcase = tcase_create("status");
    tcase_add_checked_fixture(tcase, fixture_start_one_app, fixture_stop);
    tcase_add_test(tcase, every_reply_guards_the_browser);
    tcase_add_loop_test(tcase, an_unknown_path_is_not_found, 0, N(absent_paths));
    tcase_add_loop_test(tcase, a_wrong_method_is_told_the_right_ones, 0, N(wrong_methods));
    tcase_add_test(tcase, head_is_answered_as_get);
    tcase_add_test(tcase, problems_are_rfc_9457);
    tcase_add_test(tcase, a_host_that_is_not_allowed_is_refused);
    tcase_add_test(tcase, a_host_given_twice_is_refused);
    tcase_add_test(tcase, no_host_is_no_browser);
    tcase_add_test(tcase, an_empty_host_is_refused);
    tcase_add_test(tcase, configured_hosts_are_allowed_and_exchanged);
    tcase_add_loop_test(tcase, without_the_token_nothing_is_told, 0, N(guarded_targets));
    tcase_add_test(tcase, the_token_opens);
    tcase_add_test(tcase, a_bad_host_is_refused_token_or_not);
    tcase_add_test(tcase, health_is_told_to_anybody);
    tcase_add_loop_test(tcase, readiness_is_that_of_the_daemon, 0, N(healths));
    tcase_add_loop_test(tcase, what_the_listener_refuses_is_a_problem_too, 0, N(refusals));
    tcase_add_test(tcase, a_refusal_without_memory_is_still_one);
    tcase_add_test(tcase, settings_are_exchanged_under_requests);
    tcase_add_test(tcase, a_body_cut_short_is_no_answer);
    tcase_add_test(tcase, free_takes_null);
    suite_add_tcase(suite, tcase);
    tcase = tcase_create("tokens of apps");
    tcase_add_checked_fixture(tcase, start_two_apps_with_tokens, fixture_stop);
    tcase_add_loop_test(tcase, the_token_of_an_app_opens_that_app_alone, 0, N(scopes));
    tcase_add_test(tcase, the_token_of_an_app_alone_closes_the_rest);
    suite_add_tcase(suite, tcase);
    return suite;
}

/* SPDX-License-Identifier: MIT */
#include "status_fixture.h"
#include "suite.h"

static const char callback[] = "callback";

static void add(const char *outcome, struct str path)
{
    struct refused_request request = {
        .unix_ms = NOW_MS,
        .listener = callback,
        .outcome = outcome,
        .reason = "why",
        .is_skewed = path.ptr != NULL,
        .skew_s = -61,
        .app = path,
        .command = path,
        .path = path,
    };
    if (path.ptr != NULL) {
        ck_assert(address_parse(STR("192.0.2.1"), &request.peer));
        ck_assert(address_parse(STR("2001:db8::1"), &request.client));
    }
    refused_list_add(fixture.refused, &request);
}

START_TEST(all_that_is_known_is_told_and_escaped)
{
    expect_body(get("/v1/refused"), 200, "{\"refused\":[]}");
    add("first", (struct str){NULL, 0});
    add("second", STR("a\"\n\xff"));
    expect_body(get("/v1/refused"), 200,
                "{\"refused\":[{\"time\":1700000000000,\"listener\":\"callback\",\"outcome\":\"second\","
                "\"reason\":\"why\",\"peer\":\"192.0.2.1\",\"client_ip\":\"2001:db8::1\","
                "\"app\":\"a\\\"\\n\xef\xbf\xbd\",\"command\":\"a\\\"\\n\xef\xbf\xbd\","
                "\"path\":\"a\\\"\\n\xef\xbf\xbd\",\"skew_s\":-61},"
                "{\"time\":1700000000000,\"listener\":\"callback\",\"outcome\":\"first\","
                "\"reason\":\"why\",\"peer\":null,\"client_ip\":null,\"app\":null,\"command\":null,"
                "\"path\":null}]}");
}
END_TEST

static unsigned n_told(const char *target)
{
    struct http_reply *reply = get(target);
    cJSON *json = reply_json(reply);
    unsigned n = (unsigned)cJSON_GetArraySize(cJSON_GetObjectItem(json, "refused"));
    cJSON_Delete(json);
    http_reply_free(reply);
    return n;
}

START_TEST(the_limit_is_kept)
{
    for (unsigned i = 0; i < 300; i++) {
        add("x", STR("/"));
    }
    ck_assert_uint_eq(n_told("/v1/refused"), 200);
    ck_assert_uint_eq(n_told("/v1/refused?limit="), 200);
    ck_assert_uint_eq(n_told("/v1/refused?limit=200"), 200);
    ck_assert_uint_eq(n_told("/v1/refused?limit=1"), 1);
}
END_TEST

static const char *const bad_limits[] = {"0", "201", "-1", "x", "1&limit=1", "%zz"};

START_TEST(a_bad_limit_is_a_problem)
{
    char target[64] = "/v1/refused?limit=";
    (void)strcat(target, bad_limits[_i]);
    expect_problem(get(target), 400, "limit is not a number from 1 to 200, given once");
}
END_TEST

/* What this listener itself refuses. */

static const struct http_header stranger[] = {{"Host", "attacker.example"}, {NULL, NULL}};
static const struct http_header local[] = {{"Host", "localhost"}, {NULL, NULL}};

static void expect_newest(const char *outcome, const char *app, const char *path)
{
    struct http_reply *reply = get("/v1/refused?limit=1");
    cJSON *json = reply_json(reply);
    const cJSON *newest = cJSON_GetObjectItem(json, "refused")->child;
    const cJSON *its_app = cJSON_GetObjectItem(newest, "app");
    ck_assert_str_eq(cJSON_GetObjectItem(newest, "listener")->valuestring, "status");
    ck_assert_str_eq(cJSON_GetObjectItem(newest, "outcome")->valuestring, outcome);
    ck_assert_str_eq(cJSON_GetObjectItem(newest, "path")->valuestring, path);
    ck_assert_str_eq(app == NULL ? "" : app, cJSON_IsNull(its_app) ? "" : its_app->valuestring);
    cJSON_Delete(json);
    http_reply_free(reply);
}

START_TEST(what_the_status_listener_refuses_is_kept)
{
    http_reply_free(get("/nothing?app=7&token=x"));
    expect_newest("other_path", "7", "/nothing");
    http_reply_free(ask_with(stranger, "GET", "/v1/stats", STR("")));
    expect_newest("refused_host", NULL, "/v1/stats");
    http_reply_free(ask_with(local, "PUT", "/v1/users/query", STR("")));
    expect_newest("other_method", NULL, "/v1/users/query");
    http_reply_free(get("/v1/users/nobody")); /* answers a question */
    expect_newest("other_method", NULL, "/v1/users/query");
}
END_TEST

/* Not of its Host, which is one that is allowed. */
START_TEST(the_token_of_an_app_that_does_not_open_it_is_told)
{
    static const struct http_header showing[] = {{"Authorization", "Bearer of-app"}, {NULL, NULL}};
    static const struct status_app_token token = {0, {"of-app", 6}};
    use_settings(&(struct status_settings){.app_tokens = &token, .n_app_tokens = 1});
    http_reply_free(ask_with(showing, "GET", "/metrics", STR("")));
    use_settings(&(struct status_settings){.n_app_tokens = 0});
    expect_newest("refused_token", NULL, "/metrics");
}
END_TEST

START_TEST(no_user_is_named)
{
    http_reply_free(ask_with(stranger, "GET", "/v1/users/alice", STR("")));
    expect_newest("refused_host", NULL, "/v1/users/");
    http_reply_free(get("/v1/users/alice/nothing"));
    expect_newest("other_path", NULL, "/v1/users/");
}
END_TEST

START_TEST(who_is_let_in_is_counted)
{
    struct status_admission admission;
    status_admission(fixture.status, &admission);
    ck_assert_uint_eq(admission.n_admitted, 0);
    ck_assert_ptr_null(admission.not_admitted_reason);
    http_reply_free(get("/livez"));
    http_reply_free(get("/v1/users"));
    http_reply_free(ask_with(stranger, "GET", "/livez", STR("")));
    http_reply_free(ask_with(stranger, "GET", "/v1/users", STR("")));
    use_settings(&(struct status_settings){.token = STR("s3cret")});
    http_reply_free(get("/v1/users"));
    status_admission(fixture.status, &admission);
    ck_assert_uint_eq(admission.n_admitted, 1);
    ck_assert_uint_eq(admission.n_not_admitted, 2);
    ck_assert_str_eq(admission.not_admitted_reason, "the bearer token of this listener is needed");
}
END_TEST

static void quieten_log(void)
{
    log_configure(&(struct log_config){.level = LOG_LEVEL_ERROR});
}

Suite *test_suite(void)
{
    Suite *suite = suite_create("refused_answer");
    TCase *tcase = tcase_create("refused_answer");
    tcase_add_checked_fixture(tcase, fixture_start_one_app, fixture_stop);
    tcase_add_checked_fixture(tcase, quieten_log, NULL);
    tcase_add_test(tcase, all_that_is_known_is_told_and_escaped);
    tcase_add_test(tcase, the_limit_is_kept);
    tcase_add_loop_test(tcase, a_bad_limit_is_a_problem, 0,
                        (int)(sizeof(bad_limits) / sizeof(bad_limits[0])));
    tcase_add_test(tcase, what_the_status_listener_refuses_is_kept);
    tcase_add_test(tcase, the_token_of_an_app_that_does_not_open_it_is_told);
    tcase_add_test(tcase, no_user_is_named);
    tcase_add_test(tcase, who_is_let_in_is_counted);
    suite_add_tcase(suite, tcase);
    return suite;
}

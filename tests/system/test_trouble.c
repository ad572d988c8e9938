/* SPDX-License-Identifier: MIT */
#include "../unit/suite.h"
#include "event.h"
#include "manager.h"
#include "pki.h"
#include "wire.h"

#include "presenced/clock.h"

#include <cjson/cJSON.h>
#include <signal.h>

/* What a person who asks why is told: of requests that are refused, and of what else needs attention. */

#define PLAIN "[callback]\nlisten = 127.0.0.1:0\ntls = off\n"
#define TLS \
    "[callback]\nlisten = 127.0.0.1:0\ncertificate = @DIR@/server.pem\nprivate_key = @DIR@/server.key\n"
#define STATUS "[status]\nlisten = 127.0.0.1:0\n"
#define APPS "[app 1400000000]\ntoken = new\ntoken = old\n[app 1400000001]\ntoken = xxxxyyyy\n"
#define LOGIN \
    "{\"CallbackCommand\":\"State.StateChange\",\"Info\":{\"Action\":\"Login\",\"To_Account\":\"alice\"}}"

static struct sandbox *sandbox;
static struct manager *manager;
static struct victim *victim;
static struct client *callback;
static struct client *status;

static void start(const char *config)
{
    static const char *const through[] = {"env", "NOTIFY_SOCKET=@DIR@/notify", NULL};
    sandbox = sandbox_new();
    manager = manager_new(sandbox);
    victim = victim_spawn(sandbox, &(struct victim_config){config, through});
    victim_await_ready(victim);
    callback = client_new(strstr(config, "tls = off") != NULL ? "http" : "https",
                          victim_callback_port(victim));
    client_trust(callback, sandbox);
    status = client_new("http", victim_status_port(victim));
}

static void stop(void)
{
    client_free(status);
    client_free(callback);
    victim_stop(victim);
    manager_free(manager);
    sandbox_free(sandbox);
}

/* That the service manager is told. */
static void await_status(const char *text)
{
    while (strstr(manager_next(manager), text) == NULL) {}
}

/* A text that begins so, in the same words everywhere. */
static void await_warning(const char *code, const char *text)
{
    char wanted[512];
    (void)snprintf(wanted, sizeof(wanted), "{\"code\":\"%s\",\"text\":\"%s", code, text);
    client_await(status, "/v1/stats", wanted);
    (void)snprintf(wanted, sizeof(wanted), "\npresenced_warnings{code=\"%s\"} 1\n", code);
    client_await(status, "/metrics", wanted);
    (void)snprintf(wanted, sizeof(wanted), "msg=\"attention needed\" code=%s text=\"%s", code, text);
    victim_await_log(victim, wanted);
    await_status(text);
}

static void await_no_warning(const char *code)
{
    char wanted[128];
    (void)snprintf(wanted, sizeof(wanted), "\npresenced_warnings{code=\"%s\"} 0\n", code);
    client_await(status, "/metrics", wanted);
    victim_await_log(victim, "msg=\"attention no longer needed\"");
}

/* What was refused. */

static void post(const char *target, long http_status)
{
    cleanup(answer_fini) struct answer answer;
    client_post(callback, target, LOGIN, &answer);
    ck_assert_msg(answer.status == http_status, "%s: %ld", target, answer.status);
}

static void post_signed(uint64_t app, const char *token, int64_t unix_s, long http_status)
{
    cleanup(cleanup_freep) char *sign = event_sign(token, unix_s);
    cleanup(cleanup_freep) char *target = event_target(app, "Web", sign);
    post(target, http_status);
}

static int64_t now_s(void)
{
    return (int64_t)(clock_unix_ms() / 1000);
}

/* The newest that was refused, as JSON without its time. */
static void expect_newest(const char *expected)
{
    cleanup(answer_fini) struct answer answer;
    client_get(status, "/v1/refused?limit=1", &answer);
    cJSON *json = cJSON_Parse(buf_text(&answer.body));
    cJSON *newest = cJSON_GetObjectItem(json, "refused")->child;
    ck_assert_ptr_nonnull(newest);
    uint64_t time_ms = (uint64_t)cJSON_GetObjectItem(newest, "time")->valuedouble;
    ck_assert_uint_le(time_ms, clock_unix_ms());
    ck_assert_uint_gt(time_ms, clock_unix_ms() - HARNESS_DEADLINE_MS);
    cJSON_DeleteItemFromObject(newest, "time");
    char *text = cJSON_PrintUnformatted(newest);
    ck_assert_str_eq(text, expected);
    cJSON_free(text);
    cJSON_Delete(json);
}

#define OF_CALLBACK(outcome, reason) \
    "{\"listener\":\"callback\",\"outcome\":\"" outcome "\",\"reason\":\"" reason "\",\"peer\":\"127.0.0.1\","

START_TEST(a_refused_callback_is_named_with_all_that_says_why)
{
    start(PLAIN STATUS APPS);
    post_signed(EVENT_APP, "wrong", now_s(), 403);
    expect_newest(OF_CALLBACK(
        "refused_sign",
        "Sign was not made with a token of this app") "\"client_ip\":\"192.0.2.4\",\"app\":\"1400000000\",\"command\":\"State.StateChange\","
                                                      "\"path\":\"/\"}");
    victim_await_log(victim, "outcome=refused_sign reason=\"Sign was not made with a token of this app\" "
                             "peer=127.0.0.1 app=1400000000 command=State.StateChange path=/ "
                             "client_ip=192.0.2.4 suppressed=0");
    post("/?SdkAppid=14%22&CallbackCommand=C2C.CallbackBeforeSendMsg", 403);
    expect_newest(OF_CALLBACK(
        "refused_app",
        "SdkAppid is not one that is configured") "\"client_ip\":null,\"app\":\"14%22\",\"command\":\"C2C.CallbackBeforeSendMsg\","
                                                  "\"path\":\"/\"}");
    post("/%3FSdkAppid=1400000000&Sign=0123456789abcdef", 404);
    expect_newest(OF_CALLBACK(
        "other_path",
        "this is not the path of the callback URL; health checks are answered "
        "at /livez and /readyz") "\"client_ip\":null,\"app\":null,\"command\":null,\"path\":\"/%3FSdkAppid=1400000000&\"}");
    stop();
}
END_TEST

START_TEST(a_skewed_clock_is_told_by_how_much)
{
    start(PLAIN STATUS APPS);
    int64_t before_s = now_s();
    post_signed(EVENT_APP, "new", before_s - 3600, 403);
    int64_t after_s = now_s();
    cleanup(answer_fini) struct answer answer;
    client_get(status, "/v1/refused", &answer);
    cJSON *json = cJSON_Parse(buf_text(&answer.body));
    const cJSON *newest = cJSON_GetObjectItem(json, "refused")->child;
    int64_t skew_s = (int64_t)cJSON_GetObjectItem(newest, "skew_s")->valuedouble;
    ck_assert_int_le(skew_s, -3600);
    ck_assert_int_ge(skew_s, -3600 - (after_s - before_s));
    cJSON_Delete(json);
    victim_await_log(victim, " skew_s=-36");
    stop();
}
END_TEST

/* The URL of the console without its query, as a balancer that rewrites it sends it on. */
START_TEST(a_stripped_query_is_named)
{
    start(PLAIN STATUS APPS);
    post("/", 403);
    expect_newest(OF_CALLBACK("refused_no_app", "SdkAppid is missing, and Sign is no valid one of an app "
                                                "that is configured") "\"client_ip\":null,\"app\":null,"
                                                                      "\"command\":null,\"path\":\"/\"}");
    victim_await_log(victim, "outcome=refused_no_app reason=\"SdkAppid is missing");
    client_await(
        status, "/metrics",
        "\npresenced_callback_requests_total{answer=\"refused\",outcome=\"refused_no_app\",app=\"\"} 1\n");
    stop();
}
END_TEST

/* With `allow` for those behind the balancer, and its X-Forwarded-For gone: the peer is the balancer. */
START_TEST(a_balancer_that_names_no_caller_is_named_itself)
{
    start(PLAIN "allow = 192.0.2.0/24\ntrusted_proxies = 127.0.0.1\n" STATUS APPS);
    post_signed(EVENT_APP, "new", now_s(), 403);
    expect_newest(OF_CALLBACK("refused_peer",
                              "the caller's address is in none of the networks of allow") "\"client_ip\":"
                                                                                          "\"192.0.2.4\","
                                                                                          "\"app\":"
                                                                                          "\"1400000000\","
                                                                                          "\"command\":"
                                                                                          "\"State."
                                                                                          "StateChange\","
                                                                                          "\"path\":\"/\"}");
    victim_await_log(victim, "outcome=refused_peer reason=\"the caller's address is in none of the networks "
                             "of allow\" peer=127.0.0.1");
    client_await(status, "/metrics",
                 "\npresenced_callback_requests_total{answer=\"refused\",outcome=\"refused_peer\",");
    stop();
}
END_TEST

static const char *const check_methods[] = {"GET", "HEAD"};

START_TEST(a_balancers_check_of_the_root_is_told_of_livez)
{
    start(PLAIN STATUS APPS);
    const struct client_request request = {.method = check_methods[_i], .target = "/"};
    cleanup(answer_fini) struct answer answer;
    client_send(callback, &request, &answer);
    ck_assert_int_eq(answer.status, 405);
    if (_i == 0) {
        ck_assert_ptr_nonnull(
            strstr(buf_text(&answer.body), "health checks are answered at /livez and /readyz"));
    }
    victim_await_log(victim, "health checks are answered at /livez and /readyz");
    ck_assert(client_sees(status, "/v1/refused", "\"other_method\""));
    stop();
}
END_TEST

/* One look a second sees more than twenty come and go. */
START_TEST(a_balancers_check_that_only_connects_is_told_of_livez)
{
    start(_i == 0 ? PLAIN STATUS APPS : TLS STATUS APPS);
    for (unsigned i = 0; i < 30; i++) {
        wire_free(wire_open(victim_callback_port(victim)));
    }
    victim_await_log(victim,
                     "msg=\"connections come and go without a request: a load balancer's check can ask for "
                     "/livez or /readyz\" listener=callback");
    stop();
}
END_TEST

START_TEST(what_the_status_listener_refuses_is_named_too)
{
    static const char *const stranger[] = {"Host: attacker.example", NULL};
    start(PLAIN STATUS APPS);
    const struct client_request request = {.target = "/v1/users/alice?app=1400000000", .headers = stranger};
    cleanup(answer_fini) struct answer refused;
    client_send(status, &request, &refused);
    ck_assert_int_eq(refused.status, 403);
    expect_newest(
        "{\"listener\":\"status\",\"outcome\":\"refused_host\",\"reason\":\"the Host header names neither "
        "localhost nor an IP address nor one of allowed_hosts\",\"peer\":\"127.0.0.1\","
        "\"client_ip\":null,\"app\":\"1400000000\",\"command\":null,\"path\":\"/v1/users/\"}");
    victim_await_log(victim, "msg=\"status request refused\" outcome=refused_host");
    cleanup(answer_fini) struct answer absent;
    client_get(status, "/favicon.ico", &absent);
    ck_assert_int_eq(absent.status, 404);
    victim_await_log(victim, "path=/favicon.ico");
    cleanup(buf_fini) struct buf log = victim_log(victim);
    ck_assert_ptr_null(strstr(buf_text(&log), "alice"));
    stop();
}
END_TEST

static const struct {
    const char *bearer;
    const char *target;
    long http_status;
    const char *reason;
} wrong_tokens[] = {
    {"wrong", "/v1/stats", 401, "the bearer token of this listener is needed"},
    {"of-app", "/metrics", 403, "the token of an app does not open this: that of the listener is needed"},
};

START_TEST(a_wrong_status_token_is_named)
{
    char header[64];
    char wanted[256];
    sandbox = sandbox_new();
    sandbox_write(sandbox, "all", "of-all\n");
    sandbox_write(sandbox, "app", "of-app\n");
    victim = victim_start(sandbox, PLAIN STATUS "token_file = @DIR@/all\n[app 1400000000]\ntoken = new\n"
                                                "query_token_file = @DIR@/app\n");
    status = client_new("http", victim_status_port(victim));
    (void)snprintf(header, sizeof(header), "Authorization: Bearer %s", wrong_tokens[_i].bearer);
    const char *const headers[] = {header, NULL};
    const char *const right[] = {"Authorization: Bearer of-all", NULL};
    cleanup(answer_fini) struct answer refused;
    cleanup(answer_fini) struct answer shown;
    client_send(status, &(struct client_request){.target = wrong_tokens[_i].target, .headers = headers},
                &refused);
    ck_assert_int_eq(refused.status, wrong_tokens[_i].http_status);
    client_send(status, &(struct client_request){.target = "/v1/refused", .headers = right}, &shown);
    (void)snprintf(wanted, sizeof(wanted), "\"outcome\":\"refused_token\",\"reason\":\"%s\"",
                   wrong_tokens[_i].reason);
    ck_assert_msg(strstr(buf_text(&shown.body), wanted) != NULL, "%s", buf_text(&shown.body));
    (void)snprintf(wanted, sizeof(wanted), "outcome=refused_token reason=\"%s\"", wrong_tokens[_i].reason);
    victim_await_log(victim, wanted);
    client_free(status);
    victim_stop(victim);
    sandbox_free(sandbox);
}
END_TEST

/* By app and token. */

START_TEST(callbacks_are_counted_by_app_and_token)
{
    start(PLAIN STATUS APPS);
    uint64_t before_s = (uint64_t)now_s();
    post_signed(EVENT_APP, "old", now_s(), 200);
    post_signed(EVENT_APP, "new", now_s(), 200);
    post_signed(EVENT_APP, "new", now_s(), 200);
    post_signed(EVENT_OTHER_APP, "wrong", now_s(), 403);
    post("/?SdkAppid=7", 403);
    cleanup(answer_fini) struct answer answer;
    client_get(status, "/metrics", &answer);
    const char *text = buf_text(&answer.body);
    static const char *const lines[] = {
        "presenced_callback_requests_total{answer=\"ok\",outcome=\"applied\",app=\"1400000000\"} 3\n",
        "presenced_callback_requests_total{answer=\"ok\",outcome=\"applied\",app=\"1400000001\"} 0\n",
        "presenced_callback_requests_total{answer=\"refused\",outcome=\"refused_sign\",app=\"1400000001\"} 1\n",
        "presenced_callback_requests_total{answer=\"refused\",outcome=\"refused_app\",app=\"\"} 1\n",
        "presenced_callback_signed_total{app=\"1400000000\",token=\"1\"} 2\n",
        "presenced_callback_signed_total{app=\"1400000000\",token=\"2\"} 1\n",
        "presenced_callback_signed_total{app=\"1400000001\",token=\"1\"} 0\n",
    };
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        ck_assert_msg(strstr(text, lines[i]) != NULL, "no %s", lines[i]);
    }
    static const char last[] = "\npresenced_callback_last_event_timestamp_seconds{app=\"1400000000\"} ";
    const char *at = strstr(text, last);
    ck_assert_ptr_nonnull(at);
    uint64_t last_s = strtoull(at + strlen(last), NULL, 10);
    ck_assert(last_s >= before_s && last_s <= (uint64_t)now_s());
    ck_assert_ptr_null(strstr(text, "presenced_callback_last_event_timestamp_seconds{app=\"1400000001\"}"));
    ck_assert(client_sees(status, "/v1/stats", "\"events\":{\"applied\":3,"));
    stop();
}
END_TEST

/* What needs attention. */

#define QUIET "no authentic callback of app 1400000001 came for 1s (quiet_after): is it on in the console?"

START_TEST(a_quiet_app_is_a_warning_until_it_speaks)
{
    start(PLAIN STATUS APPS "quiet_after = 1s\n");
    await_warning("app_quiet", QUIET);
    post_signed(EVENT_OTHER_APP, "wrong", now_s(), 403); /* is not the app */
    ck_assert(client_sees(status, "/v1/stats", QUIET));
    sandbox_write(sandbox, "victim.conf", PLAIN STATUS APPS "quiet_after = 1h\n");
    ck_assert_int_eq(kill(victim_pid(victim), SIGHUP), 0);
    await_no_warning("app_quiet");
    sandbox_write(sandbox, "victim.conf", PLAIN STATUS APPS "quiet_after = 1s\n");
    ck_assert_int_eq(kill(victim_pid(victim), SIGHUP), 0);
    await_warning("app_quiet", QUIET);
    post_signed(EVENT_OTHER_APP, "xxxxyyyy", now_s(), 200);
    victim_await_logs(victim, "msg=\"attention no longer needed\" code=app_quiet", 2);
    stop();
}
END_TEST

START_TEST(a_reload_that_failed_is_a_warning_until_one_succeeds)
{
    start(PLAIN STATUS APPS);
    sandbox_write(sandbox, "victim.conf", "[nonsense]\n");
    ck_assert_int_eq(kill(victim_pid(victim), SIGHUP), 0);
    cleanup(cleanup_freep) char *text = sandbox_expand(
        sandbox,
        "configuration not reloaded: @DIR@/victim.conf:1: [nonsense]: no such section: callback, app ID, presence, reconcile, status, store, replication, control or log");
    client_await(status, "/metrics", "\npresenced_warnings{code=\"reload_failed\"} 1\n");
    await_warning("reload_failed", text);
    sandbox_write(sandbox, "victim.conf", PLAIN STATUS APPS);
    ck_assert_int_eq(kill(victim_pid(victim), SIGHUP), 0);
    await_no_warning("reload_failed");
    stop();
}
END_TEST

START_TEST(a_configuration_that_cannot_be_read_is_a_warning)
{
    char path[512];
    start(PLAIN STATUS APPS);
    (void)snprintf(path, sizeof(path), "%s/victim.conf", sandbox_path(sandbox));
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(kill(victim_pid(victim), SIGHUP), 0);
    cleanup(cleanup_freep) char *text = sandbox_expand(
        sandbox, "configuration not reloaded: @DIR@/victim.conf: cannot be read: No such file or directory");
    await_warning("reload_failed", text);
    stop();
}
END_TEST

#define DAY_S (24 * 3600)

static const struct {
    long begins_s; /* from now */
    long ends_s;
    const char *code;
    const char *says;
} dates[] = {
    {-30 * DAY_S, -DAY_S, "certificate_expired", "the callback listener's certificate expired on "},
    {-DAY_S, 13 * DAY_S, "certificate_expires_soon", "the callback listener's certificate expires on "},
};

START_TEST(a_certificate_at_its_end_is_a_warning)
{
    static const char *const through[] = {"env", "NOTIFY_SOCKET=@DIR@/notify", NULL};
    const struct pki_plan plan = {"server", "serverAuth", dates[_i].begins_s, dates[_i].ends_s, NULL};
    sandbox = sandbox_new();
    manager = manager_new(sandbox);
    pki_issue(sandbox_path(sandbox), &plan, NULL);
    victim = victim_spawn(sandbox, &(struct victim_config){TLS STATUS APPS, through});
    victim_await_ready(victim);
    callback = client_new("https", victim_callback_port(victim));
    status = client_new("http", victim_status_port(victim));
    await_warning(dates[_i].code, dates[_i].says);
    stop();
}
END_TEST

#define FULL "max_users users are held and none of them is offline"

START_TEST(a_table_without_room_is_a_warning)
{
    start(PLAIN STATUS "[app 1400000000]\n[presence]\nmax_users = 2\n");
    event_login(callback, "alice", clock_unix_ms());
    event_login(callback, "bob", clock_unix_ms());
    cleanup(answer_fini) struct answer answer;
    ck_assert_int_eq(event_try_login(callback, "carol", clock_unix_ms(), &answer), CURLE_OK);
    expect_callback(&answer, 200, "FAIL", 1);
    ck_assert_ptr_nonnull(strstr(buf_text(&answer.body), FULL));
    await_warning("table_full", FULL ": events of others are answered FAIL");
    victim_await_log(victim, "outcome=full reason=\"" FULL "\"");
    ck_assert(client_sees(status, "/v1/refused", "\"outcome\":\"full\""));
    ck_assert(client_sees(
        status, "/metrics",
        "\npresenced_callback_requests_total{answer=\"fail\",outcome=\"full\",app=\"1400000000\"} 1\n"));
    stop();
}
END_TEST

START_TEST(no_room_for_connections_is_a_warning)
{
    struct wire *held[2];
    start(PLAIN "max_connections = 1\nrequest_timeout = 1h\n" STATUS APPS);
    for (size_t i = 0; i < 2; i++) {
        held[i] = wire_open(victim_callback_port(victim));
        ck_assert(wire_send_text(held[i], "POST / HTTP/1.1\r\n"));
    }
    await_warning("no_room",
                  "the callback listener has as many connections as it may (1): others wait until one ends");
    ck_assert(
        !client_sees(status, "/metrics", "\npresenced_connections_no_room_total{listener=\"callback\"} 0\n"));
    wire_free(held[0]);
    wire_free(held[1]);
    stop();
}
END_TEST

START_TEST(handshakes_that_fail_are_a_warning)
{
    start(TLS STATUS APPS);
    for (unsigned i = 0; i < 20; i++) {
        cleanup(wire_freep) struct wire *wire = wire_open(victim_callback_port(victim));
        cleanup(buf_fini) struct buf answer = {0};
        ck_assert(wire_send_text(wire, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"));
        ck_assert_int_eq(wire_read_to_end(wire, HARNESS_DEADLINE_MS, &answer), WIRE_CLOSED);
    }
    await_warning("handshakes_fail",
                  "most TLS handshakes with the callback listener fail: what the client sent is "
                  "not TLS: plain HTTP on a TLS port?");
    for (unsigned i = 0; i < 30; i++) {
        cleanup(client_freep) struct client *caller = client_new("https", victim_callback_port(victim));
        cleanup(answer_fini) struct answer answer;
        client_trust(caller, sandbox);
        client_get(caller, "/livez", &answer);
        ck_assert_int_eq(answer.status, 200);
    }
    await_no_warning("handshakes_fail");
    stop();
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("trouble");
    TCase *tcase = tcase_create("trouble");
    tcase_set_timeout(tcase, 3 * HARNESS_DEADLINE_MS / 1000);
    tcase_add_test(tcase, a_refused_callback_is_named_with_all_that_says_why);
    tcase_add_test(tcase, a_skewed_clock_is_told_by_how_much);
    tcase_add_test(tcase, a_stripped_query_is_named);
    tcase_add_test(tcase, a_balancer_that_names_no_caller_is_named_itself);
    tcase_add_loop_test(tcase, a_wrong_status_token_is_named, 0, 2);
    tcase_add_loop_test(tcase, a_balancers_check_of_the_root_is_told_of_livez, 0, 2);
    tcase_add_loop_test(tcase, a_balancers_check_that_only_connects_is_told_of_livez, 0, 2);
    tcase_add_test(tcase, what_the_status_listener_refuses_is_named_too);
    tcase_add_test(tcase, callbacks_are_counted_by_app_and_token);
    tcase_add_test(tcase, a_quiet_app_is_a_warning_until_it_speaks);
    tcase_add_test(tcase, a_reload_that_failed_is_a_warning_until_one_succeeds);
    tcase_add_test(tcase, a_configuration_that_cannot_be_read_is_a_warning);
    tcase_add_loop_test(tcase, a_certificate_at_its_end_is_a_warning, 0, 2);
    tcase_add_test(tcase, a_table_without_room_is_a_warning);
    tcase_add_test(tcase, no_room_for_connections_is_a_warning);
    tcase_add_test(tcase, handshakes_that_fail_are_a_warning);
    suite_add_tcase(suite, tcase);
    return suite;
}

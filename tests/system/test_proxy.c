/* SPDX-License-Identifier: MIT */
#include "../unit/suite.h"
#include "balancer.h"
#include "event.h"

#include "presenced/clock.h"

#include <cjson/cJSON.h>
#include <poll.h>

/* Balancers as conf/examples/several-nodes sets them up, before two nodes and an app's own backend; and
 * HAProxy that passes TLS on. */

#define CALLER BALANCER_CALLER
#define TOKEN "xxxxyyyy"

static const char node_config[] = "[callback]\n"
                                  "listen = 127.0.0.1:0\n"
                                  "tls = off\n"
                                  "trusted_proxies = 127.0.0.1\n"
                                  "allow = " CALLER "\n"
                                  "[status]\n"
                                  "listen = 127.0.0.1:0\n"
                                  "[app 1400000000]\n"
                                  "token = " TOKEN "\n";

/* It says OK to every command, which no node does. */
static const char backend_config[] = "[callback]\n"
                                     "listen = 127.0.0.1:0\n"
                                     "tls = off\n"
                                     "other_commands = ok\n"
                                     "[status]\n"
                                     "listen = 127.0.0.1:0\n"
                                     "[app 1400000000]\n";

enum { N_NODES = 2 };

static struct sandbox *sandbox;
static struct instance *nodes[N_NODES];
static struct client *statuses[N_NODES];
static struct instance *backend;
static struct balancer balancer;

static void start_nodes(const char *config)
{
    sandbox = sandbox_new();
    for (size_t i = 0; i < N_NODES; i++) {
        nodes[i] = instance_start(sandbox, config);
        statuses[i] = client_new("http", instance_status_port(nodes[i]));
    }
    backend = instance_start(sandbox, backend_config);
}

static void start(int which)
{
    char addresses[3][32];
    start_nodes(node_config);
    const uint16_t ports[] = {instance_callback_port(nodes[0]), instance_callback_port(nodes[1]),
                              instance_callback_port(backend)};
    for (size_t i = 0; i < 3; i++) {
        (void)snprintf(addresses[i], sizeof(addresses[i]), "127.0.0.1:%u", ports[i]);
    }
    const struct replacement replacements[] = {{"192.0.2.11:8443", addresses[0]},
                                               {"192.0.2.12:8443", addresses[1]},
                                               {"192.0.2.21:9000", addresses[2]}};
    balancer = balancer_start(sandbox, (enum balancer_kind)which, "several-nodes/", replacements, 3);
    balancer_await(&balancer, sandbox);
}

static struct client *new_caller(void)
{
    return balancer_caller(&balancer, sandbox);
}

static void stop_node(size_t i)
{
    if (nodes[i] != NULL) {
        client_free(statuses[i]);
        instance_stop(nodes[i]);
        nodes[i] = NULL;
    }
}

static void stop(void)
{
    balancer_stop(&balancer);
    instance_stop(backend);
    for (size_t i = 0; i < N_NODES; i++) {
        stop_node(i);
    }
    sandbox_free(sandbox);
}

static void post(struct client *caller, const char *command, const char *user, struct answer *ret_answer)
{
    ck_assert_int_eq(balancer_post(caller, TOKEN, command, user, ret_answer), CURLE_OK);
}

static void login(struct client *caller, const char *user)
{
    cleanup(answer_fini) struct answer answer;
    post(caller, "State.StateChange", user, &answer);
    expect_callback(&answer, 200, "OK", 0);
}

/* A number of the node's /v1/stats about its callback listener. */
static int callback_number(size_t node, const char *name)
{
    cleanup(answer_fini) struct answer answer;
    client_get(statuses[node], "/v1/stats", &answer);
    cJSON *stats = cJSON_Parse(buf_text(&answer.body));
    const cJSON *listeners = cJSON_GetObjectItemCaseSensitive(stats, "listeners");
    const cJSON *callback = cJSON_GetObjectItemCaseSensitive(listeners, "callback");
    const cJSON *number = cJSON_GetObjectItemCaseSensitive(callback, name);
    ck_assert_msg(cJSON_IsNumber(number), "no %s in %s", name, buf_text(&answer.body));
    int value = number->valueint;
    cJSON_Delete(stats);
    return value;
}

static bool node_knows(size_t node, const char *user)
{
    char target[64];
    (void)snprintf(target, sizeof(target), "/v1/users/%s", user);
    cleanup(answer_fini) struct answer answer;
    client_get(statuses[node], target, &answer);
    return answer.status == 200;
}

/* Tests, each with both; ctest runs those of one by its name as their tag. */

START_TEST(status_changes_go_to_the_nodes_over_kept_connections)
{
    enum { N_EVENTS = 60 };
    start(_i);
    cleanup(client_freep) struct client *caller = new_caller();
    unsigned n_known[N_NODES] = {0};
    for (int i = 0; i < N_EVENTS; i++) {
        char user[32];
        (void)snprintf(user, sizeof(user), "user%d", i);
        login(caller, user);
        bool knows[N_NODES] = {node_knows(0, user), node_knows(1, user)};
        ck_assert_msg(knows[0] != knows[1], "%s is known to %d nodes", user, knows[0] + knows[1]);
        n_known[0] += knows[0];
        n_known[1] += knows[1];
    }
    for (size_t i = 0; i < N_NODES; i++) {
        ck_assert_uint_ge(n_known[i], N_EVENTS / 4);
        /* HAProxy's health checks are connections too, one a second. */
        int n_requests = callback_number(i, "requests");
        ck_assert_int_lt(callback_number(i, "accepted"), n_requests / 2);
    }
    stop();
}
END_TEST

START_TEST(other_commands_go_to_the_backend)
{
    start(_i);
    cleanup(client_freep) struct client *caller = new_caller();
    static const char *const commands[] = {"C2C.CallbackBeforeSendMsg", "State.StateChangeX", "", "Group.X"};
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        cleanup(answer_fini) struct answer answer;
        post(caller, commands[i], "alice", &answer);
        /* The backend says FAIL to an empty command, a node would say so of each. */
        expect_callback(&answer, 200, *commands[i] == '\0' ? "FAIL" : "OK", *commands[i] == '\0' ? 1 : 0);
    }
    ck_assert(!node_knows(0, "alice") && !node_knows(1, "alice"));
    stop();
}
END_TEST

START_TEST(no_event_fails_while_a_node_is_away)
{
    start(_i);
    cleanup(client_freep) struct client *caller = new_caller();
    login(caller, "before");
    stop_node(0);
    for (int i = 0; i < 40; i++) {
        char user[32];
        (void)snprintf(user, sizeof(user), "user%d", i);
        login(caller, user);
        ck_assert(node_knows(1, user));
    }
    stop();
}
END_TEST

START_TEST(nobody_can_say_who_called)
{
    start(_i);
    /* From an address that the nodes do not allow. */
    cleanup(client_freep) struct client *stranger = client_new("https", balancer.port);
    client_trust(stranger, sandbox);
    cleanup(cleanup_freep) char *sign = event_sign_now(TOKEN);
    cleanup(cleanup_freep) char *target = event_target(EVENT_APP, "Web", sign);
    cleanup(cleanup_freep) char *body = event_body("mallory", "Login", "Register", 0);
    const struct client_request request = {
        .method = "POST",
        .target = target,
        .headers = (const char *const[]){"X-Forwarded-For: " CALLER, NULL},
        .body = body,
    };
    cleanup(answer_fini) struct answer answer;
    client_send(stranger, &request, &answer);
    expect_callback(&answer, 403, "FAIL", 1);
    stop();
}
END_TEST

START_TEST(logs_hold_no_sign)
{
    start(_i);
    cleanup(client_freep) struct client *caller = new_caller();
    login(caller, "alice");
    stop_node(0);
    stop_node(1);
    cleanup(answer_fini) struct answer answer;
    post(caller, "State.StateChange", "alice", &answer);
    ck_assert_int_ge(answer.status, 500);
    balancer_stop(&balancer);
    static const char *const logs[] = {"access.log", "error.log"};
    for (size_t i = 0; i < (_i == NGINX ? 2 : 1); i++) {
        cleanup(buf_fini) struct buf log = sandbox_read(sandbox, logs[i]);
        ck_assert_msg(strstr(buf_text(&log), "Sign") == NULL, "%s", buf_text(&log));
        if (i == 0) {
            ck_assert_msg(strstr(buf_text(&log), "State.StateChange") != NULL, "%s", buf_text(&log));
            ck_assert_msg(strstr(buf_text(&log), CALLER) != NULL, "%s", buf_text(&log));
        }
    }
    instance_stop(backend);
    sandbox_free(sandbox);
}
END_TEST

/* TLS is presenced's, and the header before it says who called. */

#define TLS_NODE                                                                                         \
    "[callback]\nlisten = 127.0.0.1:0\ncertificate = @DIR@/server.pem\nprivate_key = @DIR@/server.key\n" \
    "trusted_proxies = 127.0.0.1\nproxy_protocol = v2\nallow = " CALLER "\n"                             \
    "[status]\nlisten = 127.0.0.1:0\n[app 1400000000]\ntoken = " TOKEN "\n"

static void start_passing_tls_on(const char *server_options)
{
    cleanup(buf_fini) struct buf config = {0};
    start_nodes(TLS_NODE);
    buf_appendf(&config,
                "defaults\n"
                "    mode tcp\n"
                "    timeout client 75s\n"
                "    timeout connect 500ms\n"
                "    timeout server 75s\n"
                "frontend callback\n"
                "    bind 127.0.0.1:@PORT@\n"
                "    default_backend presenced\n"
                "backend presenced\n"
                "    server node 127.0.0.1:%u %s\n",
                instance_callback_port(nodes[0]), server_options);
    balancer = balancer_start_haproxy(sandbox, buf_text(&config));
}

static const char *const refused_numbers[] = {
    "proxy_headers_refused_missing",  "proxy_headers_refused_version_1", "proxy_headers_refused_malformed",
    "proxy_headers_refused_too_long", "proxy_headers_refused_cut",       "proxy_headers_refused_timed_out",
};

START_TEST(a_header_before_tls_says_who_called)
{
    start_passing_tls_on("send-proxy-v2 check inter 50ms");
    balancer_await(&balancer, sandbox);
    cleanup(client_freep) struct client *caller = new_caller();
    login(caller, "alice");
    ck_assert(node_knows(0, "alice"));
    cleanup(client_freep) struct client *stranger = client_new("https", balancer.port);
    client_trust(stranger, sandbox);
    cleanup(answer_fini) struct answer answer;
    ck_assert_int_eq(balancer_post(stranger, TOKEN, "State.StateChange", "mallory", &answer), CURLE_OK);
    expect_callback(&answer, 403, "FAIL", 1);
    /* Its health checks speak for themselves. */
    int n_before = callback_number(0, "accepted");
    while (callback_number(0, "accepted") < n_before + 3) {
        (void)poll(NULL, 0, 10);
    }
    for (size_t i = 0; i < sizeof(refused_numbers) / sizeof(refused_numbers[0]); i++) {
        ck_assert_int_eq(callback_number(0, refused_numbers[i]), 0);
    }
    stop();
}
END_TEST

static const struct {
    const char *options;
    const char *number;
} wrong_options[] = {
    {"", "proxy_headers_refused_missing"},
    {"send-proxy", "proxy_headers_refused_version_1"},
};

START_TEST(a_connection_without_its_header_is_closed)
{
    start_passing_tls_on(wrong_options[_i].options);
    uint64_t deadline_ms = clock_monotonic_ms() + HARNESS_DEADLINE_MS;
    cleanup(client_freep) struct client *caller = new_caller();
    do {
        cleanup(answer_fini) struct answer answer;
        ck_assert_int_ne(balancer_post(caller, TOKEN, "State.StateChange", "alice", &answer), CURLE_OK);
        ck_assert_uint_lt(clock_monotonic_ms(), deadline_ms);
    } while (callback_number(0, wrong_options[_i].number) == 0); /* HAProxy may not listen yet */
    ck_assert(!node_knows(0, "alice"));
    stop();
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("proxy");
    for (int i = 0; i < N_BALANCERS; i++) {
        TCase *tcase = tcase_create(balancer_names[i]);
        tcase_set_tags(tcase, balancer_names[i]);
        tcase_set_timeout(tcase, 2 * HARNESS_DEADLINE_MS / 1000);
        tcase_add_loop_test(tcase, status_changes_go_to_the_nodes_over_kept_connections, i, i + 1);
        tcase_add_loop_test(tcase, other_commands_go_to_the_backend, i, i + 1);
        tcase_add_loop_test(tcase, no_event_fails_while_a_node_is_away, i, i + 1);
        tcase_add_loop_test(tcase, nobody_can_say_who_called, i, i + 1);
        tcase_add_loop_test(tcase, logs_hold_no_sign, i, i + 1);
        if (i == HAPROXY) {
            tcase_add_test(tcase, a_header_before_tls_says_who_called);
            tcase_add_loop_test(tcase, a_connection_without_its_header_is_closed, 0, 2);
        }
        suite_add_tcase(suite, tcase);
    }
    return suite;
}

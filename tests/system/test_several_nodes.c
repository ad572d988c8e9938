/* SPDX-License-Identifier: MIT */
/* Three nodes with an engine between them behind a balancer, as conf/examples/several-nodes has it, to which
 * all events go: nodes and the engine are killed meanwhile. */
#include "balancer.h"
#include "nodes.h"
#include "redis.h"
#include "../unit/suite.h"

#include "presenced/clock.h"

#include <poll.h>

#define N_EVENTS 150

static struct sandbox *sandbox;
static struct redis *engine;
static struct nodes *nodes;
static struct balancer balancer;
static struct client *caller;
static unsigned n_repeated;

/* Until it is answered OK: an event whose node was killed meanwhile may have been applied, or not. */
static void send_through(void *cls, const char *target, const char *body)
{
    const struct client_request request = {.method = "POST", .target = target, .body = body};
    uint64_t deadline_ms = clock_monotonic_ms() + HARNESS_DEADLINE_MS;
    (void)cls;
    for (bool is_ok = false; !is_ok;) {
        cleanup(answer_fini) struct answer answer;
        CURLcode code = client_try(caller, &request, &answer);
        is_ok = code == CURLE_OK && answer.status == 200 && event_is_ok(&answer);
        n_repeated += !is_ok;
        ck_assert_msg(clock_monotonic_ms() < deadline_ms, "status %ld: %s", answer.status,
                      buf_text(&answer.body));
    }
}

static void start_balancer(enum balancer_kind kind)
{
    char addresses[N_NODES][32];
    char others[160];
    static const char *const second[N_BALANCERS] = {
        [NGINX] = "    server 192.0.2.12:8443 max_fails=1 fail_timeout=1s;\n",
        [HAPROXY] = "    server node2 192.0.2.12:8443\n",
    };
    for (unsigned i = 0; i < N_NODES; i++) {
        (void)snprintf(addresses[i], sizeof(addresses[i]), "127.0.0.1:%u", nodes_port(nodes, i));
    }
    (void)snprintf(others, sizeof(others),
                   kind == NGINX ? "    server %s max_fails=1 fail_timeout=1s;\n"
                                   "    server %s max_fails=1 fail_timeout=1s;\n"
                                 : "    server node2 %s\n    server node3 %s\n",
                   addresses[1], addresses[2]);
    const struct replacement replacements[] = {
        {"192.0.2.11:8443", addresses[0]}, {second[kind], others}, {"192.0.2.21:9000", "127.0.0.1:9"}};
    balancer = balancer_start(sandbox, kind, "several-nodes/", replacements, 3);
    balancer_await(&balancer, sandbox);
    caller = balancer_caller(&balancer, sandbox);
}

static void start(int kind)
{
    sandbox = sandbox_new();
    engine = redis_start(sandbox, "engine", NULL);
    nodes = nodes_start(sandbox, &(struct nodes_config){
                                     .url = "unix:@DIR@/engine.sock",
                                     .has_store = true,
                                     .has_ports = true,
                                     .send = send_through,
                                 });
    start_balancer((enum balancer_kind)kind);
    n_repeated = 0;
}

static void stop(void)
{
    client_free(caller);
    balancer_stop(&balancer);
    nodes_stop(nodes);
    redis_kill(engine);
    sandbox_free(sandbox);
}

START_TEST(events_that_go_to_any_node_end_the_same_on_all)
{
    start(_i);
    nodes_send(nodes, N_EVENTS);
    nodes_await_equal(nodes);
    /* None had to be sent twice, and each node had its share. */
    ck_assert_uint_eq(n_repeated, 0);
    for (unsigned i = 0; i < N_NODES; i++) {
        ck_assert_uint_gt(nodes_number(nodes, i, "rows_sent"), 0);
    }
    nodes_kill_node(nodes, 1);
    nodes_send(nodes, N_EVENTS);
    redis_kill(engine);
    nodes_send(nodes, N_EVENTS);
    nodes_start_node(nodes, 1);
    nodes_stop_node(nodes, 2);
    nodes_send(nodes, N_EVENTS);
    engine = redis_start(sandbox, "engine", NULL);
    nodes_start_node(nodes, 2);
    nodes_send(nodes, N_EVENTS);
    nodes_await_equal(nodes);
    stop();
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("several_nodes");
    for (int kind = 0; kind < N_BALANCERS; kind++) {
        TCase *tcase = tcase_create(balancer_names[kind]);
        tcase_set_tags(tcase, balancer_names[kind]);
        tcase_set_timeout(tcase, 3 * HARNESS_DEADLINE_MS / 1000);
        tcase_add_loop_test(tcase, events_that_go_to_any_node_end_the_same_on_all, kind, kind + 1);
        suite_add_tcase(suite, tcase);
    }
    return suite;
}

/* SPDX-License-Identifier: MIT */
/* Three nodes in network namespaces of their own, the engine in another, and lines between them that are cut
 * and healed. Callbacks and queries come over Unix sockets, so each node is heard all the time. */
#include "nodes.h"
#include "network.h"
#include "redis.h"
#include "../unit/suite.h"

#include "presenced/clock.h"

#include <poll.h>

static struct sandbox *sandbox;
static struct network *network;
static struct redis *engine;
static struct nodes *nodes;

static void start(bool has_store)
{
    static char url[64]; /* of nodes that are started later, too */
    sandbox = sandbox_new();
    network = network_new(sandbox, N_NODES);
    engine = redis_start_through(
        sandbox, network_hub(network), "engine",
        (const char *const[]){"--bind", NETWORK_HUB, "--protected-mode", "no", NULL});
    (void)snprintf(url, sizeof(url), "redis://" NETWORK_HUB ":%u", redis_port(engine));
    struct nodes_config config = {.url = url, .has_store = has_store};
    for (unsigned i = 0; i < N_NODES; i++) {
        config.through[i] = network_node(network, i);
    }
    nodes = nodes_start(sandbox, &config);
}

static void stop(void)
{
    nodes_stop(nodes);
    redis_kill(engine);
    network_free(network);
    sandbox_free(sandbox);
}

static bool has_been_told(unsigned node, const char *user)
{
    char target[64];
    cleanup(answer_fini) struct answer answer;
    (void)snprintf(target, sizeof(target), "/v1/users/%s", user);
    client_get(nodes_status(nodes, node), target, &answer);
    return answer.status == 200;
}

static void await_told(unsigned node, const char *user)
{
    uint64_t deadline_ms = clock_monotonic_ms() + HARNESS_DEADLINE_MS;
    while (!has_been_told(node, user)) {
        ck_assert_msg(clock_monotonic_ms() < deadline_ms, "node %u does not hear of %s", node, user);
        (void)poll(NULL, 0, 20);
    }
}

START_TEST(a_node_that_was_cut_off_catches_up)
{
    start(false);
    nodes_send(nodes, 200);
    nodes_await_equal(nodes);
    network_cut(network, 2);
    nodes_send(nodes, 300);
    event_login(nodes_callback(nodes, 0), "alice", clock_unix_ms());
    event_login(nodes_callback(nodes, 2), "bob", clock_unix_ms());
    nodes_await_ready_text(nodes, 2, "\"degraded\":\"replication: ");
    await_told(1, "alice");
    expect_state(nodes_status(nodes, 2), "alice", "");
    expect_state(nodes_status(nodes, 1), "bob", "");
    nodes_await_no_ready_text(nodes, 0, "degraded");
    network_heal(network, 2);
    await_told(2, "alice");
    await_told(1, "bob");
    nodes_await_same(nodes);
    nodes_await_no_ready_text(nodes, 2, "degraded");
    stop();
}
END_TEST

START_TEST(nodes_that_were_all_cut_off_come_to_the_same)
{
    start(false);
    for (unsigned i = 0; i < N_NODES; i++) {
        network_cut(network, i);
    }
    nodes_send(nodes, 300);
    for (unsigned i = 0; i < N_NODES; i++) {
        nodes_await_ready_text(nodes, i, "\"degraded\":\"replication: ");
    }
    nodes_send(nodes, 300);
    for (unsigned i = 0; i < N_NODES; i++) {
        network_heal(network, i);
    }
    nodes_await_equal(nodes);
    stop();
}
END_TEST

START_TEST(what_a_node_heard_while_cut_off_outlives_it)
{
    start(true);
    nodes_send(nodes, 100);
    network_cut(network, 1);
    nodes_send(nodes, 100);
    event_login(nodes_callback(nodes, 1), "alice", clock_unix_ms());
    nodes_kill_node(nodes, 1);
    /* It serves what it has stored, though it finds no engine. */
    nodes_start_node(nodes, 1);
    expect_state(nodes_status(nodes, 1), "alice", "online");
    expect_state(nodes_status(nodes, 0), "alice", "");
    network_heal(network, 1);
    await_told(0, "alice");
    nodes_await_same(nodes);
    stop();
}
END_TEST

#define DNS_PATIENCE_MS 6000 /* the resolver's own is 20 s */

/* In a mount namespace of its own it has another resolv.conf, whose server is behind a line that is cut.
 * Where the root is no mount point, as in a chroot, its propagation cannot be changed. */
START_TEST(a_name_that_dns_does_not_resolve_holds_up_no_end)
{
    static const char apart[] = "unshare --mount true 2>/dev/null || unchanged='--propagation unchanged'; "
                                "exec unshare --mount ${unchanged-} sh -c \"$0\" sh \"$@\"";
    sandbox = sandbox_new();
    network = network_new(sandbox, 1);
    network_cut(network, 0);
    sandbox_write(sandbox, "resolv.conf", "nameserver " NETWORK_HUB "\n");
    cleanup(cleanup_freep) char *mount = sandbox_expand(
        sandbox, "mount --bind @DIR@/resolv.conf /etc/resolv.conf && exec \"$@\"");
    const char *const *words = network_node(network, 0);
    const char *const through[] = {words[0], words[1], "sh", "-c", apart, mount, NULL};
    struct victim *victim = victim_spawn(
        sandbox, &(struct victim_config){
                     .text = "[callback]\nlisten = 127.0.0.1:0\ntls = off\n[app 1400000000]\n"
                             "[status]\nlisten = 127.0.0.1:0\n[replication]\n"
                             "url = redis://engine.example.org\n",
                     .through = through,
                 });
    victim_await_ready(victim);
    victim_await_log(victim, "looking its name up takes too long");
    uint64_t begin_ms = clock_monotonic_ms();
    victim_stop(victim);
    ck_assert_uint_lt(clock_monotonic_ms() - begin_ms, DNS_PATIENCE_MS * harness_slowness());
    network_free(network);
    sandbox_free(sandbox);
}
END_TEST

/* A drill. */
START_TEST(whoever_is_cut_off_they_come_to_the_same)
{
    bool is_cut[N_NODES] = {false};
    start(true);
    for (unsigned i = 0; i < 40; i++) {
        unsigned node = (i * 7 + i / 3) % N_NODES;
        (is_cut[node] ? network_heal : network_cut)(network, node);
        is_cut[node] = !is_cut[node];
        nodes_send(nodes, 300);
        if (is_cut[node] && i % 4 == 0) {
            nodes_await_ready_text(nodes, node, "degraded");
        }
        if (i % 9 == 8) {
            nodes_kill_node(nodes, node);
            nodes_send(nodes, 50);
            nodes_start_node(nodes, node);
        }
    }
    for (unsigned i = 0; i < N_NODES; i++) {
        network_heal(network, i);
    }
    nodes_await_equal(nodes);
    stop();
}
END_TEST

Suite *test_suite(void)
{
    TCase *tests;
    TCase *drills;
    Suite *suite = nodes_suite("partition", &tests, &drills);
    tcase_add_test(tests, a_node_that_was_cut_off_catches_up);
    tcase_add_test(tests, nodes_that_were_all_cut_off_come_to_the_same);
    tcase_add_test(tests, what_a_node_heard_while_cut_off_outlives_it);
    tcase_add_test(tests, a_name_that_dns_does_not_resolve_holds_up_no_end);
    tcase_add_test(drills, whoever_is_cut_off_they_come_to_the_same);
    return suite;
}

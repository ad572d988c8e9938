/* SPDX-License-Identifier: MIT */
#include "network.h"

#include "presenced/clock.h"

#include <poll.h>
#include <stdarg.h>
#include <unistd.h>

#define PATH_SIZE 64

/* It lives as long as a process that sleeps in it, or another. */
struct space {
    pid_t pid;
    char path[PATH_SIZE];
    char option[PATH_SIZE + 8];
    const char *words[3];
};

struct network {
    struct sandbox *sandbox;
    unsigned n_nodes;
    struct space hub;
    struct space nodes[NETWORK_N_NODES_MAX];
};

static bool is_apart(const struct space *space)
{
    char own[PATH_SIZE] = "";
    char other[PATH_SIZE] = "";
    return readlink("/proc/self/ns/net", own, sizeof(own) - 1) > 0 &&
           readlink(space->path, other, sizeof(other) - 1) > 0 && strcmp(own, other) != 0;
}

static void space_start(struct space *space, struct sandbox *sandbox)
{
    static const char *const arguments[] = {"--net", "sleep", "infinity", NULL};
    uint64_t deadline_ms = clock_monotonic_ms() + HARNESS_DEADLINE_MS;
    space->pid = sandbox_spawn(sandbox, "unshare", arguments, "network.log");
    (void)snprintf(space->path, sizeof(space->path), "/proc/%d/ns/net", (int)space->pid);
    (void)snprintf(space->option, sizeof(space->option), "--net=%s", space->path);
    space->words[0] = "nsenter";
    space->words[1] = space->option;
    space->words[2] = NULL;
    while (!is_apart(space)) {
        ck_assert_msg(clock_monotonic_ms() < deadline_ms, "no network namespace, see network.log of %s",
                      sandbox_path(sandbox));
        (void)poll(NULL, 0, 2);
    }
}

/* Runs a line of shell in a namespace. */
static void run_in(struct network *network, const struct space *space, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void run_in(struct network *network, const struct space *space, const char *format, ...)
{
    char line[512];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    cleanup(buf_fini) struct buf output = {0};
    const char *const words[] = {space->option, "sh", "-euc", line, NULL};
    ck_assert_msg(sandbox_run(network->sandbox, "nsenter", words, &output) == 0, "%s: %s", line,
                  buf_text(&output));
}

/* The hub has one address, at all of its lines. */
static void join(struct network *network, unsigned node)
{
    const struct space *space = &network->nodes[node];
    run_in(network, &network->hub,
           "ip link add node%u type veth peer name hub netns %d\n"
           "ip address add " NETWORK_HUB " peer 192.0.2.%u dev node%u\n"
           "ip link set node%u up",
           node, (int)space->pid, 11 + node, node, node);
    run_in(network, space,
           "ip link set lo up\n"
           "ip address add 192.0.2.%u peer " NETWORK_HUB " dev hub\n"
           "ip link set hub up",
           11 + node);
}

struct network *network_new(struct sandbox *sandbox, unsigned n_nodes)
{
    struct network *network = calloc(1, sizeof(*network));
    ck_assert_ptr_nonnull(network);
    ck_assert_uint_le(n_nodes, NETWORK_N_NODES_MAX);
    network->sandbox = sandbox;
    network->n_nodes = n_nodes;
    space_start(&network->hub, sandbox);
    run_in(network, &network->hub, "ip link set lo up");
    for (unsigned i = 0; i < n_nodes; i++) {
        space_start(&network->nodes[i], sandbox);
        join(network, i);
    }
    return network;
}

void network_free(struct network *network)
{
    process_stop(network->hub.pid);
    for (unsigned i = 0; i < network->n_nodes; i++) {
        process_stop(network->nodes[i].pid);
    }
    free(network);
}

const char *const *network_hub(const struct network *network)
{
    return network->hub.words;
}

const char *const *network_node(const struct network *network, unsigned node)
{
    return network->nodes[node].words;
}

void network_cut(struct network *network, unsigned node)
{
    run_in(network, &network->hub, "ip link set node%u down", node);
}

void network_heal(struct network *network, unsigned node)
{
    run_in(network, &network->hub, "ip link set node%u up", node);
}

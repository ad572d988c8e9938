/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_TESTS_NODES_H
#define PRESENCED_TESTS_NODES_H

/* Three daemons that replicate through one engine, and a fourth, the reference, which does not replicate but
 * receives every event that one of the others has answered OK: all nodes must end up with the state of the
 * reference. Every function fails the running test if something is wrong. Used by one thread. */

#include "event.h"
#include "victim.h"

#include <check.h>

#define N_NODES 3

/* Creates a suite with one test case for tests, and one, tagged "drill", for tests that take minutes. */
Suite *nodes_suite(const char *name, TCase **ret_tests, TCase **ret_drills);

struct nodes;

struct nodes_config {
    /* All texts are borrowed until nodes_stop(). */
    const char *url;  /* URL of the engine */
    const char *more; /* more lines of the configuration of all daemons, or NULL */
    const char *only; /* more lines of the configuration of the nodes, without the reference, or NULL */
    /* More lines of section [app] of each node, which may be followed by more sections, or NULL. */
    const char *own[N_NODES];
    bool has_store; /* each node has its own store */
    /* Words before the command of each node, ended by NULL; such nodes listen on Unix sockets. NULL: none. */
    const char *const *through[N_NODES];
    /* The nodes listen on fixed ports (nodes_port()), so that a load balancer finds a restarted node. */
    bool has_ports;
    /* Sends an event until one of the nodes has answered OK. NULL: it is sent to a random running node. */
    void (*send)(void *cls, const char *target, const char *body);
    void *cls;
};

/* Starts all daemons. Returns when each answers and is ready. */
struct nodes *nodes_start(struct sandbox *sandbox, const struct nodes_config *config);

/* Stops the running daemons with SIGTERM and frees the struct. */
void nodes_stop(struct nodes *nodes);

/* Returns the port of a node's callback listener; needs has_ports. */
uint16_t nodes_port(const struct nodes *nodes, unsigned node);

struct client *nodes_status(struct nodes *nodes, unsigned node);
uint16_t nodes_status_port(struct nodes *nodes, unsigned node);
struct client *nodes_callback(struct nodes *nodes, unsigned node);

void nodes_kill_node(struct nodes *nodes, unsigned node);
void nodes_stop_node(struct nodes *nodes, unsigned node); /* with SIGTERM */
void nodes_start_node(struct nodes *nodes, unsigned node);

/* Starts a node without waiting until it is ready. */
void nodes_start_node_unready(struct nodes *nodes, unsigned node);

/* Sends `n` random events to nodes and to the reference. Their order does not matter, because they have
 * EventTimes. Each must be answered OK within a second. */
void nodes_send(struct nodes *nodes, unsigned n);

/* Waits until all running nodes have the same users as the reference. */
void nodes_await_equal(struct nodes *nodes);

/* Waits until all running nodes have the same users as each other. */
void nodes_await_same(struct nodes *nodes);

/* Returns all users of a node in a fixed order, without what may differ between nodes: the times of
 * receipt. */
struct buf nodes_dump(struct client *status);

/* Wait until the node's /readyz contains `text`, or does not contain it. */
void nodes_await_ready_text(struct nodes *nodes, unsigned node, const char *text);
void nodes_await_no_ready_text(struct nodes *nodes, unsigned node, const char *text);

/* Returns a number from the object "replication" of the node's /v1/stats. */
uint64_t nodes_number(struct nodes *nodes, unsigned node, const char *name);

/* Waits until that number is `at_least` or more. */
void nodes_await_number(struct nodes *nodes, unsigned node, const char *name, uint64_t at_least);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_TESTS_NODES_H
#define PRESENCED_TESTS_NODES_H

/* Three daemons with an engine between them, and one more without, which hears of every event that one of
 * them has answered OK: what it shows is what they all have to come to. Fails the running test when something
 * is not as it should be. One thread. */

#include "event.h"
#include "victim.h"

#include <check.h>

#define N_NODES 3

/* A suite with a case for tests, and one for those that take minutes, tagged "drill". */
Suite *nodes_suite(const char *name, TCase **ret_tests, TCase **ret_drills);

struct nodes;

struct nodes_config {
    const char *url;  /* of the engine; as the others borrowed until nodes_stop() */
    const char *more; /* lines of the nodes' and the other's configuration; may be NULL */
    const char *only; /* the same of the nodes alone; may be NULL */
    /* More lines of [app] of each node, and sections behind it; may be NULL. */
    const char *own[N_NODES];
    bool has_store; /* each node has one of its own */
    /* Words in front of each node's program, ended by NULL; such nodes listen on Unix sockets. NULL: none. */
    const char *const *through[N_NODES];
    /* The nodes listen where nodes_port() says, so that a load balancer finds one that was started again. */
    bool has_ports;
    /* Has an event answered OK by one of the nodes. NULL: it is sent to any of them that runs. */
    void (*send)(void *cls, const char *target, const char *body);
    void *cls;
};

/* Starts all; returns when each answers and is ready. */
struct nodes *nodes_start(struct sandbox *sandbox, const struct nodes_config *config);

/* Ends those that run, in order. */
void nodes_stop(struct nodes *nodes);

/* Where its callback listener is, with has_ports. */
uint16_t nodes_port(const struct nodes *nodes, unsigned node);

struct client *nodes_status(struct nodes *nodes, unsigned node);
uint16_t nodes_status_port(struct nodes *nodes, unsigned node);
struct client *nodes_callback(struct nodes *nodes, unsigned node);

void nodes_kill_node(struct nodes *nodes, unsigned node);
void nodes_stop_node(struct nodes *nodes, unsigned node); /* in order */
void nodes_start_node(struct nodes *nodes, unsigned node);

/* Starts one and does not wait until it is ready, nor for what it knows. */
void nodes_start_node_unready(struct nodes *nodes, unsigned node);

/* Sends `n` random events. They have their own stamps, so their order is nothing.
 * Each is answered OK, and within a second. */
void nodes_send(struct nodes *nodes, unsigned n);

/* Waits until each that runs shows what the one without an engine shows. */
void nodes_await_equal(struct nodes *nodes);

/* The same, but compares them with each other alone. */
void nodes_await_same(struct nodes *nodes);

/* All users that a node shows, in an order of their own, without what may differ: when a row was received. */
struct buf nodes_dump(struct client *status);

/* Waits until the node's /readyz holds `text`; until it does not. */
void nodes_await_ready_text(struct nodes *nodes, unsigned node, const char *text);
void nodes_await_no_ready_text(struct nodes *nodes, unsigned node, const char *text);

/* Of its /v1/stats replication. */
uint64_t nodes_number(struct nodes *nodes, unsigned node, const char *name);

/* Waits until it is so many at least. */
void nodes_await_number(struct nodes *nodes, unsigned node, const char *name, uint64_t at_least);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_TESTS_NETWORK_H
#define PRESENCED_TESTS_NETWORK_H

/* A hub and some nodes, each in a network namespace of its own, joined by lines that can be cut: what is sent
 * over one that is cut vanishes, as behind a switch that failed. The machine's own network is not touched.
 * Needs root. Fails the running test when it cannot do what it is asked. One thread. */

#include "harness.h"

#define NETWORK_N_NODES_MAX 8
#define NETWORK_HUB "192.0.2.1" /* its address, as every node knows it */

struct network;

struct network *network_new(struct sandbox *sandbox, unsigned n_nodes);

/* Ends it; the namespaces live on with the processes that are in them. */
void network_free(struct network *network);

/* The words that run a program in a namespace, to be put in front of it; ended by NULL. */
const char *const *network_hub(const struct network *network);
const char *const *network_node(const struct network *network, unsigned node);

void network_cut(struct network *network, unsigned node);
void network_heal(struct network *network, unsigned node);

#endif

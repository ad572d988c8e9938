/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_TESTS_NETWORK_H
#define PRESENCED_TESTS_NETWORK_H

/* A hub and some nodes, each in its own network namespace, connected by links that can be cut: packets on a
 * link that is cut are lost, as with a failed switch. The machine's own network is not changed. Needs root.
 * Every function fails the running test if it cannot do its work. Used by one thread. */

#include "harness.h"

#define NETWORK_N_NODES_MAX 8
#define NETWORK_HUB "192.0.2.1" /* address of the hub, from every node */

struct network;

struct network *network_new(struct sandbox *sandbox, unsigned n_nodes);

/* Frees the network. Its namespaces exist until the last process in them ends. */
void network_free(struct network *network);

/* Return the words, ended by NULL, that must precede a command to run it in a namespace. */
const char *const *network_hub(const struct network *network);
const char *const *network_node(const struct network *network, unsigned node);

void network_cut(struct network *network, unsigned node);
void network_heal(struct network *network, unsigned node);

#endif

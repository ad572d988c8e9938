/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_REPLICA_PEERS_H
#define PRESENCED_REPLICA_PEERS_H

/* The live nodes and the apps about which each of them asks Tencent, so that each user is asked about by one
 * node. A node regularly announces itself in the engine and gets the list of nodes in the same call; the
 * engine's clock decides which nodes are gone. The node of a user is the one with the highest hash of node,
 * app and user (rendezvous hashing), so that when a node comes or goes, only its own users move. Any thread,
 * except for peers_announce() and peers_leave(), which are for the thread that has the connection. */

#include "primary.h"
#include "presenced/table.h"

/* Lifetime of the list: with an older one, this node may be cut off, and the others go on without it. */
#define PEERS_FRESH_MS 5000

struct peers;

/* `run` identifies this process, in PEERS_RUN_LEN characters, and is copied. Returns 0 or -ENOMEM. */
#define PEERS_RUN_LEN 16
int peers_new(const struct table *table, const char *run, struct peers **ret_peers);
void peers_free(struct peers *peers);
DEFINE_CLEANUP(struct peers *, peers_free)

/* Sets the apps that this node asks about from now on. The other nodes learn it from the next
 * announcement. */
void peers_set_asked(struct peers *peers, const uint16_t *apps, size_t n_apps);

/* Returns whether peers_announce() is due: a second after the last one, or at once after
 * peers_set_asked(). */
bool peers_is_due(struct peers *peers);

/* Announces this node and receives the list of live nodes. Returns 0 or -errno. */
int peers_announce(struct peers *peers, struct primary *primary, struct failure *ret_failure);

/* Removes this node from the list, without waiting for a reply. */
void peers_leave(struct peers *peers, struct primary *primary);

/* Returns the number of live nodes, including this one; 0: unknown. */
size_t peers_n_living(struct peers *peers);

/* Returns how many nodes share the users of an app. 1: this node must ask about all of them, because it is
 * the only one or does not know the others. `*ret_n_lost` counts how often nodes were found to be gone, or
 * all others were lost because the engine could not be reached. */
unsigned peers_n_asking(struct peers *peers, uint16_t app, uint64_t *ret_n_lost);

/* Returns whether this node must ask about the user. */
bool peers_is_ours(struct peers *peers, uint16_t app, struct str user_id);

#endif

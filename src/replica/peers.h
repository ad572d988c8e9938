/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_REPLICA_PEERS_H
#define PRESENCED_REPLICA_PEERS_H

/* Which nodes live and for which apps each of them asks Tencent, so that each user is asked about by one
 * node. A node announces itself in the engine again and again, and learns of the others with the same call;
 * the engine's clock decides who is gone. A user's node is the one with the highest hash of itself, the app
 * and the user (rendezvous hashing): when a node comes or goes, only its own users move. Any thread, but
 * peers_announce() and peers_leave(): the one that has the connection. */

#include "primary.h"
#include "presenced/table.h"

/* A list that is older says nothing: this node may have been cut off, and the others go on without it. */
#define PEERS_FRESH_MS 5000

struct peers;

/* `run` names this process and is copied: PEERS_RUN_LEN characters. 0 or -ENOMEM. */
#define PEERS_RUN_LEN 16
int peers_new(const struct table *table, const char *run, struct peers **ret_peers);
void peers_free(struct peers *peers);
DEFINE_CLEANUP(struct peers *, peers_free)

/* The apps that this node asks about from now on. The others hear of it with the next announcement. */
void peers_set_asked(struct peers *peers, const uint16_t *apps, size_t n_apps);

/* Whether it is time for peers_announce(): a second after the last, and at once when other apps are asked. */
bool peers_is_due(struct peers *peers);

/* Says that this node lives, and learns who else does. 0 or below. */
int peers_announce(struct peers *peers, struct primary *primary, struct failure *ret_failure);

/* Says that this node ends, without waiting for an answer. */
void peers_leave(struct peers *peers, struct primary *primary);

/* How many nodes live, this one being one of them; 0: that is not known. */
size_t peers_n_living(struct peers *peers);

/* How many nodes share the asking about an app's users; 1: this node asks about all of them, for it is alone
 * or does not know of the others. `*ret_n_lost` counts the times that a node has gone, or all of them because
 * the engine could not be reached. */
unsigned peers_n_asking(struct peers *peers, uint16_t app, uint64_t *ret_n_lost);

/* Whether this node is the one that asks about the user. */
bool peers_is_ours(struct peers *peers, uint16_t app, struct str user_id);

#endif

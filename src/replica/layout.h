/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_REPLICA_LAYOUT_H
#define PRESENCED_REPLICA_LAYOUT_H

/* Where in the engine what stands: the keys, and the scripts that alone write them. Drawn in layout.c.
 * Constant; any thread. */

#include "presenced/str.h"

#define LAYOUT_VERSION "1"
#define LAYOUT_N_BUCKETS 8
#define LAYOUT_N_LEAVES 8192 /* of a bucket */
#define LAYOUT_N_ALL_LEAVES 65536U

#define LAYOUT_KEY_SIZE 40

struct layout_place {
    unsigned bucket;
    unsigned leaf; /* of all: bucket * LAYOUT_N_LEAVES + its number there */
};

/* Of a user's rows, by what codec_user() gives; of an app's stamp, by codec_app(). */
struct layout_place layout_place(struct str field);

/* Keys, NUL-terminated; returned as they stand in `ret_key`. */
struct str layout_state_key(unsigned bucket, char ret_key[static LAYOUT_KEY_SIZE]);
struct str layout_log_key(unsigned bucket, char ret_key[static LAYOUT_KEY_SIZE]);
struct str layout_leaf_key(unsigned leaf, char ret_key[static LAYOUT_KEY_SIZE]);

/* Entries that a bucket's log keeps, or a few more: of changes, and where many users are sent at once, whose
 * entries are large. */
#define LAYOUT_LOG_MAX_ENTRIES "16384"
#define LAYOUT_LOG_MAX_LARGE_ENTRIES "512"

/* Takes rows of one bucket.
 * Keys: state, log, leaves. Arguments: identity, one of LAYOUT_LOG_MAX_…, this run's name, and for each row
 * the number of its leaf among the keys, field, value. Returns how many rows were new or newer. */
extern const char layout_merge_script[];

/* Forgets one user.
 * Keys: state, log, leaf. Arguments: identity, one of LAYOUT_LOG_MAX_…, this run's name, codec_user(), and
 * field, value for each row that is known of it here. Returns nothing; or, where the engine knows more, all
 * of its rows, field and value in turn, and nothing is forgotten. */
extern const char layout_forget_script[];

/* What both answer where the identity is another one. */
#define LAYOUT_IDENTITY_ERROR "IDENTITY"

/* The nodes that live, and for how long one does that does not announce itself. */
#define LAYOUT_NODES_KEY "presenced:{nodes}"
#define LAYOUT_NODE_LIFETIME_MS "10000"

/* Announces a node.
 * Key: LAYOUT_NODES_KEY. Arguments: the name of its run; the ids of the apps that it asks Tencent about, with
 * a blank behind each. Returns the same of each node that lives, it being one of them, in turn. */
extern const char layout_announce_script[];

#endif

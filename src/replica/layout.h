/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_REPLICA_LAYOUT_H
#define PRESENCED_REPLICA_LAYOUT_H

/* The keys in the engine, and the scripts that write them. The layout is described in layout.c. Any
 * thread. */

#include "presenced/str.h"

#define LAYOUT_VERSION "1"
#define LAYOUT_N_BUCKETS 8
#define LAYOUT_N_LEAVES 8192 /* in each bucket */
#define LAYOUT_N_ALL_LEAVES 65536U

#define LAYOUT_KEY_SIZE 40

struct layout_place {
    unsigned bucket;
    unsigned leaf; /* among all: bucket * LAYOUT_N_LEAVES + its number in the bucket */
};

/* Returns the place of a user's rows, given the bytes of codec_user(), or of an app's stamp, given those of
 * codec_app(). */
struct layout_place layout_place(struct str field);

/* Write a key with a terminating NUL to `ret_key` and return it. */
struct str layout_state_key(unsigned bucket, char ret_key[static LAYOUT_KEY_SIZE]);
struct str layout_log_key(unsigned bucket, char ret_key[static LAYOUT_KEY_SIZE]);
struct str layout_leaf_key(unsigned leaf, char ret_key[static LAYOUT_KEY_SIZE]);

/* Approximate number of entries to which a bucket's log is trimmed: for changes, and for large entries, when
 * many users are sent at once. */
#define LAYOUT_LOG_MAX_ENTRIES "16384"
#define LAYOUT_LOG_MAX_LARGE_ENTRIES "512"

/* Merges rows of one bucket. Keys: state, log, leaves. Arguments: identity, one of LAYOUT_LOG_MAX_…, this
 * run's name, and for each row the number of its leaf among the keys, its field and its value. Returns how
 * many rows were new or newer. */
extern const char layout_merge_script[];

/* Forgets one user. Keys: state, log, leaf. Arguments: identity, one of LAYOUT_LOG_MAX_…, this run's name,
 * codec_user(), and field and value of each row known here. If the engine has a row that is not known here
 * or is newer, it forgets nothing and returns all of the user's rows, field and value alternating; else
 * returns nothing. */
extern const char layout_forget_script[];

/* The error that both return if the data has another identity. */
#define LAYOUT_IDENTITY_ERROR "IDENTITY"

/* The hash of live nodes, and after which time without an announcement a node is no longer live. */
#define LAYOUT_NODES_KEY "presenced:{nodes}"
#define LAYOUT_NODE_LIFETIME_MS "10000"

/* Announces a node. Key: LAYOUT_NODES_KEY. Arguments: the name of its run, and the ids of the apps it asks
 * Tencent about, each followed by a blank. Returns the same two for each live node, including this one,
 * alternating. */
extern const char layout_announce_script[];

#endif

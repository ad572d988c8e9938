/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_TABLE_PRIVATE_H
#define PRESENCED_TABLE_PRIVATE_H

/* The table's internals, shared by its files: table.c (construction and queries), apply.c (events), aging.c
 * (changes due to time or lack of room), list.c, doubt.c (marks), restore.c (loading a store).
 *
 * The hash of a user determines its shard by the top bits and its place in the shard's index by the low bits.
 * At most one shard is locked at a time; the lock of the change log is taken inside it. Counters and heap
 * tops are atomics that are read without a lock. */

#include "app.h"
#include "shard.h"
#include "presenced/siphash.h"

#include "presenced/table.h"

#define TABLE_SHARD_BITS 10
#define TABLE_N_SHARDS (1U << TABLE_SHARD_BITS)

struct table {
    struct shard shards[TABLE_N_SHARDS];
    /* Copies of the shards' heap tops and bounds, in arrays so that the lowest is found quickly and without
     * locks. */
    _Atomic uint64_t window_tops[TABLE_N_SHARDS];
    _Atomic uint64_t idle_tops[TABLE_N_SHARDS];
    _Atomic uint64_t ended[TABLE_N_SHARDS]; /* shards' ended_ms */
    _Atomic uint64_t oldest_logins[TABLE_N_SHARDS];
    _Atomic uint64_t newest_assumed[TABLE_N_SHARDS];
    _Atomic uint32_t n_marked[TABLE_N_SHARDS]; /* marked users of all apps */
    _Atomic uint64_t n_users;
    struct table_config config;
    struct siphash_key key;
    struct platform_names *names;
    struct changes *changes;
    _Atomic unsigned n_apps; /* apps below it are set and never removed */
    struct app *apps[TABLE_N_APPS_MAX];
};

struct place {
    struct shard *shard;
    uint32_t hash; /* within the shard's index */
};

struct place table_place(struct table *table, uint16_t app, struct str user_id);

/* Unlocks a shard that may have changed, and publishes its heap tops and bounds. */
void table_unlock(struct table *table, struct shard *shard);

/* Returns the view with which the user in a slot of the locked shard is classified at `now_ms`. */
struct user_view table_shard_view(const struct table *table, const struct shard *shard, uint32_t slot,
                                  uint64_t now_ms);

/* Sets or clears the mark of a user of the locked shard. */
void table_mark_slot(struct table *table, struct shard *shard, uint32_t slot, bool is_marked);

/* Appends a change of a user of the locked shard to the change log. `was_online` is its state before. Returns
 * the revision. */
uint64_t table_log_change(struct table *table, struct shard *shard, enum change_kind kind,
                          enum change_origin origin, bool was_online, uint64_t now_ms, const uint8_t *record);

/* The functions below are in aging.c. */

/* Ends up to `max` push_online windows of the locked shard that are due. Returns how many. */
unsigned table_expire_windows(struct table *table, struct shard *shard, uint64_t now_ms, unsigned max);

/* Drops the user that has been offline longest in all shards or, if no user is offline, the one whose window
 * ends first. Its place in `n_users` then belongs to the caller. No shard may be locked. Returns 0 and the
 * shard of the dropped user, or TABLE_FULL if all users are online. */
int table_make_room(struct table *table, uint64_t now_ms, struct shard **ret_shard);

#endif

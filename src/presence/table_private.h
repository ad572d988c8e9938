/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_TABLE_PRIVATE_H
#define PRESENCED_TABLE_PRIVATE_H

/* The table as its own files see it: table.c (what is asked of it), apply.c (events), aging.c (what time and
 * want of room do), list.c, restore.c (what a store held).
 *
 * A user's hash names its shard, by the top bits, and where it is looked for there, by the low ones. One
 * shard is locked at a time, never two; under it, the change log is. Counts and tops are atomics, read
 * without a lock. */

#include "app.h"
#include "shard.h"
#include "presenced/siphash.h"

#include "presenced/table.h"

#define TABLE_SHARD_BITS 10
#define TABLE_N_SHARDS (1U << TABLE_SHARD_BITS)

struct table {
    struct shard shards[TABLE_N_SHARDS];
    /* The top keys of the shards' heaps, side by side so that the lowest is found without a lock. */
    _Atomic uint64_t window_tops[TABLE_N_SHARDS];
    _Atomic uint64_t idle_tops[TABLE_N_SHARDS];
    _Atomic uint64_t ended[TABLE_N_SHARDS]; /* their ended_ms */
    _Atomic uint64_t oldest_logins[TABLE_N_SHARDS];
    _Atomic uint64_t newest_assumed[TABLE_N_SHARDS];
    _Atomic uint32_t n_marked[TABLE_N_SHARDS]; /* users of all apps */
    _Atomic uint64_t n_users;
    struct table_config config;
    struct siphash_key key;
    struct platform_names *names;
    struct changes *changes;
    _Atomic unsigned n_apps; /* apps below it are there for good */
    struct app *apps[TABLE_N_APPS_MAX];
};

struct place {
    struct shard *shard;
    uint32_t hash; /* within the shard */
};

struct place table_place(struct table *table, uint16_t app, struct str user_id);

/* Unlocks a shard that may have changed, and publishes its tops. */
void table_unlock(struct table *table, struct shard *shard);

/* How users of the locked shard are filed at `now_ms`: those of a slot. */
struct user_view table_filed_view(const struct table *table, const struct shard *shard, uint32_t slot,
                                  uint64_t now_ms);

/* Marks a user of the locked shard, or takes the mark back. */
void table_mark_slot(struct table *table, struct shard *shard, uint32_t slot, bool is_marked);

/* Puts a change of a user of the locked shard, who was online before or not, into the change log. Returns its
 * revision. */
uint64_t table_log_change(struct table *table, struct shard *shard, enum change_kind kind,
                          enum change_origin origin, bool was_online, uint64_t now_ms, const uint8_t *record);

/* Aging.c. */

/* Moves up to `max` users of the locked shard whose window has ended by now. Returns how many. */
unsigned table_settle(struct table *table, struct shard *shard, uint64_t now_ms, unsigned max);

/* Drops the user longest offline of all shards, or where none is offline, the one whose window ends first, so
 * that its place in `n_users` is the caller's. No shard is locked. 0, or TABLE_FULL where all are online. */
int table_make_room(struct table *table, uint64_t now_ms, struct shard **ret_shard);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_SHARD_H
#define PRESENCED_SHARD_H

/* One part of the table's users with its own lock: a hash index, numbered slots, and heaps of users that will
 * change state with time. All functions except shard_init() and shard_fini() are called with the lock held.
 *
 * A user is classified: its entry stores the state that it had when it was last evaluated. Online users are
 * in no heap. A Login that was received before `assumed_ms` is classified as offline. When `assumed_ms` is to
 * move, all users of the shard are reclassified, slot by slot; the bounds `oldest_login_ms` and
 * `newest_assumed_ms` tell when this is necessary. They may be too wide, never too narrow. */

#include "heap.h"
#include "index.h"
#include "slots.h"

#include <pthread.h>
#include <stdalign.h>

struct shard {
    alignas(64) pthread_mutex_t lock;
    struct index index;
    struct slots slots;
    struct heaps heaps;       /* users that are not online */
    uint64_t ended_ms;        /* latest window end of users classified as offline, or a later time; 0: none */
    uint64_t n_dropped;       /* users dropped from this shard so far */
    uint64_t last_revision;   /* revision of the newest change of a user of this shard */
    uint64_t assumed_ms;      /* Logins received before it are classified as offline */
    uint64_t next_assumed_ms; /* value of assumed_ms after the reclassification in progress */
    uint32_t n_reclassified;  /* slots below it already use `next_assumed_ms`; 0: none */
    uint64_t oldest_login_ms; /* earliest receipt of a Login classified as online; UINT64_MAX: none */
    uint64_t newest_assumed_ms; /* latest receipt of a Login classified as offline; 0: none */
};

/* How a user is classified: its state, its key in the heap of that state, and the times for the shard's
 * bounds. */
struct heap_key {
    enum user_state state;
    uint64_t key;
    uint64_t ended_ms;        /* USER_OFFLINE: when its window ended; 0: there was none */
    uint64_t oldest_login_ms; /* see struct user_summary */
    uint64_t newest_assumed_ms;
};

struct heap_key heap_key_of(const struct user *user, const struct user_summary *summary);

void shard_init(struct shard *shard);
void shard_fini(struct shard *shard);

/* Returns the user's slot, or SLOT_NONE. */
uint32_t shard_find(const struct shard *shard, uint32_t hash, uint16_t app, struct str user_id);

/* Makes room for one more user in any state, which shard_add() requires. Returns 0 or -ENOMEM. */
int shard_reserve(struct shard *shard);

/* Adds a user. Takes ownership of `entry`, allocated with malloc(), whose record is set. Returns its slot. */
uint32_t shard_add(struct shard *shard, uint32_t hash, struct entry *entry, const struct heap_key *heap_key);

/* Replaces a user's record and reclassifies it. Returns 0, or -ENOMEM with nothing changed. */
int shard_update(struct shard *shard, uint32_t slot, struct str record, const struct heap_key *heap_key);

/* Makes room for one more user in any heap. Returns 0 or -ENOMEM. */
int shard_reserve_heap(struct shard *shard);

/* Reclassifies a user. Moving it between the two heaps needs no memory, because they share an array; moving
 * it from online into a heap requires shard_reserve_heap() before. */
void shard_rekey(struct shard *shard, uint32_t slot, const struct heap_key *heap_key);

/* Removes a user and returns its entry, which the caller frees. */
struct entry *shard_remove(struct shard *shard, uint32_t hash, uint32_t slot);

#endif

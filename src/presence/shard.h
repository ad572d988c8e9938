/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_SHARD_H
#define PRESENCED_SHARD_H

/* One part of the table's users, behind its own lock: found by hash, numbered, and those that time will move
 * in the order in which it will. All calls but init and fini are made with the lock held. */

#include "heap.h"
#include "index.h"
#include "slots.h"

#include <pthread.h>
#include <stdalign.h>

struct shard {
    alignas(64) pthread_mutex_t lock;
    struct index index;
    struct slots slots;
    struct heaps heaps;     /* of users who are not online */
    uint64_t ended_ms;      /* the latest end of a window of those filed as offline, or later; 0: none */
    uint64_t n_dropped;     /* users dropped from here so far */
    uint64_t last_revision; /* of the newest change of a user of this shard */
    /* Online users are in no heap: all of a shard whose Login was received before `assumed_ms` are filed as
     * offline, and when that is to move is seen from the oldest and newest ones, which may be taken too wide
     * but not too narrow. While it moves, slots below `assuming_slot` are at `assuming_ms`. */
    uint64_t assumed_ms;
    uint64_t assuming_ms;
    uint32_t assuming_slot;     /* 0: it does not move */
    uint64_t oldest_login_ms;   /* received, of those that read as online; UINT64_MAX: there is none */
    uint64_t newest_assumed_ms; /* of those that are assumed to be offline; 0: there is none */
};

/* Where a user belongs: its state, and its key in the heap of that state. */
struct heap_key {
    enum user_state state;
    uint64_t key;
    uint64_t ended_ms;        /* USER_OFFLINE: when its window ended; 0: it had none */
    uint64_t oldest_login_ms; /* as the summary's */
    uint64_t newest_assumed_ms;
};

struct heap_key heap_key_of(const struct user *user, const struct user_summary *summary);

void shard_init(struct shard *shard);
void shard_fini(struct shard *shard);

/* The user's slot, or SLOT_NONE. */
uint32_t shard_find(const struct shard *shard, uint32_t hash, uint16_t app, struct str user_id);

/* Room for one more user in any state: shard_add() needs it. 0 or -ENOMEM. */
int shard_reserve(struct shard *shard);

/* Takes over `held` (malloc), whose record is written. Returns its slot. */
uint32_t shard_add(struct shard *shard, uint32_t hash, struct entry *entry, const struct heap_key *heap_key);

/* Gives a user a new record and files it anew. 0, or -ENOMEM with nothing changed. */
int shard_update(struct shard *shard, uint32_t slot, struct str record, const struct heap_key *heap_key);

/* Room for one more user in any heap: 0 or -ENOMEM. */
int shard_reserve_heap(struct shard *shard);

/* Files a user anew whose state time has moved; never fails between windows and idle, for they share their
 * room; to one of these from online it needs shard_reserve_heap(). */
void shard_rekey(struct shard *shard, uint32_t slot, const struct heap_key *heap_key);

/* Takes a user out; the caller frees it. */
struct entry *shard_remove(struct shard *shard, uint32_t hash, uint32_t slot);

#endif

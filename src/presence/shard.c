/* SPDX-License-Identifier: MIT */
#include "shard.h"

#include "presenced/record.h"

#include <errno.h>

#define HEAP_AT_MASK (SLOTS_MAX - 1)

struct heap_key heap_key_of(const struct user *user, const struct user_summary *summary)
{
    struct heap_key heap_key = {
        .state = summary->state,
        .oldest_login_ms = summary->oldest_login_ms,
        .newest_assumed_ms = summary->newest_assumed_ms,
    };
    switch (summary->state) {
    case USER_PUSH_ONLINE:
        heap_key.key = summary->window_end_ms;
        break;
    case USER_OFFLINE:
        heap_key.key = summary->since_ms;
        heap_key.ended_ms = summary->window_end_ms;
        break;
    case USER_UNKNOWN:
        heap_key.key = user->custom_status_time_ms;
        break;
    default:
        break;
    }
    return heap_key;
}

static void store_heap_at(void *cls, uint32_t slot, uint32_t at)
{
    const struct slots *slots = cls;
    slots_at(slots, slot)->heap_at = at & HEAP_AT_MASK;
}

void shard_init(struct shard *shard)
{
    (void)pthread_mutex_init(&shard->lock, NULL);
    shard->index = (struct index){0};
    slots_init(&shard->slots);
    heaps_init(&shard->heaps, store_heap_at, &shard->slots);
    shard->ended_ms = 0;
    shard->n_dropped = 0;
    shard->last_revision = 0;
    shard->assumed_ms = 0;
    shard->next_assumed_ms = 0;
    shard->n_reclassified = 0;
    shard->oldest_login_ms = UINT64_MAX;
    shard->newest_assumed_ms = 0;
}

void shard_fini(struct shard *shard)
{
    slots_fini(&shard->slots);
    heaps_fini(&shard->heaps);
    index_fini(&shard->index);
    (void)pthread_mutex_destroy(&shard->lock);
}

uint32_t shard_find(const struct shard *shard, uint32_t hash, uint16_t app, struct str user_id)
{
    struct index_probe probe = index_probe(hash);
    uint32_t slot;
    while (index_next(&shard->index, &probe, &slot)) {
        const uint8_t *record = slots_at(&shard->slots, slot)->record;
        if (record_app(record) == app && str_equal(record_id(record), user_id)) {
            return slot;
        }
    }
    return SLOT_NONE;
}

/* Online users are in no heap. */
#define NO_HEAP HEAP_N

static enum heap_name heap_of(enum user_state state)
{
    switch (state) {
    case USER_PUSH_ONLINE:
        return HEAP_WINDOWS;
    case USER_OFFLINE:
    case USER_UNKNOWN:
        return HEAP_IDLE;
    default:
        return NO_HEAP;
    }
}

int shard_reserve(struct shard *shard)
{
    int r = index_reserve(&shard->index);
    if (r < 0) {
        return r;
    }
    r = slots_reserve(&shard->slots);
    return r < 0 ? r : heaps_reserve(&shard->heaps);
}

static void widen_bounds(struct shard *shard, const struct heap_key *heap_key)
{
    shard->ended_ms = heap_key->ended_ms > shard->ended_ms ? heap_key->ended_ms : shard->ended_ms;
    if (heap_key->oldest_login_ms < shard->oldest_login_ms) {
        shard->oldest_login_ms = heap_key->oldest_login_ms;
    }
    if (heap_key->newest_assumed_ms > shard->newest_assumed_ms) {
        shard->newest_assumed_ms = heap_key->newest_assumed_ms;
    }
}

uint32_t shard_add(struct shard *shard, uint32_t hash, struct entry *entry, const struct heap_key *heap_key)
{
    enum heap_name heap = heap_of(heap_key->state);
    entry->state = heap_key->state & 3U;
    entry->heap_at = 0;
    uint32_t slot = slots_take(&shard->slots, entry);
    index_insert(&shard->index, hash, slot);
    if (heap != NO_HEAP) {
        heap_add(&shard->heaps, heap, heap_key->key, slot);
    }
    widen_bounds(shard, heap_key);
    return slot;
}

int shard_reserve_heap(struct shard *shard)
{
    return heaps_reserve(&shard->heaps);
}

int shard_update(struct shard *shard, uint32_t slot, struct str record, const struct heap_key *heap_key)
{
    struct entry *entry = slots_at(&shard->slots, slot);
    int r = heap_key->state == USER_ONLINE ? 0 : heaps_reserve(&shard->heaps);
    if (r < 0) {
        return r;
    }
    if (record.len != record_size(entry->record)) {
        entry = realloc(entry, sizeof(*entry) + record.len);
        if (entry == NULL) {
            return -ENOMEM;
        }
        slots_replace(&shard->slots, slot, entry);
    }
    memcpy(entry->record, record.ptr, record.len);
    shard_rekey(shard, slot, heap_key);
    return 0;
}

void shard_rekey(struct shard *shard, uint32_t slot, const struct heap_key *heap_key)
{
    struct entry *entry = slots_at(&shard->slots, slot);
    enum heap_name from = heap_of(entry->state);
    enum heap_name to = heap_of(heap_key->state);
    if (from != NO_HEAP && from == to) {
        heap_change(&shard->heaps, to, entry->heap_at, heap_key->key);
    } else if (from != NO_HEAP) {
        heap_remove(&shard->heaps, from, entry->heap_at);
    }
    if (to != NO_HEAP && from != to) {
        heap_add(&shard->heaps, to, heap_key->key, slot);
    }
    if (entry->state != heap_key->state) {
        slots_set_state(&shard->slots, slot, heap_key->state);
    }
    widen_bounds(shard, heap_key);
}

struct entry *shard_remove(struct shard *shard, uint32_t hash, uint32_t slot)
{
    const struct entry *entry = slots_at(&shard->slots, slot);
    enum heap_name heap = heap_of(entry->state);
    if (heap != NO_HEAP) {
        heap_remove(&shard->heaps, heap, entry->heap_at);
    }
    index_remove(&shard->index, hash, slot);
    return slots_give_back(&shard->slots, slot);
}

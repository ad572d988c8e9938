/* SPDX-License-Identifier: MIT */
#include "shard.h"

#include "presenced/record.h"

#include <errno.h>

#define HEAP_AT_MASK (SLOTS_MAX - 1)

struct filing filing_of(const struct user *user, const struct user_summary *summary)
{
    switch (summary->state) {
    case USER_PUSH_ONLINE:
        return (struct filing){summary->state, summary->window_end_ms, 0};
    case USER_OFFLINE:
        return (struct filing){summary->state, summary->since_ms, summary->window_end_ms};
    case USER_UNKNOWN:
        return (struct filing){summary->state, user->custom_status_time_ms, 0};
    default:
        return (struct filing){summary->state, 0, 0};
    }
}

static void note_heap_at(void *cls, uint32_t slot, uint32_t at)
{
    const struct slots *slots = cls;
    slots_at(slots, slot)->heap_at = at & HEAP_AT_MASK;
}

void shard_init(struct shard *shard)
{
    (void)pthread_mutex_init(&shard->lock, NULL);
    shard->index = (struct index){0};
    slots_init(&shard->slots);
    heaps_init(&shard->heaps, note_heap_at, &shard->slots);
    shard->ended_ms = 0;
    shard->n_dropped = 0;
    shard->last_revision = 0;
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

/* Online users are in no heap: NOT_TIMED. */
#define NOT_TIMED HEAP_N

static enum heap_name heap_of(enum user_state state)
{
    switch (state) {
    case USER_PUSH_ONLINE:
        return HEAP_WINDOWS;
    case USER_OFFLINE:
    case USER_UNKNOWN:
        return HEAP_IDLE;
    default:
        return NOT_TIMED;
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

static void note_ended(struct shard *shard, const struct filing *filing)
{
    shard->ended_ms = filing->ended_ms > shard->ended_ms ? filing->ended_ms : shard->ended_ms;
}

uint32_t shard_add(struct shard *shard, uint32_t hash, struct held *held, const struct filing *filing)
{
    enum heap_name heap = heap_of(filing->state);
    held->state = filing->state & 3U;
    held->heap_at = 0;
    uint32_t slot = slots_take(&shard->slots, held);
    index_insert(&shard->index, hash, slot);
    if (heap != NOT_TIMED) {
        heap_add(&shard->heaps, heap, filing->key, slot);
    }
    note_ended(shard, filing);
    return slot;
}

int shard_update(struct shard *shard, uint32_t slot, struct str record, const struct filing *filing)
{
    struct held *held = slots_at(&shard->slots, slot);
    int r = filing->state == USER_ONLINE ? 0 : heaps_reserve(&shard->heaps);
    if (r < 0) {
        return r;
    }
    if (record.len != record_size(held->record)) {
        held = realloc(held, sizeof(*held) + record.len);
        if (held == NULL) {
            return -ENOMEM;
        }
        slots_replace(&shard->slots, slot, held);
    }
    memcpy(held->record, record.ptr, record.len);
    shard_refile(shard, slot, filing);
    return 0;
}

void shard_refile(struct shard *shard, uint32_t slot, const struct filing *filing)
{
    struct held *held = slots_at(&shard->slots, slot);
    enum heap_name from = heap_of(held->state);
    enum heap_name to = heap_of(filing->state);
    if (from != NOT_TIMED && from == to) {
        heap_change(&shard->heaps, to, held->heap_at, filing->key);
    } else if (from != NOT_TIMED) {
        heap_remove(&shard->heaps, from, held->heap_at);
    }
    if (to != NOT_TIMED && from != to) {
        heap_add(&shard->heaps, to, filing->key, slot);
    }
    if (held->state != filing->state) {
        slots_set_state(&shard->slots, slot, filing->state);
    }
    note_ended(shard, filing);
}

struct held *shard_remove(struct shard *shard, uint32_t hash, uint32_t slot)
{
    const struct held *held = slots_at(&shard->slots, slot);
    enum heap_name heap = heap_of(held->state);
    if (heap != NOT_TIMED) {
        heap_remove(&shard->heaps, heap, held->heap_at);
    }
    index_remove(&shard->index, hash, slot);
    return slots_give_back(&shard->slots, slot);
}

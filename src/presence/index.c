/* SPDX-License-Identifier: MIT */
#include "index.h"

#include <errno.h>
#include <stdlib.h>

#define FIRST_CAPACITY 16

void index_fini(struct index *table)
{
    free(table->entries);
    *table = (struct index){0};
}

static uint32_t hash_of(uint64_t entry)
{
    return (uint32_t)(entry >> 32);
}

static void put(uint64_t *entries, uint32_t mask, uint64_t entry)
{
    uint32_t at = hash_of(entry) & mask;
    while (entries[at] != 0) {
        at = (at + 1) & mask;
    }
    entries[at] = entry;
}

static int grow(struct index *table)
{
    uint32_t capacity = table->capacity == 0 ? FIRST_CAPACITY : table->capacity * 2;
    uint64_t *entries = calloc(capacity, sizeof(*entries));
    if (entries == NULL) {
        return -ENOMEM;
    }
    for (uint32_t i = 0; i < table->capacity; i++) {
        if (table->entries[i] != 0) {
            put(entries, capacity - 1, table->entries[i]);
        }
    }
    free(table->entries);
    table->entries = entries;
    table->capacity = capacity;
    return 0;
}

int index_reserve(struct index *table)
{
    bool has_room = table->n < table->capacity / 5 * 4;
    return has_room ? 0 : grow(table);
}

void index_insert(struct index *table, uint32_t hash, uint32_t slot)
{
    put(table->entries, table->capacity - 1, (uint64_t)hash << 32 | (slot + 1));
    table->n++;
}

/* Empties `at` and moves entries behind it forward, as far as their hashes allow. */
static void close_gap(uint64_t *entries, uint32_t mask, uint32_t at)
{
    for (uint32_t next = (at + 1) & mask; entries[next] != 0; next = (next + 1) & mask) {
        uint32_t home = hash_of(entries[next]) & mask;
        if (((next - home) & mask) >= ((next - at) & mask)) {
            entries[at] = entries[next];
            at = next;
        }
    }
    entries[at] = 0;
}

void index_remove(struct index *table, uint32_t hash, uint32_t slot)
{
    uint32_t mask = table->capacity - 1;
    uint64_t entry = (uint64_t)hash << 32 | (slot + 1);
    uint32_t at = hash & mask;
    while (table->entries[at] != entry) {
        at = (at + 1) & mask;
    }
    close_gap(table->entries, mask, at);
    table->n--;
}

bool index_next(const struct index *table, struct index_probe *probe, uint32_t *ret_slot)
{
    if (table->capacity == 0) {
        return false;
    }
    uint32_t mask = table->capacity - 1;
    for (uint64_t entry; (entry = table->entries[probe->at & mask]) != 0;) {
        probe->at++;
        if (hash_of(entry) == probe->hash) {
            *ret_slot = (uint32_t)entry - 1;
            return true;
        }
    }
    return false;
}

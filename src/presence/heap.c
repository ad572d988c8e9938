/* SPDX-License-Identifier: MIT */
#include "heap.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_CAPACITY 16

void heaps_init(struct heaps *heaps, void (*moved)(void *cls, uint32_t slot, uint32_t at), void *cls)
{
    *heaps = (struct heaps){.moved = moved, .cls = cls};
}

void heaps_fini(struct heaps *heaps)
{
    free(heaps->entries);
    *heaps = (struct heaps){.moved = heaps->moved, .cls = heaps->cls};
}

/* realloc() is not used because it would copy the unused middle, too, and so make it resident. */
static int grow(struct heaps *heaps)
{
    uint32_t capacity = heaps->capacity + heaps->capacity / 4;
    capacity = capacity < FIRST_CAPACITY ? FIRST_CAPACITY : capacity;
    struct heap_entry *entries = malloc(capacity * sizeof(*entries));
    if (entries == NULL) {
        return -ENOMEM;
    }
    if (heaps->entries != NULL) {
        uint32_t n_idle = heaps->n[HEAP_IDLE];
        memcpy(entries, heaps->entries, heaps->n[HEAP_WINDOWS] * sizeof(*entries));
        memcpy(entries + capacity - n_idle, heaps->entries + heaps->capacity - n_idle,
               n_idle * sizeof(*entries));
    }
    free(heaps->entries);
    heaps->entries = entries;
    heaps->capacity = capacity;
    return 0;
}

int heaps_reserve(struct heaps *heaps)
{
    bool has_room = heaps->n[HEAP_WINDOWS] + heaps->n[HEAP_IDLE] < heaps->capacity;
    return has_room ? 0 : grow(heaps);
}

static struct heap_entry *entry_at(const struct heaps *heaps, enum heap_name name, uint32_t at)
{
    return &heaps->entries[name == HEAP_WINDOWS ? at : heaps->capacity - 1 - at];
}

static uint64_t key_at(const struct heaps *heaps, enum heap_name name, uint32_t at)
{
    return entry_at(heaps, name, at)->key;
}

static void place(struct heaps *heaps, enum heap_name name, uint32_t at, struct heap_entry entry)
{
    *entry_at(heaps, name, at) = entry;
    heaps->moved(heaps->cls, entry.slot, at);
}

/* Places `entry` into the gap at `at`, or further up. */
static void sift_up(struct heaps *heaps, enum heap_name name, uint32_t at, struct heap_entry entry)
{
    while (at > 0 && entry.key < key_at(heaps, name, (at - 1) / 2)) {
        place(heaps, name, at, *entry_at(heaps, name, (at - 1) / 2));
        at = (at - 1) / 2;
    }
    place(heaps, name, at, entry);
}

/* Places `entry` into the gap at `at`, or further down. */
static void sift_down(struct heaps *heaps, enum heap_name name, uint32_t at, struct heap_entry entry)
{
    uint32_t n = heaps->n[name];
    for (uint32_t child; (child = 2 * at + 1) < n; at = child) {
        if (child + 1 < n && key_at(heaps, name, child + 1) < key_at(heaps, name, child)) {
            child++;
        }
        if (entry.key <= key_at(heaps, name, child)) {
            break;
        }
        place(heaps, name, at, *entry_at(heaps, name, child));
    }
    place(heaps, name, at, entry);
}

static void fill_gap(struct heaps *heaps, enum heap_name name, uint32_t at, struct heap_entry entry)
{
    if (at > 0 && entry.key < key_at(heaps, name, (at - 1) / 2)) {
        sift_up(heaps, name, at, entry);
    } else {
        sift_down(heaps, name, at, entry);
    }
}

void heap_add(struct heaps *heaps, enum heap_name name, uint64_t key, uint32_t slot)
{
    sift_up(heaps, name, heaps->n[name]++, (struct heap_entry){key, slot});
}

void heap_remove(struct heaps *heaps, enum heap_name name, uint32_t at)
{
    uint32_t last = --heaps->n[name];
    if (at < last) {
        fill_gap(heaps, name, at, *entry_at(heaps, name, last));
    }
}

void heap_change(struct heaps *heaps, enum heap_name name, uint32_t at, uint64_t key)
{
    fill_gap(heaps, name, at, (struct heap_entry){key, entry_at(heaps, name, at)->slot});
}

uint64_t heap_top_key(const struct heaps *heaps, enum heap_name name)
{
    return heaps->n[name] == 0 ? HEAP_NO_KEY : key_at(heaps, name, 0);
}

uint32_t heap_top_slot(const struct heaps *heaps, enum heap_name name)
{
    return entry_at(heaps, name, 0)->slot;
}

/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_HEAP_H
#define PRESENCED_HEAP_H

/* Two binary min-heaps of slots, ordered by the time at which they are due. Each slot is told its position,
 * so that it can be removed from the middle. The heaps grow towards each other in one array: moving a slot
 * from one heap to the other then never allocates memory. For one thread at a time. */

#include <stdint.h>

enum heap_name {
    HEAP_WINDOWS, /* push_online users by the end of their window */
    HEAP_IDLE,    /* offline users by `since`, users without rows by the time of their custom status */
    HEAP_N,
};

/* Packed, because there are millions of entries, and padding would take a quarter of their memory. */
struct heap_entry {
    uint64_t key;
    uint32_t slot;
} __attribute__((packed, aligned(4)));

struct heaps {
    struct heap_entry *entries;
    uint32_t n[HEAP_N];
    uint32_t capacity; /* of both heaps together */
    void (*moved)(void *cls, uint32_t slot,
                  uint32_t at); /* called when the slot's entry has moved to position `at` in its heap */
    void *cls;
};

void heaps_init(struct heaps *heaps, void (*moved)(void *cls, uint32_t slot, uint32_t at), void *cls);
void heaps_fini(struct heaps *heaps);

/* Makes room for one more entry in either heap; needed before adding a slot that is in neither. Returns 0 or
 * -ENOMEM. */
int heaps_reserve(struct heaps *heaps);

void heap_add(struct heaps *heaps, enum heap_name name, uint64_t key, uint32_t slot);
void heap_remove(struct heaps *heaps, enum heap_name name, uint32_t at);
void heap_change(struct heaps *heaps, enum heap_name name, uint32_t at, uint64_t key);

#define HEAP_NO_KEY UINT64_MAX

/* Returns the lowest key, or HEAP_NO_KEY if the heap is empty. */
uint64_t heap_top_key(const struct heaps *heaps, enum heap_name name);

/* Returns the slot with the lowest key; the heap must not be empty. */
uint32_t heap_top_slot(const struct heaps *heaps, enum heap_name name);

#endif

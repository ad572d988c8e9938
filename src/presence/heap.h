/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_HEAP_H
#define PRESENCED_HEAP_H

/* Slots in the order in which time will move them: two binary heaps, the lowest key on top, each slot told
 * where it stands so that it can be taken out. They grow towards each other in one array, for time moves
 * slots from the one to the other, and that must not need memory. One thread at a time. */

#include <stdint.h>

enum heap_name {
    HEAP_WINDOWS, /* push_online users, by the end of their window */
    HEAP_IDLE,    /* offline users by since, unknown ones by the time of their custom status */
    HEAP_N,
};

/* Packed: there are millions, and the padding would be a quarter. */
struct heap_entry {
    uint64_t key;
    uint32_t slot;
} __attribute__((packed, aligned(4)));

struct heaps {
    struct heap_entry *entries;
    uint32_t n[HEAP_N];
    uint32_t capacity;                                    /* of both together */
    void (*moved)(void *cls, uint32_t slot, uint32_t at); /* the slot's entry is now `at` in its heap */
    void *cls;
};

void heaps_init(struct heaps *heaps, void (*moved)(void *cls, uint32_t slot, uint32_t at), void *cls);
void heaps_fini(struct heaps *heaps);

/* Room for one more in either: a slot that was in neither needs it. 0 or -ENOMEM. */
int heaps_reserve(struct heaps *heaps);

void heap_add(struct heaps *heaps, enum heap_name name, uint64_t key, uint32_t slot);
void heap_remove(struct heaps *heaps, enum heap_name name, uint32_t at);
void heap_change(struct heaps *heaps, enum heap_name name, uint32_t at, uint64_t key);

#define HEAP_NO_KEY UINT64_MAX

/* The lowest key, or HEAP_NO_KEY. */
uint64_t heap_top_key(const struct heaps *heaps, enum heap_name name);

/* The slot of the lowest key; there is one. */
uint32_t heap_top_slot(const struct heaps *heaps, enum heap_name name);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_INDEX_H
#define PRESENCED_INDEX_H

/* A hash table from a hash to the slots of users with that hash: open addressing with linear probing. The
 * hash is stored in the entry, so growing does not touch users. For one thread at a time. */

#include <stdbool.h>
#include <stdint.h>

struct index {
    uint64_t *entries; /* hash << 32 | slot + 1; 0 is empty */
    uint32_t capacity; /* a power of two, or 0 */
    uint32_t n;
};

void index_fini(struct index *table);

/* Makes room for one more entry, which index_insert() requires. Returns 0 or -ENOMEM. */
int index_reserve(struct index *table);
void index_insert(struct index *table, uint32_t hash, uint32_t slot);

/* The pair must be there. */
void index_remove(struct index *table, uint32_t hash, uint32_t slot);

/* The state of a search for a hash. */
struct index_probe {
    uint32_t hash;
    uint32_t at;
};

static inline struct index_probe index_probe(uint32_t hash)
{
    return (struct index_probe){hash, hash};
}

/* Returns the next slot with that hash in `ret_slot`; false if there are no more. */
bool index_next(const struct index *table, struct index_probe *probe, uint32_t *ret_slot);

#endif

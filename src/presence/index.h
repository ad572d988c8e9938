/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_INDEX_H
#define PRESENCED_INDEX_H

/* From a hash to the slots that may have it: open addressing with linear probing. The hash stands in the
 * entry, so growing touches no user. One thread at a time. */

#include <stdbool.h>
#include <stdint.h>

struct index {
    uint64_t *entries; /* hash << 32 | slot + 1; 0 is empty */
    uint32_t capacity; /* a power of two, or 0 */
    uint32_t n;
};

void index_fini(struct index *table);

/* Room for one more: index_insert() needs it. 0 or -ENOMEM. */
int index_reserve(struct index *table);
void index_insert(struct index *table, uint32_t hash, uint32_t slot);

/* The pair must be there. */
void index_remove(struct index *table, uint32_t hash, uint32_t slot);

/* Where a search for a hash stands. */
struct index_probe {
    uint32_t hash;
    uint32_t at;
};

static inline struct index_probe index_probe(uint32_t hash)
{
    return (struct index_probe){hash, hash};
}

/* The next slot of that hash; false when there is no more. */
bool index_next(const struct index *table, struct index_probe *probe, uint32_t *ret_slot);

#endif

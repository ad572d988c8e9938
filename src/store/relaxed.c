/* SPDX-License-Identifier: MIT */
/* With STORE_RELAXED events need not wait for the engine for as long as what it lacks is young: what may be
 * lost is bounded however long a write takes.
 *
 * Of what it lacks the first tells the age. It is the thread that changes the table which sees a change
 * become the first; after a batch the writer thread knows no more than that the rest came after it had begun
 * to read. */
#include "store_private.h"

#include "presenced/clock.h"

/* 50 ms are promised, of a clock whose steps may be of 10. */
#define LACKING_MAX_MS 40

static void on_change(void *cls, const struct change *change)
{
    struct store *store = cls;
    if (store_stored_revision(store) == change->revision - 1) {
        atomic_store(&store->lacking_since_ms, clock_coarse_ms());
    }
}

void relaxed_start(struct store *store)
{
    store->observer = (struct changes_observer){.on_change = on_change, .cls = store};
    changes_observe(store->changes, &store->observer);
}

bool relaxed_lacks_little(const struct store *store)
{
    return clock_coarse_ms() < atomic_load(&store->lacking_since_ms) + LACKING_MAX_MS;
}

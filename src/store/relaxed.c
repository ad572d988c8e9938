/* SPDX-License-Identifier: MIT */
/* Events need not wait for the engine while what it does not have is young: what may be lost is bounded,
 * however long a write takes.
 *
 * The oldest of these changes tells the age. The thread that changes the table sees when a change becomes the
 * oldest, for the engine had all before it. After a batch the writer thread knows no more than that those
 * which are left came after it had begun to read. */
#include "relaxed.h"

#include "stored_revision.h"

#include "presenced/clock.h"

/* 50 ms are promised, of a clock whose steps may be of 10. */
#define AGE_MAX_MS 40

static void on_change(void *cls, const struct change *change)
{
    struct relaxed *relaxed = cls;
    if (stored_revision_get(relaxed->stored) == change->revision - 1) {
        atomic_store(&relaxed->oldest_ms, clock_coarse_ms());
    }
}

void relaxed_start(struct relaxed *relaxed)
{
    relaxed->observer = (struct changes_observer){.on_change = on_change, .cls = relaxed};
    changes_observe(relaxed->changes, &relaxed->observer);
}

void relaxed_fini(struct relaxed *relaxed)
{
    changes_unobserve(relaxed->changes, &relaxed->observer);
}

bool relaxed_is_within_bound(const struct relaxed *relaxed)
{
    return clock_coarse_ms() < atomic_load(&relaxed->oldest_ms) + AGE_MAX_MS;
}

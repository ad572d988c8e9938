/* SPDX-License-Identifier: MIT */
/* Events need not wait for the engine as long as the changes it does not have are recent: this bounds what
 * may be lost, however long a write takes.
 *
 * The age is that of the oldest such change. The thread that changes the table notices when its change
 * becomes the oldest, because the engine has all earlier ones. After a batch, the writer thread only knows
 * that the remaining changes were made after it had begun to read. */
#include "relaxed.h"

#include "stored_revision.h"

#include "presenced/clock.h"

/* 50 ms are promised, and the coarse clock may have steps of 10 ms. */
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

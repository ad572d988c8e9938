/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_STORE_RELAXED_H
#define PRESENCED_STORE_RELAXED_H

/* With STORE_RELAXED, tracks the age of the oldest change that the engine does not have. It observes the
 * change log; the writer thread reports batches; any thread may query it. */

#include "presenced/changes.h"

#include <stdatomic.h>

struct stored_revision;

struct relaxed {
    /* Set before relaxed_start(). */
    struct changes *changes;
    const struct stored_revision *stored;

    struct changes_observer observer;
    _Atomic uint64_t oldest_ms; /* lower bound of the time of the oldest change; monotonic, coarse */
};

/* Observes changes until relaxed_fini(), which may be called without relaxed_start(). */
void relaxed_start(struct relaxed *relaxed);
void relaxed_fini(struct relaxed *relaxed);

/* Called when a batch begun at that time is stored, before the stored revision is set: the remaining changes
 * are younger than that. */
static inline void relaxed_batch_stored(struct relaxed *relaxed, uint64_t begun_ms)
{
    atomic_store(&relaxed->oldest_ms, begun_ms);
}

/* Returns whether all changes that the engine does not have are recent enough for the promised bound. */
bool relaxed_is_within_bound(const struct relaxed *relaxed);

#endif

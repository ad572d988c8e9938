/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_STORE_RELAXED_H
#define PRESENCED_STORE_RELAXED_H

/* With STORE_RELAXED: how old the oldest change is that the engine does not have. The log shows it changes;
 * the writer thread tells it of batches; any thread may ask. */

#include "presenced/changes.h"

#include <stdatomic.h>

struct stored_revision;

struct relaxed {
    /* Given before relaxed_start(). */
    struct changes *changes;
    const struct stored_revision *stored;

    struct changes_observer observer;
    _Atomic uint64_t oldest_ms; /* monotonic, coarse: it is no older */
};

/* Observes changes until relaxed_fini(), which may be called without it. */
void relaxed_start(struct relaxed *relaxed);
void relaxed_fini(struct relaxed *relaxed);

/* A batch that was begun at that time is stored: what it leaves is younger. Before the stored revision is
 * set. */
static inline void relaxed_batch_stored(struct relaxed *relaxed, uint64_t begun_ms)
{
    atomic_store(&relaxed->oldest_ms, begun_ms);
}

/* Whether all that the engine does not have is young enough to be lost. */
bool relaxed_is_within_bound(const struct relaxed *relaxed);

#endif

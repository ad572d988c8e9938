/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_STORE_LIVENESS_H
#define PRESENCED_STORE_LIVENESS_H

/* The state of the writer thread for a watchdog. The thread counts its rounds, and marks when it may be
 * waiting for the disk, which can take arbitrarily long and is no reason for a restart. */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct liveness {
    _Atomic uint64_t n_rounds;
    _Atomic bool is_at_disk;
    uint64_t n_rounds_seen; /* used by the watchdog only */
};

/* For the writer thread. */
static inline void liveness_count_round(struct liveness *liveness)
{
    atomic_fetch_add_explicit(&liveness->n_rounds, 1, memory_order_relaxed);
}

/* For the writer thread, and for the thread that opens and closes the store. */
static inline void liveness_set_at_disk(struct liveness *liveness, bool is_at_disk)
{
    atomic_store_explicit(&liveness->is_at_disk, is_at_disk, memory_order_relaxed);
}

/* Returns whether there was a round since the last call, or the writer thread is waiting for the disk. For
 * one thread. */
static inline bool liveness_made_progress(struct liveness *liveness)
{
    uint64_t n_rounds = atomic_load(&liveness->n_rounds);
    bool made_progress = n_rounds != liveness->n_rounds_seen || atomic_load(&liveness->is_at_disk);
    liveness->n_rounds_seen = n_rounds;
    return made_progress;
}

#endif

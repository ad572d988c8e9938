/* SPDX-License-Identifier: MIT */
/* The thread that makes what was written survive a power cut, twice a second, so that a second later it has.
 * It has a thread of its own because an fsync may take long, and a write must not wait for it. */
#include "store_private.h"

#include <errno.h>
#include <time.h>

#define INTERVAL_NS 500000000

static void sync_once(struct store *store)
{
    uint64_t before_us = store_now_us();
    /* Read before: what is written from here on does not count. */
    uint64_t sequence = atomic_load_explicit(&store->written_sequence, memory_order_acquire);
    if (sequence == store->synced.mark.sequence) {
        return;
    }
    int r = store_sync(store, SYNCED_OPEN, sequence);
    if (r < 0) {
        atomic_store(&store->sync_error, r);
        follower_wake(store);
        return;
    }
    atomic_fetch_add_explicit(&store->counters.n_syncs, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&store->counters.sync_us_sum, store_now_us() - before_us, memory_order_relaxed);
}

/* Waits for the next time. Whether it is to go on. */
static bool wait_for_next(struct store *store)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += INTERVAL_NS;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    (void)pthread_mutex_lock(&store->syncer_lock);
    while (!store->syncer_stops &&
           pthread_cond_timedwait(&store->syncer_wakes, &store->syncer_lock, &until) != ETIMEDOUT) {}
    bool goes_on = !store->syncer_stops;
    (void)pthread_mutex_unlock(&store->syncer_lock);
    return goes_on;
}

void *syncer_run(void *cls)
{
    struct store *store = cls;
    while (wait_for_next(store)) {
        sync_once(store);
    }
    return NULL;
}

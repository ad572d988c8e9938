/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_STORE_FSYNC_THREAD_H
#define PRESENCED_STORE_FSYNC_THREAD_H

/* The thread that makes what was written survive a power cut, and how far it has come. Init, start, stop and
 * fini are for the thread that opens and closes the store; fsync_thread_clear_error() is for the writer
 * thread; any thread may call the rest. */

#include "presenced/clock.h"
#include "presenced/store.h"

#include <pthread.h>
#include <stdatomic.h>

/* What was answered OK is on disk so much later. */
#define FSYNC_DEADLINE_MS 1000

/* How long an fsync may take before the disk counts as stuck. */
#define FSYNC_STUCK_AFTER_MS 200

struct batch;
struct folder;
struct stored_revision;

struct fsync_thread {
    /* Given before fsync_thread_init(). */
    const struct store_config *config;
    const struct stored_revision *stored;
    const struct batch *batch;
    struct folder *folder;

    struct changes *changes;
    bool has_journal;
    int error_fd;
    _Atomic int error; /* below 0: what it met last, until the engine was opened anew */
    _Atomic uint64_t synced_revision;
    _Atomic uint64_t durable_until_ms; /* monotonic */
    _Atomic uint64_t fsync_begun_ms;   /* monotonic, coarse; 0: none is under way */
    _Atomic uint64_t n_syncs;
    _Atomic uint64_t sync_us_sum;

    pthread_mutex_t lock;
    pthread_cond_t wakes;
    bool stops; /* under the lock */
    pthread_t thread;
};

void fsync_thread_init(struct fsync_thread *fsync_thread);
void fsync_thread_fini(struct fsync_thread *fsync_thread);

/* All that there is by now is on disk. With a journal, on_durable() is called when it has caught up after it
 * was late. `error_fd` is an eventfd, which gets 1 written at each new error. 0 or -errno. */
int fsync_thread_start(struct fsync_thread *fsync_thread, bool has_journal, int error_fd);
void fsync_thread_stop(struct fsync_thread *fsync_thread);

/* 0, or below 0: what it met; the engine is to be closed. */
static inline int fsync_thread_error(const struct fsync_thread *fsync_thread)
{
    return atomic_load(&fsync_thread->error);
}

/* The engine was opened anew. */
static inline void fsync_thread_clear_error(struct fsync_thread *fsync_thread)
{
    atomic_store(&fsync_thread->error, 0);
}

/* Up to it an fsync has returned since the engine had it. */
static inline uint64_t fsync_thread_synced_revision(const struct fsync_thread *fsync_thread)
{
    return atomic_load_explicit(&fsync_thread->synced_revision, memory_order_relaxed);
}

/* Whether it is not sure that what changes now is on disk in FSYNC_DEADLINE_MS. Reads the clock first, so
 * that a waiter is queued before the thread looks for waiters. */
static inline bool fsync_thread_is_late(const struct fsync_thread *fsync_thread)
{
    uint64_t now_ms = clock_coarse_ms();
    return now_ms >= atomic_load_explicit(&fsync_thread->durable_until_ms, memory_order_acquire);
}

/* Whether an fsync takes so long that the disk seems to stand still. */
static inline bool fsync_thread_is_stuck(const struct fsync_thread *fsync_thread)
{
    uint64_t begun_ms = atomic_load_explicit(&fsync_thread->fsync_begun_ms, memory_order_relaxed);
    return begun_ms != 0 && clock_coarse_ms() > begun_ms + FSYNC_STUCK_AFTER_MS;
}

void fsync_thread_add_stats(const struct fsync_thread *fsync_thread, struct store_stats *stats);

#endif

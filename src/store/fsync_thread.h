/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_STORE_FSYNC_THREAD_H
#define PRESENCED_STORE_FSYNC_THREAD_H

/* The thread that calls fsync on what was written, and how far it has come. Init, start, stop and fini are
 * for the thread that opens and closes the store; fsync_thread_clear_error() is for the writer thread; any
 * thread may call the rest. */

#include "presenced/clock.h"
#include "presenced/store.h"

#include <pthread.h>
#include <stdatomic.h>

/* Time within which an event that was answered OK is on disk. */
#define FSYNC_DEADLINE_MS 1000

/* Duration of an fsync after which the disk counts as stuck. */
#define FSYNC_STUCK_AFTER_MS 200

struct batch;
struct folder;
struct stored_revision;

struct fsync_thread {
    /* Set before fsync_thread_init(). */
    const struct store_config *config;
    const struct stored_revision *stored;
    const struct batch *batch;
    struct folder *folder;

    struct changes *changes;
    bool has_journal;
    int error_fd;
    _Atomic int error; /* last error, below 0, until the engine was reopened; otherwise 0 */
    _Atomic uint64_t synced_revision;
    _Atomic uint64_t durable_until_ms; /* until then, answers need not wait for an fsync; monotonic */
    _Atomic uint64_t fsync_begun_ms;   /* start of the current fsync; monotonic, coarse; 0: none */
    _Atomic uint64_t n_syncs;
    _Atomic uint64_t sync_us_sum;

    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool stops; /* protected by `lock` */
    pthread_t thread;
};

void fsync_thread_init(struct fsync_thread *fsync_thread);
void fsync_thread_fini(struct fsync_thread *fsync_thread);

/* Starts the thread; everything written so far must be on disk. With a journal, on_durable() is called when
 * the thread has caught up after being late. `error_fd` is an eventfd to which 1 is written at each new
 * error. Returns 0 or -errno. */
int fsync_thread_start(struct fsync_thread *fsync_thread, bool has_journal, int error_fd);
void fsync_thread_stop(struct fsync_thread *fsync_thread);

/* Returns 0, or an error below 0, after which the engine must be closed. */
static inline int fsync_thread_error(const struct fsync_thread *fsync_thread)
{
    return atomic_load(&fsync_thread->error);
}

/* Called after the engine was reopened. */
static inline void fsync_thread_clear_error(struct fsync_thread *fsync_thread)
{
    atomic_store(&fsync_thread->error, 0);
}

/* Returns the revision up to which changes in the engine are covered by an fsync. */
static inline uint64_t fsync_thread_synced_revision(const struct fsync_thread *fsync_thread)
{
    return atomic_load_explicit(&fsync_thread->synced_revision, memory_order_relaxed);
}

/* Returns whether changes made now may not be on disk within FSYNC_DEADLINE_MS. Reads the clock first, so
 * that a waiter is queued before the thread looks for waiters. */
static inline bool fsync_thread_is_late(const struct fsync_thread *fsync_thread)
{
    uint64_t now_ms = clock_coarse_ms();
    return now_ms >= atomic_load_explicit(&fsync_thread->durable_until_ms, memory_order_acquire);
}

/* Returns whether the current fsync takes so long that the disk seems to hang. */
static inline bool fsync_thread_is_stuck(const struct fsync_thread *fsync_thread)
{
    uint64_t begun_ms = atomic_load_explicit(&fsync_thread->fsync_begun_ms, memory_order_relaxed);
    return begun_ms != 0 && clock_coarse_ms() > begun_ms + FSYNC_STUCK_AFTER_MS;
}

void fsync_thread_add_stats(const struct fsync_thread *fsync_thread, struct store_stats *stats);

#endif

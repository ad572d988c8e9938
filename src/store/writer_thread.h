/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_STORE_WRITER_THREAD_H
#define PRESENCED_STORE_WRITER_THREAD_H

/* The thread that writes changes, and the problem that prevents it. Init, start, stop and fini are for the
 * thread that opens and closes the store; any thread may call the rest. */

#include "presenced/store.h"

#include <pthread.h>
#include <stdatomic.h>

struct batch;
struct change_writer;
struct commit_log;
struct folder;
struct fsync_thread;
struct liveness;
struct stored_revision;

struct writer_thread {
    /* Set before writer_thread_init(). */
    const struct store_config *config;
    const struct stored_revision *stored;
    const struct folder *folder;
    struct batch *batch;
    struct change_writer *change_writer;
    struct commit_log *commit_log;
    struct fsync_thread *fsync_thread;
    struct liveness *liveness;

    struct changes *changes;
    int changes_fd; /* eventfd registered with the change log */
    int wake_fd;    /* eventfd: there is work other than changes */
    _Atomic bool stops;
    const char *_Atomic problem;
    _Atomic uint64_t n_failures;
    pthread_t thread;
};

/* Returns 0 or -errno. writer_thread_fini() must be called in either case. */
int writer_thread_init(struct writer_thread *writer_thread);
void writer_thread_fini(struct writer_thread *writer_thread);

/* Returns 0 or -errno. */
int writer_thread_start(struct writer_thread *writer_thread);

/* Writes all remaining changes, retrying once on failure, and stops the thread. */
void writer_thread_stop(struct writer_thread *writer_thread);

/* Wakes the thread for work other than changes. Writing 1 to its eventfd has the same effect. */
void writer_thread_wake(struct writer_thread *writer_thread);

static inline int writer_thread_wake_fd(const struct writer_thread *writer_thread)
{
    return writer_thread->wake_fd;
}

/* See store_problem(). */
static inline const char *writer_thread_problem(const struct writer_thread *writer_thread)
{
    return atomic_load_explicit(&writer_thread->problem, memory_order_acquire);
}

void writer_thread_add_stats(const struct writer_thread *writer_thread, struct store_stats *stats);

#endif

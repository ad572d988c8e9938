/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_STORE_WRITER_THREAD_H
#define PRESENCED_STORE_WRITER_THREAD_H

/* The thread that writes what changed, and what is wrong while it cannot. Init, start, stop and fini are for
 * the thread that opens and closes the store; any thread may call the rest. */

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
    /* Given before writer_thread_init(). */
    const struct store_config *config;
    const struct stored_revision *stored;
    const struct folder *folder;
    struct batch *batch;
    struct change_writer *change_writer;
    struct commit_log *commit_log;
    struct fsync_thread *fsync_thread;
    struct liveness *liveness;

    struct changes *changes;
    int changes_fd; /* eventfd of the change log */
    int wake_fd;    /* eventfd: there is something other than changes to look at */
    _Atomic bool stops;
    const char *_Atomic problem;
    _Atomic uint64_t n_failures;
    pthread_t thread;
};

/* 0 or -errno, to be undone by writer_thread_fini() in any case. */
int writer_thread_init(struct writer_thread *writer_thread);
void writer_thread_fini(struct writer_thread *writer_thread);

/* 0 or -errno. */
int writer_thread_start(struct writer_thread *writer_thread);

/* Writes all there is; where it cannot, tries once more. */
void writer_thread_stop(struct writer_thread *writer_thread);

/* For something other than changes; or by 1 written to its eventfd. */
void writer_thread_wake(struct writer_thread *writer_thread);

static inline int writer_thread_wake_fd(const struct writer_thread *writer_thread)
{
    return writer_thread->wake_fd;
}

/* As store_problem(). */
static inline const char *writer_thread_problem(const struct writer_thread *writer_thread)
{
    return atomic_load_explicit(&writer_thread->problem, memory_order_acquire);
}

void writer_thread_add_stats(const struct writer_thread *writer_thread, struct store_stats *stats);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_EVENT_HISTORY_H
#define PRESENCED_EVENT_HISTORY_H

/* The recent events of each user, on disk, for people to read. An event is added to a queue in memory; a
 * thread of the history writes the queue to disk within a fraction of a second, after which the events
 * survive the end of the process. The same thread does all reading, so no other thread waits for the disk
 * longer than a timeout. Events are stored in slices of time, which are deleted whole when they are too old
 * or when there is too much data. Any thread may call everything here except event_history_open() and
 * event_history_close(). */

#include "presenced/metric.h"
#include "presenced/user.h"
#include "presenced/user_event.h"

struct event_history;

struct event_history_config {
    const char *path; /* the folder; created if its parent exists */
    uint64_t keep_ms; /* above 0 */
    uint64_t max_bytes;
    uint64_t (*unix_ms)(void); /* clock_unix_ms(), or another one in tests */
};

/* Its name in the store's folder. If only the files of the store are removed, the history remains beside the
 * new store. */
#define EVENT_HISTORY_FOLDER "history"

#define EVENT_HISTORY_N_DESCRIPTORS 96 /* more than the files of two slices, which may be open at a time */

/* Opens the history, or creates it. Damaged parts are dropped with a warning in the log, so that they do not
 * prevent the start. Returns 0, or -errno if the folder cannot be used or there is no memory. */
int event_history_open(const struct event_history_config *config, struct event_history **ret_history);

/* Writes the queued events and closes the history. Takes NULL. */
void event_history_close(struct event_history *history);
DEFINE_CLEANUP(struct event_history *, event_history_close)

/* Adds an event, whose received_unix_ms must be the current time. Never blocks on the disk. If the queue is
 * full, the event is dropped and counted. */
void event_history_add(struct event_history *history, uint64_t app_id, struct str user_id,
                       const struct user_event *event);

struct event_history_query {
    uint64_t app_id;
    struct str user_id;
    uint64_t since_unix_ms; /* 0: all events that are kept */
    size_t limit;
};

#define EVENT_HISTORY_BUSY 1 /* the disk is too slow, or there are too many concurrent readings */

/* Passes the events of a user to `visit`, newest first, including those added before this call. Takes two
 * seconds at most. `*ret_complete` tells whether no requested event is missing, because of the limit or
 * because it was dropped. Returns 0, EVENT_HISTORY_BUSY or -ENOMEM; `visit` is called only if the result is
 * 0. */
int event_history_read(struct event_history *history, const struct event_history_query *query,
                       void (*visit)(void *cls, const struct user_event *event), void *cls,
                       bool *ret_complete);

struct event_history_stats {
    uint64_t n_written;
    uint64_t n_dropped;  /* events lost because the queue was full or they could not be written */
    uint64_t n_failures; /* failed operations on the disk */
    uint64_t n_bytes;    /* size on disk */
};

void event_history_stats(const struct event_history *history, struct event_history_stats *ret_stats);
void event_history_metrics(const struct event_history *history, const struct metric_visitor *visitor);

#endif

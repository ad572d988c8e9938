/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_EVENT_HISTORY_H
#define PRESENCED_EVENT_HISTORY_H

/* What happened to each user of late, on disk, for people. An event goes into a queue in memory and is on its
 * way: a thread of the history's own writes and reads the disk, so nobody else ever waits for it. What is
 * queued is written within a fraction of a second, and then outlives the process. It lies in slices of time,
 * and what is too old, or too much, is deleted a slice at a time. Any thread may call everything here but
 * event_history_open() and event_history_close(). */

#include "presenced/metric.h"
#include "presenced/user.h"
#include "presenced/user_event.h"

struct event_history;

struct event_history_config {
    const char *path; /* the folder, made where its parent exists */
    uint64_t keep_ms; /* above 0 */
    uint64_t max_bytes;
    uint64_t (*unix_ms)(void); /* clock_unix_ms(), or a test's */
};

/* Its name in the store's folder. Who removes the store's files alone begins a new store beside it. */
#define EVENT_HISTORY_FOLDER "history"

#define EVENT_HISTORY_N_DESCRIPTORS 96 /* it has fewer files open at a time: those of two slices */

/* What is damaged in it is dropped, with a warning in the log: no start fails for what people may want to
 * read. 0 or -errno: the folder cannot be used, or memory is gone. */
int event_history_open(const struct event_history_config *config, struct event_history **ret_history);

/* Writes what is queued. Takes NULL. */
void event_history_close(struct event_history *history);
DEFINE_CLEANUP(struct event_history *, event_history_close)

/* Remembers an event, whose received_unix_ms is now; waits for nothing. Where the queue is full the event is
 * counted as dropped. */
void event_history_add(struct event_history *history, uint64_t app_id, struct str user_id,
                       const struct user_event *event);

struct event_history_query {
    uint64_t app_id;
    struct str user_id;
    uint64_t since_unix_ms; /* 0: all that is kept */
    size_t limit;
};

#define EVENT_HISTORY_BUSY 1 /* the disk takes too long, or too many ask */

/* Hands the events of a user to `visit`, the newest first, those before this call among them. Takes at most
 * two seconds. `*ret_complete`: none of those asked for is missing: no limit cut them off, and none was
 * dropped. 0, EVENT_HISTORY_BUSY, or -ENOMEM; `visit` is called after 0 only. */
int event_history_read(struct event_history *history, const struct event_history_query *query,
                       void (*visit)(void *cls, const struct user_event *event), void *cls,
                       bool *ret_complete);

struct event_history_stats {
    uint64_t n_written;
    uint64_t n_dropped;  /* events that are missing: the queue was full, or they could not be written */
    uint64_t n_failures; /* of the disk */
    uint64_t n_bytes;    /* on disk */
};

void event_history_stats(const struct event_history *history, struct event_history_stats *ret_stats);
void event_history_metrics(const struct event_history *history, const struct metric_visitor *visitor);

#endif

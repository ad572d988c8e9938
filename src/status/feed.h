/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_STATUS_FEED_H
#define PRESENCED_STATUS_FEED_H

/* The change log as Server-Sent Events, shared by all streams: each change is formatted once, when the first
 * stream asks for it, and kept in a ring until its space is needed. Any thread may call everything here
 * except feed_new() and feed_free(). */

#include "presenced/status.h"
#include "presenced/table.h"

struct feed;

struct feed_config {
    struct table *table; /* borrowed */
    uint64_t epoch;      /* identifies this run of the daemon */
    unsigned max_streams;
    size_t max_events; /* a power of two; 0: 65536 */
    size_t max_bytes;  /* limit for all events in the ring; 0: 16 MiB */

    /* Called for the first change after feed_next() has returned FEED_NONE, so that the streams ask again.
     * Called with locks of the table held, on the thread that makes the change, so it must not block. */
    void (*wake)(void *cls);
    void *wake_cls;
};

/* Returns 0 or -ENOMEM. */
int feed_new(const struct feed_config *config, struct feed **ret_feed);
void feed_free(struct feed *feed);
DEFINE_CLEANUP(struct feed *, feed_free)

#define FEED_ANY_APP (-1)

#define FEED_FULL 1     /* max_streams are open */
#define FEED_APP_FULL 2 /* half of max_streams, rounded up, are open with this app's token */

/* Registers a new stream. Returns 0 or one of the above. `token_app` is the app whose token the request
 * presented, so that one app cannot use up all streams; FEED_ANY_APP: it was not the token of an app. */
int feed_join(struct feed *feed, int token_app);

/* Unregisters a stream, with the same `token_app`. While there are no streams, the feed does no work. */
void feed_leave(struct feed *feed, int token_app);

void feed_lock(struct feed *feed);
void feed_unlock(struct feed *feed);

/* The functions from here to feed_count_reset() must be called with the lock held. */

/* Returns the revision after which a new stream begins: the newest change. */
uint64_t feed_newest(struct feed *feed);

#define FEED_OTHER_RUN 1 /* the id is not one of this run of the daemon */
#define FEED_GONE 2      /* the next change is no longer available */

/* Finds the revision from which a stream continues whose last event had this id. Returns 0 or one of the
 * above. */
int feed_find(struct feed *feed, struct str id, uint64_t *ret_revision);

struct feed_event {
    uint64_t revision;
    uint64_t unix_ms; /* time of the change */
    uint16_t app;
    bool is_forgotten; /* the user was dropped from the table */
    bool was_online;   /* whether the user was online before the change */
    bool is_online;    /* whether the user was online after it */
    uint32_t hash;     /* of app and user */
    struct str user;
    struct str text; /* the whole event; its first line, of `id_len` bytes, is its id */
    size_t id_len;
};

#define FEED_NONE 1 /* there is no event yet; when there is one, feed_config.wake() is called */

/* Returns the event after `revision`, which came from this feed. The event is valid until the next call of a
 * function that needs the lock, and until feed_unlock(). Returns 0, FEED_NONE, FEED_GONE or -ENOMEM. */
int feed_next(struct feed *feed, uint64_t revision, struct feed_event *ret_event);

/* Counts a reset event: a stream was told that it has missed changes. */
void feed_count_reset(struct feed *feed);

/* The functions below need no lock. */

/* Writes the line "id: EPOCH.REVISION". */
void feed_write_id(const struct feed *feed, uint64_t revision, struct buf *out);

/* Writes a presence event, without an id, with the user's state at `now_ms`. */
void feed_write_user(const struct feed *feed, const struct user *user, uint64_t now_ms, struct buf *out);

struct table *feed_table(const struct feed *feed);

/* Function `visit` for struct status_part, whose cls is the feed. */
void feed_metrics(void *cls, const struct metric_visitor *visitor);

#endif

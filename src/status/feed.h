/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_STATUS_FEED_H
#define PRESENCED_STATUS_FEED_H

/* The change log as Server-Sent Events, for all streams together: each change is written once, when the first
 * stream asks for it, and held in a ring until its room is needed. Any thread may call everything here;
 * what feed_next() shows is valid until it is called again, and until feed_unlock(). */

#include "presenced/status.h"
#include "presenced/table.h"

struct feed;

struct feed_config {
    struct table *table; /* borrowed */
    uint64_t epoch;      /* tells this run of the daemon from others */
    unsigned max_streams;
    size_t max_events; /* a power of two; 0: 65536 */
    size_t max_bytes;  /* of all events held; 0: 16 MiB */

    /* The first change after a stream was told that there is none: the streams are to ask again. Called under
     * locks of the table by whoever changes it, so it is quick and waits for nothing. */
    void (*wake)(void *cls);
    void *wake_cls;
};

/* 0 or -ENOMEM. */
int feed_new(const struct feed_config *config, struct feed **ret_feed);
void feed_free(struct feed *feed);
DEFINE_CLEANUP(struct feed *, feed_free)

#define FEED_ANY_APP (-1)

#define FEED_FULL 1     /* there are max_streams */
#define FEED_APP_FULL 2 /* half of them, rounded up, are of this app's token */

/* Counts a stream that begins: 0 or one of the above. `token_app`: the app whose token opens it, so that one
 * app cannot take the places of all; FEED_ANY_APP: it is bound by no app's. */
int feed_join(struct feed *feed, int token_app);

/* One that has joined, with the same `token_app`, ends. While there is none, the feed costs nothing. */
void feed_leave(struct feed *feed, int token_app);

void feed_lock(struct feed *feed);
void feed_unlock(struct feed *feed);

/* The functions below want the lock. */

/* Where a new stream begins: all changes up to this revision have happened. */
uint64_t feed_newest(struct feed *feed);

#define FEED_OTHER_RUN 1 /* an id of no event of this run */
#define FEED_GONE 2      /* what comes next is no longer held */

/* Where a stream goes on that has seen the event of that id. 0 or one of the above. */
int feed_find(struct feed *feed, struct str id, uint64_t *ret_revision);

struct feed_event {
    uint64_t revision;
    uint64_t unix_ms; /* when it happened */
    uint16_t app;
    bool is_forgotten;
    bool was_online; /* the user, before and after */
    bool is_online;
    uint32_t hash; /* of app and user */
    struct str user;
    struct str text; /* the whole event; its first line, of `id_len` bytes, is its id */
    size_t id_len;
};

#define FEED_NONE 1 /* there is none yet: when one comes, the streams are woken */

/* The event after `revision`, which is from here. 0, FEED_NONE, FEED_GONE, or -ENOMEM. */
int feed_next(struct feed *feed, uint64_t revision, struct feed_event *ret_event);

/* A stream had to be told that it has missed something. */
void feed_count_reset(struct feed *feed);

/* The rest needs no lock. */

/* Writes the line "id: EPOCH.REVISION". */
void feed_write_id(const struct feed *feed, uint64_t revision, struct buf *out);

/* Writes an event of a user as it is at `now_ms`, without an id. */
void feed_write_user(const struct feed *feed, const struct user *user, uint64_t now_ms, struct buf *out);

struct table *feed_table(const struct feed *feed);

/* For struct status_part, with the feed as its cls. */
void feed_metrics(void *cls, const struct metric_visitor *visitor);

#endif

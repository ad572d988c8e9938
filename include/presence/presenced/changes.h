/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_CHANGES_H
#define PRESENCED_CHANGES_H

/* The change log: every change of the table that changed something, in order and numbered, the last of them
 * held in memory. Store, event stream and replication follow it, each at its own pace; one that falls off
 * its end is told so and starts again from the table. */

#include "presenced/metric.h"
#include "presenced/str.h"

struct changes;

enum change_kind {
    CHANGE_UPDATED = 1, /* the user is now as `record` says (also: its push_online window has ended) */
    CHANGE_FORGOTTEN,   /* the user was dropped; `record` is the last that was known */
};

/* Where a change comes from, for those who pass changes on: who has sent one needs no echo of it. */
enum change_origin {
    CHANGE_BY_CALLBACK,  /* an event that Tencent sent here */
    CHANGE_BY_CLOCK,     /* a window has ended, or a user was forgotten: for its age, or for room */
    CHANGE_BY_IMPORT,    /* a file */
    CHANGE_BY_REPLICA,   /* another node */
    CHANGE_BY_RECONCILE, /* Tencent's answer to a query */
};

struct change {
    uint64_t revision; /* 1, 2, 3, … without a gap */
    uint64_t unix_ms;  /* when it was applied */
    enum change_kind kind;
    enum change_origin origin;
    bool was_online;   /* the user, before it */
    struct str record; /* record.h; borrowed */
};

/* Holds up to `max_entries` (a power of two) changes and `max_bytes` of them, both above 0. 0 or -ENOMEM. */
int changes_new(size_t max_entries, size_t max_bytes, struct changes **ret_changes);
void changes_free(struct changes *changes);
DEFINE_CLEANUP(struct changes *, changes_free)

/* For the table, which calls it with the user's shard locked, so the changes of one user are in their order.
 * Returns the new revision. Never fails: all memory was taken at the start. */
uint64_t changes_append(struct changes *changes, enum change_kind kind, enum change_origin origin,
                        bool was_online, uint64_t unix_ms, struct str record);

/* Is shown each change as it is appended, in their order: for one who must not be behind at all. on_change()
 * is called under the log's lock and a shard's, so it is quick, waits for nothing and calls nothing that may
 * change the table. */
struct changes_observer {
    void (*on_change)(void *cls, const struct change *change);
    void *cls;
    struct changes_observer *next; /* the log's */
};

/* Adds an observer, which is the caller's, at the end of the list; it must not be in it. Any thread. */
void changes_observe(struct changes *changes, struct changes_observer *observer);

/* Removes it, if it is there. When this returns, on_change() is not running and will not be called again. */
void changes_unobserve(struct changes *changes, struct changes_observer *observer);

/* For followers, from any thread. */

/* The newest revision, 0 before the first. */
uint64_t changes_last_revision(const struct changes *changes);

struct changes_size {
    uint64_t last_revision; /* as changes_last_revision() */
    uint64_t n_entries;
    uint64_t n_bytes; /* of their records */
};

/* What the log holds at the moment. */
void changes_size(struct changes *changes, struct changes_size *ret_size);

/* An eventfd of the follower's that gets 1 written when there is something new; once, until somebody calls
 * changes_read() again. So a follower first reads its eventfd, then the changes, until there are none.
 * At most 16; 0 or -ENOSPC. */
int changes_follow(struct changes *changes, int eventfd);
void changes_unfollow(struct changes *changes, int eventfd);

#define CHANGES_LOST 1 /* what comes after `after_revision` is no longer held, or never was */

/* Copies changes after `after_revision`, oldest first, as many as there are but no more than `max_changes`
 * and what fits `max_bytes` (at least one), into `storage` (cleared first) and `ret_changes`, which points
 * into it. Sets `*ret_n`, 0 when there are none. 0, CHANGES_LOST or -ENOMEM. */
int changes_read(struct changes *changes, uint64_t after_revision, size_t max_changes, size_t max_bytes,
                 struct buf *storage, struct change *ret_changes, size_t *ret_n);

/* What every follower shows of itself, beside numbers of its own: the change up to which it has come, and how
 * many it is behind. */
void changes_follower_metrics(struct str follower, uint64_t revision, uint64_t lag,
                              const struct metric_visitor *visitor);

#endif

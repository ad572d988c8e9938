/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_CHANGES_H
#define PRESENCED_CHANGES_H

/* The change log: all changes of the table in order, numbered by revision; the most recent ones are kept in
 * memory. Store, event stream and replication are followers: each reads the log at its own pace. A follower
 * that falls behind the oldest change in memory is told so and reads the whole table again. */

#include "presenced/metric.h"
#include "presenced/str.h"

struct changes;

enum change_kind {
    CHANGE_UPDATED = 1, /* the user is now as in `record`; also when a push_online window ends */
    CHANGE_FORGOTTEN,   /* the user was dropped; `record` is its last state */
};

/* Where a change comes from. Followers use it to avoid sending a change back to its source. */
enum change_origin {
    CHANGE_BY_CALLBACK,  /* an event sent to this node by Tencent */
    CHANGE_BY_CLOCK,     /* a push_online window ended, or a user was dropped for its age or to make room */
    CHANGE_BY_IMPORT,    /* an imported file */
    CHANGE_BY_REPLICA,   /* a change replicated from another node */
    CHANGE_BY_RECONCILE, /* Tencent's answer to a status query */
};

struct change {
    uint64_t revision; /* 1, 2, 3, … without gaps */
    uint64_t unix_ms;  /* time at which it was applied */
    enum change_kind kind;
    enum change_origin origin;
    bool was_online;   /* whether the user was online before the change */
    struct str record; /* encoded user (record.h); borrowed */
};

/* Creates a log that keeps up to `max_entries` (a power of two) changes whose records have up to `max_bytes`
 * bytes in total; both must be above 0. Returns 0 or -ENOMEM. */
int changes_new(size_t max_entries, size_t max_bytes, struct changes **ret_changes);
void changes_free(struct changes *changes);
DEFINE_CLEANUP(struct changes *, changes_free)

/* Appends a change. Called by the table with the user's shard locked, so that changes of one user are in
 * order. Returns the new revision. Cannot fail, because all memory is allocated by changes_new(). */
uint64_t changes_append(struct changes *changes, enum change_kind kind, enum change_origin origin,
                        bool was_online, uint64_t unix_ms, struct str record);

/* Called with each change as it is appended, in order: for code that must not lag behind. on_change() runs
 * with the log's lock and a shard's lock held, so it must be fast, must not block, and must not call anything
 * that may change the table. */
struct changes_observer {
    void (*on_change)(void *cls, const struct change *change);
    void *cls;
    struct changes_observer *next; /* managed by the log */
};

/* Adds an observer at the end of the list. It is owned by the caller and must not be in the list yet. Any
 * thread may call this. */
void changes_observe(struct changes *changes, struct changes_observer *observer);

/* Removes an observer if it is in the list. After this returns, on_change() is not running and will not be
 * called again. Any thread may call this. */
void changes_unobserve(struct changes *changes, struct changes_observer *observer);

/* The functions below are for followers; any thread may call them. */

/* Returns the newest revision, 0 before the first change. */
uint64_t changes_last_revision(const struct changes *changes);

struct changes_size {
    uint64_t last_revision; /* see changes_last_revision() */
    uint64_t n_entries;
    uint64_t n_bytes; /* total size of their records */
};

/* Returns how many changes are in memory at the moment, and their size. */
void changes_size(struct changes *changes, struct changes_size *ret_size);

/* Registers the follower's eventfd. 1 is written to it when a change is appended, but only once until any
 * follower calls changes_read() again. So a follower clears its eventfd first and then reads changes until
 * there are none. At most 16 can be registered. Returns 0 or -ENOSPC. */
int changes_follow(struct changes *changes, int eventfd);
void changes_unfollow(struct changes *changes, int eventfd);

/* Changes after `after_revision` are no longer in memory, or that revision does not exist. */
#define CHANGES_LOST 1

/* Copies changes after `after_revision`, oldest first: at most `max_changes`, and no more than fit in
 * `max_bytes`, but at least one if there is any. `storage` is cleared first and receives the records;
 * `ret_changes` points into it. Sets `*ret_n`, 0 if there are none. Returns 0, CHANGES_LOST or -ENOMEM. */
int changes_read(struct changes *changes, uint64_t after_revision, size_t max_changes, size_t max_bytes,
                 struct buf *storage, struct change *ret_changes, size_t *ret_n);

/* Reports the metrics common to all followers: the revision up to which `follower` has processed changes, and
 * how many changes it is behind. */
void changes_follower_metrics(struct str follower, uint64_t revision, uint64_t lag,
                              const struct metric_visitor *visitor);

#endif

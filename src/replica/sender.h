/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_REPLICA_SENDER_H
#define PRESENCED_REPLICA_SENDER_H

/* Sends the changes of this node from the change log to the engine. While the engine is unavailable, changes
 * wait in that log; once it has lost some, only the table has them. For one thread. */

#include "outbox.h"
#include "presenced/changes.h"

#define SENDER_N_CHANGES_MAX 512 /* per read */

struct sender {
    struct outbox *outbox;
    struct changes *changes;
    int changes_fd;    /* readable when there are new changes */
    uint64_t revision; /* the last change that is in the engine */
    struct buf storage;
    struct change read[SENDER_N_CHANGES_MAX];
    uint64_t sent_us; /* when something was last sent, by clock_monotonic_us() */
    uint64_t paused_until_ms;
    uint64_t n_rows_sent;
};

/* Follows the change log; earlier changes are not sent. Returns 0 or -errno. sender_fini() may be called in
 * either case, and if the struct is all zero except for changes_fd, which is -1. */
int sender_init(struct sender *sender, struct table *table);
void sender_fini(struct sender *sender);

/* Sets where changes are sent, as outbox_begin() does, and ends a pause. */
void sender_begin(struct sender *sender, struct primary *primary, const char *run,
                  const char (*identities)[OUTBOX_IDENTITY_SIZE]);

/* Suspends sending for a second, because the engine refuses writes. */
void sender_pause(struct sender *sender);
bool sender_is_paused(const struct sender *sender);

/* Return whether changes are delayed to be sent in a batch, and for how many µs; UINT64_MAX: they are
 * not. */
bool sender_is_batching(const struct sender *sender);
uint64_t sender_wait_us(const struct sender *sender);

#define SENDER_LOST 1 /* the change log has lost changes: the whole table must be sent */

/* Sends new changes, if they are due. Returns 0, with `*ret_more` set if more can be sent at once;
 * SENDER_LOST; or -errno, after which the same changes are sent again. `gather` is as for outbox_flush(). */
int sender_send(struct sender *sender, struct gather *gather, bool *ret_more, struct failure *ret_failure);

/* Skips the changes up to this one, which are sent in another way. */
void sender_skip(struct sender *sender, uint64_t revision);

/* Sends what was added to the outbox. Returns 0, or -errno, after which it is lost. */
int sender_flush(struct sender *sender, struct gather *gather, struct failure *ret_failure);

/* Returns whether all changes were sent. */
bool sender_is_done(const struct sender *sender);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_REPLICA_SENDER_H
#define PRESENCED_REPLICA_SENDER_H

/* Sends to the engine what the change log says that this node has learnt. While the engine is away changes
 * wait in that log; once the log has lost some, the table alone has them. One thread. */

#include "outbox.h"
#include "presenced/changes.h"

#define SENDER_N_CHANGES_MAX 512 /* read at a time */

struct sender {
    struct outbox *outbox;
    struct changes *changes;
    int changes_fd;    /* readable: there are new changes */
    uint64_t revision; /* changes up to it are in the engine */
    struct buf storage;
    struct change read[SENDER_N_CHANGES_MAX];
    uint64_t sent_us; /* when something was sent last */
    uint64_t paused_until_ms;
    uint64_t n_rows_sent;
};

/* What was changed before is not sent. 0 or -errno; sender_fini() takes it in any case, and what is all zero
 * but for changes_fd, -1. */
int sender_init(struct sender *sender, struct table *table);
void sender_fini(struct sender *sender);

/* Sends there from now on; as outbox_begin(). */
void sender_begin(struct sender *sender, struct primary *primary, const char *run,
                  const char (*identities)[OUTBOX_IDENTITY_SIZE]);

/* The engine takes no writes for now. */
void sender_pause(struct sender *sender);
bool sender_is_paused(const struct sender *sender);

/* Whether changes wait a little, so that many go together, and for how long; UINT64_MAX: they do not. */
bool sender_is_batching(const struct sender *sender);
uint64_t sender_wait_us(const struct sender *sender);

#define SENDER_LOST 1 /* the change log has lost some: the whole table is to be sent */

/* Sends what has changed since, when its time has come. 0, with *ret_more where there is more to send at
 * once; SENDER_LOST; or below, and the same is sent again. `gather` as in outbox_flush(). */
int sender_send(struct sender *sender, struct gather *gather, bool *ret_more, struct failure *ret_failure);

/* Changes up to this one are sent in another way. */
void sender_skip(struct sender *sender, uint64_t revision);

/* Sends what was added to the outbox. 0 or below, and it is lost. */
int sender_flush(struct sender *sender, struct gather *gather, struct failure *ret_failure);

/* Whether all changes were sent. */
bool sender_is_done(const struct sender *sender);

#endif

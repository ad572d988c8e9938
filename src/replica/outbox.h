/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_REPLICA_OUTBOX_H
#define PRESENCED_REPLICA_OUTBOX_H

/* Rows on their way to the engine: collected by bucket, sent as calls of the scripts (layout.h), many at a
 * time, before the first of their replies is waited for. What is not acknowledged may be sent again. One
 * thread. */

#include "gather.h"
#include "primary.h"
#include "user_rows.h"

#define OUTBOX_IDENTITY_SIZE 33

struct outbox;

/* 0 or -ENOMEM. */
int outbox_new(struct table *table, struct outbox **ret_outbox);
void outbox_free(struct outbox *outbox);
DEFINE_CLEANUP(struct outbox *, outbox_free)

/* What is added from now on goes there, as written by `run`, to buckets of these identities; all is borrowed.
 * What was left from before is forgotten. */
void outbox_begin(struct outbox *outbox, struct primary *primary, const char *run,
                  const char (*identities)[OUTBOX_IDENTITY_SIZE]);

/* Whether what is added from now on is of many users at once, or of a change. At first it is not. */
void outbox_set_large(struct outbox *outbox, bool is_large);

/* A user's rows; `received_unix_ms` as user_rows_each() has it. 0 or -ENOMEM. */
int outbox_add_user(struct outbox *outbox, const struct user *user, uint64_t received_unix_ms);

/* A user who was forgotten, after all that was added of it before. 0 or -ENOMEM. */
int outbox_add_gone(struct outbox *outbox, const struct user *user);

/* An app's forgotten_before. 0 or -ENOMEM. */
int outbox_add_stamp(struct outbox *outbox, uint16_t app);

/* How many rows were added since outbox_flush(). */
size_t outbox_n_rows(const struct outbox *outbox);

/* Sends what was added and waits for all replies. What the engine knows more of users that were to be gone
 * goes to `gather`. 0; -errno, and what was added is to be added again. */
int outbox_flush(struct outbox *outbox, struct gather *gather, struct failure *ret_failure);

#endif

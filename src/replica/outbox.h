/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_REPLICA_OUTBOX_H
#define PRESENCED_REPLICA_OUTBOX_H

/* Collects rows for the engine by bucket and sends them as calls of the scripts (layout.h). Many calls are
 * sent before the first reply is awaited. What was not acknowledged may be sent again. For one thread. */

#include "gather.h"
#include "primary.h"
#include "user_rows.h"

#define OUTBOX_IDENTITY_SIZE 33

struct outbox;

/* Returns 0 or -ENOMEM. */
int outbox_new(struct table *table, struct outbox **ret_outbox);
void outbox_free(struct outbox *outbox);
DEFINE_CLEANUP(struct outbox *, outbox_free)

/* Sets where rows are sent from now on: to `primary`, as written by `run`, to buckets with these identities.
 * All of it is borrowed. Rows that were not sent are discarded. */
void outbox_begin(struct outbox *outbox, struct primary *primary, const char *run,
                  const char (*identities)[OUTBOX_IDENTITY_SIZE]);

/* Sets whether the calls from now on make large entries of many users, to which the logs are trimmed
 * earlier. Initially false. */
void outbox_set_large(struct outbox *outbox, bool is_large);

/* Adds a user's rows; for `received_unix_ms` see user_rows_each(). Returns 0 or -ENOMEM. */
int outbox_add_user(struct outbox *outbox, const struct user *user, uint64_t received_unix_ms);

/* Adds that a user was forgotten, with its last rows; sent after what was added of it before. Returns 0 or
 * -ENOMEM. */
int outbox_add_gone(struct outbox *outbox, const struct user *user);

/* Adds an app's forgotten_before, if it is not 0. Returns 0 or -ENOMEM. */
int outbox_add_stamp(struct outbox *outbox, uint16_t app);

/* Returns how many rows were added since the last outbox_flush(). */
size_t outbox_n_rows(const struct outbox *outbox);

/* Sends what was added and receives all replies. Rows of a user that the engine did not forget, because it
 * knows more, are passed to `gather`. Returns 0; or -errno, after which the rows must be added again. */
int outbox_flush(struct outbox *outbox, struct gather *gather, struct failure *ret_failure);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_USER_BATCH_H
#define PRESENCED_USER_BATCH_H

/* The users that one call asks about, each once, with a lookup by id for the answer. All zero is an empty
 * batch. For one thread. */

#include "presenced/online_query.h"
#include "presenced/reconcile.h"

#define USER_BATCH_N_INDEX 1024 /* a power of two, twice ONLINE_QUERY_N_USERS_MAX or more */

struct user_batch {
    size_t n;
    struct buf ids;
    uint32_t starts[ONLINE_QUERY_N_USERS_MAX + 1];
    uint8_t causes[ONLINE_QUERY_N_USERS_MAX]; /* enum reconcile_cause */
    uint16_t index[USER_BATCH_N_INDEX];       /* number + 1, by hash; 0: empty */
};

/* Leaves an empty batch. */
void user_batch_fini(struct user_batch *batch);

/* Adds a user, unless it is in the batch already. Returns whether it is in the batch now; false if the batch
 * is full or there is no memory. */
bool user_batch_add(struct user_batch *batch, struct str user, enum reconcile_cause cause);

/* Returns the number of the user, from 0, or -1 if it is not in the batch. */
int user_batch_find(const struct user_batch *batch, struct str user);

/* Returns the user with a number from 0 to n - 1; valid until the batch changes. */
struct str user_batch_user(const struct user_batch *batch, size_t number);

#endif

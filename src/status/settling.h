/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_STATUS_SETTLING_H
#define PRESENCED_STATUS_SETTLING_H

/* Users who have just gone offline: a stream with `settle` reports them only if they stay offline for that
 * time. Each list is used by one thread. */

#include "feed.h"

/* Limit for the users that one stream holds back. Beyond it, the oldest is reported early. */
#define SETTLING_MAX 1024

struct settling_user {
    struct settling_user *next; /* the next user in the order in which they went offline */
    uint64_t revision;          /* revision of the change with which the user went offline */
    uint64_t due_ms;
    uint32_t hash;
    uint16_t app;
    uint16_t len;
    char id[];
};

/* All zero is an empty list. */
struct settling {
    struct settling_user *oldest;
    struct settling_user *newest;
    size_t n;
};

void settling_fini(struct settling *settling);

/* Adds the user of `event`, to be held back until `due_ms` or until the earlier users are due, whichever is
 * later. Returns 0 or -ENOMEM. */
int settling_add(struct settling *settling, const struct feed_event *event, uint64_t due_ms);

/* Returns whether the user of `event` is held back. */
bool settling_has(const struct settling *settling, const struct feed_event *event);

/* Removes the user of `event`. Does nothing if the user is not held back. */
void settling_remove(struct settling *settling, const struct feed_event *event);

/* Removes the oldest user. The list must not be empty. */
void settling_remove_oldest(struct settling *settling);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_STATUS_SETTLING_H
#define PRESENCED_STATUS_SETTLING_H

/* Users who have gone offline a moment ago: a stream with `settle` tells of them only when they stay away.
 * One thread a list. */

#include "feed.h"

/* Held back by one stream; the oldest is told early when there are more. */
#define SETTLING_MAX 1024

struct settling_user {
    struct settling_user *next; /* held back later */
    uint64_t revision;          /* of the change with which the user went offline */
    uint64_t due_ms;
    uint32_t hash;
    uint16_t app;
    uint16_t len;
    char id[];
};

/* All zero is empty. */
struct settling {
    struct settling_user *oldest;
    struct settling_user *newest;
    size_t n;
};

void settling_fini(struct settling *settling);

/* Holds the user of `event` back until `due_ms`, or until those before are due. 0 or -ENOMEM. */
int settling_add(struct settling *settling, const struct feed_event *event, uint64_t due_ms);

/* Whether the user of `event` is held back. */
bool settling_has(const struct settling *settling, const struct feed_event *event);

/* Removes that user, or does nothing. */
void settling_remove(struct settling *settling, const struct feed_event *event);

/* Removes the oldest. */
void settling_remove_oldest(struct settling *settling);

#endif

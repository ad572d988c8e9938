/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_WALK_H
#define PRESENCED_WALK_H

/* Walks over the users of an app in rounds, evenly distributed over a period, and takes those that are
 * wanted. Needs no memory per user. For one thread. */

#include "presenced/table.h"

struct walk {
    struct table_filter filter;
    struct table_cursor cursor;
    bool is_over;
    uint64_t began_ms; /* by clock_monotonic_ms() */
    uint64_t took_ms;  /* duration of the last complete round */
    uint64_t n_taken;  /* users taken in this round */
};

/* Walks over the app's users that are online, or over all. */
void walk_init(struct walk *walk, uint16_t app, bool only_online, uint64_t now_ms);

/* Begins a new round, even if the last one is not over. */
void walk_begin(struct walk *walk, uint64_t now_ms);

/* Returns how many users are due for a round of `n_users` taken users to last `period_ms` (0: all at once).
 * Begins the next round if it is time. */
uint64_t walk_due(struct walk *walk, uint64_t n_users, uint64_t period_ms, uint64_t now_ms);

/* Passes users to `take`, which returns whether it takes a user, until `limit` users are taken or enough
 * were examined. Returns whether this has ended the round. */
bool walk_take(struct walk *walk, struct table *table, size_t limit, uint64_t now_ms,
               bool (*take)(void *cls, const struct user *user), void *cls);

#endif

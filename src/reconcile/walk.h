/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_WALK_H
#define PRESENCED_WALK_H

/* Goes over the users of an app again and again, evenly over a time, and takes those that are wanted. Needs
 * no memory for them. One thread. */

#include "presenced/table.h"

struct walk {
    struct table_filter filter;
    struct table_cursor cursor;
    bool is_over;
    uint64_t began_ms; /* by clock_monotonic_ms() */
    uint64_t took_ms;  /* the last whole round */
    uint64_t n_taken;  /* in this round */
};

/* Of an app's users that are online, or of all. */
void walk_init(struct walk *walk, uint16_t app, bool only_online, uint64_t now_ms);

/* Begins a round, whatever there is of the last. */
void walk_begin(struct walk *walk, uint64_t now_ms);

/* How many users are due so that a round that takes `n_users` of them lasts `period_ms` (0: all at once).
 * Begins the next round when its time has come. */
uint64_t walk_due(struct walk *walk, uint64_t n_users, uint64_t period_ms, uint64_t now_ms);

/* Hands on users until `take`, which says whether it takes one, has taken `limit` of them, or for long
 * enough. Whether the round has ended with them. */
bool walk_take(struct walk *walk, struct table *table, size_t limit, uint64_t now_ms,
               bool (*take)(void *cls, const struct user *user), void *cls);

#endif

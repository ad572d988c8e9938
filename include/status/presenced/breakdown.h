/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_BREAKDOWN_H
#define PRESENCED_BREAKDOWN_H

/* For each app the number of users online, and for each platform the number of devices online, by the minute,
 * for the last 24 hours (online_minutes.h). Kept in memory only. An app or platform uses memory once somebody
 * has been online. breakdown_record() may be called by one thread; any thread may call breakdown_of_app() and
 * breakdown_of_platform(). */

#include "presenced/online_minutes.h"
#include "presenced/table.h"

struct breakdown;

/* Borrows the table. Returns 0 or -ENOMEM. */
int breakdown_new(const struct table *table, struct breakdown **ret_breakdown);
void breakdown_free(struct breakdown *breakdown);
DEFINE_CLEANUP(struct breakdown *, breakdown_free)

/* Records the current numbers, at most once a second. Skips an app or platform for which memory cannot be
 * allocated. */
void breakdown_record(struct breakdown *breakdown, uint64_t unix_ms);

/* Return the record, borrowed for the life of the breakdown, or NULL if nobody has been online. */
struct online_minutes *breakdown_of_app(const struct breakdown *breakdown, unsigned app);
struct online_minutes *breakdown_of_platform(const struct breakdown *breakdown, unsigned platform);

#endif

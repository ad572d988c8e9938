/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_BREAKDOWN_H
#define PRESENCED_BREAKDOWN_H

/* What online_minutes.h keeps of all users, of each app's users and of each platform's devices: by the
 * minute, for a day, since the start of the process. An app or platform costs memory once it has had anybody
 * online. breakdown_record() is one thread's; any thread may call the rest. */

#include "presenced/online_minutes.h"
#include "presenced/table.h"

struct breakdown;

/* Borrows the table. 0 or -ENOMEM. */
int breakdown_new(const struct table *table, struct breakdown **ret_breakdown);
void breakdown_free(struct breakdown *breakdown);
DEFINE_CLEANUP(struct breakdown *, breakdown_free)

/* Counts, where the last count is a second old. Where there is no memory for one, it is left out. */
void breakdown_record(struct breakdown *breakdown, uint64_t unix_ms);

/* Borrowed for the life of the breakdown. NULL: nobody was online there. */
struct online_minutes *breakdown_of_app(const struct breakdown *breakdown, unsigned app);
struct online_minutes *breakdown_of_platform(const struct breakdown *breakdown, unsigned platform);

#endif

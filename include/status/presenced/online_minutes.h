/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_ONLINE_MINUTES_H
#define PRESENCED_ONLINE_MINUTES_H

/* How many users were online, by the minute, for the last 24 hours. Any thread may call everything here. */

#include "presenced/cleanup.h"

#include <stddef.h>
#include <stdint.h>

#define ONLINE_N_MINUTES 1440
#define ONLINE_MINUTE_MS UINT64_C(60000)
#define ONLINE_MISSING UINT32_MAX /* a minute for which nothing was recorded */

struct online_minutes;

/* Returns 0 or -ENOMEM. */
int online_minutes_new(struct online_minutes **ret_minutes);
void online_minutes_free(struct online_minutes *minutes);
DEFINE_CLEANUP(struct online_minutes *, online_minutes_free)

/* Sets the number for the minute that contains `unix_ms`, replacing an earlier one. Minutes skipped since the
 * last call are missing. If the clock was set back, numbers recorded for later minutes are dropped. */
void online_minutes_record(struct online_minutes *minutes, uint64_t unix_ms, uint64_t n_online);

/* Copies the numbers from the oldest recorded minute to the newest, and returns how many there are.
 * `ret_start_unix_ms` is the beginning of the oldest minute. Returns 0, and sets nothing, if nothing was
 * recorded yet. */
size_t online_minutes_read(struct online_minutes *minutes, uint64_t *ret_start_unix_ms,
                           uint32_t ret_counts[static ONLINE_N_MINUTES]);

#endif

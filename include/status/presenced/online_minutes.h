/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_ONLINE_MINUTES_H
#define PRESENCED_ONLINE_MINUTES_H

/* How many users were online, by the minute, for a day. Any thread may call everything here. */

#include "presenced/cleanup.h"

#include <stddef.h>
#include <stdint.h>

#define ONLINE_N_MINUTES 1440
#define ONLINE_MINUTE_MS UINT64_C(60000)
#define ONLINE_MISSING UINT32_MAX /* a minute nothing was recorded in */

struct online_minutes;

/* 0 or -ENOMEM. */
int online_minutes_new(struct online_minutes **ret_minutes);
void online_minutes_free(struct online_minutes *minutes);
DEFINE_CLEANUP(struct online_minutes *, online_minutes_free)

/* Sets the minute that `unix_ms` lies in; the last of several in one minute stays. Minutes left out are
 * missing. Where the clock was set back, what was recorded after `unix_ms` is dropped. */
void online_minutes_record(struct online_minutes *minutes, uint64_t unix_ms, uint64_t n_online);

/* Copies the minutes from the oldest recorded to the newest, the oldest first, and says when the first of
 * them began. Returns how many; 0 before the first. */
size_t online_minutes_read(struct online_minutes *minutes, uint64_t *ret_start_unix_ms,
                           uint32_t ret_counts[static ONLINE_N_MINUTES]);

#endif

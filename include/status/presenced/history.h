/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_HISTORY_H
#define PRESENCED_HISTORY_H

/* How many users were online, by the minute, for a day. Any thread may call everything here. */

#include "presenced/cleanup.h"

#include <stddef.h>
#include <stdint.h>

#define HISTORY_N_MINUTES 1440
#define HISTORY_MINUTE_MS UINT64_C(60000)
#define HISTORY_MISSING UINT32_MAX /* a minute nothing was recorded in */

struct history;

/* 0 or -ENOMEM. */
int history_new(struct history **ret_history);
void history_free(struct history *history);
DEFINE_CLEANUP(struct history *, history_free)

/* Sets the minute that `unix_ms` lies in; the last of several in one minute stays. Minutes left out are
 * missing. Where the clock was set back, what was recorded after `unix_ms` is dropped. */
void history_record(struct history *history, uint64_t unix_ms, uint64_t n_online);

/* Copies the minutes from the oldest recorded to the newest, the oldest first, and says when the first of
 * them began. Returns how many; 0 before the first. */
size_t history_read(struct history *history, uint64_t *ret_start_unix_ms,
                    uint32_t ret_counts[static HISTORY_N_MINUTES]);

#endif

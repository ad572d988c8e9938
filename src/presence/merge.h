/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_MERGE_H
#define PRESENCED_MERGE_H

/* What an event does to a user: the last writer wins, a row at a time (row.h). Works on the caller's own
 * copy; any thread. */

#include "presenced/table.h"

/* Whether the event carries a stamp that is believed at `now_ms`. */
bool merge_believes(const struct table_event *event, uint64_t now_ms);

/* The stamp that the event counts with: its own where that is believed, else the time received, but later
 * than what it is to replace. */
uint64_t merge_stamp(const struct user *user, const struct table_event *event, uint64_t now_ms);

/* Applies the event with that stamp. Whether anything changed. */
bool merge_event(struct user *user, const struct table_event *event, uint64_t stamp_ms, uint64_t now_ms);

/* Of an event that changed nothing: whether it says what is known already, or what is older. */
bool merge_is_repeat(const struct user *user, const struct table_event *event, uint64_t stamp_ms);

/* Merges what is known elsewhere of the same user: each row and the custom status by the same order. Whether
 * anything changed. */
bool merge_user(struct user *user, const struct user *other);

#endif

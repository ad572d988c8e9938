/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_MERGE_H
#define PRESENCED_MERGE_H

/* How an event changes a user: for each row, the last writer wins (row.h). Works on the caller's copy of a
 * user; any thread may call everything here. */

#include "presenced/table.h"

/* Returns whether the event has an EventTime that is accepted at `now_ms`: not more than TABLE_MAX_AHEAD_MS
 * in the future. */
bool merge_accepts_event_time(const struct table_event *event, uint64_t now_ms);

/* Returns the stamp to apply the event with: its EventTime if it is accepted. Otherwise the time of receipt,
 * raised if necessary above the stamps of what the event is to replace. */
uint64_t merge_stamp(const struct user *user, const struct table_event *event, uint64_t now_ms);

/* Applies the event with the given stamp. A repeated Login also renews a Login that is assumed to be offline.
 * Returns whether anything changed. */
bool merge_event(struct user *user, const struct table_event *event, uint64_t stamp_ms,
                 const struct user_view *view);

/* For an event that changed nothing: returns whether it is a duplicate of what is known, rather than older.
 */
bool merge_is_repeat(const struct user *user, const struct table_event *event, uint64_t stamp_ms);

/* Merges what is known elsewhere about the same user: each row and the custom status in the same order as
 * events. Returns whether anything changed. */
bool merge_user(struct user *user, const struct user *other, const struct user_view *view);

/* Applies Tencent's answer where it differs from what is known and is not older. Returns whether anything
 * changed. */
bool merge_answer(struct user *user, const struct table_answer *answer, const struct user_view *view,
                  struct table_corrections *ret_corrections);

#endif

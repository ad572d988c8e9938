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

/* Applies the event with that stamp. A repeat makes a Login count again that is assumed to be offline.
 * Whether anything changed. */
bool merge_event(struct user *user, const struct table_event *event, uint64_t stamp_ms,
                 const struct user_view *view);

/* Of an event that changed nothing: whether it says what is known already, or what is older. */
bool merge_is_repeat(const struct user *user, const struct table_event *event, uint64_t stamp_ms);

/* Merges what is known elsewhere of the same user: each row and the custom status by the same order. Whether
 * anything changed. */
bool merge_user(struct user *user, const struct user *other, const struct user_view *view);

/* Takes over what Tencent answered, where it differs from what is known and is not older. Whether anything
 * changed. */
bool merge_answer(struct user *user, const struct table_answer *answer, const struct user_view *view,
                  struct table_corrections *ret_corrections);

#endif

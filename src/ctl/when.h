/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_CTL_WHEN_H
#define PRESENCED_CTL_WHEN_H

/* Points in time, in ms since 1970, for people and for programs. */

#include "presenced/str.h"

/* For people local time and how long ago, "2026-11-29 14:03:07 (5 min ago)"; else RFC 3339 in UTC,
 * "2026-11-29T13:03:07.250Z". */
void when_append(struct buf *out, uint64_t unix_ms, uint64_t now_ms, bool for_people);

/* For people, where there is little room: "14:03:07", with the date where it is not today. */
void when_append_short(struct buf *out, uint64_t unix_ms, uint64_t now_ms);

/* "5 min ago", "in 5 min", "now". */
void when_append_ago(struct buf *out, uint64_t unix_ms, uint64_t now_ms);

/* "250 ms", "17 s", "5 min", "3 h", "12 d": the largest unit of which there are two or more. */
void when_append_span(struct buf *out, uint64_t ms);

/* "90s", "2h": ms, s, m, h or d behind a number. */
bool when_parse_span(struct str text, uint64_t *ret_ms);

/* A point in time as a person gives it: "2h" or "30m" ago (ms, s, m, h, d), or ms since 1970. */
bool when_parse(struct str text, uint64_t now_ms, uint64_t *ret_unix_ms);

#endif

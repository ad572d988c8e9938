/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_CTL_WHEN_H
#define PRESENCED_CTL_WHEN_H

/* Writes and parses points in time, in ms since 1970, and time spans. */

#include "presenced/str.h"

/* Appends a time. For people: local time and how long ago, "2026-11-29 14:03:07 (5 min ago)"; otherwise: RFC
 * 3339 in UTC, "2026-11-29T13:03:07.250Z". */
void when_append(struct buf *out, uint64_t unix_ms, uint64_t now_ms, bool for_people);

/* Appends a local time in a short form, "14:03:07", with the date if it is not today. */
void when_append_short(struct buf *out, uint64_t unix_ms, uint64_t now_ms);

/* Appends "5 min ago", "in 5 min" or "now". */
void when_append_ago(struct buf *out, uint64_t unix_ms, uint64_t now_ms);

/* Appends a time span, such as "250 ms", "17 s", "5 min", "3 h" or "12 d", in the largest unit that gives at
 * least 2. */
void when_append_span(struct buf *out, uint64_t ms);

/* Parses a time span: a number followed by ms, s, m, h or d, such as "90s". Returns false for any other
 * text. */
bool when_parse_span(struct str text, uint64_t *ret_ms);

/* Parses a point in time: a time span before `now_ms`, such as "2h", or ms since 1970. Returns false for any
 * other text. */
bool when_parse(struct str text, uint64_t now_ms, uint64_t *ret_unix_ms);

#endif

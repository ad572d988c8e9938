/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_VENDOR_CLOCK_H
#define PRESENCED_VENDOR_CLOCK_H

/* Estimates how far Tencent's clock is ahead of ours from the header Date of its answers, as two bounds,
 * which each answer narrows and the passage of time widens. For one thread. */

#include <stdbool.h>
#include <stdint.h>

struct vendor_clock {
    bool is_known;
    int64_t ahead_min_ms;
    int64_t ahead_max_ms;
    uint64_t observed_ms; /* time of the last answer, by our clock */
};

/* Takes the Date of an answer, in Unix time. `sent_ms` and `answered_ms` are in Unix time by our clock. */
void vendor_clock_observe(struct vendor_clock *clock, uint64_t date_s, uint64_t sent_ms,
                          uint64_t answered_ms);

/* Returns the EventTime up to which the answer to a request includes all events. It is early enough even if
 * Tencent's servers that stamp events and those that answer differ by up to two seconds. */
uint64_t vendor_clock_stamp_ms(const struct vendor_clock *clock, uint64_t sent_ms);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_VENDOR_CLOCK_H
#define PRESENCED_VENDOR_CLOCK_H

/* How far Tencent's clock is ahead of ours, as far as the Date of its answers tells: between two bounds,
 * which each answer narrows and time widens. One thread. */

#include <stdbool.h>
#include <stdint.h>

struct vendor_clock {
    bool is_known;
    int64_t ahead_min_ms;
    int64_t ahead_max_ms;
    uint64_t observed_ms; /* by our clock */
};

/* An answer of the second `date_s`, to a question sent and answered at these times of ours. */
void vendor_clock_observe(struct vendor_clock *clock, uint64_t date_s, uint64_t sent_ms,
                          uint64_t answered_ms);

/* Up to which EventTime an answer to a question sent then knows of every event: never later, whatever the
 * servers that stamp events are off from those that answer, up to two seconds. */
uint64_t vendor_clock_stamp_ms(const struct vendor_clock *clock, uint64_t sent_ms);

#endif

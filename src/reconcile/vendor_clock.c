/* SPDX-License-Identifier: MIT */
#include "vendor_clock.h"

#define SKEW_MS 2000
#define DRIFT_DIVISOR 5000 /* clocks drift apart by less than 200 ppm */

static void widen(struct vendor_clock *clock, uint64_t now_ms)
{
    uint64_t elapsed_ms = now_ms > clock->observed_ms ? now_ms - clock->observed_ms : 0;
    int64_t drift_ms = (int64_t)(elapsed_ms / DRIFT_DIVISOR) + 1;
    clock->ahead_min_ms -= drift_ms;
    clock->ahead_max_ms += drift_ms;
}

void vendor_clock_observe(struct vendor_clock *clock, uint64_t date_s, uint64_t sent_ms, uint64_t answered_ms)
{
    /* The Date was written at some moment of its second, between sending the request and receiving the
     * answer. */
    int64_t min_ms = (int64_t)(date_s * 1000) - (int64_t)answered_ms;
    int64_t max_ms = (int64_t)(date_s * 1000) + 999 - (int64_t)sent_ms;
    widen(clock, answered_ms);
    if (!clock->is_known || min_ms > clock->ahead_max_ms || max_ms < clock->ahead_min_ms) {
        /* The first answer, or one of the clocks was set in between. */
        clock->ahead_min_ms = min_ms;
        clock->ahead_max_ms = max_ms;
    } else {
        clock->ahead_min_ms = min_ms > clock->ahead_min_ms ? min_ms : clock->ahead_min_ms;
        clock->ahead_max_ms = max_ms < clock->ahead_max_ms ? max_ms : clock->ahead_max_ms;
    }
    clock->is_known = true;
    clock->observed_ms = answered_ms;
}

uint64_t vendor_clock_stamp_ms(const struct vendor_clock *clock, uint64_t sent_ms)
{
    int64_t stamp_ms = (int64_t)sent_ms + (clock->is_known ? clock->ahead_min_ms : 0) - SKEW_MS;
    return stamp_ms > 0 ? (uint64_t)stamp_ms : 0;
}

/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_RECONCILE_PACE_H
#define PRESENCED_RECONCILE_PACE_H

/* Limits the rate of calls with a token bucket: one token per call, at the allowed rate, which is lowered
 * after a refusal; no calls for some time after a failure. For one thread. */

#include <stdbool.h>
#include <stdint.h>

/* Initially all zero. */
struct pace {
    double tokens; /* number of calls that may be made now */
    double rate;   /* current number of tokens per second */
    unsigned n_in_flight;
    unsigned n_failures; /* in succession */
    uint64_t paused_until_ms;
    uint64_t ticked_ms;
};

/* Resets the rate to `rate_max` and ends pauses. Calls in flight stay counted. */
void pace_reset(struct pace *pace, double rate_max, uint64_t now_ms);

/* Called once a second. A lowered rate recovers to `rate_max` within a minute. */
void pace_tick(struct pace *pace, double rate_max, uint64_t now_ms);

/* Returns whether another call may be made. */
bool pace_may_call(const struct pace *pace, uint64_t now_ms);

void pace_call_began(struct pace *pace);
void pace_call_ended(struct pace *pace);

/* Ends the state of failure. */
void pace_succeeded(struct pace *pace);

/* Halves the rate, because Tencent has reported that it is too high. */
void pace_slow_down(struct pace *pace);

/* Permits no calls for `ms`. pace_fail() also counts a failure. */
void pace_pause(struct pace *pace, uint64_t ms);
void pace_fail(struct pace *pace, uint64_t ms);

/* Counts a failure and pauses, with a duration that grows with each failure. */
void pace_retry(struct pace *pace);

#endif

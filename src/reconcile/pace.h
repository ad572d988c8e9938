/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_RECONCILE_PACE_H
#define PRESENCED_RECONCILE_PACE_H

/* How fast Tencent may be asked: a token a call, as many a second as are allowed; fewer after a refusal, and
 * none for a while after a failure. One thread. */

#include <stdbool.h>
#include <stdint.h>

/* Begins all zero. */
struct pace {
    double tokens; /* calls that may be made at once */
    double rate;   /* tokens a second, at the moment */
    unsigned n_in_flight;
    unsigned n_failures; /* in a row */
    uint64_t paused_until_ms;
    uint64_t ticked_ms;
};

/* At full speed from now on, whatever was before; calls in flight stay counted. */
void pace_reset(struct pace *pace, double rate_max, uint64_t now_ms);

/* Once a second. A rate that was lowered is back at `rate_max` within a minute. */
void pace_tick(struct pace *pace, double rate_max, uint64_t now_ms);

/* Whether another call may be made. */
bool pace_may_call(const struct pace *pace, uint64_t now_ms);

void pace_call_began(struct pace *pace);
void pace_call_ended(struct pace *pace);

/* Tencent answers again, so there is no reason to wait. */
void pace_succeeded(struct pace *pace);

/* Half as fast: Tencent says that it is too fast. */
void pace_slow_down(struct pace *pace);

/* No calls for so long; and the same because a call has failed. */
void pace_pause(struct pace *pace, uint64_t ms);
void pace_fail(struct pace *pace, uint64_t ms);

/* A call has failed that is worth trying again: after a pause that grows with each. */
void pace_retry(struct pace *pace);

#endif

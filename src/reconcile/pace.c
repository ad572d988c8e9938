/* SPDX-License-Identifier: MIT */
#include "pace.h"

#include "presenced/clock.h"

#include <stdlib.h>

#define N_IN_FLIGHT_MAX 8
#define RECOVERY_S 60
#define RETRY_MIN_MS 1000
#define RETRY_MAX_MS 60000

void pace_reset(struct pace *pace, double rate_max, uint64_t now_ms)
{
    pace->rate = rate_max;
    pace->n_failures = 0;
    pace->paused_until_ms = 0;
    if (pace->ticked_ms == 0) {
        pace->ticked_ms = now_ms;
    }
}

void pace_tick(struct pace *pace, double rate_max, uint64_t now_ms)
{
    double elapsed_s = (double)(now_ms - pace->ticked_ms) / 1000;
    pace->ticked_ms = now_ms;
    pace->rate += rate_max / RECOVERY_S * elapsed_s;
    pace->rate = pace->rate < rate_max ? pace->rate : rate_max;
    double tokens_max = pace->rate < 1 ? 1 : pace->rate;
    pace->tokens += pace->rate * elapsed_s;
    pace->tokens = pace->tokens < tokens_max ? pace->tokens : tokens_max;
}

/* After a failure there is only one call at a time, until one succeeds. */
bool pace_may_call(const struct pace *pace, uint64_t now_ms)
{
    unsigned n_max = pace->n_failures > 0 ? 1 : N_IN_FLIGHT_MAX;
    return now_ms >= pace->paused_until_ms && pace->tokens >= 1 && pace->n_in_flight < n_max;
}

void pace_call_began(struct pace *pace)
{
    pace->tokens -= 1;
    pace->n_in_flight++;
}

void pace_call_ended(struct pace *pace)
{
    pace->n_in_flight--;
}

void pace_succeeded(struct pace *pace)
{
    pace->n_failures = 0;
}

void pace_slow_down(struct pace *pace)
{
    pace->rate = pace->rate / 2 < 1 ? 1 : pace->rate / 2;
}

void pace_pause(struct pace *pace, uint64_t ms)
{
    pace->paused_until_ms = clock_monotonic_ms() + ms;
}

void pace_fail(struct pace *pace, uint64_t ms)
{
    pace->n_failures++;
    pace_pause(pace, ms);
}

void pace_retry(struct pace *pace)
{
    unsigned n_doublings = pace->n_failures < 6 ? pace->n_failures : 6;
    uint64_t wait_ms = RETRY_MIN_MS << n_doublings;
    wait_ms = wait_ms < RETRY_MAX_MS ? wait_ms : RETRY_MAX_MS;
    pace_fail(pace, wait_ms / 2 + (uint64_t)random() % wait_ms);
}

/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_CLOCK_H
#define PRESENCED_CLOCK_H

/* The clocks: wall time for comparison with Tencent's timestamps, monotonic time for deadlines and durations,
 * and time since boot to tell one boot from another. Any thread may call these. */

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* Milliseconds since 1970, the unit of EventTime; 0 if the clock is set to a time before 1970. */
uint64_t clock_unix_ms(void);

/* Milliseconds of a clock that never goes back. Only differences are meaningful. */
uint64_t clock_monotonic_ms(void);
uint64_t clock_monotonic_us(void); /* microseconds of the same clock */

/* The monotonic clock with a resolution of up to 10 ms, which is cheaper to read: for calls made once per
 * event. */
uint64_t clock_coarse_ms(void);

/* Milliseconds since the machine was booted, including the time it was suspended. */
uint64_t clock_since_boot_ms(void);

/* Initializes a condition variable for clock_wait_until(). */
void clock_init_condition(pthread_cond_t *condition);

/* Waits for `condition` with `lock` held, as pthread_cond_wait() does, until `until_ms`
 * (clock_monotonic_ms()) at most. Returns false when that is reached. May return true without a signal. */
bool clock_wait_until(pthread_cond_t *condition, pthread_mutex_t *lock, uint64_t until_ms);

#endif

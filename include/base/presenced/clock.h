/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_CLOCK_H
#define PRESENCED_CLOCK_H

/* The clocks: wall time for what is compared with Tencent's stamps, monotonic time for everything that waits,
 * and time since the boot to tell one boot from another. Any thread may call these. */

#include <stdint.h>

/* Milliseconds since 1970, as EventTime counts them; 0 for a clock set before that. */
uint64_t clock_unix_ms(void);

/* Milliseconds that never go back; of no meaning but as a difference. */
uint64_t clock_monotonic_ms(void);
uint64_t clock_monotonic_us(void); /* microseconds of the same clock */

/* The same clock in steps of up to 10 ms, which is the cheapest: for what is asked once an event. */
uint64_t clock_coarse_ms(void);

/* Milliseconds since the machine was booted, also while it sleeps. */
uint64_t clock_since_boot_ms(void);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_CLOCK_H
#define PRESENCED_CLOCK_H

/* The two clocks: wall time for what is compared with Tencent's stamps, monotonic time for everything that
 * waits. Any thread may call these. */

#include <stdint.h>

/* Milliseconds since 1970, as EventTime counts them; 0 for a clock set before that. */
uint64_t clock_unix_ms(void);

/* Milliseconds that never go back; of no meaning but as a difference. */
uint64_t clock_monotonic_ms(void);
uint64_t clock_monotonic_us(void); /* microseconds of the same clock */

#endif

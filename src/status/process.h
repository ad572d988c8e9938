/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_STATUS_PROCESS_H
#define PRESENCED_STATUS_PROCESS_H

/* What the kernel says of this process; METRIC_UNKNOWN where /proc is not there, or there is no limit. Any
 * thread. */

#include <stdint.h>

uint64_t process_cpu_us(void); /* user and system */
uint64_t process_resident_bytes(void);
uint64_t process_n_fds(void);
uint64_t process_n_fds_max(void);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_STATUS_PROCESS_H
#define PRESENCED_STATUS_PROCESS_H

/* Resource usage of this process. Any thread may call everything here. */

#include "presenced/metric.h"

/* METRIC_UNKNOWN for a number that cannot be read, and for a limit that does not exist. */
struct process_numbers {
    uint64_t cpu_us; /* user and system */
    uint64_t resident_bytes;
    uint64_t n_fds;
    uint64_t n_fds_max;
    uint64_t started_unix_ms; /* passed in by the caller */
};

void process_numbers(uint64_t started_unix_ms, struct process_numbers *ret_numbers);

void process_metrics(uint64_t started_unix_ms, const struct metric_visitor *visitor);

#endif

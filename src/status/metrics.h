/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_STATUS_METRICS_H
#define PRESENCED_STATUS_METRICS_H

/* GET /metrics: what Prometheus asks for, from one table, which draws on what /v1/stats shows. Any thread.
 *
 * Names begin with presenced_ or, of what Prometheus knows of any process, process_; times are in seconds,
 * counters end in _total. No label holds a user's id. */

#include "exposition.h"
#include "presenced/reply.h"
#include "presenced/status.h"

#define METRIC_UNKNOWN UINT64_MAX

/* One of read() and write() is there. */
struct metric {
    struct metric_family family;
    uint64_t (*read)(const struct status_config *config); /* METRIC_UNKNOWN: left out */
    void (*write)(struct exposition *out, const struct metric *metric, const struct status_config *config);
    /* For write(): which struct status_number it shows; one that ends in '_': all that begin so. */
    const char *key;
};

extern const struct metric metrics_rows[];
extern const size_t metrics_n_rows;

/* NULL when memory is gone. */
struct http_reply *metrics_answer(const struct status_config *config);

#endif

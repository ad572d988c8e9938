/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_STATUS_METRICS_H
#define PRESENCED_STATUS_METRICS_H

/* GET /metrics: all metrics in the format of Prometheus. Any thread may call this. */

#include "presenced/reply.h"
#include "presenced/status.h"

/* Returns NULL if out of memory. */
struct http_reply *metrics_answer(const struct status_config *config);

#endif

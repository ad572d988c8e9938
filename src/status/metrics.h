/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_STATUS_METRICS_H
#define PRESENCED_STATUS_METRICS_H

/* GET /metrics: what Prometheus asks for. Any thread. */

#include "presenced/reply.h"
#include "presenced/status.h"

/* NULL when memory is gone. */
struct http_reply *metrics_answer(const struct status_config *config);

#endif

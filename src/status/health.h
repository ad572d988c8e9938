/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_STATUS_HEALTH_H
#define PRESENCED_STATUS_HEALTH_H

/* GET /livez and GET /readyz, for load balancers and service managers. Any thread may call everything
 * here. */

#include "presenced/json.h"
#include "presenced/reply.h"
#include "presenced/status.h"

/* Always answers 200: it shows only that the process answers. Returns NULL if out of memory. */
struct http_reply *health_answer_alive(void);

/* Answers 200 if events are accepted, degraded or not, else 503. Returns NULL if out of memory. */
struct http_reply *health_answer_ready(struct status_health health);

/* Writes the member "status" and, if the daemon is degraded, "degraded" into the open object. */
void health_write(struct json_writer *json, struct status_health health);

#endif

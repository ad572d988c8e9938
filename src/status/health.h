/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_STATUS_HEALTH_H
#define PRESENCED_STATUS_HEALTH_H

/* GET /livez and GET /readyz, for load balancers and service managers. Any thread. */

#include "presenced/json.h"
#include "presenced/reply.h"
#include "presenced/status.h"

/* That the process answers is the whole message. NULL when memory is gone. */
struct http_reply *health_answer_alive(void);

/* 200 when events are taken, degraded or not, else 503. NULL when memory is gone. */
struct http_reply *health_answer_ready(struct status_health health);

/* Writes "status" and, where something is amiss, "degraded", into the object that is open. */
void health_write(struct json_writer *json, struct status_health health);

#endif

/* SPDX-License-Identifier: MIT */
#include "health.h"

#include "answer.h"

void health_write(struct json_writer *json, struct status_health health)
{
    static const char *const names[STATUS_N_READINESS] = {
        [STATUS_STARTING] = "starting",
        [STATUS_LEARNING] = "learning",
        [STATUS_READY] = "ready",
        [STATUS_DRAINING] = "draining",
    };
    json_str(json, "status", str_from(names[health.readiness]));
    if (health.degraded != NULL) {
        json_str(json, "degraded", str_from(health.degraded));
    }
}

struct http_reply *health_answer_alive(void)
{
    struct buf body = {0};
    buf_append(&body, STR("{\"status\":\"alive\"}"));
    return answer_json(200, &body);
}

struct http_reply *health_answer_ready(struct status_health health)
{
    struct buf body = {0};
    struct json_writer json = {.out = &body};
    json_begin_object(&json, NULL);
    health_write(&json, health);
    json_end_object(&json);
    return answer_json(health.readiness == STATUS_READY ? 200 : 503, &body);
}

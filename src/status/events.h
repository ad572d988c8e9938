/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_STATUS_EVENTS_H
#define PRESENCED_STATUS_EVENTS_H

/* GET /v1/events: changes as they happen, as Server-Sent Events. Any thread may call this. */

#include "feed.h"
#include "presenced/reply.h"
#include "presenced/request.h"

/* `only_app`: see app_choice.h. Returns NULL if out of memory. */
struct http_reply *events_answer(struct feed *feed, const struct status_config *config, int only_app,
                                 const struct http_request *request);

#endif

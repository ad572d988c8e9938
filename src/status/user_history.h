/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_STATUS_USER_HISTORY_H
#define PRESENCED_STATUS_USER_HISTORY_H

/* GET /v1/users/{user}/history?app=&since=&limit=: the recent events of one user. Any thread may call
 * this. */

#include "presenced/reply.h"
#include "presenced/status.h"

#define USER_HISTORY_LIMIT_MAX 1000
#define USER_HISTORY_LIMIT_DEFAULT 100

/* `only_app`: see app_choice.h. `encoded_id` is the {user} of the path, still percent-encoded. Returns NULL
 * if out of memory. */
struct http_reply *user_history_answer(const struct status_config *config, int only_app,
                                       const struct http_request *request, struct str encoded_id);

#endif

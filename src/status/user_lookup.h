/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_STATUS_USER_LOOKUP_H
#define PRESENCED_STATUS_USER_LOOKUP_H

/* GET /v1/users/{user}?app=: one user. Any thread may call this. */

#include "presenced/reply.h"
#include "presenced/request.h"
#include "presenced/table.h"

/* `only_app`: see app_choice.h. `encoded_id` is the {user} of the path, still percent-encoded. Returns NULL
 * if out of memory. */
struct http_reply *user_lookup_answer(struct table *table, int only_app, uint64_t now_ms,
                                      const struct http_request *request, struct str encoded_id);

#endif

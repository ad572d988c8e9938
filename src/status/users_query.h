/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_STATUS_USERS_QUERY_H
#define PRESENCED_STATUS_USERS_QUERY_H

/* POST /v1/users/query: many users by id, answered in the order of the request. Any thread may call this. */

#include "presenced/reply.h"
#include "presenced/request.h"
#include "presenced/table.h"

#define USERS_QUERY_N_MAX 1000

/* `only_app`: see app_choice.h. Returns NULL if out of memory. */
struct http_reply *users_query_answer(struct table *table, int only_app, uint64_t now_ms,
                                      const struct http_request *request);

#endif

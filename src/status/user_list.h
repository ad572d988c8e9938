/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_STATUS_USER_LIST_H
#define PRESENCED_STATUS_USER_LIST_H

/* GET /v1/users?app=&state=&platform=&limit=&cursor=: users, page by page. Any thread may call this. */

#include "presenced/reply.h"
#include "presenced/request.h"
#include "presenced/table.h"

#define USER_LIST_LIMIT_MAX 1000
#define USER_LIST_LIMIT_DEFAULT 100

/* `only_app`: see app_choice.h. `epoch` identifies this run of the daemon. Returns NULL if out of memory. */
struct http_reply *user_list_answer(struct table *table, int only_app, uint64_t epoch, uint64_t now_ms,
                                    const struct http_request *request);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_STATUS_VENDOR_QUERY_H
#define PRESENCED_STATUS_VENDOR_QUERY_H

/* POST /v4/openim/query_online_status?sdkappid= and /v4/openim/querystate?sdkappid=: Tencent's own queries,
 * so that a program that calls Tencent can call presenced instead. Any thread may call this. */

#include "presenced/online_query.h"
#include "presenced/reply.h"
#include "presenced/request.h"
#include "presenced/table.h"

/* `only_app`: see app_choice.h. The status is always 200; as in Tencent's answers, errors are in the body.
 * Returns NULL if out of memory. */
struct http_reply *vendor_query_answer(struct table *table, int only_app, uint64_t now_ms,
                                       enum online_query_form form, const struct http_request *request);

#endif

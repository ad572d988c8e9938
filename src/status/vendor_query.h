/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_STATUS_VENDOR_QUERY_H
#define PRESENCED_STATUS_VENDOR_QUERY_H

/* POST /v4/openim/query_online_status?sdkappid= and querystate: Tencent's own query, so that a program that
 * asks there can ask here instead. Any thread. */

#include "presenced/online_query.h"
#include "presenced/reply.h"
#include "presenced/request.h"
#include "presenced/table.h"

/* Always 200: what is wrong is told in the body, as the vendor does. NULL when memory is gone. */
struct http_reply *vendor_query_answer(struct table *table, int only_app, uint64_t now_ms,
                                       enum online_query_form form, const struct http_request *request);

#endif

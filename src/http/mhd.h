/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_HTTP_MHD_H
#define PRESENCED_HTTP_MHD_H

/* What the files of src/http share about libmicrohttpd, and the only place that includes it. */

#include "presenced/reply.h"
#include "presenced/request.h"

#include <microhttpd.h>

/* Queues a reply, and frees it when it is one that is sent once. */
enum MHD_Result http_reply_queue(struct http_reply *reply, struct MHD_Connection *connection,
                                 bool close_after);

/* Whether head and body together are less than libmicrohttpd would send a head of by itself. */
bool http_reply_is_short(const struct http_reply *reply);

/* Frees a reply that is sent once and will not be; leaves the others alone. */
void http_reply_release(struct http_reply *reply);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_HTTP_REPLY_H
#define PRESENCED_HTTP_REPLY_H

/* What src/http itself does with replies (presenced/reply.h). */

#include "presenced/reply.h"

struct http_connection;

/* Queues a reply, and frees it when it is one that is sent once. False where the connection is to be closed
 * without a word. */
bool http_reply_queue(struct http_reply *reply, struct http_connection *connection, bool close_after);

/* The bytes of the reply, which closes, for who sends it past libmicrohttpd. */
void http_reply_write(struct http_reply *reply, struct buf *out);

/* Whether head and body together are less than libmicrohttpd would send a head of by itself. */
bool http_reply_is_short(const struct http_reply *reply);

/* Frees a reply that is sent once and will not be; leaves the others alone. */
void http_reply_release(struct http_reply *reply);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_HTTP_REPLY_H
#define PRESENCED_HTTP_REPLY_H

/* The functions of replies (presenced/reply.h) that only src/http uses. */

#include "mhd_adapter.h"

/* Queues a reply; consumes one that is sent once. False when libmicrohttpd does not take it: close the
 * connection. */
bool http_reply_queue(struct http_reply *reply, struct mhd *mhd, bool close_after);

/* Writes the whole reply, with `Connection: close`, to send it without libmicrohttpd. */
void http_reply_write(struct http_reply *reply, struct buf *out);

/* Whether the reply is so short that libmicrohttpd does not push out its head before the body. */
bool http_reply_is_short(const struct http_reply *reply);

/* Frees a reply of http_reply_once() that will not be queued; does nothing for any other. */
void http_reply_release(struct http_reply *reply);

#endif

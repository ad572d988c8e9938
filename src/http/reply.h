/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_HTTP_REPLY_H
#define PRESENCED_HTTP_REPLY_H

/* The functions of replies (presenced/reply.h) that only src/http uses. */

#include "mhd_adapter.h"

struct streaming;

/* A reply whose body `response` asks for; consumes `response`, also when it returns NULL: memory is gone.
 * `streaming` is borrowed for as long as the response lives. */
struct http_reply *http_reply_of_body(unsigned status, struct mhd_response *response,
                                      struct streaming *streaming);

/* What http_reply_of_body() was given; NULL: the reply is no stream. */
struct streaming *http_reply_streaming(const struct http_reply *reply);

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

/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_HTTP_REPLY_H
#define PRESENCED_HTTP_REPLY_H

/* The functions of replies (presenced/reply.h) that only src/http uses. */

#include "mhd_adapter.h"

struct streaming;

/* Creates a reply with a generated body. Takes ownership of `response`, also on failure. `streaming` is
 * borrowed as long as the response lives. Returns NULL if out of memory. */
struct http_reply *http_reply_of_body(unsigned status, struct mhd_response *response,
                                      struct streaming *streaming);

/* Returns the `streaming` given to http_reply_of_body(), or NULL if the reply is not a stream. */
struct streaming *http_reply_streaming(const struct http_reply *reply);

/* Queues a reply, and takes ownership of one that is sent once. Returns false if libmicrohttpd does not
 * accept it: close the connection. */
bool http_reply_queue(struct http_reply *reply, struct mhd *mhd, bool close_after);

/* Writes the whole reply, with `Connection: close`, to send it without libmicrohttpd. */
void http_reply_write(struct http_reply *reply, struct buf *out);

/* Returns whether the reply is so short that libmicrohttpd does not send its head before the body. */
bool http_reply_is_short(const struct http_reply *reply);

/* Frees a reply of http_reply_once() that will not be queued; does nothing for any other. */
void http_reply_release(struct http_reply *reply);

#endif

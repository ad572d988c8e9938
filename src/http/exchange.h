/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_HTTP_EXCHANGE_H
#define PRESENCED_HTTP_EXCHANGE_H

/* A request and its reply, from the request line until the reply is sent. Called as libmicrohttpd proceeds
 * (struct mhd_events, which says what false means), on the connection's thread. */

#include "mhd_adapter.h"

#include "presenced/request.h"

struct http_connection;

enum exchange_stage {
    EXCHANGE_NONE,     /* between requests */
    EXCHANGE_HEAD,     /* the request line was read */
    EXCHANGE_READ,     /* the body is collected, then the handler answers */
    EXCHANGE_WAIT,     /* the answer is pending: suspended in libmicrohttpd until `reply` is set */
    EXCHANGE_DISCARD,  /* the body is read and discarded, then `reply` is sent */
    EXCHANGE_ANSWERED, /* the reply is queued */
    EXCHANGE_STREAM,   /* a streaming reply is queued; the request is no longer in flight */
};

struct exchange {
    struct http_request request;
    enum exchange_stage stage;
    struct http_reply *reply; /* set in EXCHANGE_DISCARD, and in EXCHANGE_WAIT once it is known */
    bool close_after;         /* close after the reply: what follows may not be a request */
    struct buf target;
    struct buf body;
    bool is_chunked;
    uint64_t n_head_bytes;
    uint64_t n_body_bytes; /* received, whether kept or discarded */
};

/* Called when the request line was read. Copies `target`, which is as sent. */
void exchange_begin(struct http_connection *connection, struct str target);

/* Called when the headers were read. */
bool exchange_head(struct http_connection *connection, const struct mhd_head *head);

/* Called when a part of the body was read. */
bool exchange_body(struct http_connection *connection, struct str bytes);

/* Called when the body is complete, and again when the pending answer of an exchange in EXCHANGE_WAIT is
 * known. */
bool exchange_answer(struct http_connection *connection);

/* Called when the reply was sent or the connection was lost. */
void exchange_end(struct http_connection *connection);

/* Called when the library rejects what it is reading, with this HTTP status, or 0 if our check of its chunks
 * does. Sends our own refusal without the library and shuts down the sending side, so that the library's own
 * reply cannot follow. Counts the request; the handler logs it. */
void exchange_is_refused(struct http_connection *connection, unsigned status);

/* Frees what the exchange owns. */
void exchange_fini(struct exchange *exchange);

#endif

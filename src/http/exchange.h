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
    EXCHANGE_WAIT,     /* the answer is not known yet: suspended in libmicrohttpd until there is a `reply` */
    EXCHANGE_DISCARD,  /* the body is read and discarded, then `reply` is sent */
    EXCHANGE_ANSWERED, /* the reply is queued */
    EXCHANGE_STREAM,   /* the same, and it is a stream: the request is not in flight any more */
};

struct exchange {
    struct http_request request;
    enum exchange_stage stage;
    struct http_reply *reply; /* in EXCHANGE_DISCARD; in EXCHANGE_WAIT NULL until it is known */
    bool close_after;         /* close after the reply: what follows may not be a request */
    struct buf target;
    struct buf body;
    bool is_chunked;
    uint64_t n_head_bytes;
    uint64_t n_body_bytes; /* received, whether kept or discarded */
};

/* The request line was read. Copies `target`, which is as it was sent. */
void exchange_begin(struct http_connection *connection, struct str target);

/* The headers were read. */
bool exchange_head(struct http_connection *connection, const struct mhd_head *head);

/* Some of the body was read. */
bool exchange_body(struct http_connection *connection, struct str bytes);

/* The body is complete. Called again when the answer is known that an exchange in EXCHANGE_WAIT waits for. */
bool exchange_answer(struct http_connection *connection);

/* The reply was sent, or the connection was lost. */
void exchange_end(struct http_connection *connection);

/* The library refuses what is being read, with this HTTP status; 0: we do, for its chunks. Sends a refusal of
 * ours without the library and shuts down the sending side, so that the library's own cannot follow. Counts
 * it; the handler logs it. */
void exchange_is_refused(struct http_connection *connection, unsigned status);

/* Frees what the exchange owns. */
void exchange_fini(struct exchange *exchange);

#endif

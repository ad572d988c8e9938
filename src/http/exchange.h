/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_HTTP_EXCHANGE_H
#define PRESENCED_HTTP_EXCHANGE_H

/* A request and its reply, from the request line until the reply is sent. mhd_adapter.c calls these functions
 * as libmicrohttpd proceeds, on the connection's thread. */

#include "presenced/framing.h"
#include "presenced/request.h"

struct http_connection;

enum exchange_stage {
    EXCHANGE_NONE,     /* between requests */
    EXCHANGE_HEAD,     /* the request line was read */
    EXCHANGE_READ,     /* the body is collected, then the handler answers */
    EXCHANGE_WAIT,     /* the answer is not known yet: suspended in libmicrohttpd until there is a `reply` */
    EXCHANGE_DISCARD,  /* the body is read and discarded, then `reply` is sent */
    EXCHANGE_ANSWERED, /* the reply is queued */
};

struct exchange {
    enum exchange_stage stage;
    struct http_request request;
    struct http_reply *reply; /* in EXCHANGE_DISCARD; in EXCHANGE_WAIT NULL until it is known */
    bool close_after;         /* close after the reply: what follows may not be a request */
    struct buf target;
    struct buf body;
    bool is_chunked;
    uint64_t n_head_bytes;
    uint64_t n_body_bytes; /* received, whether kept or discarded */
};

/* A head as libmicrohttpd has parsed it; borrowed for the call. */
struct exchange_head {
    struct str method;
    bool is_http_1_0;
    bool must_close; /* the library cannot be relied on to find the end of this request */
    struct framing framing;
    uint64_t n_bytes;
};

enum exchange_result {
    EXCHANGE_GO_ON,
    EXCHANGE_CLOSE, /* close the connection; nothing more is sent */
};

/* The request line was read. Copies `target`, which is as it was sent. */
void exchange_begin(struct http_connection *connection, struct str target);

/* The headers were read. */
enum exchange_result exchange_head(struct http_connection *connection, const struct exchange_head *head);

/* Some of the body was read. */
enum exchange_result exchange_body(struct http_connection *connection, struct str bytes);

/* The body is complete. Called again when the answer is known that an exchange in EXCHANGE_WAIT waits for. */
enum exchange_result exchange_answer(struct http_connection *connection);

/* The reply was sent, or the connection was lost. */
void exchange_end(struct http_connection *connection);

/* Refuses what is being read, at any point before the reply: sends the refusal without libmicrohttpd and
 * shuts down the sending side, so that the library's own refusal cannot follow. Counts it; the handler logs
 * it. */
void exchange_refuse_at_once(struct http_connection *connection, enum http_refusal why, const char *error);

/* Frees what the exchange owns. */
void exchange_fini(struct exchange *exchange);

#endif

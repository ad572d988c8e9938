/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_HTTP_EXCHANGE_H
#define PRESENCED_HTTP_EXCHANGE_H

/* A request on its way, from its first line to the end of its reply. Belongs to its connection's thread;
 * mhd_adapter.c calls these as libmicrohttpd goes on. */

#include "presenced/framing.h"
#include "presenced/request.h"

struct http_connection;

enum exchange_stage {
    EXCHANGE_NONE,    /* between requests */
    EXCHANGE_HEAD,    /* the request line was read */
    EXCHANGE_READ,    /* the body is read, then answered */
    EXCHANGE_WAIT,    /* the answer waits: suspended in libmicrohttpd, until it is `reply` */
    EXCHANGE_DISCARD, /* the body is thrown away, then `reply` is sent */
    EXCHANGE_ANSWERED,
};

struct exchange {
    enum exchange_stage stage;
    struct http_request request;
    struct http_reply *reply; /* of EXCHANGE_DISCARD; of EXCHANGE_WAIT, when it is there */
    bool close_after;         /* what follows on this connection cannot be trusted to be a request */
    struct buf target;
    struct buf body;
    bool is_chunked;
    uint64_t n_head_bytes;
    uint64_t n_body_bytes; /* that have come, kept or not */
};

/* What libmicrohttpd says of a head; borrowed for the call. */
struct exchange_head {
    struct str method;
    bool is_http_1_0;
    bool is_one_way; /* close after the reply: where a chunked body ends is not beyond doubt */
    struct framing framing;
    uint64_t n_bytes;
};

/* Returned by what goes on with a request. */
enum exchange_result {
    EXCHANGE_GO_ON,
    EXCHANGE_CLOSE, /* the connection is to be closed without a word */
};

/* The request line is there, its target as it was sent. */
void exchange_begin(struct http_connection *connection, struct str target);

enum exchange_result exchange_head(struct http_connection *connection, const struct exchange_head *head);
enum exchange_result exchange_body(struct http_connection *connection, struct str bytes);

/* The body is whole. Called again when a waiting answer is there. */
enum exchange_result exchange_answer(struct http_connection *connection);

/* The reply was sent, or the connection was lost. */
void exchange_end(struct http_connection *connection);

/* A request that cannot be gone on with, at whatever point: sends the refusal past libmicrohttpd and shuts
 * the connection down, so that nothing of the library's follows. Counted, and logged by the handler. */
void exchange_refuse_at_once(struct http_connection *connection, enum http_refusal why, const char *error);

/* Releases what an exchange holds. */
void exchange_fini(struct exchange *exchange);

#endif

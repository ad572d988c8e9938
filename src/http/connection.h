/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_HTTP_CONNECTION_H
#define PRESENCED_HTTP_CONNECTION_H

/* One connection of a listener, and the request that it carries at the moment. Belongs to the thread of its
 * worker. */

#include "deadlines.h"
#include "mhd.h"
#include "presenced/listener.h"

struct http_worker;

/* What our epoll watches; the first member of whatever is watched. */
enum watch_kind {
    WATCH_SOCKET,
    WATCH_WAKE,
    WATCH_MHD,
    WATCH_NEWCOMER,
    WATCH_PARKED,
};

struct watch {
    enum watch_kind kind;
    int fd;
};

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

struct http_connection {
    struct watch watch; /* of its own socket: WATCH_NEWCOMER, then WATCH_PARKED */
    struct waiter waiter;
    struct waiter answer_waiter; /* of EXCHANGE_WAIT: in the worker's `waiting` */
    struct http_worker *worker;
    struct MHD_Connection *mhd;
    struct tls_session *tls; /* NULL: plain HTTP */
    struct address peer;
    bool is_bounded;     /* counted by address */
    uint64_t n_received; /* bytes of all requests that were answered */
    bool is_busy;        /* waits for its request to be whole, or for its reply to be taken; else idle */
    bool has_served;     /* a request has come over it */
    bool is_unfinished;  /* stands in the worker's list of them */
    bool has_unsent;     /* of a reply that libmicrohttpd has seen off, tls_session_flush() keeps some */
    bool has_gathered;   /* a first reply waits for tls_session_settle() */
    bool is_parked;      /* suspended in libmicrohttpd, watched by us */
    struct http_connection *next_unfinished;
    struct exchange exchange;
};

/* Worker.c: what the exchange tells its worker. */

/* Something has come of what was read. */
void http_worker_has_progressed(struct http_worker *worker);

/* A request line is there. request_timeout runs since the connection was accepted or since the request's
 * first byte, where that was seen, else from now on. */
void http_worker_request_begins(struct http_connection *connection);

/* The request, of so many bytes (0: not known), is answered: its sender has request_timeout to take the
 * reply. */
void http_worker_request_is_answered(struct http_connection *connection, uint64_t n_request_bytes);

/* The reply is sent: the connection may be idle for idle_timeout. */
void http_worker_request_ends(struct http_connection *connection);

/* Sends what was kept back of the reply. */
void http_flush(struct http_connection *connection);

const struct http_listener_config *http_worker_config(const struct http_worker *worker);
bool http_worker_is_draining(const struct http_worker *worker);

/* Exchange.c: libmicrohttpd's callbacks for requests. */

void *http_exchange_begin(void *cls, const char *target, struct MHD_Connection *mhd);
enum MHD_Result http_exchange_continue(void *cls, struct MHD_Connection *mhd, const char *url,
                                       const char *method, const char *version, const char *upload_data,
                                       size_t *upload_data_size, void **connection_cls);
void http_exchange_end(void *cls, struct MHD_Connection *mhd, void **connection_cls,
                       enum MHD_RequestTerminationCode code);

/* Releases what an exchange holds. */
void http_exchange_fini(struct exchange *exchange);

#endif

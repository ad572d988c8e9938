/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_HTTP_CONNECTION_H
#define PRESENCED_HTTP_CONNECTION_H

/* One connection of a listener, and the request that it carries. Belongs to the thread of its worker. It is,
 * in this order:
 *
 *   deferred    accepted, nothing received yet: watched by our own epoll (deferred.c)
 *   added       handed over to libmicrohttpd (added.c). Suspended there while it is parked, where the library
 *               would spin (parking.c), and while its answer is not known (waiting.c)
 *   lingering   refused while its peer was still sending: libmicrohttpd has closed its descriptor, and input
 *               is discarded for a while, so that no reset overtakes the reply (lingering.c) */

#include "deadlines.h"
#include "exchange.h"
#include "presenced/listener.h"
#include "watch.h"

struct MHD_Connection;
struct mhd_loop;
struct http_worker;

struct http_connection {
    struct watch watch;          /* of its socket */
    struct waiter waiter;        /* in the worker's `busy` or `idle` */
    struct waiter answer_waiter; /* in EXCHANGE_WAIT: in the worker's `waiting` */
    struct http_worker *worker;
    struct mhd_loop *loop;      /* of an added connection */
    struct MHD_Connection *mhd; /* NULL: not added */
    struct tls_session *tls;    /* NULL: plain HTTP */
    struct address peer;
    bool is_bounded;     /* counted by address */
    uint64_t n_received; /* bytes of the requests that were answered */
    bool is_busy;        /* in `busy`: request_timeout runs; else idle_timeout */
    bool has_served;     /* a request line was read */
    bool has_hung_up;    /* its peer sends no more */
    bool is_refused;     /* by exchange_refuse_at_once() */
    bool is_closing;     /* the last request or its reply said that the connection ends */
    bool is_unfinished;  /* in the worker's `unfinished` */
    bool has_unsent;   /* tls_session_flush() has not sent all of a reply that libmicrohttpd takes for sent */
    bool has_gathered; /* the first reply waits for tls_session_settle() */
    bool is_parked;    /* suspended in libmicrohttpd and watched by our epoll */
    int linger_fd;     /* a second descriptor of the socket (lingering.c); -1: none */
    uint64_t n_lingering_bytes;
    struct http_connection *next_unfinished;
    struct exchange exchange;
};

#endif

/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_HTTP_CONNECTION_H
#define PRESENCED_HTTP_CONNECTION_H

/* One connection of a listener, and the request that it carries at the moment. Belongs to the thread of its
 * worker.
 *
 *   deferred    accepted, nothing received yet: watched by us alone (deferred.c)
 *   added       libmicrohttpd has it; parked, while it has to wait where the library would spin (parking.c),
 *               suspended, while its answer has to wait (waiting.c)
 *   lingering   closed by us while its peer was still sending: what comes is thrown away for a while, so that
 *               no reset overtakes the reply (lingering.c) */

#include "deadlines.h"
#include "exchange.h"
#include "presenced/listener.h"
#include "watch.h"

struct MHD_Connection;
struct mhd_loop;
struct http_worker;

struct http_connection {
    struct watch watch;          /* of its own socket */
    struct waiter waiter;        /* in the worker's `busy` or `idle` */
    struct waiter answer_waiter; /* of EXCHANGE_WAIT: in the worker's `waiting` */
    struct http_worker *worker;
    struct mhd_loop *loop;      /* NULL: libmicrohttpd has not got it */
    struct MHD_Connection *mhd; /* the same */
    struct tls_session *tls;    /* NULL: plain HTTP */
    struct address peer;
    bool is_bounded;     /* counted by address */
    uint64_t n_received; /* bytes of all requests that were answered */
    bool is_busy;        /* waits for its request to be whole, or for its reply to be taken; else idle */
    bool has_served;     /* a request has come over it */
    bool has_hung_up;    /* its peer sends no more */
    bool is_refused;     /* by exchange_refuse_at_once() */
    bool is_closing;     /* its last request, or the reply to it, said that nothing follows */
    bool is_unfinished;  /* stands in the worker's list of them */
    bool has_unsent;     /* of a reply that libmicrohttpd has seen off, tls_session_flush() keeps some */
    bool has_gathered;   /* a first reply waits for tls_session_settle() */
    bool is_parked;      /* suspended in libmicrohttpd, watched by us */
    int linger_fd;       /* the same socket, to be left open when libmicrohttpd closes its own; -1: none */
    uint64_t n_lingering_bytes;
    struct http_connection *next_unfinished;
    bool is_half_read;   /* stands in the worker's list of them */
    size_t n_rest_bytes; /* that GnuTLS had for libmicrohttpd when it was looked at last */
    struct http_connection *next_half_read;
    struct exchange exchange;
};

#endif

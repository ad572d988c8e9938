/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_HTTP_CONNECTION_H
#define PRESENCED_HTTP_CONNECTION_H

/* HTTP on one connection, and what the files of src/http share of a worker and its listener. From the top:
 * listener.c and connection.c are what the transport calls; exchange.c is a request and its reply;
 * streaming.c is a reply that goes on; parking.c and waiting.c suspend a connection in libmicrohttpd and
 * resume it; mhd_loop.c runs the library, mhd_adapter.c is the library. For the worker's thread only. */

#include "exchange.h"
#include "mhd_loop.h"

#include "presenced/listener.h"
#include "presenced/protocol.h"

#include <stdatomic.h>

struct http_connection {
    struct transport_connection transport;
    struct mhd_loop *loop;       /* NULL: libmicrohttpd does not have it yet, or no more */
    struct waiter answer_waiter; /* in EXCHANGE_WAIT: in the worker's `waiting` */
    struct waiter stream_link;   /* in EXCHANGE_STREAM: in the worker's `streams` */
    struct streaming *streaming; /* in EXCHANGE_STREAM; else NULL */
    bool is_refused;             /* the library is not to answer any more: a refusal of ours is sent */
    bool is_closing;             /* the last request or its reply said that the connection ends */
    bool is_unfinished;          /* in the worker's `unfinished` */
    bool has_unsent;   /* tls_session_flush() has not sent all of a reply that libmicrohttpd takes for sent */
    bool has_gathered; /* the first reply waits for tls_session_settle() */
    bool is_parked;    /* suspended in libmicrohttpd until there is an event (parking.c) */
    struct http_connection *next_unfinished;
    struct exchange exchange;
};

/* Written by the worker alone, read by anyone. */
struct http_worker_counters {
    _Atomic uint64_t n_requests;
    _Atomic uint64_t n_malformed; /* see struct http_counters */
    _Atomic uint64_t n_in_flight;
    _Atomic uint64_t n_waiting; /* of those in flight, the ones in EXCHANGE_WAIT */
    _Atomic uint64_t n_streams; /* in EXCHANGE_STREAM: not in flight */
};

struct http_worker {
    struct transport_worker *transport;
    const struct http_config *config;
    struct mhd_loops loops;
    struct wait_queue waiting;          /* connections in EXCHANGE_WAIT */
    struct http_connection *unfinished; /* for parking_finish_round() */
    struct wait_queue streams;          /* connections in EXCHANGE_STREAM */
    _Atomic bool streams_are_woken;     /* by http_listener_wake_streams(), since they were asked last */
    bool streams_end;                   /* the listener drains */
    uint64_t streams_begun_us;          /* when this round began to ask them; 0: it does not */
    uint64_t streams_next_us;           /* they are not to be asked before */
    uint64_t streams_tick_ms;           /* when they are to be asked though nobody has woken them */
    struct http_worker_counters counters;
};

static inline struct http_worker *http_worker_of(const struct http_connection *connection)
{
    return connection->transport.worker->protocol;
}

static inline void http_count_down(_Atomic uint64_t *counter)
{
    uint64_t n = atomic_load_explicit(counter, memory_order_relaxed);
    atomic_store_explicit(counter, n - 1, memory_order_relaxed);
}

/* ---- connection.c: what a protocol and libmicrohttpd have a connection do ---- */

extern const struct mhd_events http_connection_events;

void http_connection_begin(struct transport_connection *transport);
void http_connection_on_events(struct transport_connection *transport, uint32_t events);
void http_connection_cut(struct transport_connection *transport);
void http_connection_forget(struct transport_connection *transport);

/* Resumes it, if it is suspended: the library can be stopped then. */
void http_connection_let_go(struct http_connection *connection);

/* ---- parking.c ---- */

/* struct tls_session_events.is_unfinished of the connection `cls`. */
void parking_is_unfinished(void *cls);

/* Sends what the TLS session has held back of the reply. */
void parking_flush(struct http_connection *connection);

/* An event of a parked connection: sends what is unsent, then unparks it. */
void parking_is_ready(struct http_connection *connection);

/* Suspends a connection until there is an event: from a callback of the library's for it, or between two
 * runs. */
void parking_park(struct http_connection *connection);

/* Schedules a connection for parking_finish_round(). */
void parking_finish_later(struct http_connection *connection);

/* After the runs of a round: parks or rearms the connections scheduled for it. */
void parking_finish_round(struct http_worker *worker);

/* Resumes a parked connection; does nothing for any other. */
void parking_unpark(struct http_connection *connection);

/* Removes a connection that ends. */
void parking_forget(struct http_connection *connection);

/* ---- streaming.c ---- */

/* The stream of a connection's reply, which libmicrohttpd has taken. */
void streaming_begin(struct http_connection *connection, struct streaming *streaming);

/* The reply has ended, or its connection. */
void streaming_end(struct http_connection *connection);

/* A connection that is cut: nothing is read of its stream any more. */
void streaming_break(struct http_connection *connection);

/* Before the runs of a round: resumes the streams that have something to send, where it is time to ask them.
 */
void streaming_ask(struct http_worker *worker);

/* After the runs: says when they may be asked again. */
void streaming_rest(struct http_worker *worker);

/* How long the worker may wait for events. */
uint64_t streaming_wait_ms(const struct http_worker *worker);

/* Has all of them end, and those that begin from now on. */
void streaming_end_all(struct http_worker *worker);

/* ---- waiting.c ---- */

/* Suspends a connection whose answer is not known yet. */
void waiting_begin(struct http_connection *connection);

/* Resumes the connections whose answers are known by now. */
void waiting_answer(struct http_worker *worker);

/* Resumes a connection that waits for its answer, with or without one; does nothing for any other. */
void waiting_end(struct http_connection *connection);

#endif

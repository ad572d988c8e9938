/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_HTTP_CONNECTION_H
#define PRESENCED_HTTP_CONNECTION_H

/* HTTP on one connection, and the state that the files of src/http share of a worker and its listener. From
 * the top: listener.c and connection.c are called by the transport; exchange.c handles a request and its
 * reply; streaming.c handles streaming replies; parking.c and waiting.c suspend a connection in libmicrohttpd
 * and resume it; mhd_loop.c runs the library; mhd_adapter.c wraps it. For the worker's thread only. */

#include "exchange.h"
#include "mhd_loop.h"

#include "presenced/listener.h"
#include "presenced/protocol.h"

#include <stdatomic.h>

struct http_connection {
    struct transport_connection transport;
    struct mhd_loop *loop;       /* NULL: not yet added to libmicrohttpd, or already removed */
    struct waiter answer_waiter; /* in EXCHANGE_WAIT: in the worker's `waiting` */
    struct waiter stream_link;   /* in EXCHANGE_STREAM: in the worker's `streams` */
    struct streaming *streaming; /* in EXCHANGE_STREAM; else NULL */
    bool is_refused;    /* a refusal was sent without the library, which must not send anything more */
    bool is_closing;    /* the last request or its reply said that the connection ends */
    bool is_unfinished; /* in the worker's `unfinished` */
    bool has_unsent; /* tls_session_flush() could not send all of a reply that libmicrohttpd considers sent */
    bool has_gathered; /* the first reply has been gathered; tls_session_settle() sends it */
    bool is_parked;    /* suspended in libmicrohttpd until there is an event (parking.c) */
    struct http_connection *next_unfinished;
    struct exchange exchange;
};

/* Written by the worker only, read by any thread. */
struct http_worker_counters {
    _Atomic uint64_t n_requests;
    _Atomic uint64_t n_malformed; /* see struct http_counters */
    _Atomic uint64_t n_in_flight;
    _Atomic uint64_t n_waiting; /* requests in EXCHANGE_WAIT, which are in flight, too */
    _Atomic uint64_t n_streams; /* streams, which are not in flight */
};

struct http_worker {
    struct transport_worker *transport;
    const struct http_config *config;
    struct mhd_loops loops;
    struct wait_queue waiting;          /* connections in EXCHANGE_WAIT */
    struct http_connection *unfinished; /* for parking_finish_round() */
    struct wait_queue streams;          /* connections in EXCHANGE_STREAM */
    _Atomic bool streams_are_woken;     /* set by http_listener_wake_streams() until the next check */
    bool streams_end;                   /* the listener drains */
    uint64_t streams_begun_us;          /* when this round began to check streams; 0: it did not */
    uint64_t streams_next_us;           /* streams are not checked before this time */
    uint64_t streams_tick_ms;           /* when streams are checked without a wake-up */
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

/* Functions of connection.c, called by the transport and libmicrohttpd. */

extern const struct mhd_events http_connection_events;

void http_connection_begin(struct transport_connection *transport);
void http_connection_on_events(struct transport_connection *transport, uint32_t events);
void http_connection_cut(struct transport_connection *transport);
void http_connection_forget(struct transport_connection *transport);

/* Resumes the connection if it is suspended, so that the library can be stopped. */
void http_connection_resume(struct http_connection *connection);

/* Functions of parking.c. */

/* The callback struct tls_session_events.is_unfinished; `cls` is the connection. */
void parking_is_unfinished(void *cls);

/* Sends the part of the reply that the TLS session has held back. */
void parking_flush(struct http_connection *connection);

/* Handles an event of a parked connection: sends what is unsent, then unparks it. */
void parking_is_ready(struct http_connection *connection);

/* Suspends a connection until there is an event. Called from a library callback for this connection, or
 * between two runs. */
void parking_park(struct http_connection *connection);

/* Schedules a connection for parking_finish_round(). */
void parking_finish_later(struct http_connection *connection);

/* Called after the runs of a round: parks or rearms the connections scheduled for it. */
void parking_finish_round(struct http_worker *worker);

/* Resumes a parked connection; does nothing for any other. */
void parking_unpark(struct http_connection *connection);

/* Removes a connection that ends. */
void parking_forget(struct http_connection *connection);

/* Functions of streaming.c. */

/* Starts a stream, whose response libmicrohttpd has accepted. */
void streaming_begin(struct http_connection *connection, struct streaming *streaming);

/* Called when the reply or its connection has ended. */
void streaming_end(struct http_connection *connection);

/* Called when the connection is cut: nothing more is read from the stream. */
void streaming_break(struct http_connection *connection);

/* Called before the runs of a round: if streams are due to be checked, resumes those that have something to
 * send. */
void streaming_check(struct http_worker *worker);

/* Called after the runs of a round: determines when streams may be checked again. */
void streaming_rest(struct http_worker *worker);

/* Returns how long the worker may wait for events. */
uint64_t streaming_wait_ms(const struct http_worker *worker);

/* Ends all streams, and those that begin later. */
void streaming_end_all(struct http_worker *worker);

/* Functions of waiting.c. */

/* Suspends a connection whose answer is pending. */
void waiting_begin(struct http_connection *connection);

/* Resumes the connections whose answers have become known. */
void waiting_answer(struct http_worker *worker);

/* Resumes a connection whose answer is pending, whether or not the answer is known; does nothing for any
 * other. */
void waiting_end(struct http_connection *connection);

#endif

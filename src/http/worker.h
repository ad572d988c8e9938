/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_HTTP_WORKER_H
#define PRESENCED_HTTP_WORKER_H

/* One thread of a listener. Created and freed by the listener's owner; everything below the struct is for
 * that thread alone. */

#include "address_bound.h"
#include "connection.h"
#include "mhd_loop.h"
#include "presenced/log.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>

/* What the workers of a listener share. */
struct http_shared {
    struct http_listener_config config;
    struct address_bound *addresses; /* NULL: no bound */
    pthread_rwlock_t unbounded_lock;
    struct network *unbounded; /* peers that `addresses` does not count */
    size_t n_unbounded;
    unsigned n_sockets;
    int sockets[HTTP_LISTENER_N_SOCKETS_MAX];
    bool is_shared[HTTP_LISTENER_N_SOCKETS_MAX]; /* with another process, which keeps it */
    _Atomic uint64_t n_connections;
    _Atomic bool draining;
    _Atomic bool paused;
    _Atomic unsigned n_paused; /* threads that have seen it */
    _Atomic bool room_wanted;  /* at max_connections, and somebody waits to be accepted */
};

/* Counters of one worker: written by it alone, read by anyone. */
struct http_worker_stats {
    _Atomic uint64_t n_accepted;
    _Atomic uint64_t n_refused_per_address;
    _Atomic uint64_t n_timed_out;
    _Atomic uint64_t n_requests;
    _Atomic uint64_t n_malformed; /* refused, or closed, for what the listener could not read in one way */
    _Atomic uint64_t n_in_flight;
    _Atomic uint64_t n_waiting; /* of them, for their answers */
    _Atomic uint64_t n_rounds;  /* moves as long as the thread does */
    _Atomic bool is_quiet;      /* paused, and all that had come is answered */
};

/* Starts a thread. 0, or -errno. */
int http_worker_new(struct http_shared *shared, unsigned number, struct http_worker **ret_worker);

/* Makes the thread look at what has changed in `shared`. */
void http_worker_wake(struct http_worker *worker);

/* Ends the thread and its connections. */
void http_worker_free(struct http_worker *worker);
DEFINE_CLEANUP(struct http_worker *, http_worker_free)

const struct http_worker_stats *http_worker_stats(const struct http_worker *worker);

struct http_worker {
    struct http_shared *shared;
    struct mhd_loop *loop; /* with TLS: of all connections */
    struct mhd_loops loops;
    int epoll_fd;
    struct watch wake;
    struct watch sockets[HTTP_LISTENER_N_SOCKETS_MAX];
    bool accepts; /* the sockets are in the epoll */
    bool is_started;
    pthread_t thread;
    _Atomic bool stopping;
    uint64_t now_us;     /* when the round began */
    uint64_t now_ms;     /* the same */
    bool has_progressed; /* in this round */
    bool has_paused;
    bool is_ending; /* no connection lingers any more */
    uint64_t next_sweep_ms;
    uint64_t accept_again_ms;
    struct wait_queue busy;
    struct wait_queue idle;
    struct wait_queue waiting;          /* for their answers */
    struct http_connection *unfinished; /* for http_finish_round() */
    struct http_connection *last_read;  /* of current.c; NULL: nobody in this round */
    struct http_connection *half_read;  /* the same */
    struct http_worker_stats stats;
    uint64_t n_rounds_seen; /* the owner's: of http_listener_has_moved() */
};

static inline struct http_connection *http_connection_of(struct waiter *waiter)
{
    return (struct http_connection *)(void *)((char *)waiter - offsetof(struct http_connection, waiter));
}

static inline void http_count(_Atomic uint64_t *counter)
{
    uint64_t n = atomic_load_explicit(counter, memory_order_relaxed);
    atomic_store_explicit(counter, n + 1, memory_order_relaxed);
}

static inline void http_count_down(_Atomic uint64_t *counter)
{
    uint64_t n = atomic_load_explicit(counter, memory_order_relaxed);
    atomic_store_explicit(counter, n - 1, memory_order_relaxed);
}

/* worker.c: of the worker of a connection. */
const struct http_listener_config *http_worker_config(const struct http_worker *worker);
bool http_worker_is_draining(const struct http_worker *worker);

/* worker.c: a line of level error that names the listener, as often as `limit` lets it pass. `error` is an
 * errno. */
void http_worker_log_failure(const struct http_worker *worker, struct log_limit *limit, const char *what,
                             int error);

/* How often limits are looked at, at most; where they are shorter, four times within each. */
#define HTTP_SWEEP_INTERVAL_MS 1000

/* limits.c: a request line is there. request_timeout runs since the connection was accepted or since the
 * request's first byte, where that was seen, else from now on. */
void http_request_begins(struct http_connection *connection);

/* limits.c: the request, of so many bytes (0: not known), is answered: its sender has request_timeout to take
 * the reply. */
void http_request_is_answered(struct http_connection *connection, uint64_t n_request_bytes);

/* limits.c: the reply is sent: the connection may be idle for idle_timeout. */
void http_request_ends(struct http_connection *connection);

/* limits.c: the connection is waited for, with request_timeout, from now on. */
void http_connection_becomes_busy(struct http_connection *connection);

/* limits.c: the connection waits, with idle_timeout, from now on. */
void http_connection_becomes_idle(struct http_connection *connection);

/* limits.c: bytes that came behind the last request that was answered. */
uint64_t http_connection_n_unanswered_bytes(const struct http_connection *connection);

/* limits.c: cuts off who has used up request_timeout or idle_timeout. */
void http_limits_sweep(struct http_worker *worker);

/* accept.c: takes some of what waits at a listening socket, within the limits. Whether more may wait. */
bool http_accept(struct http_worker *worker, struct watch *socket);

/* accept.c: starts or stops to watch the listening sockets. */
void http_accept_watch(struct http_worker *worker, bool accepts);

/* accept.c: closes a few connections that have never asked for anything, or else that are idle longest. */
void http_close_idle(struct http_worker *worker);

/* added.c: hands a connection over to libmicrohttpd. */
void http_connection_add(struct http_connection *connection);

/* added.c: libmicrohttpd's word that a connection is made. */
void http_connection_is_added(struct http_connection *connection);

/* added.c: libmicrohttpd's word that it is about to close a connection's socket. */
void http_connection_is_closed(struct http_connection *connection);

/* added.c: something has come of what was read. */
void http_connection_has_progressed(struct http_connection *connection);

/* added.c: an event of a connection that libmicrohttpd has. */
void http_connection_is_ready(struct http_connection *connection, uint32_t events);

/* added.c: suspended connections go on. */
void http_connection_resume(struct http_connection *connection);

/* added.c: libmicrohttpd is to look at a connection anew, which is not suspended, whatever events there
 * were. Outside of its run. */
void http_connection_rearm(struct http_connection *connection);

/* added.c: ends a connection whatever it is doing, in this round or the next. */
void http_connection_cut(struct http_connection *connection);

/* added.c: closes a connection that libmicrohttpd has not got. */
void http_connection_close(struct http_connection *connection);

/* added.c: releases a connection whose socket is closed, or about to be. */
void http_connection_free(struct http_connection *connection);

/* current.c, over TLS: libmicrohttpd asks for a connection's bytes, or calls us for it. */
void http_current_set(struct http_connection *connection);

/* current.c: whom libmicrohttpd is working on; NULL: not known. */
struct http_connection *http_current(struct http_worker *worker);

/* current.c: libmicrohttpd has had its turn. */
void http_current_end_round(struct http_worker *worker);

/* current.c: for a connection that ends. */
void http_current_forget(struct http_connection *connection);

/* deferred.c: waits for the first bytes of a connection just accepted; or ends it, where that cannot be. */
void http_defer(struct http_connection *connection);

/* deferred.c: hands a deferred connection over to libmicrohttpd, as its first bytes have come, or ends it, as
 * its peer has left. */
void http_deferred_is_ready(struct http_connection *connection, uint32_t events);

/* deferred.c: whether the first request of somebody who has just connected is to be expected. */
bool http_has_deferred(const struct http_worker *worker);

/* lingering.c: what libmicrohttpd closes before its peer has sent all is to linger. */
void http_linger(struct http_connection *connection);

/* lingering.c: libmicrohttpd is about to close its socket. */
void http_lingering_begin(struct http_connection *connection);
void http_lingering_is_ready(struct http_connection *connection);

/* parking.c: has our epoll tell once of bytes that come, or of room for what is unsent. Whether it does. */
bool http_watch(struct http_connection *connection, int operation);

/* parking.c: has our epoll tell what libmicrohttpd cannot know, once: that the peer sends no more, of which
 * it learns only from a read that it may not try; and, without TLS, whenever there is something to do at all.
 */
void http_watch_added(struct http_connection *connection);

/* parking.c: a TLS session wants bytes that are not there, or has some that nobody will tell of. */
void http_connection_is_unfinished(void *cls);

/* parking.c: sends what was kept back of the reply. */
void http_flush(struct http_connection *connection);

/* parking.c: goes on with a parked connection whose bytes, or room for bytes, have come. */
void http_parked_is_ready(struct http_connection *connection);

/* parking.c: to be parked, sent or ended when libmicrohttpd has had its turn. */
void http_finish_later(struct http_connection *connection);

/* parking.c: parks, sends or ends what this round has left unfinished. */
void http_finish_round(struct http_worker *worker);

/* parking.c: gives a parked connection back to libmicrohttpd; one that is not parked is left alone. */
void http_unpark(struct http_connection *connection);

/* parking.c: for a connection that ends. */
void http_parking_forget(struct http_connection *connection);

/* waiting.c: suspends a connection whose answer waits. */
void http_wait_for_answer(struct http_connection *connection);

/* waiting.c: goes on with those whose answers are there. */
void http_answer_waiting(struct http_worker *worker);

/* waiting.c: gives a connection back to libmicrohttpd, with or without an answer; one that does not wait is
 * left alone. */
void http_wait_no_longer(struct http_connection *connection);

#endif

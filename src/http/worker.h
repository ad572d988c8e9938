/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_HTTP_WORKER_H
#define PRESENCED_HTTP_WORKER_H

/* One thread of a listener. Created and freed by the listener's owner; everything below the struct is for
 * that thread alone. */

#include "address_bound.h"
#include "connection.h"
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
    struct MHD_Daemon *mhd;
    int epoll_fd;
    struct watch wake;
    struct watch mhd_watch;
    struct watch sockets[HTTP_LISTENER_N_SOCKETS_MAX];
    bool accepts; /* the sockets are in the epoll */
    bool is_started;
    pthread_t thread;
    _Atomic bool stopping;
    uint64_t now_us;           /* when the round began */
    uint64_t now_ms;           /* the same */
    bool has_progressed;       /* in this round */
    bool has_resumed;          /* connections that libmicrohttpd's next turn goes on with */
    uint64_t progressed_ms;    /* when something last came of anything */
    uint64_t pending_since_ms; /* libmicrohttpd has had something to do since; 0: it has nothing */
    bool has_paused;
    uint64_t next_sweep_ms;
    uint64_t accept_again_ms;
    struct wait_queue busy;
    struct wait_queue idle;
    struct wait_queue waiting;          /* for their answers */
    struct http_connection *unfinished; /* for http_finish_round() */
    struct http_connection *accepting;  /* while it is on its way through MHD_add_connection() */
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

/* A resumed connection waits for MHD_run_wait(), of which neither MHD_get_timeout() nor an event tells. */
static inline void http_resume(struct http_connection *connection)
{
    connection->worker->has_resumed = true;
    MHD_resume_connection(connection->mhd);
}

/* limits.c: the connection is waited for, with request_timeout, from now on. */
void http_connection_becomes_busy(struct http_connection *connection);

/* limits.c: the connection waits, with idle_timeout, from now on. */
void http_connection_becomes_idle(struct http_connection *connection);

/* limits.c: cuts off who has used up request_timeout or idle_timeout. */
void http_limits_sweep(struct http_worker *worker);

/* How often limits are looked at, at most; where they are shorter, four times within each. */
#define HTTP_SWEEP_INTERVAL_MS 1000

/* worker.c: a line of level error that names the listener, as often as `limit` lets it pass. `error` is an
 * errno. */
void http_worker_log_failure(const struct http_worker *worker, struct log_limit *limit, const char *what,
                             int error);

/* accept.c: takes some of what waits at a listening socket, within the limits. Whether more may wait. */
bool http_accept(struct http_worker *worker, struct watch *socket);

/* accept.c: releases a connection whose socket is closed, or about to be. */
void http_connection_free(struct http_connection *connection);

/* accept.c: closes a few connections that have never asked for anything, or else that are idle longest. */
void http_close_idle(struct http_worker *worker);

/* accept.c: starts or stops to watch the listening sockets. */
void http_accept_watch(struct http_worker *worker, bool accepts);

/* accept.c: libmicrohttpd's word that a connection is made, or is about to be closed. */
void http_connection_notify(void *cls, struct MHD_Connection *mhd, void **socket_context,
                            enum MHD_ConnectionNotificationCode code);

/* accept.c: ends a connection whatever it is doing, in this round or the next. */
void http_connection_cut(struct http_connection *connection);

/* newcomer.c: waits for the first bytes of a connection just accepted; or ends it, where that cannot be. */
void http_newcomer_begin(struct http_connection *connection);

/* newcomer.c: hands a newcomer over to libmicrohttpd, as its first bytes have come, or ends it, as it has
 * left. */
void http_newcomer_is_ready(struct http_connection *connection, uint32_t events);

/* newcomer.c: closes a connection that libmicrohttpd has not got. */
void http_newcomer_end(struct http_connection *connection);

/* newcomer.c: whether the first request of somebody who has just connected is to be expected. */
bool http_has_newcomers(const struct http_worker *worker);

/* parking.c: a TLS session wants bytes that are not there, or has some that nobody will tell of. */
void http_connection_is_unfinished(void *cls);

/* parking.c: goes on with a parked connection whose bytes, or room for bytes, have come. */
void http_parked_is_ready(struct http_connection *connection);

/* parking.c: has our epoll tell once of bytes that come, or of room for what is unsent. Whether it does. */
bool http_watch(struct http_connection *connection, int operation);

/* parking.c: to be parked, sent or ended when libmicrohttpd has had its turn. */
void http_finish_later(struct http_connection *connection);

/* parking.c: parks, sends or ends what this round has left unfinished. */
void http_finish_round(struct http_worker *worker);

/* parking.c: gives a parked connection back to libmicrohttpd; one that is not parked is left alone. */
void http_unpark(struct http_connection *connection);

/* waiting.c: suspends a connection whose answer waits. */
void http_wait_for_answer(struct http_connection *connection);

/* waiting.c: goes on with those whose answers are there. */
void http_answer_waiting(struct http_worker *worker);

/* waiting.c: gives a connection back to libmicrohttpd, with or without an answer; one that does not wait is
 * left alone. */
void http_wait_no_longer(struct http_connection *connection);

/* parking.c: for a connection that ends. */
void http_parking_forget(struct http_connection *connection);

#endif

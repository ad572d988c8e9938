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
    bool is_shared[HTTP_LISTENER_N_SOCKETS_MAX]; /* another process keeps it open */
    _Atomic uint64_t n_connections;
    _Atomic bool draining;
    _Atomic bool paused;
    _Atomic unsigned n_paused; /* threads that have paused */
    _Atomic bool room_wanted;  /* a new connection waits, and there are max_connections */
};

/* Counters of one worker: written by it alone, read by anyone. */
struct http_worker_stats {
    _Atomic uint64_t n_accepted;
    _Atomic uint64_t n_refused_per_address;
    _Atomic uint64_t n_timed_out;
    _Atomic uint64_t n_requests;
    _Atomic uint64_t n_malformed; /* see struct http_listener_stats */
    _Atomic uint64_t n_in_flight;
    _Atomic uint64_t n_waiting; /* of those in flight, the ones in EXCHANGE_WAIT */
    _Atomic uint64_t n_rounds;  /* of the thread's loop */
    _Atomic bool is_quiet;      /* paused, and everything that was received is answered */
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
    bool is_ending; /* connections no longer linger */
    uint64_t next_sweep_ms;
    uint64_t accept_again_ms;
    struct wait_queue busy;
    struct wait_queue idle;
    struct wait_queue waiting;          /* connections in EXCHANGE_WAIT */
    struct http_connection *unfinished; /* for http_finish_round() */
    struct http_worker_stats stats;
    uint64_t n_rounds_seen; /* by http_listener_has_moved(); of the owner's thread */
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

/* worker.c: the listener's configuration, and whether it drains. */
const struct http_listener_config *http_worker_config(const struct http_worker *worker);
bool http_worker_is_draining(const struct http_worker *worker);

/* worker.c: logs an error with the listener's name, rate-limited by `limit`. `error` is an errno, of either
 * sign. */
void http_worker_log_failure(const struct http_worker *worker, struct log_limit *limit, const char *what,
                             int error);

/* worker.c: makes the worker's epoll report `events` of a descriptor. 0 or -errno. */
int http_worker_watch(struct http_worker *worker, struct watch *watch, uint32_t events);

/* Time between two checks of the limits, at most; with short limits a quarter of the shortest. */
#define HTTP_SWEEP_INTERVAL_MS 1000

/* limits.c: a request line was read. request_timeout has run since the connection was accepted or since the
 * request's first byte was noticed, or else begins now. */
void http_request_begins(struct http_connection *connection);

/* limits.c: a request of `n_request_bytes` (0: not known) is answered: its sender has request_timeout to read
 * the reply. */
void http_request_is_answered(struct http_connection *connection, uint64_t n_request_bytes);

/* limits.c: the reply was sent: the connection may be idle for idle_timeout. */
void http_request_ends(struct http_connection *connection);

/* limits.c: request_timeout begins now. */
void http_connection_becomes_busy(struct http_connection *connection);

/* limits.c: idle_timeout begins now. */
void http_connection_becomes_idle(struct http_connection *connection);

/* limits.c: bytes received after the last request that was answered; 0 for a single empty line. */
uint64_t http_connection_n_unanswered_bytes(const struct http_connection *connection);

/* limits.c: cuts connections that have exceeded request_timeout or idle_timeout. */
void http_limits_sweep(struct http_worker *worker);

/* accept.c: accepts some connections, within the limits. Returns whether more may be waiting. */
bool http_accept(struct http_worker *worker, struct watch *socket);

/* accept.c: starts or stops watching the listening sockets. */
void http_accept_watch(struct http_worker *worker, bool accepts);

/* accept.c: closes a few connections: first those that have sent no request, then those idle longest. */
void http_close_idle(struct http_worker *worker);

/* added.c: adds a connection to libmicrohttpd; closes it on failure. */
void http_connection_add(struct http_connection *connection);

/* added.c: called when libmicrohttpd has added a connection. */
void http_connection_is_added(struct http_connection *connection);

/* added.c: called when libmicrohttpd has ended a connection, before it closes the socket. Lets the connection
 * linger, or frees it. */
void http_connection_is_closed(struct http_connection *connection);

/* added.c: the connection's request or reply has made progress. */
void http_connection_has_progressed(struct http_connection *connection);

/* added.c: an event of our own epoll for an added connection. */
void http_connection_is_ready(struct http_connection *connection, uint32_t events);

/* added.c: resumes a suspended connection. */
void http_connection_resume(struct http_connection *connection);

/* added.c: makes libmicrohttpd read from and write to a connection in the next run without an event. The
 * connection is not suspended. Not during a run. */
void http_connection_rearm(struct http_connection *connection);

/* added.c: ends a connection, whatever its state, in this round or the next. */
void http_connection_cut(struct http_connection *connection);

/* added.c: closes and frees a connection that is not added. */
void http_connection_close(struct http_connection *connection);

/* added.c: frees a connection whose socket is closed, or about to be closed by libmicrohttpd. */
void http_connection_free(struct http_connection *connection);

/* deferred.c: waits for the first bytes of a connection that was accepted; closes it on failure. */
void http_defer(struct http_connection *connection);

/* deferred.c: adds a deferred connection whose first bytes have come, or closes it if its peer has left. */
void http_deferred_is_ready(struct http_connection *connection, uint32_t events);

/* deferred.c: whether a connection is so new that its first request is still expected. */
bool http_has_deferred(const struct http_worker *worker);

/* lingering.c: the connection is to linger when libmicrohttpd closes it. */
void http_linger(struct http_connection *connection);

/* lingering.c: for a connection that is to linger: libmicrohttpd is about to close its descriptor. */
void http_lingering_begin(struct http_connection *connection);

/* lingering.c: discards input of a lingering connection, and closes it when its peer has finished. */
void http_lingering_is_ready(struct http_connection *connection);

/* parking.c: struct tls_session_events.is_unfinished of the connection `cls`. */
void http_connection_is_unfinished(void *cls);

/* parking.c: sends what the TLS session has held back of the reply. */
void http_flush(struct http_connection *connection);

/* parking.c: an event of a parked connection: sends what is unsent, then unparks it. */
void http_parked_is_ready(struct http_connection *connection);

/* parking.c: schedules a connection for http_finish_round(). */
void http_finish_later(struct http_connection *connection);

/* parking.c: after the runs of a round: parks, rearms or closes the connections scheduled for it. */
void http_finish_round(struct http_worker *worker);

/* parking.c: resumes a parked connection; does nothing for any other. */
void http_unpark(struct http_connection *connection);

/* parking.c: removes a connection that ends. */
void http_parking_forget(struct http_connection *connection);

/* waiting.c: suspends a connection whose answer is not known yet. */
void http_wait_for_answer(struct http_connection *connection);

/* waiting.c: resumes the connections whose answers are known by now. */
void http_answer_waiting(struct http_worker *worker);

/* waiting.c: resumes a connection that waits for its answer, with or without one; does nothing for any
 * other. */
void http_wait_no_longer(struct http_connection *connection);

#endif

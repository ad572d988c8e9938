/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_TRANSPORT_WORKER_H
#define PRESENCED_TRANSPORT_WORKER_H

/* One thread of a listener, with all that the files of src/transport share of it. From the top: listener.c
 * makes workers, worker.c goes round, accept.c, deferred.c, lingering.c and deadlines.c do what a round
 * brings, proxy_header.c and peers.c say whose a connection is, stream.c is for replies that go on, and
 * connection.c is what they all stand on. */

#include "address_bound.h"

#include "presenced/protocol.h"
#include "presenced/transport.h"

#include <pthread.h>
#include <stdatomic.h>

/* Time between two checks of the deadlines, at most; with short ones a quarter of the shortest. */
#define SWEEP_INTERVAL_MS 1000

struct transport_networks {
    size_t n;
    struct network items[];
};

/* What the workers of a listener share. */
struct transport_shared {
    struct transport_config config;
    const struct transport_protocol *protocol;
    void *protocol_cls;
    struct address_bound *addresses; /* NULL: no bound */
    pthread_rwlock_t trusted_lock;
    struct transport_networks *trusted_proxies; /* peers that `addresses` does not count */
    unsigned n_sockets;
    int sockets[TRANSPORT_N_SOCKETS_MAX];
    bool is_shared[TRANSPORT_N_SOCKETS_MAX]; /* another process keeps it open */
    _Atomic uint64_t n_connections;
    _Atomic bool draining;
    _Atomic bool paused;
    _Atomic unsigned n_paused; /* threads that have paused */
    _Atomic bool room_wanted;  /* a new connection waits, and there are max_connections */
};

/* Written by the worker alone, read by anyone. */
struct worker_counters {
    _Atomic uint64_t n_accepted;
    _Atomic uint64_t n_refused_per_address;
    _Atomic uint64_t n_no_room;
    _Atomic uint64_t n_timed_out;
    _Atomic uint64_t n_proxy_refused[TRANSPORT_N_PROXY_REFUSALS];
    _Atomic uint64_t n_streams_cut;
    _Atomic uint64_t n_rounds;
    _Atomic bool is_quiet; /* paused, and everything that was received is answered */
};

struct worker {
    struct transport_worker shown; /* to the protocol */
    struct transport_shared *shared;
    struct worker_counters counters;
    int epoll_fd;
    struct watch wake;
    struct watch sockets[TRANSPORT_N_SOCKETS_MAX];
    bool accepts; /* the sockets are in the epoll */
    bool is_started;
    pthread_t thread;
    _Atomic bool stopping;
    bool has_paused;
    uint64_t next_sweep_ms;
    uint64_t accept_again_ms; /* 0: the sockets are watched, or never will be again */
    struct wait_queue busy;
    struct wait_queue idle;
    struct wait_queue sending;        /* streams that have something to send */
    struct transport_connection *cut; /* to be closed at the end of the round */
    uint64_t n_rounds_seen;           /* by transport_listener_made_progress(); of the owner's thread */
};

static inline struct worker *worker_of(const struct transport_connection *connection)
{
    return (struct worker *)connection->worker;
}

/* What a protocol knows a worker by is its first member. */
static inline const struct worker *worker_behind(const struct transport_worker *shown)
{
    return (const struct worker *)shown;
}

static inline struct transport_connection *connection_of(struct waiter *waiter)
{
    return (struct transport_connection *)(void *)((char *)waiter -
                                                   offsetof(struct transport_connection, waiter));
}

/* ---- connection.c ---- */

/* For a socket that was accepted; takes it. NULL when memory is gone; the socket is closed. */
struct transport_connection *transport_connection_new(struct worker *worker, int fd,
                                                      const struct sockaddr *peer);

/* Frees a connection whose descriptor is closed, or about to be closed by its protocol. */
void transport_connection_free(struct transport_connection *connection);

/* Closes those that were cut before they had begun. When no event of the round is left to point to them. */
void transport_close_cut(struct worker *worker);

/* Makes the worker's epoll report `events` of a descriptor. 0 or -errno. */
int worker_watch(struct worker *worker, struct watch *watch, uint32_t events);

/* ---- deadlines.c ---- */

/* Closes a few connections: first those that have sent no request, then those idle longest. */
void deadlines_make_room(struct worker *worker);

/* Cuts connections that have exceeded request_timeout, idle_timeout or stream_timeout. */
void deadlines_sweep(struct worker *worker);

/* ---- lingering.c ---- */

/* Discards input of a lingering connection, and closes it when its peer has finished. */
void lingering_is_ready(struct transport_connection *connection);

/* ---- deferred.c ---- */

/* Waits for the first bytes of a connection that was accepted; closes it on failure. */
void deferred_begin(struct transport_connection *connection);

/* Hands a connection whose first bytes have come to the protocol, or closes it if its peer has left. */
void deferred_is_ready(struct transport_connection *connection, uint32_t events);

/* Whether a connection is so new that its first request is still expected. */
bool deferred_has_new(const struct worker *worker);

/* ---- accept.c ---- */

/* Accepts some connections, within the limits. Returns whether more may be waiting. */
bool accept_some(struct worker *worker, struct watch *socket);

/* Starts or stops watching the listening sockets. */
void accept_watch(struct worker *worker, bool accepts);

/* ---- worker.c ---- */

/* Without its thread. 0, or -errno. */
int worker_new(struct transport_shared *shared, struct worker **ret_worker);

/* Starts the thread. 0, or -errno. */
int worker_start(struct worker *worker, unsigned number);

/* Ends the thread and its connections. Takes NULL. */
void worker_free(struct worker *worker);
DEFINE_CLEANUP(struct worker *, worker_free)

#endif

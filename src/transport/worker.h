/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_TRANSPORT_WORKER_H
#define PRESENCED_TRANSPORT_WORKER_H

/* A worker is one thread of a listener; this header has the state that the files of src/transport share. From
 * the top: listener.c creates workers; worker.c runs their rounds; accept.c, deferred.c, lingering.c and
 * deadlines.c handle what happens in a round; proxy_header.c and peers.c determine the peer of a connection;
 * stream.c handles streaming replies; connection.c is the basis of all of them. */

#include "address_bound.h"

#include "presenced/protocol.h"
#include "presenced/transport.h"

#include <pthread.h>
#include <stdatomic.h>

/* Maximum time between two checks of the deadlines; a quarter of the shortest time-out if that is shorter. */
#define SWEEP_INTERVAL_MS 1000

struct transport_networks {
    size_t n;
    struct network items[];
};

/* State shared by the workers of a listener. */
struct transport_shared {
    struct transport_config config;
    const struct transport_protocol *protocol;
    void *protocol_cls;
    struct address_bound *addresses; /* NULL: unlimited */
    pthread_rwlock_t trusted_lock;
    struct transport_networks *trusted_proxies; /* peers exempt from `addresses` */
    unsigned n_sockets;
    int sockets[TRANSPORT_N_SOCKETS_MAX];
    bool is_shared[TRANSPORT_N_SOCKETS_MAX]; /* another process also keeps the socket open */
    _Atomic uint64_t n_connections;
    _Atomic bool draining;
    _Atomic bool paused;
    _Atomic unsigned n_paused; /* threads that have paused */
    _Atomic bool room_wanted;  /* a new connection waits because max_connections are open */
};

/* Written by the worker only, read by any thread. */
struct worker_counters {
    _Atomic uint64_t n_accepted;
    _Atomic uint64_t n_refused_per_address;
    _Atomic uint64_t n_no_room;
    _Atomic uint64_t n_timed_out;
    _Atomic uint64_t n_proxy_refused[TRANSPORT_N_PROXY_REFUSALS];
    _Atomic uint64_t n_streams_cut;
    _Atomic uint64_t n_rounds;
    _Atomic bool is_quiet; /* paused, and every received request is answered */
};

struct worker {
    struct transport_worker shown; /* the part visible to the protocol */
    struct transport_shared *shared;
    struct worker_counters counters;
    int epoll_fd;
    struct watch wake;
    struct watch sockets[TRANSPORT_N_SOCKETS_MAX];
    bool accepts; /* the listening sockets are in the epoll */
    bool is_started;
    pthread_t thread;
    _Atomic bool stopping;
    bool has_paused;
    uint64_t next_sweep_ms;
    uint64_t accept_again_ms; /* when to watch the sockets again; 0: never, or they are watched */
    struct wait_queue busy;
    struct wait_queue idle;
    struct wait_queue sending;        /* streams with something to send */
    struct transport_connection *cut; /* connections to be closed at the end of the round */
    uint64_t n_rounds_seen;           /* seen by transport_listener_made_progress(); for the owner's thread */
};

static inline struct worker *worker_of(const struct transport_connection *connection)
{
    return (struct worker *)connection->worker;
}

/* `shown` is the first member of struct worker. */
static inline const struct worker *worker_behind(const struct transport_worker *shown)
{
    return (const struct worker *)shown;
}

static inline struct transport_connection *connection_of(struct waiter *waiter)
{
    return (struct transport_connection *)(void *)((char *)waiter -
                                                   offsetof(struct transport_connection, waiter));
}

/* Functions of connection.c. */

/* Creates a connection for an accepted socket; takes ownership of `fd`. Returns NULL if out of memory, and
 * closes the socket. */
struct transport_connection *transport_connection_new(struct worker *worker, int fd,
                                                      const struct sockaddr *peer);

/* Frees a connection whose descriptor is closed, or about to be closed by its protocol. */
void transport_connection_free(struct transport_connection *connection);

/* Closes connections that were cut before they had begun. Called when no more events of the round can refer
 * to them. */
void transport_close_cut(struct worker *worker);

/* Adds a file descriptor to the worker's epoll. Returns 0 or -errno. */
int worker_watch(struct worker *worker, struct watch *watch, uint32_t events);

/* Functions of deadlines.c. */

/* Closes a few connections to make room: first those that have sent no request, then those idle longest. */
void deadlines_make_room(struct worker *worker);

/* Cuts connections that have exceeded request_timeout, idle_timeout or stream_timeout. */
void deadlines_sweep(struct worker *worker);

/* Functions of lingering.c. */

/* Discards input of a lingering connection, and closes it when its peer has finished. */
void lingering_is_ready(struct transport_connection *connection);

/* Functions of deferred.c. */

/* Makes an accepted connection wait for its first bytes; closes it on failure. */
void deferred_begin(struct transport_connection *connection);

/* Passes a connection whose first bytes have arrived to the protocol, or closes it if the peer has closed it.
 */
void deferred_is_ready(struct transport_connection *connection, uint32_t events);

/* Returns whether there is a connection so new that its first request is still expected. */
bool deferred_has_new(const struct worker *worker);

/* Functions of accept.c. */

/* Accepts some connections, within the limits. Returns whether more may be waiting. */
bool accept_some(struct worker *worker, struct watch *socket);

/* Starts or stops watching the listening sockets. */
void accept_watch(struct worker *worker, bool accepts);

/* Functions of worker.c. */

/* Creates a worker without starting its thread. Returns 0 or -errno. */
int worker_new(struct transport_shared *shared, struct worker **ret_worker);

/* Starts the thread. Returns 0 or -errno. */
int worker_start(struct worker *worker, unsigned number);

/* Stops the thread and closes its connections. Accepts NULL. */
void worker_free(struct worker *worker);
DEFINE_CLEANUP(struct worker *, worker_free)

#endif

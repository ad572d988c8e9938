/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_PROTOCOL_H
#define PRESENCED_PROTOCOL_H

/* The interface between the transport and the protocol spoken over it. The transport handles sockets, TLS,
 * limits and deadlines, and does not interpret any byte of a request; the protocol reads and writes. A
 * connection passes through these states:
 *
 *   deferred    accepted, nothing received yet except a PROXY header; owned by the transport
 *   begun       first bytes received; owned by the protocol, with its file descriptor, until released
 *   lingering   released while the peer was still sending; owned by the transport again, which discards
 *               input for a while, so that a reset does not overtake the reply
 *
 * A reply may be a stream without a fixed end (stream.c). For a stream, request_timeout and idle_timeout do
 * not run; stream_timeout runs while there is something to send. A drain ends streams and does not wait for
 * them.
 *
 * Everything here is for the thread of the connection's worker, unless stated otherwise. */

#include "presenced/address.h"
#include "presenced/log.h"
#include "presenced/tls.h"
#include "presenced/wait_queue.h"

#include <stdatomic.h>
#include <stddef.h>

/* The kinds of file descriptors in a worker's epoll. */
enum watch_kind {
    WATCH_SOCKET,
    WATCH_WAKE,
    WATCH_DEFERRED,
    WATCH_BEGUN,
    WATCH_LINGERING,
};

/* The first member of each struct that epoll events point to. */
struct watch {
    enum watch_kind kind;
    int fd;
};

/* One thread of a listener, as far as a protocol is concerned. */
struct transport_worker {
    void *protocol;      /* the protocol's state, set by worker_begin() */
    uint64_t now_us;     /* time at which the round began */
    uint64_t now_ms;     /* now_us in milliseconds */
    bool has_progressed; /* there was progress in this round; set by the protocol */
    bool is_ending;      /* the listener is being freed: connections no longer linger */
};

/* The first member of the protocol's struct for a connection. */
struct transport_connection {
    struct watch watch;   /* watch of its socket */
    struct waiter waiter; /* in one of the worker's queues */
    struct transport_worker *worker;
    struct tls_session *tls; /* created by the protocol, freed by the transport; NULL: no TLS */
    struct address peer;
    struct proxy_reader *proxy_reader; /* reads the PROXY header; NULL: none is expected */
    bool is_bounded;                   /* counted towards max_connections_per_address */
    bool is_busy;                      /* true: request_timeout runs; false: idle_timeout runs */
    bool has_asked;                    /* it has sent a request */
    bool has_hung_up;                  /* its peer has shut down sending */
    bool is_cut;                       /* not begun, and to be closed at the end of the round */
    bool is_stream;                    /* its reply is a stream; stream_timeout runs while it is in a queue */
    uint64_t n_received;               /* bytes of the requests answered so far */
    int linger_fd;                     /* duplicate of the socket's file descriptor; -1: none */
    uint64_t n_lingering_bytes;
    struct transport_connection *next_cut;
};

struct transport_protocol {
    size_t connection_size; /* size of its connection struct, which is initialised with zeros */

    /* Called before the worker's thread begins, and after it has ended; then all begun connections must be
     * released. `cls` is the listener's protocol_cls. Returns 0 or -errno. */
    int (*worker_begin)(void *cls, struct transport_worker *worker);
    void (*worker_end)(struct transport_worker *worker);

    /* A round of the worker waits for events, at most wait_ms(), passes them on, checks deadlines, and calls
     * run(). */
    uint64_t (*wait_ms)(const struct transport_worker *worker);
    void (*run)(struct transport_worker *worker);

    /* Returns whether nothing is left to run and no request waits for its answer. Streams do not count. */
    bool (*is_idle)(const struct transport_worker *worker);

    /* Called when no more connections are accepted: ends streams, and those that begin later. */
    void (*end_streams)(struct transport_worker *worker);

    /* Called when the first bytes of a connection have arrived. */
    void (*begin)(struct transport_connection *connection);

    /* Passes on epoll events of a begun connection. */
    void (*on_events)(struct transport_connection *connection, uint32_t events);

    /* Ends a begun connection, whatever its state: the protocol releases it in this round or the next. */
    void (*cut)(struct transport_connection *connection);

    /* Frees the protocol's resources of a connection, which is about to be freed itself. */
    void (*forget)(struct transport_connection *connection);
};

/* Adds one to a counter of a worker, which any thread may read. Only the worker's thread writes it, so no
 * atomic addition is needed. */
static inline void transport_count(_Atomic uint64_t *counter)
{
    uint64_t n = atomic_load_explicit(counter, memory_order_relaxed);
    atomic_store_explicit(counter, n + 1, memory_order_relaxed);
}

/* Makes the worker's epoll report events of a begun connection, edge-triggered. Returns 0 or -errno. */
int transport_connection_watch(struct transport_connection *connection);

/* Called when the first line of a request was read. request_timeout has been running since the connection was
 * accepted or since the request's first byte was noticed; otherwise it begins now. */
void transport_request_begins(struct transport_connection *connection);

/* Called when a request of `n_request_bytes` (0: unknown) is answered: the peer has request_timeout to read
 * the reply. */
void transport_request_is_answered(struct transport_connection *connection, uint64_t n_request_bytes);

/* Starts request_timeout. */
void transport_connection_becomes_busy(struct transport_connection *connection);

/* Starts idle_timeout, when the reply was sent. */
void transport_connection_becomes_idle(struct transport_connection *connection);

/* Makes the reply a stream, until transport_connection_becomes_idle(). */
void transport_stream_begin(struct transport_connection *connection);

/* Called when more of a stream was passed to the kernel, so everything before was accepted: restarts
 * stream_timeout. */
void transport_stream_sends(struct transport_connection *connection);

/* Called when nothing of a stream is left to send: no time-out runs. */
void transport_stream_is_sent(struct transport_connection *connection);

/* Counts and logs a stream that is cut off because its peer reads too slowly. `reason` is a constant text. */
void transport_stream_is_cut(struct transport_connection *connection, const char *reason);

/* Returns the number of bytes received after the last request that was answered; 0 for a single empty line.
 */
uint64_t transport_connection_n_unanswered_bytes(const struct transport_connection *connection);

/* Makes the connection linger when it is released. */
void transport_connection_linger(struct transport_connection *connection);

/* Releases a connection whose file descriptor the protocol has closed or is about to close. It lingers, or is
 * freed. */
void transport_connection_release(struct transport_connection *connection);

/* Ends a connection, whatever its state, in this round or the next. Calls the protocol's cut() for a begun
 * connection. */
void transport_connection_cut(struct transport_connection *connection);

/* Closes and frees a connection that the protocol could not begin. */
void transport_connection_close(struct transport_connection *connection);

/* Returns the name of the worker's listener. */
const char *transport_worker_name(const struct transport_worker *worker);

/* Returns the TLS of the worker's listener, or NULL. */
struct tls *transport_worker_tls(const struct transport_worker *worker);

/* Returns whether transport_listener_drain() was called. */
bool transport_worker_is_draining(const struct transport_worker *worker);

/* Wakes the worker's thread for a round. Any thread may call this. */
void transport_worker_wake(struct transport_worker *worker);

/* Logs an error with the listener's name, rate-limited by `limit`. `error` is an errno, of either sign. */
void transport_worker_log_failure(const struct transport_worker *worker, struct log_limit *limit,
                                  const char *what, int error);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_PROTOCOL_H
#define PRESENCED_PROTOCOL_H

/* Between a transport and the protocol that is spoken over it. The transport knows sockets, TLS, bounds and
 * deadlines, and reads no byte of a request; the protocol reads and writes. A connection is, in this order:
 *
 *   deferred    accepted, nothing received yet, but for the header of a proxy: the transport's
 *   begun       its first bytes have come: the protocol's, with its descriptor, until it is released
 *   lingering   released while its peer was still sending: the transport's again, which discards input for a
 *               while, so that no reset overtakes the reply
 *
 * A reply may be a stream, which goes on for as long as both sides like (stream.c): request_timeout and
 * idle_timeout do not run, stream_timeout does while there is something to send; and nobody waits for it at a
 * drain, at which it is told to end.
 *
 * Everything here is for the thread of the connection's worker, but where it says otherwise. */

#include "presenced/address.h"
#include "presenced/log.h"
#include "presenced/tls.h"
#include "presenced/wait_queue.h"

#include <stdatomic.h>
#include <stddef.h>

/* What a worker's epoll watches. */
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
    void *protocol;      /* its own, from worker_begin() */
    uint64_t now_us;     /* when the round began */
    uint64_t now_ms;     /* the same */
    bool has_progressed; /* in this round; for a protocol to set */
    bool is_ending;      /* the listener is being freed: connections no longer linger */
};

/* The first member of the protocol's struct for a connection. */
struct transport_connection {
    struct watch watch;   /* of its socket */
    struct waiter waiter; /* in one of the worker's queues */
    struct transport_worker *worker;
    struct tls_session *tls; /* begun by the protocol, freed by the transport. NULL: there is none */
    struct address peer;
    struct proxy_reader *proxy_reader; /* its PROXY header is still to come; NULL: none is */
    bool is_bounded;                   /* counted by address */
    bool is_busy;                      /* request_timeout runs; else idle_timeout */
    bool has_asked;                    /* it has sent a request */
    bool has_hung_up;                  /* its peer sends no more */
    bool is_cut;                       /* not begun, and closed at the end of the round */
    bool is_stream;                    /* its reply is; stream_timeout runs while it is in a queue */
    uint64_t n_received;               /* bytes of the requests that were answered */
    int linger_fd;                     /* a second descriptor of the socket; -1: none */
    uint64_t n_lingering_bytes;
    struct transport_connection *next_cut;
};

struct transport_protocol {
    size_t connection_size; /* of its struct for a connection, which begins as zeros */

    /* Before the worker's thread begins, and after it has ended: then all connections that are begun are to
     * be released. `cls` is the listener's protocol_cls. 0 or -errno. */
    int (*worker_begin)(void *cls, struct transport_worker *worker);
    void (*worker_end)(struct transport_worker *worker);

    /* A round of the worker: it waits for events, at most wait_ms(), passes them on, checks its deadlines,
     * and calls run(). */
    uint64_t (*wait_ms)(const struct transport_worker *worker);
    void (*run)(struct transport_worker *worker);

    /* Nothing is left to run, and no request waits for its answer. Streams do not count. */
    bool (*is_idle)(const struct transport_worker *worker);

    /* Nothing is accepted any more: streams are to say what is last and end, those that begin later too. */
    void (*end_streams)(struct transport_worker *worker);

    /* The first bytes have come. */
    void (*begin)(struct transport_connection *connection);

    /* Epoll events of a connection that is begun. */
    void (*on_events)(struct transport_connection *connection, uint32_t events);

    /* A connection that is begun is to end, whatever its state: release it in this round or the next. */
    void (*cut)(struct transport_connection *connection);

    /* Frees what the protocol has of a connection, which is about to be freed itself. */
    void (*forget)(struct transport_connection *connection);
};

/* Adds one to a counter of a worker, which anyone may read: only the worker's own thread writes it, so no
 * atomic addition is needed. */
static inline void transport_count(_Atomic uint64_t *counter)
{
    uint64_t n = atomic_load_explicit(counter, memory_order_relaxed);
    atomic_store_explicit(counter, n + 1, memory_order_relaxed);
}

/* Makes the worker's epoll report, as edges, what happens to a connection that has begun. 0 or -errno. */
int transport_connection_watch(struct transport_connection *connection);

/* A request's first line was read. request_timeout has run since the connection was accepted or since the
 * request's first byte was noticed, or else begins now. */
void transport_request_begins(struct transport_connection *connection);

/* A request of `n_request_bytes` (0: not known) is answered: its sender has request_timeout to read the
 * reply. */
void transport_request_is_answered(struct transport_connection *connection, uint64_t n_request_bytes);

/* request_timeout begins now. */
void transport_connection_becomes_busy(struct transport_connection *connection);

/* idle_timeout begins now: the reply was sent. */
void transport_connection_becomes_idle(struct transport_connection *connection);

/* The reply is a stream from now on, until transport_connection_becomes_idle(). */
void transport_stream_begin(struct transport_connection *connection);

/* More of a stream was handed over to be sent, so all before it was taken: stream_timeout begins now. */
void transport_stream_sends(struct transport_connection *connection);

/* Nothing of a stream is left to be sent: no time-out runs. */
void transport_stream_is_sent(struct transport_connection *connection);

/* Counts and logs a stream that is cut off, for its reader is too slow; `reason` is a constant text. */
void transport_stream_is_cut(struct transport_connection *connection, const char *reason);

/* Bytes received after the last request that was answered; 0 for a single empty line. */
uint64_t transport_connection_n_unanswered_bytes(const struct transport_connection *connection);

/* The connection is to linger when it is released. */
void transport_connection_linger(struct transport_connection *connection);

/* The protocol has done with a connection whose descriptor it has closed or is about to close. It lingers, or
 * is freed. */
void transport_connection_release(struct transport_connection *connection);

/* Ends a connection, whatever its state, in this round or the next: of one that is begun, by the protocol's
 * cut(). */
void transport_connection_cut(struct transport_connection *connection);

/* Closes and frees a connection that the protocol could not begin. */
void transport_connection_close(struct transport_connection *connection);

/* The name of the worker's listener. */
const char *transport_worker_name(const struct transport_worker *worker);

/* The TLS of the worker's listener, or NULL. */
struct tls *transport_worker_tls(const struct transport_worker *worker);

/* Whether transport_listener_drain() was called. */
bool transport_worker_is_draining(const struct transport_worker *worker);

/* Makes the thread go round. Any thread. */
void transport_worker_wake(struct transport_worker *worker);

/* Logs an error with the listener's name, rate-limited by `limit`. `error` is an errno, of either sign. */
void transport_worker_log_failure(const struct transport_worker *worker, struct log_limit *limit,
                                  const char *what, int error);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_TRANSPORT_H
#define PRESENCED_TRANSPORT_H

/* A listener: its sockets, its threads, and the limits of its connections. What is spoken over the
 * connections is up to a protocol (presenced/protocol.h). One thread creates, starts, stops and frees a
 * listener. */

#include "presenced/address.h"
#include "presenced/metric.h"
#include "presenced/tls.h"

#include <stddef.h>

struct transport_listener;
struct transport_protocol;

struct transport_config {
    const char *name; /* such as "callback", for logs and thread names; at most 10 characters */
    struct tls *tls;  /* NULL: no TLS; must outlive the listener */
    unsigned n_threads;
    unsigned max_connections;
    unsigned max_connections_per_address;  /* 0: unlimited */
    const struct network *trusted_proxies; /* peers exempt from the limit above; copied */
    size_t n_trusted_proxies;
    bool takes_proxy_header; /* connections of those peers begin with a PROXY protocol 2 header */
    uint64_t idle_timeout_ms;
    uint64_t request_timeout_ms;
    uint64_t stream_timeout_ms; /* how long the peer of a stream may read nothing although there are bytes for
                                   it; 0: the protocol has no streams */
};

/* Creates a listener. `protocol` and `protocol_cls` must outlive it. Returns 0 or -errno. */
int transport_listener_new(const struct transport_config *config, const struct transport_protocol *protocol,
                           void *protocol_cls, struct transport_listener **ret_listener);

#define TRANSPORT_N_SOCKETS_MAX 16

/* Adds a listening socket (socket.h) before the start; the listener takes ownership. A socket that
 * `is_shared` is also kept open by another process for the successor of this one. Returns 0, or -ENOSPC
 * beyond TRANSPORT_N_SOCKETS_MAX. */
int transport_listener_add_socket(struct transport_listener *listener, int fd, bool is_shared);

/* The added sockets, in order; borrowed. */
unsigned transport_listener_n_sockets(const struct transport_listener *listener);
int transport_listener_socket(const struct transport_listener *listener, unsigned which);

/* Starts the threads, which serve requests from now on. Returns 0 or -errno. */
int transport_listener_start(struct transport_listener *listener);

/* From now on, replies announce the end of the connection. New connections are still accepted, so that health
 * checks of a load balancer succeed. */
void transport_listener_drain(struct transport_listener *listener);

/* Stops accepting permanently. Connections that wait at the sockets are accepted first, and later ones are
 * refused. Those at a shared socket are left to the next process. */
void transport_listener_pause(struct transport_listener *listener);

/* Called after transport_listener_pause(): waits at most `timeout_ms` until all received requests are
 * answered, including the first requests of connections just accepted. Returns whether they are. Streams are
 * told to end, but their peers are not waited for. */
bool transport_listener_wait_idle(struct transport_listener *listener, uint64_t timeout_ms);

/* Stops the threads and closes connections and sockets. Accepts NULL. */
void transport_listener_free(struct transport_listener *listener);
DEFINE_CLEANUP(struct transport_listener *, transport_listener_free)

/* Returns when each of the listener's threads has completed a round since the call, and so has left any
 * function of the protocol. Must not be called by one of these threads. */
void transport_listener_wait_round(struct transport_listener *listener);

/* For a watchdog: returns whether each of the listener's threads has completed a round since the last call
 * that returned true, or has ended. Wakes the threads, so that idle ones complete a round before the next
 * call. */
bool transport_listener_made_progress(struct transport_listener *listener);

/* Copies networks for transport_listener_adopt_trusted_proxies(). Returns 0 or -ENOMEM. */
struct transport_networks;
int transport_networks_new(const struct network *networks, size_t n,
                           struct transport_networks **ret_networks);
void transport_networks_free(struct transport_networks *networks);
DEFINE_CLEANUP(struct transport_networks *, transport_networks_free)

/* Replaces transport_config.trusted_proxies; takes ownership of `networks`. */
void transport_listener_adopt_trusted_proxies(struct transport_listener *listener,
                                              struct transport_networks *networks);

/* Why a connection that must begin with a PROXY header was closed. */
#define TRANSPORT_PROXY_REFUSALS(X)                                                             \
    X(MISSING, "missing", "it does not begin with a PROXY header: is send-proxy-v2 set there?") \
    X(VERSION_1, "version_1", "its PROXY header is of version 1, not 2")                        \
    X(MALFORMED, "malformed", "its PROXY header is malformed")                                  \
    X(TOO_LONG, "too_long", "its PROXY header is longer than 4096 bytes")                       \
    X(CUT, "cut", "it was closed in the middle of its PROXY header")                            \
    X(TIMED_OUT, "timed_out", "its PROXY header did not come within request_timeout")

enum transport_proxy_refusal {
#define TRANSPORT_PROXY_AS_ENUM(id, name, text) TRANSPORT_PROXY_##id,
    TRANSPORT_PROXY_REFUSALS(TRANSPORT_PROXY_AS_ENUM)
#undef TRANSPORT_PROXY_AS_ENUM
        TRANSPORT_N_PROXY_REFUSALS,
};

/* Return constant texts: the name in metrics, and the words in the log. */
const char *transport_proxy_refusal_name(enum transport_proxy_refusal refusal);
const char *transport_proxy_refusal_text(enum transport_proxy_refusal refusal);

struct transport_counters {
    uint64_t n_connections; /* currently open */
    uint64_t n_connections_max;
    uint64_t n_accepted;
    uint64_t n_refused_per_address; /* closed at once because of max_connections_per_address */
    uint64_t n_no_room;   /* times that a connection had to wait because n_connections_max were open */
    uint64_t n_timed_out; /* cut off for request_timeout: slow to send, or to read the reply */
    uint64_t n_proxy_refused[TRANSPORT_N_PROXY_REFUSALS];
    uint64_t n_streams_cut; /* cut off because the peer reads too slowly */
};

/* Any thread may call this. */
void transport_listener_counters(const struct transport_listener *listener,
                                 struct transport_counters *ret_counters);

/* Reports the counters as metrics, labelled with the listener's name. */
void transport_listener_metrics(const struct transport_listener *listener,
                                const struct metric_visitor *visitor);

#endif

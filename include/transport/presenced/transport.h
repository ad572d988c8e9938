/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_TRANSPORT_H
#define PRESENCED_TRANSPORT_H

/* A listener: its sockets, its threads, and the limits of its connections. What is spoken over them is a
 * protocol's (presenced/protocol.h). Created, started, stopped and freed by one thread. */

#include "presenced/address.h"
#include "presenced/metric.h"
#include "presenced/tls.h"

#include <stddef.h>

struct transport_listener;
struct transport_protocol;

struct transport_config {
    const char *name; /* "callback": in logs and thread names; at most 10 characters */
    struct tls *tls;  /* NULL: none; outlives the listener */
    unsigned n_threads;
    unsigned max_connections;
    unsigned max_connections_per_address;  /* 0: no bound */
    const struct network *trusted_proxies; /* peers that the bound above does not count; copied */
    size_t n_trusted_proxies;
    bool takes_proxy_header; /* connections of those peers begin with one, of PROXY protocol 2 */
    uint64_t idle_timeout_ms;
    uint64_t request_timeout_ms;
    uint64_t stream_timeout_ms; /* for how long a stream's reader may take nothing of what is there for it; 0:
                                 * the protocol has no streams */
};

/* `protocol` and `protocol_cls` outlive the listener. 0, or -errno. */
int transport_listener_new(const struct transport_config *config, const struct transport_protocol *protocol,
                           void *protocol_cls, struct transport_listener **ret_listener);

#define TRANSPORT_N_SOCKETS_MAX 16

/* Hands over a listening socket (socket.h), before the start; the listener closes it. One that `is_shared` is
 * kept open by another process too, for whoever comes after this one. 0, or -ENOSPC where there are
 * TRANSPORT_N_SOCKETS_MAX. */
int transport_listener_add_socket(struct transport_listener *listener, int fd, bool is_shared);

/* The sockets handed over, in their order; borrowed. */
unsigned transport_listener_n_sockets(const struct transport_listener *listener);
int transport_listener_socket(const struct transport_listener *listener, unsigned which);

/* Starts the threads; requests are served from now on. 0, or -errno. */
int transport_listener_start(struct transport_listener *listener);

/* From now on answers tell the peer that the connection ends; connections are still accepted, so that a load
 * balancer's health check gets in. */
void transport_listener_drain(struct transport_listener *listener);

/* Stops accepting, for good: what waits at the sockets is taken, and who comes after that is refused. Who
 * waits at a shared socket is left there for the next process. */
void transport_listener_pause(struct transport_listener *listener);

/* After transport_listener_pause(): waits until all requests that have come are answered, and those of who
 * has just connected, at most `timeout_ms`. Whether that is so. Streams are told to end; nobody waits for
 * readers who do not take what is last. */
bool transport_listener_wait_idle(struct transport_listener *listener, uint64_t timeout_ms);

/* Ends threads, connections and sockets. Takes NULL. */
void transport_listener_free(struct transport_listener *listener);
DEFINE_CLEANUP(struct transport_listener *, transport_listener_free)

/* Returns when each of the listener's threads has gone round since the call, and so has left whatever of the
 * protocol it was in. Not from one of them. */
void transport_listener_wait_round(struct transport_listener *listener);

/* For a watchdog: whether each of the listener's threads has gone round since the last time that this said
 * so, or has ended its work. Wakes them, so that those who idle can say so the next time. */
bool transport_listener_made_progress(struct transport_listener *listener);

/* Networks for transport_listener_adopt_trusted_proxies(), copied. 0 or -ENOMEM. */
struct transport_networks;
int transport_networks_new(const struct network *networks, size_t n,
                           struct transport_networks **ret_networks);
void transport_networks_free(struct transport_networks *networks);
DEFINE_CLEANUP(struct transport_networks *, transport_networks_free)

/* From now on these, which are consumed, are the networks of transport_config.trusted_proxies. */
void transport_listener_adopt_trusted_proxies(struct transport_listener *listener,
                                              struct transport_networks *networks);

/* Why a connection that was to begin with a PROXY header was closed. */
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

/* Constant texts: the name that metrics have, and the words of the log. */
const char *transport_proxy_refusal_name(enum transport_proxy_refusal refusal);
const char *transport_proxy_refusal_text(enum transport_proxy_refusal refusal);

struct transport_counters {
    uint64_t n_connections; /* open now */
    uint64_t n_connections_max;
    uint64_t n_accepted;
    uint64_t n_refused_per_address; /* closed at once, for max_connections_per_address */
    uint64_t n_no_room;             /* times that one had to wait, for n_connections_max are open */
    uint64_t n_timed_out;           /* cut off for request_timeout: slow to send, or to take the reply */
    uint64_t n_proxy_refused[TRANSPORT_N_PROXY_REFUSALS];
    uint64_t n_streams_cut; /* cut off for slow readers: for stream_timeout, or by the protocol */
};

/* Any thread. */
void transport_listener_counters(const struct transport_listener *listener,
                                 struct transport_counters *ret_counters);

/* The same as metrics, labelled with the listener's name. */
void transport_listener_metrics(const struct transport_listener *listener,
                                const struct metric_visitor *visitor);

#endif

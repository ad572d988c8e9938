/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_LISTENER_H
#define PRESENCED_LISTENER_H

/* An HTTP listener: sockets, threads, libmicrohttpd, and the limits that it does not keep. Created, started
 * and stopped by one thread; handlers are called on the listener's own threads. */

#include "presenced/request.h"
#include "presenced/tls.h"

struct http_listener;

struct http_listener_config {
    const char *name; /* "callback": in logs and thread names; at most 10 characters */
    const struct http_handler *handler;
    void *handler_cls;
    struct tls *tls; /* NULL: plain HTTP; outlives the listener */
    unsigned n_threads;
    unsigned max_connections;
    unsigned max_connections_per_address; /* 0: no bound */
    const struct network *unbounded;      /* peers that the bound above does not count; copied */
    size_t n_unbounded;
    size_t max_body_bytes;
    size_t connection_memory_bytes; /* for a request's head, its headers taken apart, and the reply's head */
    uint64_t idle_timeout_ms;
    uint64_t request_timeout_ms;
};

/* 0, or -errno. */
int http_listener_new(const struct http_listener_config *config, struct http_listener **ret_listener);

/* How many descriptors a listener uses at most: a connection has its socket and an epoll of its own
 * (src/http/mhd_loop.h); a thread has those that it waits with, and unused epolls for new connections. */
#define HTTP_DESCRIPTORS_A_CONNECTION 2
#define HTTP_DESCRIPTORS_A_THREAD 20

#define HTTP_LISTENER_N_SOCKETS_MAX 16

/* Hands over a listening socket (socket.h), before the start; the listener closes it. One that `is_shared` is
 * kept open by another process too, for whoever comes after this one. 0, or -ENOSPC where there are
 * HTTP_LISTENER_N_SOCKETS_MAX. */
int http_listener_add_socket(struct http_listener *listener, int fd, bool is_shared);

/* The sockets handed over, in their order; borrowed. */
unsigned http_listener_n_sockets(const struct http_listener *listener);
int http_listener_socket(const struct http_listener *listener, unsigned which);

/* Starts the threads; requests are served from now on. 0, or -errno. */
int http_listener_start(struct http_listener *listener);

/* From now on answers say `Connection: close`; connections are still accepted, so that a load balancer's
 * health check gets in. */
void http_listener_drain(struct http_listener *listener);

/* Stops accepting, for good: what waits at the sockets is taken, and who comes after that is refused. Who
 * waits at a shared socket is left there for the next process. */
void http_listener_pause(struct http_listener *listener);

/* After http_listener_pause(): waits until all requests that have come are answered, and those of who has
 * just connected, at most `timeout_ms`. Whether that is so. */
bool http_listener_wait_idle(struct http_listener *listener, uint64_t timeout_ms);

/* Ends threads, connections and sockets. */
void http_listener_free(struct http_listener *listener);
DEFINE_CLEANUP(struct http_listener *, http_listener_free)

/* Has the requests whose answers wait asked for again (struct http_handler). From any thread, between start
 * and free; cheap where none waits. */
void http_listener_wake(struct http_listener *listener);

/* Returns when each of the listener's threads has been outside of its handler since the call. Not from one of
 * them. */
void http_listener_wait_round(struct http_listener *listener);

/* For a watchdog: whether each of the listener's threads has gone round since the last time that this said
 * so, or has ended its work. Wakes them, so that those who idle can say so the next time. */
bool http_listener_has_moved(struct http_listener *listener);

/* Exchanges the networks of http_listener_config.unbounded for a copy of these. 0 or -ENOMEM. */
int http_listener_set_unbounded(struct http_listener *listener, const struct network *networks, size_t n);

struct http_listener_stats {
    uint64_t n_connections; /* open now */
    uint64_t n_connections_max;
    uint64_t n_accepted;
    uint64_t n_refused_per_address; /* closed at once, for max_connections_per_address */
    uint64_t n_timed_out;           /* cut off for request_timeout: slow to send, or to take the reply */
    uint64_t n_requests;
    uint64_t n_malformed; /* requests for http_handler.refuse(); connections closed on what is no request */
};

void http_listener_stats(const struct http_listener *listener, struct http_listener_stats *ret_stats);

/* The version of libmicrohttpd at run time: "0.9.75". */
const char *http_library_version(void);

#endif

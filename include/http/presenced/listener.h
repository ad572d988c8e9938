/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_LISTENER_H
#define PRESENCED_LISTENER_H

/* A listener that speaks HTTP: a transport's, with libmicrohttpd on top. Created, started and freed by one
 * thread; handlers are called on the listener's own threads. */

#include "presenced/request.h"
#include "presenced/transport.h"

struct http_listener;

struct http_config {
    const struct http_handler *handler;
    void *handler_cls;
    size_t max_body_bytes;
    size_t connection_memory_bytes; /* for a request's head, its headers taken apart, and the reply's head */
};

/* 0, or -errno. */
int http_listener_new(const struct transport_config *transport, const struct http_config *config,
                      struct http_listener **ret_listener);

/* Ends threads, connections and sockets. Takes NULL. */
void http_listener_free(struct http_listener *listener);
DEFINE_CLEANUP(struct http_listener *, http_listener_free)

/* Its sockets and threads; borrowed. */
struct transport_listener *http_listener_transport(const struct http_listener *listener);

/* How many descriptors a listener uses at most: a connection has its socket and an epoll of its own
 * (src/http/mhd_loop.h); a thread has those that it waits with, and unused epolls for new connections. */
#define HTTP_DESCRIPTORS_A_CONNECTION 2
#define HTTP_DESCRIPTORS_A_THREAD 20

/* Has the requests whose answers wait asked for again (struct http_handler). From any thread, between start
 * and free; cheap where none waits. */
void http_listener_wake(struct http_listener *listener);

/* Has the streams asked whether there is something to send (struct http_stream): one wake-up a thread,
 * however many streams it has. From any thread, between start and free; cheap where there is no stream. Where
 * there are many, wake-ups that follow each other closely are served together: a thread gives them a quarter
 * of its time. */
void http_listener_wake_streams(struct http_listener *listener);

struct http_counters {
    uint64_t n_requests;
    uint64_t n_malformed; /* requests for on_refusal(); connections closed on what is no request */
};

/* Any thread. */
void http_listener_counters(const struct http_listener *listener, struct http_counters *ret_counters);

/* The same as metrics. `name`: of its transport. */
void http_listener_metrics(const struct http_listener *listener, const char *name,
                           const struct metric_visitor *visitor);

/* The version of libmicrohttpd at run time: "0.9.75". */
const char *http_library_version(void);

#endif

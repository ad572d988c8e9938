/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_LISTENER_H
#define PRESENCED_LISTENER_H

/* An HTTP listener: a transport listener with libmicrohttpd on top. One thread creates, starts and frees it;
 * handlers are called on the listener's own threads. */

#include "presenced/request.h"
#include "presenced/transport.h"

struct http_listener;

struct http_config {
    const struct http_handler *handler;
    void *handler_cls;
    size_t max_body_bytes;
    size_t connection_memory_bytes; /* for the heads of a connection's request and reply */
};

/* Returns 0 or -errno. `config` is copied; its handler and handler_cls must outlive the listener. */
int http_listener_new(const struct transport_config *transport, const struct http_config *config,
                      struct http_listener **ret_listener);

/* Stops the threads and closes connections and sockets. Accepts NULL. */
void http_listener_free(struct http_listener *listener);
DEFINE_CLEANUP(struct http_listener *, http_listener_free)

/* Returns the underlying transport listener; borrowed. */
struct transport_listener *http_listener_transport(const struct http_listener *listener);

/* The maximum number of file descriptors that a listener uses: a connection has its socket and an epoll of
 * its own (src/http/mhd_loop.h); a thread has those that it waits with, and spare epolls for new connections.
 */
#define HTTP_DESCRIPTORS_A_CONNECTION 2
#define HTTP_DESCRIPTORS_A_THREAD 20

/* Calls on_resume() for requests whose answers are pending (struct http_handler). Any thread may call this
 * between start and free; it is cheap if no request is pending. */
void http_listener_wake(struct http_listener *listener);

/* Makes the listener check whether streams have something to send (struct http_stream), with one wake-up per
 * thread. Any thread may call this between start and free; it is cheap if there is no stream. If there are
 * many streams, wake-ups in close succession are combined: a thread spends at most a quarter of its time on
 * streams. */
void http_listener_wake_streams(struct http_listener *listener);

struct http_counters {
    uint64_t n_requests;
    uint64_t n_malformed; /* requests passed to on_refusal(), and input that was not HTTP */
};

/* Any thread may call this. */
void http_listener_counters(const struct http_listener *listener, struct http_counters *ret_counters);

/* Reports the counters as metrics. `name` is the name of the transport listener. */
void http_listener_metrics(const struct http_listener *listener, const char *name,
                           const struct metric_visitor *visitor);

/* Returns the version of libmicrohttpd at run time, such as "0.9.75". */
const char *http_library_version(void);

#endif

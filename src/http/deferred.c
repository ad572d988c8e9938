/* SPDX-License-Identifier: MIT */
/* Connections that have sent nothing yet. As soon as one is added it costs about 30 KiB with TLS and 6 KiB
 * without, for its libmicrohttpd daemon and what GnuTLS and the library allocate; so a connection is added
 * when its first bytes arrive. Until then our own epoll watches it, and it costs no more than its struct and
 * its socket (system/test_limits.c: silent_connections_cost_no_session). It is in the queue `busy`, so all
 * limits apply to it. */
#include "worker.h"

#include <sys/epoll.h>
#include <sys/socket.h>

/* How soon a connection's first request is expected, with a handshake and a long round trip. */
#define FIRST_REQUEST_MS 1000

void http_defer(struct http_connection *connection)
{
    static struct log_limit limit = {.per_second = 1, .burst = 5};
    connection->watch.kind = WATCH_DEFERRED;
    int r = http_worker_watch(connection->worker, &connection->watch, EPOLLIN | EPOLLRDHUP | EPOLLPRI);
    if (r < 0) {
        /* fs.epoll.max_user_watches is reached, or memory is gone. */
        http_worker_log_failure(connection->worker, &limit, "cannot watch a connection", r);
        http_connection_close(connection);
        return;
    }
    http_connection_becomes_busy(connection);
}

/* Whether the peer closed without sending anything, as load balancers do to probe a port. */
static bool has_left(const struct http_connection *connection, uint32_t events)
{
    char first;
    return (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0 &&
           recv(connection->watch.fd, &first, sizeof(first), MSG_PEEK) <= 0;
}

void http_deferred_is_ready(struct http_connection *connection, uint32_t events)
{
    if (connection->is_unfinished) {
        return; /* it was cut earlier in this round */
    }
    /* HTTP has no use for urgent data, and libmicrohttpd does not read past it. */
    if (has_left(connection, events) || (events & EPOLLPRI) != 0) {
        http_connection_close(connection);
        return;
    }
    connection->has_hung_up = (events & EPOLLRDHUP) != 0;
    http_connection_add(connection);
}

/* The newest connections are last in the queue. */
bool http_has_deferred(const struct http_worker *worker)
{
    struct waiter *waiter = wait_last(&worker->busy);
    while (waiter != NULL && waiter->since_ms + FIRST_REQUEST_MS > worker->now_ms) {
        const struct http_connection *connection = http_connection_of(waiter);
        if (!connection->has_served && connection->watch.kind != WATCH_LINGERING) {
            return true;
        }
        waiter = wait_previous(&worker->busy, waiter);
    }
    return false;
}

/* SPDX-License-Identifier: MIT */
/* Connections that have not sent anything yet. The protocol allocates a lot for a connection (HTTP 6 KiB,
 * about 30 with TLS), so it gets the connection only with its first bytes. Until then a connection costs only
 * its struct and its socket (system/test_limits.c: silent_connections_cost_no_session). It is in the queue
 * `busy`, so all limits apply to it. */
#include "proxy_header.h"

#include <sys/epoll.h>
#include <sys/socket.h>

/* Time within which the first request of a connection is expected, including a handshake and a long round
 * trip. */
#define FIRST_REQUEST_MS 1000

void deferred_begin(struct transport_connection *connection)
{
    static struct log_limit limit = {.per_second = 1, .burst = 5};
    int r = worker_watch(worker_of(connection), &connection->watch, EPOLLIN | EPOLLRDHUP | EPOLLPRI);
    if (r < 0) {
        /* fs.epoll.max_user_watches is reached, or out of memory. */
        transport_worker_log_failure(connection->worker, &limit, "cannot watch a connection", r);
        transport_connection_close(connection);
        return;
    }
    transport_connection_becomes_busy(connection);
}

/* Returns whether the peer closed without sending anything, as load balancers do to probe a port. */
static bool has_left(const struct transport_connection *connection, uint32_t events)
{
    char first;
    return (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0 &&
           recv(connection->watch.fd, &first, sizeof(first), MSG_PEEK) <= 0;
}

void deferred_is_ready(struct transport_connection *connection, uint32_t events)
{
    if (connection->is_cut) {
        return; /* it was cut earlier in this round */
    }
    /* Urgent data is not used by any protocol here, and the code that reads the socket may not read past it.
     */
    if ((events & EPOLLPRI) != 0) {
        transport_connection_close(connection);
        return;
    }
    if (connection->proxy_reader != NULL) {
        proxy_header_is_ready(connection); /* epoll reports bytes after the header again */
        return;
    }
    if (has_left(connection, events)) {
        transport_connection_close(connection);
        return;
    }
    connection->has_hung_up = (events & EPOLLRDHUP) != 0;
    connection->watch.kind = WATCH_BEGUN;
    worker_of(connection)->shared->protocol->begin(connection);
}

/* The newest connections are last in the queue. */
bool deferred_has_new(const struct worker *worker)
{
    struct waiter *waiter = wait_last(&worker->busy);
    while (waiter != NULL && waiter->since_ms + FIRST_REQUEST_MS > worker->shown.now_ms) {
        const struct transport_connection *connection = connection_of(waiter);
        if (!connection->has_asked && connection->watch.kind != WATCH_LINGERING) {
            return true;
        }
        waiter = wait_previous(&worker->busy, waiter);
    }
    return false;
}

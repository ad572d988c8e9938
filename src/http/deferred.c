/* SPDX-License-Identifier: MIT */
/* Connections that have sent nothing yet. libmicrohttpd makes a GnuTLS session of each connection at once (14
 * KiB, or 5 of plain HTTP), so it gets one when its first bytes are there. Until then our own epoll watches
 * it and it costs a struct and its socket: test_limits.c measures it. It stands among the busy ones, so all
 * limits hold. */
#include "worker.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>

/* How soon the first request follows its connection, over a handshake and from the other end of the world. */
#define FIRST_REQUEST_MS 1000

void http_defer(struct http_connection *connection)
{
    static struct log_limit limit = {.per_second = 1, .burst = 5};
    connection->watch.kind = WATCH_DEFERRED;
    if (!http_watch(connection, EPOLL_CTL_ADD)) {
        /* fs.epoll.max_user_watches, or memory. */
        http_worker_log_failure(connection->worker, &limit, "cannot watch a connection", errno);
        http_connection_close(connection);
        return;
    }
    http_connection_becomes_busy(connection);
}

/* Without a word, as load balancers do to see whether a port is open. */
static bool has_left(const struct http_connection *connection, uint32_t events)
{
    char first;
    return (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0 &&
           recv(connection->watch.fd, &first, sizeof(first), MSG_PEEK) <= 0;
}

void http_deferred_is_ready(struct http_connection *connection, uint32_t events)
{
    if (connection->is_unfinished) {
        return; /* it was cut before its event came */
    }
    /* Urgent data is of no use to HTTP, and stands in the way of what follows it. */
    if (has_left(connection, events) || (events & EPOLLPRI) != 0) {
        http_connection_close(connection);
        return;
    }
    connection->has_hung_up = (events & EPOLLRDHUP) != 0;
    http_connection_add(connection);
}

/* The newest stand at the end. */
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

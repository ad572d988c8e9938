/* SPDX-License-Identifier: MIT */
/* Who has connected and said nothing yet. libmicrohttpd makes a GnuTLS session of each connection at once (14
 * KiB, or 5 of plain HTTP), so it gets one when its first bytes are there. Until then our own epoll watches
 * it, as it does a parked one, and it costs a struct and its socket: test_limits.c measures it. It stands
 * among the busy ones, so all limits hold. */
#include "worker.h"

#include <errno.h>
#include <sys/epoll.h>

/* How soon the first request follows its connection, over a handshake and from the other end of the world. */
#define NEWCOMER_MS 1000

void http_newcomer_begin(struct http_connection *connection)
{
    static struct log_limit limit = {.per_second = 1, .burst = 5};
    connection->watch.kind = WATCH_NEWCOMER;
    if (!http_watch(connection, EPOLL_CTL_ADD)) {
        /* fs.epoll.max_user_watches, or memory. */
        http_worker_log_failure(connection->worker, &limit, "cannot watch a connection", errno);
        http_newcomer_end(connection);
        return;
    }
    http_connection_becomes_busy(connection);
}

void http_newcomer_end(struct http_connection *connection)
{
    (void)close(connection->watch.fd);
    http_connection_free(connection);
}

/* libmicrohttpd wants to know who the peer is, but nobody asks it. */
static void hand_over(struct http_connection *connection)
{
    static const struct sockaddr nobody = {.sa_family = AF_UNSPEC};
    struct http_worker *worker = connection->worker;
    connection->watch.kind = WATCH_PARKED;
    worker->accepting = connection;
    /* Closes the socket when it fails. */
    if (MHD_add_connection(worker->mhd, connection->watch.fd, &nobody, sizeof(nobody)) != MHD_YES &&
        worker->accepting != NULL) {
        http_connection_free(take_pointer(worker->accepting));
    }
}

/* Without a word, as load balancers do to see whether a port is open. */
static bool has_left(const struct http_connection *connection, uint32_t events)
{
    char first;
    return (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0 &&
           recv(connection->watch.fd, &first, sizeof(first), MSG_PEEK) <= 0;
}

void http_newcomer_is_ready(struct http_connection *connection, uint32_t events)
{
    if (connection->is_unfinished) {
        return; /* it was cut before its event came */
    }
    if (has_left(connection, events)) {
        http_newcomer_end(connection);
    } else {
        hand_over(connection);
    }
}

/* The newest stand at the end. */
bool http_has_newcomers(const struct http_worker *worker)
{
    struct waiter *waiter = wait_last(&worker->busy);
    while (waiter != NULL && waiter->since_ms + NEWCOMER_MS > worker->now_ms) {
        if (!http_connection_of(waiter)->has_served) {
            return true;
        }
        waiter = wait_previous(&worker->busy, waiter);
    }
    return false;
}

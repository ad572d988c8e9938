/* SPDX-License-Identifier: MIT */
/* libmicrohttpd (0.9.75, 1.0.1) spins on TLS handshakes: while gnutls_handshake() says EAGAIN its epoll loop
 * never clears the connection's ready flag, so that one client that stalls in a handshake costs a whole core.
 * A session that wants bytes that are not there, before its first request, is therefore parked: suspended in
 * libmicrohttpd and watched by our own epoll until bytes come. Suspending from outside of a handler is not
 * documented; it takes the connection out of the library's lists and epoll, and that is safe between two
 * runs. tests/system/test_limits.c measures what stalled clients cost.
 *
 * Parked is, too, who does not take its replies: libmicrohttpd believes them sent while GnuTLS still holds
 * them, and would go on serving. */
#include "mhd_adapter.h"
#include "worker.h"

#include <errno.h>
#include <sys/epoll.h>

void http_finish_later(struct http_connection *connection)
{
    if (!connection->is_unfinished) {
        connection->is_unfinished = true;
        connection->next_unfinished = connection->worker->unfinished;
        connection->worker->unfinished = connection;
    }
}

void http_connection_is_unfinished(void *cls)
{
    struct http_connection *connection = cls;
    if (!connection->has_served || tls_session_has_ahead(connection->tls)) {
        http_finish_later(connection);
    }
}

/* Whoever does not take its replies gets request_timeout to take them, and no more of them meanwhile. */
void http_flush(struct http_connection *connection)
{
    int r = connection->tls == NULL ? 0 : tls_session_flush(connection->tls);
    connection->has_unsent = r == -EAGAIN;
    if (connection->has_unsent) {
        http_connection_becomes_busy(connection);
    }
    connection->has_gathered |= r == TLS_SESSION_GATHERED;
    if (connection->has_unsent || connection->has_gathered) {
        http_finish_later(connection);
    }
}

bool http_watch(struct http_connection *connection, int operation)
{
    uint32_t events = connection->has_unsent ? EPOLLOUT : EPOLLIN | EPOLLRDHUP | EPOLLPRI;
    struct epoll_event event = {.events = events | EPOLLONESHOT, .data.ptr = &connection->watch};
    return epoll_ctl(connection->worker->epoll_fd, operation, connection->watch.fd, &event) == 0;
}

void http_watch_added(struct http_connection *connection)
{
    uint32_t all = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLPRI | EPOLLET;
    struct epoll_event event = {.events = connection->tls == NULL ? all : EPOLLRDHUP | EPOLLONESHOT,
                                .data.ptr = &connection->watch};
    /* Where it cannot be watched its deadline ends it. */
    (void)epoll_ctl(connection->worker->epoll_fd, EPOLL_CTL_MOD, connection->watch.fd, &event);
    if (connection->has_hung_up) {
        http_finish_later(connection);
    }
}

/* Outside of a run: libmicrohttpd walks its lists meanwhile. */
static void park(struct http_connection *connection)
{
    if (!http_watch(connection, EPOLL_CTL_MOD)) {
        return; /* it spins instead, until its deadline */
    }
    mhd_connection_suspend(connection);
    connection->is_parked = true;
}

/* Before its first request it will be parked again, if need be. */
void http_unpark(struct http_connection *connection)
{
    if (connection->is_parked) { /* else it was cut before its event came */
        connection->is_parked = false;
        if (connection->has_served) {
            http_watch_added(connection);
        }
        http_connection_resume(connection);
    }
}

void http_parked_is_ready(struct http_connection *connection)
{
    if (connection->is_parked && connection->has_unsent) {
        connection->has_unsent = tls_session_flush(connection->tls) == -EAGAIN;
        if (connection->has_unsent && http_watch(connection, EPOLL_CTL_MOD)) {
            return;
        }
        if (connection->exchange.stage == EXCHANGE_NONE) {
            http_connection_becomes_idle(connection);
        }
    }
    http_unpark(connection);
}

/* Bytes read ahead come without an event. One that waits for its answer is suspended already; what it has
 * unsent goes with that answer. */
static bool is_to_be_parked(const struct http_connection *connection)
{
    if (connection->has_unsent) {
        return connection->exchange.stage != EXCHANGE_WAIT;
    }
    return !connection->has_served && !tls_session_has_ahead(connection->tls);
}

/* GnuTLS said EAGAIN before it had looked at all that was there, and libmicrohttpd believes it until an event
 * comes: none will. Or the peer's end came with its last bytes, in one event, and a read that finds less than
 * it asked for is the last. */
static bool is_to_be_rearmed(const struct http_connection *connection)
{
    bool has_ahead = connection->tls != NULL && tls_session_has_ahead(connection->tls);
    return connection->exchange.stage != EXCHANGE_WAIT &&
           (has_ahead || (connection->has_hung_up && connection->exchange.stage != EXCHANGE_ANSWERED));
}

static void finish(struct http_connection *connection)
{
    if (connection->mhd == NULL) {
        http_connection_close(connection);
        return;
    }
    if (connection->has_gathered) {
        connection->has_gathered = false;
        tls_session_settle(connection->tls);
    }
    if (connection->tls != NULL && !connection->is_refused && is_to_be_parked(connection)) {
        park(connection);
    } else if (is_to_be_rearmed(connection)) {
        http_connection_rearm(connection);
    }
}

void http_finish_round(struct http_worker *worker)
{
    while (worker->unfinished != NULL) {
        struct http_connection *connection = worker->unfinished;
        worker->unfinished = connection->next_unfinished;
        connection->is_unfinished = false;
        finish(connection);
    }
}

void http_parking_forget(struct http_connection *connection)
{
    struct http_connection **link = &connection->worker->unfinished;
    while (connection->is_unfinished && *link != NULL) {
        if (*link == connection) {
            *link = connection->next_unfinished;
            connection->is_unfinished = false;
        } else {
            link = &(*link)->next_unfinished;
        }
    }
}

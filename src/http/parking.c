/* SPDX-License-Identifier: MIT */
/* libmicrohttpd (0.9.75, 1.0.1) spins on TLS handshakes: while gnutls_handshake() returns EAGAIN its epoll
 * loop never clears the connection's ready flag, so a single client that stalls in a handshake costs a whole
 * core. Therefore a TLS connection that waits for input before its first request is parked: suspended in
 * libmicrohttpd and watched by our own epoll until bytes arrive. Suspending from outside of a handler is not
 * documented, but it only takes the connection out of the library's lists and epoll, which is safe between
 * two runs. system/test_stalled.c measures what stalled clients cost.
 *
 * A TLS connection whose peer does not read its replies is parked as well: the library takes a reply for sent
 * while GnuTLS still holds it, and would go on to serve requests. And so is any connection whose reply is a
 * stream that has nothing to send (streaming.c). */
#include "connection.h"

#include <errno.h>

void parking_finish_later(struct http_connection *connection)
{
    if (!connection->is_unfinished) {
        struct http_worker *worker = http_worker_of(connection);
        connection->is_unfinished = true;
        connection->next_unfinished = worker->unfinished;
        worker->unfinished = connection;
    }
}

void parking_is_unfinished(void *cls)
{
    struct http_connection *connection = cls;
    if (!connection->transport.has_asked || tls_session_may_have_more(connection->transport.tls)) {
        parking_finish_later(connection);
    }
}

/* A peer that does not read its reply gets request_timeout to read it, and no further replies until then. */
void parking_flush(struct http_connection *connection)
{
    int r = connection->transport.tls == NULL ? 0 : tls_session_flush(connection->transport.tls);
    connection->has_unsent = r == -EAGAIN;
    if (connection->has_unsent) {
        transport_connection_becomes_busy(&connection->transport);
    }
    connection->has_gathered |= r == TLS_SESSION_GATHERED;
    if (connection->has_unsent || connection->has_gathered) {
        parking_finish_later(connection);
    }
}

/* During a run, only the connection's own callback may call this, because libmicrohttpd iterates over its
 * lists. */
void parking_park(struct http_connection *connection)
{
    mhd_suspend(connection->loop->mhd);
    connection->is_parked = true;
}

/* Before the connection's first request, finish() may park it again. */
void parking_unpark(struct http_connection *connection)
{
    if (connection->is_parked) {
        connection->is_parked = false;
        if (connection->transport.has_hung_up) {
            parking_finish_later(connection);
        }
        mhd_loop_resume(connection->loop);
    }
}

void parking_is_ready(struct http_connection *connection)
{
    if (connection->has_unsent) {
        connection->has_unsent = tls_session_flush(connection->transport.tls) == -EAGAIN;
        if (connection->has_unsent) {
            return;
        }
        if (connection->exchange.stage == EXCHANGE_NONE) {
            transport_connection_becomes_idle(&connection->transport);
        }
    }
    parking_unpark(connection);
}

/* Bytes that arrived before parking cause no event, so they must be processed first. A connection in
 * EXCHANGE_WAIT is already suspended; its unsent bytes are sent with its answer. */
static bool is_to_be_parked(const struct http_connection *connection)
{
    if (connection->has_unsent) {
        return connection->exchange.stage != EXCHANGE_WAIT;
    }
    return !connection->transport.has_asked && !connection->transport.has_hung_up &&
           !tls_session_may_have_more(connection->transport.tls);
}

/* A stream is suspended most of the time and reads nothing. */
static bool reads_requests(const struct http_connection *connection)
{
    return connection->exchange.stage != EXCHANGE_WAIT && connection->exchange.stage != EXCHANGE_STREAM;
}

/* Returns whether libmicrohttpd waits for an event that will not come: either GnuTLS returned EAGAIN although
 * there are more bytes, or the peer's FIN came in one event with its last bytes, and the library stops after
 * a short read without reading to the end. */
static bool is_to_be_rearmed(const struct http_connection *connection)
{
    bool has_more = connection->transport.tls != NULL && tls_session_may_have_more(connection->transport.tls);
    return reads_requests(connection) && (has_more || (connection->transport.has_hung_up &&
                                                       connection->exchange.stage != EXCHANGE_ANSWERED));
}

static void finish(struct http_connection *connection)
{
    if (connection->has_gathered) {
        connection->has_gathered = false;
        tls_session_settle(connection->transport.tls);
    }
    if (connection->transport.tls != NULL && !connection->is_refused && is_to_be_parked(connection)) {
        parking_park(connection);
    } else if (is_to_be_rearmed(connection)) {
        mhd_loop_restart(connection->loop);
    }
}

void parking_finish_round(struct http_worker *worker)
{
    while (worker->unfinished != NULL) {
        struct http_connection *connection = worker->unfinished;
        worker->unfinished = connection->next_unfinished;
        connection->is_unfinished = false;
        finish(connection);
    }
}

void parking_forget(struct http_connection *connection)
{
    struct http_connection **link = &http_worker_of(connection)->unfinished;
    while (connection->is_unfinished && *link != NULL) {
        if (*link == connection) {
            *link = connection->next_unfinished;
            connection->is_unfinished = false;
        } else {
            link = &(*link)->next_unfinished;
        }
    }
}

/* SPDX-License-Identifier: MIT */
/* An HTTP connection, from its first bytes until libmicrohttpd has closed its file descriptor. */
#include "connection.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>

static struct http_connection *of_transport(struct transport_connection *transport)
{
    return (struct http_connection *)(void *)transport; /* its first member */
}

void http_connection_begin(struct transport_connection *transport)
{
    static struct log_limit limit = {.per_second = 1, .burst = 5};
    struct http_connection *connection = of_transport(transport);
    int r = mhd_loop_take(&http_worker_of(connection)->loops, &connection->loop);
    if (r < 0) {
        transport_worker_log_failure(transport->worker, &limit, "cannot serve a connection", r);
        transport_connection_close(transport);
        return;
    }
    mhd_loop_rearm(connection->loop); /* also if mhd_add() fails, as mhd_loop_take() requires */
    if (!mhd_add(connection->loop->mhd, transport->watch.fd, connection)) {
        transport_connection_release(transport);
    }
}

/* HTTP has no use for urgent data, and libmicrohttpd does not read past it. */
void http_connection_on_events(struct transport_connection *transport, uint32_t events)
{
    struct http_connection *connection = of_transport(transport);
    if ((events & EPOLLPRI) != 0) {
        transport_connection_cut(transport);
        return;
    }
    transport->has_hung_up |= (events & (EPOLLRDHUP | EPOLLHUP)) != 0;
    if (connection->is_parked) {
        parking_is_ready(connection);
        return;
    }
    mhd_loop_rearm(connection->loop);
    if (transport->has_hung_up) {
        parking_finish_later(connection);
    }
}

void http_connection_resume(struct http_connection *connection)
{
    parking_unpark(connection);
    waiting_end(connection);
}

/* Shuts down the socket, so that libmicrohttpd sees a connection closed by the peer. */
void http_connection_cut(struct transport_connection *transport)
{
    struct http_connection *connection = of_transport(transport);
    streaming_break(connection);
    (void)shutdown(transport->watch.fd, SHUT_RDWR);
    mhd_expire(connection->loop->mhd);
    mhd_loop_rearm(connection->loop);
    http_connection_resume(connection);
}

void http_connection_forget(struct transport_connection *transport)
{
    struct http_connection *connection = of_transport(transport);
    parking_forget(connection);
    if (connection->exchange.stage == EXCHANGE_STREAM) {
        streaming_end(connection);
    } else if (connection->exchange.stage != EXCHANGE_NONE) {
        http_count_down(&http_worker_of(connection)->counters.n_in_flight);
    }
    exchange_fini(&connection->exchange);
}

/* A long TLS reply is sent as one record per round, without an event. */
static void has_sent(void *cls)
{
    struct http_connection *connection = cls;
    mhd_loop_has_progressed(connection->loop);
}

static bool start_tls(struct http_connection *connection)
{
    static const struct tls_session_events events = {
        .is_unfinished = parking_is_unfinished,
        .has_sent = has_sent,
    };
    struct tls *tls = transport_worker_tls(connection->transport.worker);
    if (tls == NULL) {
        return true;
    }
    void *gnutls = mhd_tls(connection->loop->mhd);
    if (gnutls != NULL) {
        connection->transport.tls = tls_session_new(tls, gnutls, connection->transport.watch.fd, &events,
                                                    connection);
    }
    return connection->transport.tls != NULL;
}

static void handle_added(void *cls)
{
    struct http_connection *connection = cls;
    if (!start_tls(connection) || transport_connection_watch(&connection->transport) < 0) {
        (void)shutdown(connection->transport.watch.fd, SHUT_RDWR);
    } else if (connection->transport.has_hung_up) {
        parking_finish_later(connection);
    }
}

/* Returns whether libmicrohttpd closes the connection without an answer because it could not parse the input:
 * there are unanswered bytes, and the peer has not closed. Failed handshakes are counted in
 * transport/tls_session.c. */
static bool is_abandoned(const struct http_connection *connection)
{
    const struct transport_connection *transport = &connection->transport;
    char byte;
    if (connection->is_refused || connection->is_closing || connection->exchange.stage == EXCHANGE_ANSWERED ||
        (transport->tls != NULL && !tls_session_is_established(transport->tls)) ||
        (connection->exchange.stage == EXCHANGE_NONE &&
         transport_connection_n_unanswered_bytes(transport) == 0)) {
        return false;
    }
    ssize_t n = recv(transport->watch.fd, &byte, sizeof(byte), MSG_PEEK | MSG_DONTWAIT);
    return n > 0 || (n < 0 && errno == EAGAIN);
}

static void log_abandoned(const struct transport_connection *transport)
{
    static struct log_limit limit = {.per_second = 2, .burst = 10};
    uint64_t n_suppressed = 0;
    if (log_limit_pass(&limit, &n_suppressed)) {
        log_warning("connection closed without an answer",
                    log_text("listener", transport_worker_name(transport->worker)),
                    log_text("reason", "what it sent is no HTTP request"),
                    log_address("peer", &transport->peer), log_u64("suppressed", n_suppressed));
    }
}

static void log_failed_handshake(const struct transport_connection *transport)
{
    static struct log_limit limit = {.per_second = 2, .burst = 10};
    uint64_t n_suppressed = 0;
    const char *alert;
    enum tls_failure failure = tls_session_failure(transport->tls, &alert);
    enum log_level level = failure == TLS_FAILURE_CLOSED ? LOG_LEVEL_INFO : LOG_LEVEL_WARNING;
    if (log_limit_pass(&limit, &n_suppressed)) {
        log_at(level, "TLS handshake failed", log_text("listener", transport_worker_name(transport->worker)),
               log_text("reason", tls_failure_text(failure)), log_text("alert", alert),
               log_address("peer", &transport->peer), log_u64("suppressed", n_suppressed));
    }
}

static void handle_closed(void *cls)
{
    struct http_connection *connection = cls;
    struct transport_connection *transport = &connection->transport;
    if (transport->tls != NULL && !tls_session_is_established(transport->tls) &&
        !transport->worker->is_ending) {
        log_failed_handshake(transport);
    }
    if (is_abandoned(connection)) {
        transport_count(&http_worker_of(connection)->counters.n_malformed);
        log_abandoned(transport);
    }
    connection->loop = NULL;
    parking_forget(connection);
    transport_connection_release(transport);
}

static void handle_request_line(void *cls, struct str target)
{
    exchange_begin(cls, target);
}

static bool handle_head(void *cls, const struct mhd_head *head)
{
    struct http_connection *connection = cls;
    mhd_loop_has_progressed(connection->loop);
    return exchange_head(connection, head);
}

static bool handle_body(void *cls, struct str bytes)
{
    struct http_connection *connection = cls;
    mhd_loop_has_progressed(connection->loop);
    return exchange_body(connection, bytes);
}

static bool handle_request(void *cls)
{
    struct http_connection *connection = cls;
    mhd_loop_has_progressed(connection->loop);
    return exchange_answer(connection);
}

static void handle_request_end(void *cls)
{
    exchange_end(cls);
}

static void handle_refused(void *cls, unsigned status)
{
    exchange_is_refused(cls, status);
}

static void handle_complained(void *cls)
{
    const struct http_connection *connection = cls;
    if (connection->transport.tls != NULL) {
        tls_session_has_failed(connection->transport.tls); /* does nothing if the handshake is complete */
    }
}

const struct mhd_events http_connection_events = {
    .added = handle_added,
    .closed = handle_closed,
    .request_line = handle_request_line,
    .head = handle_head,
    .body = handle_body,
    .request = handle_request,
    .request_end = handle_request_end,
    .refused = handle_refused,
    .complained = handle_complained,
};

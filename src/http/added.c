/* SPDX-License-Identifier: MIT */
/* Connections that were added to libmicrohttpd: how they are added, resumed and ended. */
#include "mhd_adapter.h"
#include "worker.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>

void http_connection_free(struct http_connection *connection)
{
    struct http_worker *worker = connection->worker;
    struct http_shared *shared = worker->shared;
    http_parking_forget(connection);
    wait_leave(&connection->waiter);
    if (connection->exchange.stage != EXCHANGE_NONE) {
        http_count_down(&worker->stats.n_in_flight);
    }
    if (connection->is_bounded) {
        address_bound_remove(shared->addresses, &connection->peer);
    }
    atomic_fetch_sub_explicit(&shared->n_connections, 1, memory_order_relaxed);
    cleanup_closep(&connection->linger_fd);
    exchange_fini(&connection->exchange);
    tls_session_free(connection->tls);
    free(connection);
}

void http_connection_close(struct http_connection *connection)
{
    (void)close(connection->watch.fd);
    http_connection_free(connection);
}

void http_connection_has_progressed(struct http_connection *connection)
{
    mhd_loop_has_progressed(connection->loop);
}

/* ---- events of the TLS session ---- */

/* A long TLS reply leaves one record a round, without an event. */
static void has_sent(void *cls)
{
    http_connection_has_progressed(cls);
}

static bool start_tls(struct http_connection *connection)
{
    static const struct tls_session_events events = {
        .is_unfinished = http_connection_is_unfinished,
        .has_sent = has_sent,
    };
    struct tls *tls = connection->worker->shared->config.tls;
    if (tls == NULL) {
        return true;
    }
    void *gnutls = mhd_connection_tls(connection);
    if (gnutls != NULL) {
        connection->tls = tls_session_new(tls, gnutls, connection->watch.fd, &events, connection);
    }
    return connection->tls != NULL;
}

/* ---- added, suspended and resumed ---- */

void http_connection_add(struct http_connection *connection)
{
    static struct log_limit limit = {.per_second = 1, .burst = 5};
    struct http_worker *worker = connection->worker;
    int r = mhd_loop_take(worker, &connection->loop);
    if (r < 0) {
        http_worker_log_failure(worker, &limit, "cannot serve a connection", r);
        http_connection_close(connection);
        return;
    }
    mhd_loop_rearm(connection->loop); /* also on failure, for mhd_loop_take() */
    mhd_add(connection->loop->mhd, connection);
}

void http_connection_is_added(struct http_connection *connection)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLPRI | EPOLLET,
                                .data.ptr = &connection->watch};
    connection->watch.kind = WATCH_CONNECTION;
    if (!start_tls(connection) ||
        epoll_ctl(connection->worker->epoll_fd, EPOLL_CTL_MOD, connection->watch.fd, &event) < 0) {
        (void)shutdown(connection->watch.fd, SHUT_RDWR);
    } else if (connection->has_hung_up) {
        http_finish_later(connection);
    }
}

void http_connection_resume(struct http_connection *connection)
{
    mhd_connection_resume(connection);
    mhd_loop_rearm(connection->loop);
}

void http_connection_rearm(struct http_connection *connection)
{
    mhd_connection_suspend(connection);
    http_connection_resume(connection);
}

/* HTTP has no use for urgent data, and libmicrohttpd does not read past it. */
void http_connection_is_ready(struct http_connection *connection, uint32_t events)
{
    if ((events & EPOLLPRI) != 0) {
        http_connection_cut(connection);
        return;
    }
    connection->has_hung_up |= (events & (EPOLLRDHUP | EPOLLHUP)) != 0;
    if (connection->is_parked) {
        http_parked_is_ready(connection);
        return;
    }
    mhd_loop_rearm(connection->loop);
    if (connection->has_hung_up) {
        http_finish_later(connection);
    }
}

/* To libmicrohttpd it looks as if the peer had closed the connection. */
void http_connection_cut(struct http_connection *connection)
{
    wait_leave(&connection->waiter);
    if (connection->mhd == NULL) {
        http_finish_later(connection);
        return;
    }
    (void)shutdown(connection->watch.fd, SHUT_RDWR);
    mhd_connection_expire(connection);
    mhd_loop_rearm(connection->loop);
    http_unpark(connection);
    http_wait_no_longer(connection);
}

/* ---- the end ---- */

/* Whether libmicrohttpd closes the connection without an answer because it could not parse what was sent:
 * there are bytes that were not answered, and the peer has not closed. Failed handshakes are counted in
 * tls.c. */
static bool is_abandoned(const struct http_connection *connection)
{
    char byte;
    if (connection->is_refused || connection->is_closing || connection->exchange.stage == EXCHANGE_ANSWERED ||
        (connection->tls != NULL && !tls_session_is_established(connection->tls)) ||
        (connection->exchange.stage == EXCHANGE_NONE &&
         http_connection_n_unanswered_bytes(connection) == 0)) {
        return false;
    }
    ssize_t n = recv(connection->watch.fd, &byte, sizeof(byte), MSG_PEEK | MSG_DONTWAIT);
    return n > 0 || (n < 0 && errno == EAGAIN);
}

static void log_abandoned(const struct http_connection *connection)
{
    static struct log_limit limit = {.per_second = 2, .burst = 10};
    uint64_t n_suppressed = 0;
    if (log_limit_pass(&limit, &n_suppressed)) {
        log_warning("connection closed without an answer",
                    log_text("listener", connection->worker->shared->config.name),
                    log_text("reason", "what it sent is no HTTP request"),
                    log_address("peer", &connection->peer), log_u64("suppressed", n_suppressed));
    }
}

static void log_failed_handshake(const struct http_connection *connection)
{
    static struct log_limit limit = {.per_second = 2, .burst = 10};
    uint64_t n_suppressed = 0;
    const char *alert;
    enum tls_failure failure = tls_session_failure(connection->tls, &alert);
    enum log_level level = failure == TLS_FAILURE_CLOSED ? LOG_LEVEL_INFO : LOG_LEVEL_WARNING;
    if (log_limit_pass(&limit, &n_suppressed)) {
        log_at(level, "TLS handshake failed", log_text("listener", connection->worker->shared->config.name),
               log_text("reason", tls_failure_text(failure)), log_text("alert", alert),
               log_address("peer", &connection->peer), log_u64("suppressed", n_suppressed));
    }
}

void http_connection_is_closed(struct http_connection *connection)
{
    if (connection->tls != NULL && !tls_session_is_established(connection->tls) &&
        !connection->worker->is_ending) {
        log_failed_handshake(connection);
    }
    if (is_abandoned(connection)) {
        http_count(&connection->worker->stats.n_malformed);
        log_abandoned(connection);
    }
    connection->loop = NULL;
    (void)epoll_ctl(connection->worker->epoll_fd, EPOLL_CTL_DEL, connection->watch.fd, NULL);
    if (connection->linger_fd < 0 || connection->worker->is_ending) {
        http_connection_free(connection);
        return;
    }
    http_parking_forget(connection);
    tls_session_free(take_pointer(connection->tls));
    http_lingering_begin(connection);
}

/* SPDX-License-Identifier: MIT */
/* The deadlines that libmicrohttpd does not keep: its own time-out starts anew with every byte. */
#include "worker.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

/* Some clients send an empty line after a body (RFC 9112, section 2.2), which libmicrohttpd skips. */
#define EMPTY_LINE_BYTES 2

void http_connection_becomes_busy(struct http_connection *connection)
{
    connection->is_busy = true;
    wait_join(&connection->worker->busy, &connection->waiter, connection->worker->now_ms);
}

void http_request_begins(struct http_connection *connection)
{
    struct http_worker *worker = connection->worker;
    http_connection_has_progressed(connection);
    http_count(&worker->stats.n_requests);
    http_count(&worker->stats.n_in_flight);
    connection->has_served = true;
    if (!connection->is_busy) {
        http_connection_becomes_busy(connection);
    }
}

/* Bytes that the kernel or GnuTLS has taken from the peer. A Unix socket cannot tell, so there a request
 * begins with its whole request line; those peers are local. */
static uint64_t count_received(const struct http_connection *connection)
{
    struct tcp_info info;
    socklen_t len = sizeof(info);
    if (connection->tls != NULL) {
        return tls_session_n_received(connection->tls);
    }
    if (getsockopt(connection->watch.fd, IPPROTO_TCP, TCP_INFO, &info, &len) != 0) {
        return connection->n_received;
    }
    return info.tcpi_bytes_received;
}

/* Of plain HTTP the request's own length is known and spares asking the kernel. */
void http_request_is_answered(struct http_connection *connection, uint64_t n_request_bytes)
{
    if (connection->tls == NULL && n_request_bytes != 0) {
        connection->n_received += n_request_bytes;
    } else {
        connection->n_received = count_received(connection);
    }
    http_connection_becomes_busy(connection);
}

uint64_t http_connection_n_unanswered_bytes(const struct http_connection *connection)
{
    uint64_t n = count_received(connection) - connection->n_received;
    return n > EMPTY_LINE_BYTES ? n : 0;
}

void http_connection_becomes_idle(struct http_connection *connection)
{
    connection->is_busy = false;
    wait_join(&connection->worker->idle, &connection->waiter, connection->worker->now_ms);
}

void http_request_ends(struct http_connection *connection)
{
    http_count_down(&connection->worker->stats.n_in_flight);
    http_connection_becomes_idle(connection);
    if (connection->has_hung_up) {
        http_finish_later(connection);
    }
}

/* libmicrohttpd does not say when the first byte of a kept connection's next request comes, so connections
 * that idle are looked at now and then for bytes that came since. (A first byte that came in one piece with
 * the end of the request before goes unnoticed until the next: idle_timeout bounds that.) */
static void find_begun(struct http_worker *worker)
{
    struct waiter *waiter = wait_first(&worker->idle);
    while (waiter != NULL) {
        struct http_connection *connection = http_connection_of(waiter);
        waiter = wait_next(&worker->idle, waiter);
        uint64_t n_new = count_received(connection) - connection->n_received;
        if (n_new > EMPTY_LINE_BYTES) {
            http_connection_becomes_busy(connection);
        } else {
            connection->n_received += n_new;
        }
    }
}

static void cut_expired(struct http_worker *worker, struct wait_queue *queue, uint64_t timeout_ms,
                        _Atomic uint64_t *counter)
{
    struct waiter *waiter = NULL;
    while ((waiter = wait_first(queue)) != NULL && waiter->since_ms + timeout_ms <= worker->now_ms) {
        struct http_connection *connection = http_connection_of(waiter);
        if (connection->tls != NULL) {
            tls_session_give_up(connection->tls);
        }
        http_connection_cut(connection);
        if (counter != NULL) {
            http_count(counter);
        }
    }
}

static uint64_t sweep_interval_ms(const struct http_listener_config *config)
{
    uint64_t shorter = config->idle_timeout_ms < config->request_timeout_ms ? config->idle_timeout_ms
                                                                            : config->request_timeout_ms;
    uint64_t interval = shorter / 4 < HTTP_SWEEP_INTERVAL_MS ? shorter / 4 : HTTP_SWEEP_INTERVAL_MS;
    return interval == 0 ? 1 : interval;
}

void http_limits_sweep(struct http_worker *worker)
{
    const struct http_listener_config *config = &worker->shared->config;
    find_begun(worker);
    if (atomic_exchange(&worker->shared->room_wanted, false)) {
        http_close_idle(worker);
    }
    cut_expired(worker, &worker->busy, config->request_timeout_ms, &worker->stats.n_timed_out);
    cut_expired(worker, &worker->idle, config->idle_timeout_ms, NULL);
    worker->next_sweep_ms = worker->now_ms + sweep_interval_ms(config);
}

/* SPDX-License-Identifier: MIT */
/* Cuts connections that exceed the time for a request or for idling. The time runs from the first byte and is
 * not restarted by later bytes. */
#include "proxy_header.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

/* Some clients send an empty line after a body (RFC 9112, section 2.2), which does not begin a request. */
#define EMPTY_LINE_BYTES 2

/* At max_connections, connections that have been idle for at least this long are closed to make room, longest
 * idle first. */
#define IDLE_BEFORE_CLOSED_FOR_ROOM_MS 1000
#define CLOSED_FOR_ROOM_MAX 16 /* closed per call */

void transport_connection_becomes_busy(struct transport_connection *connection)
{
    connection->is_busy = true;
    wait_join(&worker_of(connection)->busy, &connection->waiter, connection->worker->now_ms);
}

void transport_connection_becomes_idle(struct transport_connection *connection)
{
    connection->is_busy = false;
    connection->is_stream = false;
    wait_join(&worker_of(connection)->idle, &connection->waiter, connection->worker->now_ms);
}

void transport_request_begins(struct transport_connection *connection)
{
    connection->has_asked = true;
    if (!connection->is_busy) {
        transport_connection_becomes_busy(connection);
    }
}

/* Returns the bytes that the kernel or GnuTLS has received from the peer. A Unix socket does not count them;
 * there a request begins when its request line is complete. That suffices because those peers are local. */
static uint64_t count_received(const struct transport_connection *connection)
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

/* For plain HTTP the length of the request is known, which avoids asking the kernel. */
void transport_request_is_answered(struct transport_connection *connection, uint64_t n_request_bytes)
{
    if (connection->tls == NULL && n_request_bytes != 0) {
        connection->n_received += n_request_bytes;
    } else {
        connection->n_received = count_received(connection);
    }
    transport_connection_becomes_busy(connection);
}

uint64_t transport_connection_n_unanswered_bytes(const struct transport_connection *connection)
{
    uint64_t n = count_received(connection) - connection->n_received;
    return n > EMPTY_LINE_BYTES ? n : 0;
}

/* Finds idle connections on which the next request has begun. The protocol does not report a request's first
 * byte, so idle connections are checked periodically for new bytes. A first byte that arrives together with
 * the end of the previous request is not noticed before the next one; idle_timeout limits that case. */
static void find_new_requests(struct worker *worker)
{
    struct waiter *waiter = wait_first(&worker->idle);
    while (waiter != NULL) {
        struct transport_connection *connection = connection_of(waiter);
        waiter = wait_next(&worker->idle, waiter);
        uint64_t n_new = count_received(connection) - connection->n_received;
        if (n_new > EMPTY_LINE_BYTES) {
            transport_connection_becomes_busy(connection);
        } else {
            connection->n_received += n_new;
        }
    }
}

static bool has_waited_long(const struct worker *worker, const struct waiter *waiter)
{
    return waiter != NULL && waiter->since_ms + IDLE_BEFORE_CLOSED_FOR_ROOM_MS <= worker->shown.now_ms;
}

/* Closes connections that have not sent a request yet. Returns how many were closed. */
static unsigned close_silent(struct worker *worker)
{
    unsigned n = 0;
    struct waiter *waiter = wait_first(&worker->busy);
    while (n < CLOSED_FOR_ROOM_MAX && has_waited_long(worker, waiter)) {
        struct transport_connection *connection = connection_of(waiter);
        waiter = wait_next(&worker->busy, waiter);
        if (!connection->has_asked) {
            transport_connection_cut(connection);
            n++;
        }
    }
    return n;
}

/* Idle connections give way to new ones, so that a client that holds all connections open without using them
 * cannot lock others out. */
void deadlines_make_room(struct worker *worker)
{
    unsigned n = close_silent(worker);
    for (; n < CLOSED_FOR_ROOM_MAX && has_waited_long(worker, wait_first(&worker->idle)); n++) {
        transport_connection_cut(connection_of(wait_first(&worker->idle)));
    }
}

static void cut_expired(struct worker *worker, struct wait_queue *queue, uint64_t timeout_ms,
                        _Atomic uint64_t *counter)
{
    struct waiter *waiter = NULL;
    while ((waiter = wait_first(queue)) != NULL && waiter->since_ms + timeout_ms <= worker->shown.now_ms) {
        struct transport_connection *connection = connection_of(waiter);
        if (connection->tls != NULL) {
            tls_session_give_up(connection->tls);
        }
        if (connection->proxy_reader != NULL) {
            proxy_header_give_up(connection);
        }
        if (connection->is_stream) {
            transport_stream_is_cut(connection, "it takes nothing of what is sent");
        }
        transport_connection_cut(connection);
        if (counter != NULL) {
            transport_count(counter);
        }
    }
}

static uint64_t sweep_interval_ms(const struct transport_config *config)
{
    uint64_t shorter = config->idle_timeout_ms < config->request_timeout_ms ? config->idle_timeout_ms
                                                                            : config->request_timeout_ms;
    if (config->stream_timeout_ms != 0 && config->stream_timeout_ms < shorter) {
        shorter = config->stream_timeout_ms;
    }
    uint64_t interval = shorter / 4 < SWEEP_INTERVAL_MS ? shorter / 4 : SWEEP_INTERVAL_MS;
    return interval == 0 ? 1 : interval;
}

void deadlines_sweep(struct worker *worker)
{
    const struct transport_config *config = &worker->shared->config;
    find_new_requests(worker);
    if (atomic_exchange(&worker->shared->room_wanted, false)) {
        deadlines_make_room(worker);
    }
    cut_expired(worker, &worker->busy, config->request_timeout_ms, &worker->counters.n_timed_out);
    cut_expired(worker, &worker->idle, config->idle_timeout_ms, NULL);
    cut_expired(worker, &worker->sending, config->stream_timeout_ms, NULL);
    worker->next_sweep_ms = worker->shown.now_ms + sweep_interval_ms(config);
}

/* SPDX-License-Identifier: MIT */
/* Streaming replies. A stream with nothing to send is in none of the worker's queues. A stream with something
 * to send is in `sending` since its last bytes were passed to the kernel, so a peer that reads some of them,
 * however slowly, is not cut off. */
#include "worker.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

/* Limits what the kernel buffers for a peer in addition to data in flight. Otherwise a peer that stops
 * reading costs up to net.ipv4.tcp_wmem before it is noticed. For a Unix socket the limit is
 * net.core.wmem_default. */
#define UNSENT_BYTES_MAX 65536

/* A peer that disappeared without closing (power failure, firewall) acknowledges nothing, and the kernel
 * retries for a quarter of an hour. It gets longer than a peer that merely does not read, which
 * stream_timeout must find and count first. */
#define UNACKNOWLEDGED_TIMEOUTS 2

void transport_stream_begin(struct transport_connection *connection)
{
    uint64_t timeout_ms = worker_of(connection)->shared->config.stream_timeout_ms;
    int fd = connection->watch.fd;
    connection->is_busy = false;
    connection->is_stream = true;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &(int){UNSENT_BYTES_MAX}, sizeof(int));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT,
                     &(unsigned){(unsigned)(timeout_ms * UNACKNOWLEDGED_TIMEOUTS)}, sizeof(unsigned));
    transport_stream_sends(connection); /* the head of the reply is sent first */
}

void transport_stream_sends(struct transport_connection *connection)
{
    wait_join(&worker_of(connection)->sending, &connection->waiter, connection->worker->now_ms);
}

void transport_stream_is_sent(struct transport_connection *connection)
{
    wait_leave(&connection->waiter);
}

void transport_stream_is_cut(struct transport_connection *connection, const char *reason)
{
    static struct log_limit limit = {.per_second = 2, .burst = 10};
    uint64_t n_suppressed = 0;
    transport_count(&worker_of(connection)->counters.n_streams_cut);
    if (log_limit_pass(&limit, &n_suppressed)) {
        log_warning("stream cut off", log_text("listener", transport_worker_name(connection->worker)),
                    log_text("reason", reason), log_address("peer", &connection->peer),
                    log_u64("suppressed", n_suppressed));
    }
}

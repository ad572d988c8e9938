/* SPDX-License-Identifier: MIT */
/* Replies that go on. One that has nothing to send is in none of the worker's queues; one that has is in
 * `sending` from the moment at which its last bytes were handed over, so who takes some of them, however
 * slowly, lives on. */
#include "worker.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

/* What the kernel holds for a reader beyond what is on its way. Without it a reader that stands still costs
 * up to net.ipv4.tcp_wmem before anybody notices. Of a Unix socket net.core.wmem_default is the bound. */
#define UNSENT_BYTES_MAX 65536

/* A peer that is gone without a word (power, a firewall) acknowledges nothing; the kernel tries for a quarter
 * of an hour. It gets longer than one that merely does not read, whom stream_timeout is to find and count. */
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
    transport_stream_sends(connection); /* the head */
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

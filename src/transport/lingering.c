/* SPDX-License-Identifier: MIT */
/* If a connection is closed while its peer is still sending, the kernel resets it, and the peer may lose the
 * reply that explains the closing. So a connection that is rejected before its request was read lingers: a
 * duplicate file descriptor keeps the socket open when the protocol closes the first, and input is discarded
 * until the peer has finished, within LINGERING_BYTES_MAX and request_timeout. It is in the queue `busy` like
 * a connection that has sent no request, so it is among the first to be closed when room is needed. */
#include "worker.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define LINGERING_BYTES_MAX ((uint64_t)4 * 1024 * 1024)
#define READS_AT_ONCE 16

void transport_connection_linger(struct transport_connection *connection)
{
    if (connection->linger_fd < 0) {
        connection->linger_fd = fcntl(connection->watch.fd, F_DUPFD_CLOEXEC, 3);
    }
}

static void begin(struct transport_connection *connection)
{
    connection->watch = (struct watch){.kind = WATCH_LINGERING, .fd = take_fd(&connection->linger_fd)};
    connection->has_asked = false;
    (void)shutdown(connection->watch.fd, SHUT_WR);
    if (worker_watch(worker_of(connection), &connection->watch, EPOLLIN) < 0) {
        transport_connection_close(connection);
        return;
    }
    transport_connection_becomes_busy(connection);
}

void transport_connection_release(struct transport_connection *connection)
{
    /* If the protocol has already closed the descriptor, the kernel has removed it from the epoll. */
    (void)epoll_ctl(worker_of(connection)->epoll_fd, EPOLL_CTL_DEL, connection->watch.fd, NULL);
    if (connection->linger_fd < 0 || connection->worker->is_ending) {
        transport_connection_free(connection);
        return;
    }
    tls_session_free(take_pointer(connection->tls));
    begin(connection);
}

void lingering_is_ready(struct transport_connection *connection)
{
    char bytes[4096];
    ssize_t n = 0;
    if (connection->is_cut) {
        return; /* it was cut earlier in this round */
    }
    for (unsigned i = 0; i < READS_AT_ONCE; i++) {
        n = recv(connection->watch.fd, bytes, sizeof(bytes), 0);
        if (n <= 0) {
            break;
        }
        connection->n_lingering_bytes += (uint64_t)n;
    }
    if (n == 0 || (n < 0 && errno != EAGAIN) || connection->n_lingering_bytes > LINGERING_BYTES_MAX) {
        transport_connection_close(connection);
    }
}

/* SPDX-License-Identifier: MIT */
/* A connection that is closed while its peer is still sending is reset by the kernel, and the reset overtakes
 * the reply that says why. So what is refused in the midst lingers: a second descriptor keeps the socket open
 * when libmicrohttpd closes its own, and what comes is thrown away until the peer is done, within bounds. It
 * stands among the busy ones, as one that has never asked for anything: the first to make room. */
#include "worker.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define LINGERING_BYTES_MAX ((uint64_t)4 * 1024 * 1024)
#define READS_AT_ONCE 16

void http_linger(struct http_connection *connection)
{
    if (connection->linger_fd < 0) {
        connection->linger_fd = fcntl(connection->watch.fd, F_DUPFD_CLOEXEC, 3);
    }
}

void http_lingering_begin(struct http_connection *connection)
{
    connection->watch = (struct watch){.kind = WATCH_LINGERING, .fd = take_fd(&connection->linger_fd)};
    connection->has_served = false;
    connection->has_unsent = false;
    (void)shutdown(connection->watch.fd, SHUT_WR);
    if (!http_watch(connection, EPOLL_CTL_ADD)) {
        http_connection_close(connection);
        return;
    }
    http_connection_becomes_busy(connection);
}

void http_lingering_is_ready(struct http_connection *connection)
{
    char bytes[4096];
    ssize_t n = 0;
    if (connection->is_unfinished) {
        return; /* it was cut before its event came */
    }
    for (unsigned i = 0; i < READS_AT_ONCE; i++) {
        n = recv(connection->watch.fd, bytes, sizeof(bytes), 0);
        if (n <= 0) {
            break;
        }
        connection->n_lingering_bytes += (uint64_t)n;
    }
    bool is_done = n == 0 || (n < 0 && errno != EAGAIN) ||
                   connection->n_lingering_bytes > LINGERING_BYTES_MAX;
    if (is_done || !http_watch(connection, EPOLL_CTL_MOD)) {
        http_connection_close(connection);
    }
}

/* SPDX-License-Identifier: MIT */
#include "peers.h"
#include "proxy_header.h"

#include <errno.h>
#include <sys/epoll.h>

#define ACCEPTS_A_ROUND 16

/* For a new connection, the kernel wakes one of the threads: the one that began to watch first. */
#define ACCEPT_EVENTS (EPOLLIN | EPOLLEXCLUSIVE)

/* How long a worker that cannot accept waits before it tries again. */
#define ACCEPT_RETRY_MS 20

static void add_connection(struct worker *worker, int fd, const struct sockaddr *sockaddr)
{
    struct transport_connection *connection = transport_connection_new(worker, fd, sockaddr);
    if (connection == NULL) {
        return;
    }
    if (proxy_header_is_expected(connection)) {
        if (proxy_header_expect(connection) < 0) {
            transport_connection_close(connection);
            return;
        }
    } else if (!peer_count_connection(connection)) {
        transport_count(&worker->counters.n_refused_per_address);
        transport_connection_close(connection);
        return;
    }
    deferred_begin(connection);
}

static void accept_later(struct worker *worker)
{
    accept_watch(worker, false);
    worker->accept_again_ms = worker->shown.now_ms + ACCEPT_RETRY_MS;
}

/* The other threads have idle connections, too, which they close in their next sweep. */
static void make_room(struct worker *worker)
{
    deadlines_make_room(worker);
    atomic_store(&worker->shared->room_wanted, true);
    accept_later(worker);
}

static void accept_failed(struct worker *worker, int error)
{
    static struct log_limit limit = {.per_second = 1, .burst = 5};
    if (error == EAGAIN || error == EWOULDBLOCK || error == EINTR || error == ECONNABORTED) {
        return;
    }
    transport_worker_log_failure(&worker->shown, &limit, "cannot accept connections", error);
    make_room(worker); /* closing connections may free file descriptors, which all threads share */
}

static void unwatch(struct worker *worker, struct watch *socket)
{
    (void)epoll_ctl(worker->epoll_fd, EPOLL_CTL_DEL, socket->fd, NULL);
}

void accept_watch(struct worker *worker, bool accepts)
{
    int r = 0;
    if (accepts == worker->accepts) {
        return;
    }
    worker->accepts = accepts;
    for (unsigned i = 0; i < worker->shared->n_sockets; i++) {
        if (accepts) {
            int r_socket = worker_watch(worker, &worker->sockets[i], ACCEPT_EVENTS);
            r = r_socket < 0 ? r_socket : r;
        } else {
            unwatch(worker, &worker->sockets[i]);
        }
    }
    if (r < 0) {
        accept_failed(worker, -r);
    }
}

static bool has_room(const struct worker *worker)
{
    return atomic_load_explicit(&worker->shared->n_connections, memory_order_relaxed) <
           worker->shared->config.max_connections;
}

/* Watches the socket anew, so that the other threads come before this one. */
static int rotate_watch(struct worker *worker, struct watch *socket)
{
    if (worker->shared->config.n_threads == 1) {
        return 0;
    }
    unwatch(worker, socket);
    return worker_watch(worker, socket, ACCEPT_EVENTS);
}

bool accept_some(struct worker *worker, struct watch *socket)
{
    int r = rotate_watch(worker, socket);
    if (r < 0) {
        accept_failed(worker, -r);
        return false;
    }
    for (unsigned i = 0; i < ACCEPTS_A_ROUND; i++) {
        struct sockaddr_storage sockaddr;
        socklen_t len = sizeof(sockaddr);
        if (!has_room(worker)) {
            transport_count(&worker->counters.n_no_room);
            make_room(worker);
            return false;
        }
        int fd = accept4(socket->fd, (struct sockaddr *)&sockaddr, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            accept_failed(worker, errno);
            return false;
        }
        transport_count(&worker->counters.n_accepted);
        add_connection(worker, fd, (const struct sockaddr *)&sockaddr);
    }
    return true;
}

/* SPDX-License-Identifier: MIT */
#include "worker.h"

#include <errno.h>
#include <sys/epoll.h>

#define ACCEPTS_A_ROUND 16

/* How long a worker that cannot accept waits before it tries again. */
#define ACCEPT_RETRY_MS 20

/* At max_connections the connections that are idle longest make room, once they have been so for so long. */
#define IDLE_BEFORE_CLOSED_FOR_ROOM_MS 1000
#define CLOSED_FOR_ROOM_MAX 16 /* at a time */

static bool is_exempt(struct http_shared *shared, const struct address *peer)
{
    bool exempt = peer->len == 0; /* a Unix socket */
    (void)pthread_rwlock_rdlock(&shared->unbounded_lock);
    for (size_t i = 0; i < shared->n_unbounded; i++) {
        exempt |= network_contains(&shared->unbounded[i], peer);
    }
    (void)pthread_rwlock_unlock(&shared->unbounded_lock);
    return exempt;
}

/* Counts the new connection; false when its address has its share already. */
static bool within_bound(struct http_connection *connection)
{
    struct http_shared *shared = connection->worker->shared;
    if (shared->addresses == NULL || is_exempt(shared, &connection->peer)) {
        return true;
    }
    connection->is_bounded = address_bound_add(shared->addresses, &connection->peer);
    return connection->is_bounded;
}

static void add_connection(struct http_worker *worker, int fd, const struct sockaddr *sockaddr)
{
    struct http_connection *connection = calloc(1, sizeof(*connection));
    if (connection == NULL) {
        (void)close(fd);
        return;
    }
    connection->watch.fd = fd;
    connection->linger_fd = -1;
    connection->worker = worker;
    connection->peer = address_from_sockaddr(sockaddr);
    atomic_fetch_add_explicit(&worker->shared->n_connections, 1, memory_order_relaxed);
    if (within_bound(connection)) {
        http_defer(connection);
    } else {
        http_count(&worker->stats.n_refused_per_address);
        http_connection_close(connection);
    }
}

static void accept_later(struct http_worker *worker)
{
    http_accept_watch(worker, false);
    worker->accept_again_ms = worker->now_ms + ACCEPT_RETRY_MS;
}

static bool is_long_in(const struct http_worker *worker, const struct waiter *waiter)
{
    return waiter != NULL && waiter->since_ms + IDLE_BEFORE_CLOSED_FOR_ROOM_MS <= worker->now_ms;
}

/* Those that have sent no request yet. Returns how many were closed. */
static unsigned close_silent(struct http_worker *worker)
{
    unsigned n = 0;
    struct waiter *waiter = wait_first(&worker->busy);
    while (n < CLOSED_FOR_ROOM_MAX && is_long_in(worker, waiter)) {
        struct http_connection *connection = http_connection_of(waiter);
        waiter = wait_next(&worker->busy, waiter);
        if (!connection->has_served) {
            http_connection_cut(connection);
            n++;
        }
    }
    return n;
}

/* Connections that do nothing give way to new ones: first who has never asked for anything, then who idles
 * longest. So whoever holds all of them open without using them locks nobody out. */
void http_close_idle(struct http_worker *worker)
{
    unsigned n = close_silent(worker);
    for (; n < CLOSED_FOR_ROOM_MAX && is_long_in(worker, wait_first(&worker->idle)); n++) {
        http_connection_cut(http_connection_of(wait_first(&worker->idle)));
    }
}

/* The other threads have their share of idle connections, which they look at in their next sweep. */
static void make_room(struct http_worker *worker)
{
    http_close_idle(worker);
    atomic_store(&worker->shared->room_wanted, true);
    accept_later(worker);
}

static void accept_failed(struct http_worker *worker, int error)
{
    static struct log_limit limit = {.per_second = 1, .burst = 5};
    if (error == EAGAIN || error == EWOULDBLOCK || error == EINTR || error == ECONNABORTED) {
        return;
    }
    http_worker_log_failure(worker, &limit, "cannot accept connections", error);
    make_room(worker); /* descriptors are the whole process's */
}

/* EPOLLEXCLUSIVE wakes the thread that began to watch first, so it is also how a thread steps back behind the
 * others. */
static bool watch(struct http_worker *worker, struct watch *socket)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLEXCLUSIVE, .data.ptr = socket};
    return epoll_ctl(worker->epoll_fd, EPOLL_CTL_ADD, socket->fd, &event) == 0;
}

static void unwatch(struct http_worker *worker, struct watch *socket)
{
    (void)epoll_ctl(worker->epoll_fd, EPOLL_CTL_DEL, socket->fd, NULL);
}

void http_accept_watch(struct http_worker *worker, bool accepts)
{
    bool done = true;
    if (accepts == worker->accepts) {
        return;
    }
    worker->accepts = accepts;
    for (unsigned i = 0; i < worker->shared->n_sockets; i++) {
        if (accepts) {
            done = watch(worker, &worker->sockets[i]) && done;
        } else {
            unwatch(worker, &worker->sockets[i]);
        }
    }
    if (!done) {
        accept_failed(worker, errno);
    }
}

static bool has_room(const struct http_worker *worker)
{
    return atomic_load_explicit(&worker->shared->n_connections, memory_order_relaxed) <
           worker->shared->config.max_connections;
}

/* Where there are others. */
static bool step_back(struct http_worker *worker, struct watch *socket)
{
    if (worker->shared->config.n_threads == 1) {
        return true;
    }
    unwatch(worker, socket);
    return watch(worker, socket);
}

bool http_accept(struct http_worker *worker, struct watch *socket)
{
    if (!step_back(worker, socket)) {
        accept_failed(worker, errno);
        return false;
    }
    for (unsigned i = 0; i < ACCEPTS_A_ROUND; i++) {
        struct sockaddr_storage sockaddr;
        socklen_t len = sizeof(sockaddr);
        if (!has_room(worker)) {
            make_room(worker);
            return false;
        }
        int fd = accept4(socket->fd, (struct sockaddr *)&sockaddr, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            accept_failed(worker, errno);
            return false;
        }
        http_count(&worker->stats.n_accepted);
        add_connection(worker, fd, (const struct sockaddr *)&sockaddr);
    }
    return true;
}

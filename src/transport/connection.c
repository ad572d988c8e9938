/* SPDX-License-Identifier: MIT */
#include "worker.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

const char *transport_worker_name(const struct transport_worker *worker)
{
    return worker_behind(worker)->shared->config.name;
}

struct tls *transport_worker_tls(const struct transport_worker *worker)
{
    return worker_behind(worker)->shared->config.tls;
}

bool transport_worker_is_draining(const struct transport_worker *worker)
{
    return atomic_load_explicit(&worker_behind(worker)->shared->draining, memory_order_relaxed);
}

void transport_worker_wake(struct transport_worker *worker)
{
    uint64_t one = 1;
    (void)!write(worker_behind(worker)->wake.fd, &one, sizeof(one));
}

void transport_worker_log_failure(const struct transport_worker *worker, struct log_limit *limit,
                                  const char *what, int error)
{
    uint64_t n_suppressed = 0;
    if (log_limit_pass(limit, &n_suppressed)) {
        log_error(what, log_text("listener", transport_worker_name(worker)), log_errno("error", error),
                  log_u64("suppressed", n_suppressed));
    }
}

int worker_watch(struct worker *worker, struct watch *watch, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = watch};
    return epoll_ctl(worker->epoll_fd, EPOLL_CTL_ADD, watch->fd, &event) == 0 ? 0 : -errno;
}

int transport_connection_watch(struct transport_connection *connection)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLPRI | EPOLLET,
                                .data.ptr = &connection->watch};
    return epoll_ctl(worker_of(connection)->epoll_fd, EPOLL_CTL_MOD, connection->watch.fd, &event) == 0
               ? 0
               : -errno;
}

struct transport_connection *transport_connection_new(struct worker *worker, int fd,
                                                      const struct sockaddr *peer)
{
    struct transport_connection *connection = calloc(1, worker->shared->protocol->connection_size);
    if (connection == NULL) {
        (void)close(fd);
        return NULL;
    }
    connection->watch = (struct watch){.kind = WATCH_DEFERRED, .fd = fd};
    connection->linger_fd = -1;
    connection->worker = &worker->shown;
    connection->peer = address_from_sockaddr(peer);
    atomic_fetch_add_explicit(&worker->shared->n_connections, 1, memory_order_relaxed);
    return connection;
}

void transport_connection_free(struct transport_connection *connection)
{
    struct transport_shared *shared = worker_of(connection)->shared;
    shared->protocol->forget(connection);
    wait_leave(&connection->waiter);
    if (connection->is_bounded) {
        address_bound_remove(shared->addresses, &connection->peer);
    }
    atomic_fetch_sub_explicit(&shared->n_connections, 1, memory_order_relaxed);
    cleanup_closep(&connection->linger_fd);
    tls_session_free(connection->tls);
    free(connection->proxy_reader);
    free(connection);
}

void transport_connection_close(struct transport_connection *connection)
{
    (void)close(connection->watch.fd);
    transport_connection_free(connection);
}

void transport_connection_cut(struct transport_connection *connection)
{
    struct worker *worker = worker_of(connection);
    wait_leave(&connection->waiter);
    if (connection->watch.kind == WATCH_BEGUN) {
        worker->shared->protocol->cut(connection);
    } else if (!connection->is_cut) {
        connection->is_cut = true;
        connection->next_cut = worker->cut;
        worker->cut = connection;
    }
}

void transport_close_cut(struct worker *worker)
{
    while (worker->cut != NULL) {
        struct transport_connection *connection = worker->cut;
        worker->cut = connection->next_cut;
        transport_connection_close(connection);
    }
}

/* SPDX-License-Identifier: MIT */
#include "presenced/listener.h"

#include "presenced/clock.h"
#include "mhd_adapter.h"
#include "worker.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <time.h>

struct http_listener {
    struct http_shared shared;
    unsigned n_workers;
    struct http_worker *workers[];
};

int http_listener_new(const struct http_listener_config *config, struct http_listener **ret_listener)
{
    size_t size = sizeof(struct http_listener) + config->n_threads * sizeof(struct http_worker *);
    cleanup(http_listener_freep) struct http_listener *listener = calloc(1, size);
    if (listener == NULL) {
        return -ENOMEM;
    }
    mhd_adapter_init();
    listener->shared.config = *config;
    (void)pthread_rwlock_init(&listener->shared.unbounded_lock, NULL);
    int r = http_listener_set_unbounded(listener, config->unbounded, config->n_unbounded);
    if (r < 0) {
        return r;
    }
    if (config->max_connections_per_address > 0) {
        r = address_bound_new(config->max_connections_per_address, config->max_connections,
                              &listener->shared.addresses);
        if (r < 0) {
            return r;
        }
    }
    *ret_listener = take_pointer(listener);
    return 0;
}

int http_listener_add_socket(struct http_listener *listener, int fd, bool is_shared)
{
    struct http_shared *shared = &listener->shared;
    if (shared->n_sockets == HTTP_LISTENER_N_SOCKETS_MAX) {
        (void)close(fd);
        return -ENOSPC;
    }
    /* Inherited by its connections, but for Unix sockets: nothing is to wait for the peer's acknowledgement.
     */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    shared->is_shared[shared->n_sockets] = is_shared;
    shared->sockets[shared->n_sockets++] = fd;
    return 0;
}

unsigned http_listener_n_sockets(const struct http_listener *listener)
{
    return listener->shared.n_sockets;
}

int http_listener_socket(const struct http_listener *listener, unsigned which)
{
    return listener->shared.sockets[which];
}

int http_listener_start(struct http_listener *listener)
{
    while (listener->n_workers < listener->shared.config.n_threads) {
        unsigned number = listener->n_workers;
        int r = http_worker_new(&listener->shared, number, &listener->workers[number]);
        if (r < 0) {
            return r;
        }
        listener->n_workers++;
    }
    return 0;
}

static void wake_all(struct http_listener *listener)
{
    for (unsigned i = 0; i < listener->n_workers; i++) {
        http_worker_wake(listener->workers[i]);
    }
}

void http_listener_drain(struct http_listener *listener)
{
    atomic_store(&listener->shared.draining, true);
}

void http_listener_pause(struct http_listener *listener)
{
    atomic_store(&listener->shared.paused, true);
    wake_all(listener);
}

static bool is_quiet(const struct http_listener *listener)
{
    bool quiet = true;
    for (unsigned i = 0; i < listener->n_workers; i++) {
        const struct http_worker_stats *stats = http_worker_stats(listener->workers[i]);
        quiet &= atomic_load(&stats->is_quiet) && atomic_load(&stats->n_in_flight) == 0;
    }
    return quiet;
}

bool http_listener_wait_idle(struct http_listener *listener, uint64_t timeout_ms)
{
    uint64_t until_ms = clock_monotonic_ms() + timeout_ms;
    while (!is_quiet(listener)) {
        if (clock_monotonic_ms() >= until_ms) {
            return false;
        }
        (void)nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    }
    return true;
}

void http_listener_wake(struct http_listener *listener)
{
    atomic_thread_fence(memory_order_seq_cst); /* as in http_answer_waiting() */
    for (unsigned i = 0; i < listener->n_workers; i++) {
        if (atomic_load(&http_worker_stats(listener->workers[i])->n_waiting) > 0) {
            http_worker_wake(listener->workers[i]);
        }
    }
}

void http_listener_wait_round(struct http_listener *listener)
{
    for (unsigned i = 0; i < listener->n_workers; i++) {
        const _Atomic uint64_t *n_rounds = &http_worker_stats(listener->workers[i])->n_rounds;
        uint64_t before = atomic_load(n_rounds);
        http_worker_wake(listener->workers[i]);
        while (atomic_load(n_rounds) == before) {
            (void)nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
        }
    }
}

static bool has_moved(const struct http_worker *worker)
{
    const struct http_worker_stats *stats = &worker->stats;
    bool has_ended = atomic_load(&stats->is_quiet) && atomic_load(&stats->n_in_flight) == 0;
    return has_ended || atomic_load(&stats->n_rounds) != worker->n_rounds_seen;
}

bool http_listener_has_moved(struct http_listener *listener)
{
    bool all = true;
    for (unsigned i = 0; i < listener->n_workers; i++) {
        all &= has_moved(listener->workers[i]);
        http_worker_wake(listener->workers[i]);
    }
    for (unsigned i = 0; all && i < listener->n_workers; i++) {
        struct http_worker *worker = listener->workers[i];
        worker->n_rounds_seen = atomic_load(&worker->stats.n_rounds);
    }
    return all;
}

int http_listener_set_unbounded(struct http_listener *listener, const struct network *networks, size_t n)
{
    struct http_shared *shared = &listener->shared;
    struct network *copy = calloc(n + 1, sizeof(*copy));
    if (copy == NULL) {
        return -ENOMEM;
    }
    if (n > 0) {
        memcpy(copy, networks, n * sizeof(*copy));
    }
    (void)pthread_rwlock_wrlock(&shared->unbounded_lock);
    free(shared->unbounded);
    shared->unbounded = copy;
    shared->n_unbounded = n;
    (void)pthread_rwlock_unlock(&shared->unbounded_lock);
    return 0;
}

void http_listener_stats(const struct http_listener *listener, struct http_listener_stats *ret_stats)
{
    struct http_listener_stats stats = {
        .n_connections = atomic_load(&listener->shared.n_connections),
        .n_connections_max = listener->shared.config.max_connections,
    };
    for (unsigned i = 0; i < listener->n_workers; i++) {
        const struct http_worker_stats *worker = http_worker_stats(listener->workers[i]);
        stats.n_accepted += atomic_load(&worker->n_accepted);
        stats.n_refused_per_address += atomic_load(&worker->n_refused_per_address);
        stats.n_timed_out += atomic_load(&worker->n_timed_out);
        stats.n_requests += atomic_load(&worker->n_requests);
        stats.n_malformed += atomic_load(&worker->n_malformed);
    }
    *ret_stats = stats;
}

void http_listener_free(struct http_listener *listener)
{
    if (listener == NULL) {
        return;
    }
    for (unsigned i = 0; i < listener->n_workers; i++) {
        http_worker_free(listener->workers[i]);
    }
    for (unsigned i = 0; i < listener->shared.n_sockets; i++) {
        (void)close(listener->shared.sockets[i]);
    }
    address_bound_free(listener->shared.addresses);
    free(listener->shared.unbounded);
    (void)pthread_rwlock_destroy(&listener->shared.unbounded_lock);
    free(listener);
}

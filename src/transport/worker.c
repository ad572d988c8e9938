/* SPDX-License-Identifier: MIT */
/* clang-format off */
/* One thread: an epoll over everything that its connections wait for.
 *
 *   epoll ─┬─ listening sockets      shared by all workers, EPOLLEXCLUSIVE (accept.c)
 *          ├─ wake                   an eventfd: `shared` has changed, or the protocol is to run
 *          ├─ deferred connections   have sent nothing yet (deferred.c)
 *          ├─ begun connections      owned by the protocol
 *          └─ lingering connections  released, until their peer has finished (lingering.c)
 *
 * A round handles events, then deadlines (deadlines.c), then the protocol, and finally closes what was cut.
 */
/* clang-format on */
#include "worker.h"

#include "presenced/clock.h"

#include <errno.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* A small number, because the protocol runs between two batches of events, and established connections should
 * not wait for many handshakes. */
#define EVENTS_A_ROUND 16

/* How often a thread checks during a drain whether it is finished. */
#define PAUSED_WAIT_MS 5

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static int wait_ms(struct worker *worker)
{
    bool has_connections = wait_first(&worker->busy) != NULL || wait_first(&worker->idle) != NULL ||
                           wait_first(&worker->sending) != NULL;
    uint64_t until_ms = has_connections ? worker->next_sweep_ms : worker->shown.now_ms + SWEEP_INTERVAL_MS;
    until_ms = earlier(until_ms, worker->shown.now_ms + worker->shared->protocol->wait_ms(&worker->shown));
    if (atomic_load_explicit(&worker->shared->paused, memory_order_relaxed)) {
        until_ms = earlier(until_ms, worker->shown.now_ms + PAUSED_WAIT_MS);
    }
    if (worker->accept_again_ms != 0) {
        until_ms = earlier(until_ms, worker->accept_again_ms);
    }
    return until_ms <= worker->shown.now_ms ? 0 : (int)(until_ms - worker->shown.now_ms);
}

/* Accepts connections that are already waiting, so that they get an answer. Those at a shared socket are left
 * to the next process. */
static void accept_waiting(struct worker *worker)
{
    accept_watch(worker, true);
    for (unsigned i = 0; i < worker->shared->n_sockets; i++) {
        while (!worker->shared->is_shared[i] && accept_some(worker, &worker->sockets[i])) {}
    }
    accept_watch(worker, false);
    worker->accept_again_ms = 0;
}

/* The last thread to pause shuts down the listening sockets: later connections are refused at once and can go
 * elsewhere. Otherwise the kernel would accept requests that nobody reads. */
static void pause_accepting(struct worker *worker)
{
    struct transport_shared *shared = worker->shared;
    worker->has_paused = true;
    accept_waiting(worker);
    shared->protocol->end_streams(&worker->shown);
    if (atomic_fetch_add(&shared->n_paused, 1) + 1 == shared->config.n_threads) {
        for (unsigned i = 0; i < shared->n_sockets; i++) {
            if (!shared->is_shared[i]) {
                (void)shutdown(shared->sockets[i], SHUT_RDWR);
            }
        }
    }
}

static void handle_wake(struct worker *worker)
{
    uint64_t n = 0;
    (void)!read(worker->wake.fd, &n, sizeof(n));
    if (atomic_load(&worker->shared->paused) && !worker->has_paused) {
        pause_accepting(worker);
    }
}

static void handle(struct worker *worker, struct watch *watch, uint32_t events)
{
    switch (watch->kind) {
    case WATCH_SOCKET:
        if (worker->accepts) {
            accept_some(worker, watch);
        }
        break;
    case WATCH_WAKE:
        handle_wake(worker);
        break;
    case WATCH_DEFERRED:
        deferred_is_ready((struct transport_connection *)(void *)watch, events);
        break;
    case WATCH_BEGUN:
        worker->shared->protocol->on_events((struct transport_connection *)(void *)watch, events);
        break;
    case WATCH_LINGERING:
        lingering_is_ready((struct transport_connection *)(void *)watch);
        break;
    }
}

static void run_timers(struct worker *worker)
{
    if (worker->accept_again_ms != 0 && worker->accept_again_ms <= worker->shown.now_ms) {
        worker->accept_again_ms = 0;
        accept_watch(worker, !atomic_load(&worker->shared->paused));
    }
    if (worker->next_sweep_ms <= worker->shown.now_ms) {
        deadlines_sweep(worker);
    }
}

static void end_round(struct worker *worker)
{
    bool quiet = worker->has_paused && !worker->shown.has_progressed &&
                 worker->shared->protocol->is_idle(&worker->shown) && !deferred_has_new(worker);
    atomic_store(&worker->counters.is_quiet, quiet);
    /* Sequentially consistent, for transport_listener_wait_round(). */
    (void)atomic_fetch_add(&worker->counters.n_rounds, 1);
}

static void read_clock(struct worker *worker)
{
    worker->shown.now_us = clock_monotonic_us();
    worker->shown.now_ms = worker->shown.now_us / 1000;
}

static void *run(void *cls)
{
    struct worker *worker = cls;
    struct epoll_event events[EVENTS_A_ROUND];
    read_clock(worker);
    accept_watch(worker, true);
    while (!atomic_load_explicit(&worker->stopping, memory_order_relaxed)) {
        int n = epoll_wait(worker->epoll_fd, events, EVENTS_A_ROUND, wait_ms(worker));
        read_clock(worker);
        worker->shown.has_progressed = n > 0;
        for (int i = 0; i < n; i++) {
            handle(worker, events[i].data.ptr, events[i].events);
        }
        run_timers(worker);
        worker->shared->protocol->run(&worker->shown);
        transport_close_cut(worker);
        end_round(worker);
        if (atomic_load(&worker->counters.is_quiet)) {
            break; /* no request may begin after transport_listener_wait_idle() may have seen is_quiet */
        }
    }
    return NULL;
}

static int start_epoll(struct worker *worker)
{
    worker->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    worker->wake.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (worker->epoll_fd < 0 || worker->wake.fd < 0) {
        return -errno;
    }
    return worker_watch(worker, &worker->wake, EPOLLIN);
}

int worker_start(struct worker *worker, unsigned number)
{
    char name[16];
    int r = pthread_create(&worker->thread, NULL, run, worker);
    if (r != 0) {
        return -r;
    }
    worker->is_started = true;
    (void)snprintf(name, sizeof(name), "%.10s-%u", worker->shared->config.name, number % 1000);
    (void)pthread_setname_np(worker->thread, name);
    return 0;
}

int worker_new(struct transport_shared *shared, struct worker **ret_worker)
{
    cleanup(worker_freep) struct worker *worker = calloc(1, sizeof(*worker));
    if (worker == NULL) {
        return -ENOMEM;
    }
    worker->shared = shared;
    worker->epoll_fd = -1;
    worker->wake = (struct watch){.kind = WATCH_WAKE, .fd = -1};
    wait_queue_init(&worker->busy);
    wait_queue_init(&worker->idle);
    wait_queue_init(&worker->sending);
    for (unsigned i = 0; i < shared->n_sockets; i++) {
        worker->sockets[i] = (struct watch){.kind = WATCH_SOCKET, .fd = shared->sockets[i]};
    }
    int r = start_epoll(worker);
    if (r < 0) {
        return r;
    }
    r = shared->protocol->worker_begin(shared->protocol_cls, &worker->shown);
    if (r < 0) {
        return r;
    }
    *ret_worker = take_pointer(worker);
    return 0;
}

/* Closes deferred and lingering connections. */
static void close_own(struct worker *worker)
{
    struct waiter *waiter = wait_first(&worker->busy);
    while (waiter != NULL) {
        struct transport_connection *connection = connection_of(waiter);
        waiter = wait_next(&worker->busy, waiter);
        if (connection->watch.kind != WATCH_BEGUN) {
            transport_connection_close(connection);
        }
    }
}

void worker_free(struct worker *worker)
{
    if (worker == NULL) {
        return;
    }
    if (worker->is_started) {
        atomic_store(&worker->stopping, true);
        transport_worker_wake(&worker->shown);
        (void)pthread_join(worker->thread, NULL);
    }
    worker->shown.is_ending = true;
    close_own(worker);
    if (worker->shown.protocol != NULL) {
        worker->shared->protocol->worker_end(&worker->shown);
    }
    cleanup_closep(&worker->wake.fd);
    cleanup_closep(&worker->epoll_fd);
    free(worker);
}

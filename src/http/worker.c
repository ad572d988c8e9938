/* SPDX-License-Identifier: MIT */
/* clang-format off */
/* One thread: an epoll of ours around libmicrohttpd daemons, one for each connection.
 *
 *   epoll ─┬─ listening sockets      shared by all workers, EPOLLEXCLUSIVE
 *          ├─ deferred connections   accepted by us, added to libmicrohttpd at their first bytes (deferred.c)
 *          ├─ wake                   an eventfd: something in `shared` has changed
 *          ├─ added connections      each has an MHD daemon, which is run when there is an event (mhd_loop.c)
 *          └─ lingering connections  refused and no longer added, until their peer has finished (lingering.c)
 *
 * Why not the library's own thread or pool (0.9.75): we enforce limits that it does not have (a deadline for each
 * request, a maximum of connections and of connections by address over all threads), stop accepting without the
 * race that aborts a pool when it is quiesced, and prevent its spinning (parking.c). */
/* clang-format on */
#include "worker.h"

#include "presenced/clock.h"
#include "presenced/log.h"

#include <errno.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* Few: between them libmicrohttpd serves what is ready, and kept connections are not to wait for many
 * handshakes. */
#define EVENTS_A_ROUND 16

/* While it drains a thread looks often whether it is done. */
#define PAUSED_WAIT_MS 5

const struct http_listener_config *http_worker_config(const struct http_worker *worker)
{
    return &worker->shared->config;
}

bool http_worker_is_draining(const struct http_worker *worker)
{
    return atomic_load_explicit(&worker->shared->draining, memory_order_relaxed);
}

const struct http_worker_stats *http_worker_stats(const struct http_worker *worker)
{
    return &worker->stats;
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static int wait_ms(struct http_worker *worker)
{
    bool has_connections = wait_first(&worker->busy) != NULL || wait_first(&worker->idle) != NULL;
    uint64_t until_ms = has_connections ? worker->next_sweep_ms : worker->now_ms + HTTP_SWEEP_INTERVAL_MS;
    until_ms = earlier(until_ms, worker->now_ms + mhd_loops_wait_ms(worker));
    if (atomic_load_explicit(&worker->shared->paused, memory_order_relaxed)) {
        until_ms = earlier(until_ms, worker->now_ms + PAUSED_WAIT_MS);
    }
    if (worker->accept_again_ms != 0) {
        until_ms = earlier(until_ms, worker->accept_again_ms);
    }
    return until_ms <= worker->now_ms ? 0 : (int)(until_ms - worker->now_ms);
}

/* Who has connected already gets an answer: from here, or at a shared socket from the next process. */
static void take_what_waits(struct http_worker *worker)
{
    http_accept_watch(worker, true);
    for (unsigned i = 0; i < worker->shared->n_sockets; i++) {
        while (!worker->shared->is_shared[i] && http_accept(worker, &worker->sockets[i])) {}
    }
    http_accept_watch(worker, false);
    worker->accept_again_ms = 0;
}

/* The last thread to do so closes the sockets' queues: who comes from now on is refused at once and goes
 * elsewhere, where otherwise the kernel would take a request that nobody reads. */
static void pause_accepting(struct http_worker *worker)
{
    struct http_shared *shared = worker->shared;
    worker->has_paused = true;
    take_what_waits(worker);
    if (atomic_fetch_add(&shared->n_paused, 1) + 1 == shared->config.n_threads) {
        for (unsigned i = 0; i < shared->n_sockets; i++) {
            if (!shared->is_shared[i]) {
                (void)shutdown(shared->sockets[i], SHUT_RDWR);
            }
        }
    }
}

static void handle_wake(struct http_worker *worker)
{
    uint64_t n = 0;
    (void)!read(worker->wake.fd, &n, sizeof(n));
    http_answer_waiting(worker);
    if (atomic_load(&worker->shared->paused) && !worker->has_paused) {
        pause_accepting(worker);
    }
}

static void handle(struct http_worker *worker, struct watch *watch, uint32_t events)
{
    switch (watch->kind) {
    case WATCH_SOCKET:
        if (worker->accepts) {
            http_accept(worker, watch);
        }
        break;
    case WATCH_WAKE:
        handle_wake(worker);
        break;
    case WATCH_DEFERRED:
        http_deferred_is_ready((struct http_connection *)(void *)watch, events);
        break;
    case WATCH_CONNECTION:
        http_connection_is_ready((struct http_connection *)(void *)watch, events);
        break;
    case WATCH_LINGERING:
        http_lingering_is_ready((struct http_connection *)(void *)watch);
        break;
    }
}

static void run_timers(struct http_worker *worker)
{
    if (worker->accept_again_ms != 0 && worker->accept_again_ms <= worker->now_ms) {
        worker->accept_again_ms = 0;
        http_accept_watch(worker, !atomic_load(&worker->shared->paused));
    }
    if (worker->next_sweep_ms <= worker->now_ms) {
        http_limits_sweep(worker);
    }
}

static void end_round(struct http_worker *worker)
{
    bool quiet = worker->has_paused && !worker->has_progressed && mhd_loops_are_idle(&worker->loops) &&
                 !http_has_deferred(worker);
    atomic_store(&worker->stats.is_quiet, quiet);
    (void)atomic_fetch_add(&worker->stats.n_rounds, 1); /* for http_listener_wait_round(), ordered */
}

static void read_clock(struct http_worker *worker)
{
    worker->now_us = clock_monotonic_us();
    worker->now_ms = worker->now_us / 1000;
}

static void *run(void *cls)
{
    struct http_worker *worker = cls;
    struct epoll_event events[EVENTS_A_ROUND];
    read_clock(worker);
    http_accept_watch(worker, true);
    while (!atomic_load_explicit(&worker->stopping, memory_order_relaxed)) {
        int n = epoll_wait(worker->epoll_fd, events, EVENTS_A_ROUND, wait_ms(worker));
        read_clock(worker);
        worker->has_progressed = n > 0;
        for (int i = 0; i < n; i++) {
            handle(worker, events[i].data.ptr, events[i].events);
        }
        run_timers(worker);
        mhd_loops_run(worker);
        http_finish_round(worker);
        http_answer_waiting(worker);
        end_round(worker);
        if (atomic_load(&worker->stats.is_quiet) && atomic_load(&worker->stats.n_in_flight) == 0) {
            break; /* nothing begins once http_listener_wait_idle() may have seen this */
        }
    }
    return NULL;
}

void http_worker_log_failure(const struct http_worker *worker, struct log_limit *limit, const char *what,
                             int error)
{
    uint64_t n_suppressed = 0;
    if (log_limit_pass(limit, &n_suppressed)) {
        log_error(what, log_text("listener", worker->shared->config.name), log_errno("error", error),
                  log_u64("suppressed", n_suppressed));
    }
}

int http_worker_watch(struct http_worker *worker, struct watch *watch, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = watch};
    return epoll_ctl(worker->epoll_fd, EPOLL_CTL_ADD, watch->fd, &event) == 0 ? 0 : -errno;
}

static int start_epoll(struct http_worker *worker)
{
    worker->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    worker->wake.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (worker->epoll_fd < 0 || worker->wake.fd < 0) {
        return -errno;
    }
    return http_worker_watch(worker, &worker->wake, EPOLLIN);
}

static int start_thread(struct http_worker *worker, unsigned number)
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

int http_worker_new(struct http_shared *shared, unsigned number, struct http_worker **ret_worker)
{
    cleanup(http_worker_freep) struct http_worker *worker = calloc(1, sizeof(*worker));
    if (worker == NULL) {
        return -ENOMEM;
    }
    worker->shared = shared;
    worker->epoll_fd = -1;
    worker->wake = (struct watch){.kind = WATCH_WAKE, .fd = -1};
    wait_queue_init(&worker->busy);
    wait_queue_init(&worker->idle);
    wait_queue_init(&worker->waiting);
    for (unsigned i = 0; i < shared->n_sockets; i++) {
        worker->sockets[i] = (struct watch){.kind = WATCH_SOCKET, .fd = shared->sockets[i]};
    }
    int r = start_epoll(worker);
    if (r == 0) {
        r = start_thread(worker, number);
    }
    if (r < 0) {
        return r;
    }
    *ret_worker = take_pointer(worker);
    return 0;
}

void http_worker_wake(struct http_worker *worker)
{
    uint64_t one = 1;
    (void)!write(worker->wake.fd, &one, sizeof(one));
}

/* What is deferred or lingers is ours alone; and libmicrohttpd aborts the process when it is stopped with
 * connections suspended. */
static void let_go(struct http_worker *worker)
{
    struct waiter *waiter = wait_first(&worker->busy);
    worker->is_ending = true;
    while (waiter != NULL) {
        struct http_connection *connection = http_connection_of(waiter);
        waiter = wait_next(&worker->busy, waiter);
        if (connection->mhd == NULL) {
            http_connection_close(connection);
        } else {
            http_unpark(connection);
            http_wait_no_longer(connection);
        }
    }
}

void http_worker_free(struct http_worker *worker)
{
    if (worker == NULL) {
        return;
    }
    if (worker->is_started) {
        atomic_store(&worker->stopping, true);
        http_worker_wake(worker);
        (void)pthread_join(worker->thread, NULL);
    }
    let_go(worker);
    mhd_loops_fini(&worker->loops);
    cleanup_closep(&worker->wake.fd);
    cleanup_closep(&worker->epoll_fd);
    free(worker);
}

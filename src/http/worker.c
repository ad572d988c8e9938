/* SPDX-License-Identifier: MIT */
/* clang-format off */
/* One thread: an epoll of ours around a libmicrohttpd daemon of its own.
 *
 *   epoll ─┬─ listening sockets   shared by all workers, EPOLLEXCLUSIVE
 *          ├─ newcomers           of newcomer.c: accepted by us, handed to libmicrohttpd at their first bytes
 *          ├─ wake                an eventfd: something in `shared` has changed
 *          ├─ libmicrohttpd       its own epoll: something is ready there → MHD_run_wait(…, 0)
 *          └─ parked connections  of parking.c
 *
 * Why not its own thread, or its pool (0.9.75): we keep the limits it does not (an absolute deadline a request,
 * connections in all and by address over all threads), stop accepting without the race that aborts a pool when
 * it is quiesced, and mend its spinning (parking.c). */
/* clang-format on */
#include "worker.h"

#include "presenced/clock.h"
#include "presenced/log.h"

#include <errno.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

/* Few: between them libmicrohttpd serves what is ready, and kept connections are not to wait for many
 * handshakes. */
#define EVENTS_A_ROUND 16

/* libmicrohttpd 0.9.75 says for ever that something is pending when its buffer is full and what is missing
 * would not fit, such as the rest of a chunk's size line of many kilobytes: when something has been pending
 * for so long and nothing has come of anything for a moment, each round waits for so long, and no core is
 * spun on, whatever others send meanwhile. A long head takes less, and each record of a long reply is
 * something. */
#define PENDING_MAX_MS 20
#define BARREN_AFTER_MS 1
#define BARREN_WAIT_MS 10

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

/* libmicrohttpd has read what it has not yet worked on. */
static bool has_pending(struct http_worker *worker)
{
    MHD_UNSIGNED_LONG_LONG pending_ms = 1;
    return MHD_get_timeout(worker->mhd, &pending_ms) == MHD_YES && pending_ms == 0;
}

void http_worker_has_progressed(struct http_worker *worker)
{
    worker->has_progressed = true;
}

static int wait_pending_ms(struct http_worker *worker)
{
    if (worker->pending_since_ms == 0) {
        worker->pending_since_ms = worker->now_ms;
    }
    bool is_young = worker->now_ms - worker->pending_since_ms < PENDING_MAX_MS;
    return is_young || worker->now_ms - worker->progressed_ms < BARREN_AFTER_MS ? 0 : BARREN_WAIT_MS;
}

static int wait_ms(struct http_worker *worker)
{
    bool has_connections = wait_first(&worker->busy) != NULL || wait_first(&worker->idle) != NULL;
    uint64_t until_ms = has_connections ? worker->next_sweep_ms : worker->now_ms + HTTP_SWEEP_INTERVAL_MS;
    if (worker->has_resumed) {
        return 0;
    }
    if (has_pending(worker)) {
        return wait_pending_ms(worker);
    }
    worker->pending_since_ms = 0;
    if (atomic_load_explicit(&worker->shared->paused, memory_order_relaxed)) {
        return PAUSED_WAIT_MS;
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
    case WATCH_NEWCOMER:
        http_newcomer_is_ready((struct http_connection *)(void *)watch, events);
        break;
    case WATCH_PARKED:
        http_parked_is_ready((struct http_connection *)(void *)watch);
        break;
    case WATCH_MHD:
        break; /* MHD_run_wait() follows every round */
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
    bool quiet = worker->has_paused && !worker->has_progressed && !worker->has_resumed &&
                 !has_pending(worker) && !http_has_newcomers(worker);
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
        worker->has_resumed = false;
        (void)MHD_run_wait(worker->mhd, 0);
        http_finish_round(worker);
        http_answer_waiting(worker);
        if (worker->has_progressed) {
            worker->progressed_ms = worker->now_ms;
        }
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

__attribute__((format(printf, 2, 0))) static void log_library(void *cls, const char *format,
                                                              va_list arguments)
{
    static struct log_limit limit = {.per_second = 2, .burst = 10};
    struct http_worker *worker = cls;
    uint64_t n_suppressed = 0;
    char text[256];
    if (!log_limit_pass(&limit, &n_suppressed)) {
        return;
    }
    (void)vsnprintf(text, sizeof(text), format, arguments);
    text[strcspn(text, "\n")] = '\0';
    log_at(worker->mhd == NULL ? LOG_LEVEL_ERROR : LOG_LEVEL_DEBUG, "libmicrohttpd",
           log_text("listener", worker->shared->config.name), log_text("text", text),
           log_u64("suppressed", n_suppressed));
}

/* The target is decoded by who reads it; decoding it in place would only lose what was sent. */
static size_t leave_escaped(void *cls, struct MHD_Connection *connection, char *text)
{
    (void)cls;
    (void)connection;
    return strlen(text);
}

static int start_mhd(struct http_worker *worker)
{
    const struct http_listener_config *config = &worker->shared->config;
    unsigned flags = MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;
    struct MHD_OptionItem tls_options[] = {
        {MHD_OPTION_HTTPS_CERT_CALLBACK2, 0, tls_certificate_callback()},
        {MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)tls_priorities},
        {MHD_OPTION_END, 0, NULL},
    };
    struct MHD_OptionItem *options = config->tls == NULL ? tls_options + 2 : tls_options;
    worker->mhd = MHD_start_daemon(
        flags | (config->tls == NULL ? 0U : (unsigned)MHD_USE_TLS), 0, NULL, NULL, http_exchange_continue,
        NULL, MHD_OPTION_EXTERNAL_LOGGER, log_library,
        worker, /* the first, or what is said at the start is lost */
        MHD_OPTION_NOTIFY_CONNECTION, http_connection_notify, worker, MHD_OPTION_NOTIFY_COMPLETED,
        http_exchange_end, NULL, MHD_OPTION_URI_LOG_CALLBACK, http_exchange_begin, NULL,
        MHD_OPTION_UNESCAPE_CALLBACK, leave_escaped, NULL, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)config->max_connections, MHD_OPTION_CONNECTION_TIMEOUT, 0U, /* ours */
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, config->connection_memory_bytes, MHD_OPTION_ARRAY, options,
        MHD_OPTION_END);
    if (worker->mhd == NULL) {
        return -EIO;
    }
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(worker->mhd, MHD_DAEMON_INFO_EPOLL_FD);
    if (info == NULL || info->epoll_fd < 0) {
        return -EIO;
    }
    worker->mhd_watch = (struct watch){.kind = WATCH_MHD, .fd = info->epoll_fd};
    return 0;
}

static int watch_fd(struct http_worker *worker, struct watch *watch)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = watch};
    return epoll_ctl(worker->epoll_fd, EPOLL_CTL_ADD, watch->fd, &event) == 0 ? 0 : -errno;
}

static int start_epoll(struct http_worker *worker)
{
    worker->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    worker->wake.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (worker->epoll_fd < 0 || worker->wake.fd < 0) {
        return -errno;
    }
    int r = watch_fd(worker, &worker->wake);
    return r < 0 ? r : watch_fd(worker, &worker->mhd_watch);
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
    int r = start_mhd(worker);
    if (r == 0) {
        r = start_epoll(worker);
    }
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

/* Newcomers are ours alone; and libmicrohttpd aborts the process when it is stopped with connections
 * suspended. */
static void let_go(struct http_worker *worker)
{
    struct waiter *waiter = wait_first(&worker->busy);
    while (waiter != NULL) {
        struct http_connection *connection = http_connection_of(waiter);
        waiter = wait_next(&worker->busy, waiter);
        if (connection->watch.kind == WATCH_NEWCOMER) {
            http_newcomer_end(connection);
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
    if (worker->mhd != NULL) {
        let_go(worker);
        MHD_stop_daemon(worker->mhd);
    }
    cleanup_closep(&worker->wake.fd);
    cleanup_closep(&worker->epoll_fd);
    free(worker);
}

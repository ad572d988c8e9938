/* SPDX-License-Identifier: MIT */
#include "presenced/transport.h"

#include "presenced/array.h"
#include "presenced/clock.h"
#include "worker.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <time.h>

struct transport_listener {
    struct transport_shared shared;
    unsigned n_workers;
    struct worker *workers[];
};

int transport_networks_new(const struct network *networks, size_t n, struct transport_networks **ret_networks)
{
    struct transport_networks *copy = calloc(1, sizeof(*copy) + n * sizeof(copy->items[0]));
    if (copy == NULL) {
        return -ENOMEM;
    }
    copy->n = n;
    if (n > 0) {
        memcpy(copy->items, networks, n * sizeof(copy->items[0]));
    }
    *ret_networks = copy;
    return 0;
}

void transport_networks_free(struct transport_networks *networks)
{
    free(networks);
}

int transport_listener_new(const struct transport_config *config, const struct transport_protocol *protocol,
                           void *protocol_cls, struct transport_listener **ret_listener)
{
    size_t size = sizeof(struct transport_listener) + config->n_threads * sizeof(struct worker *);
    cleanup(transport_listener_freep) struct transport_listener *listener = calloc(1, size);
    if (listener == NULL) {
        return -ENOMEM;
    }
    listener->shared.config = *config;
    listener->shared.protocol = protocol;
    listener->shared.protocol_cls = protocol_cls;
    (void)pthread_rwlock_init(&listener->shared.trusted_lock, NULL);
    int r = transport_networks_new(config->trusted_proxies, config->n_trusted_proxies,
                                   &listener->shared.trusted_proxies);
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

int transport_listener_add_socket(struct transport_listener *listener, int fd, bool is_shared)
{
    struct transport_shared *shared = &listener->shared;
    if (shared->n_sockets == TRANSPORT_N_SOCKETS_MAX) {
        (void)close(fd);
        return -ENOSPC;
    }
    /* Inherited by accepted connections, except those of Unix sockets: without it, data would wait for the
     * peer's acknowledgement. */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    shared->is_shared[shared->n_sockets] = is_shared;
    shared->sockets[shared->n_sockets++] = fd;
    return 0;
}

unsigned transport_listener_n_sockets(const struct transport_listener *listener)
{
    return listener->shared.n_sockets;
}

int transport_listener_socket(const struct transport_listener *listener, unsigned which)
{
    return listener->shared.sockets[which];
}

/* All workers are created before the first thread starts, so that all are counted and woken. */
int transport_listener_start(struct transport_listener *listener)
{
    while (listener->n_workers < listener->shared.config.n_threads) {
        int r = worker_new(&listener->shared, &listener->workers[listener->n_workers]);
        if (r < 0) {
            return r;
        }
        listener->n_workers++;
    }
    for (unsigned i = 0; i < listener->n_workers; i++) {
        int r = worker_start(listener->workers[i], i);
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

static void wake_all(struct transport_listener *listener)
{
    for (unsigned i = 0; i < listener->n_workers; i++) {
        transport_worker_wake(&listener->workers[i]->shown);
    }
}

void transport_listener_drain(struct transport_listener *listener)
{
    atomic_store(&listener->shared.draining, true);
}

void transport_listener_pause(struct transport_listener *listener)
{
    atomic_store(&listener->shared.paused, true);
    wake_all(listener);
}

static bool is_quiet(const struct transport_listener *listener)
{
    bool quiet = true;
    for (unsigned i = 0; i < listener->n_workers; i++) {
        quiet &= atomic_load(&listener->workers[i]->counters.is_quiet);
    }
    return quiet;
}

bool transport_listener_wait_idle(struct transport_listener *listener, uint64_t timeout_ms)
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

void transport_listener_wait_round(struct transport_listener *listener)
{
    for (unsigned i = 0; i < listener->n_workers; i++) {
        struct worker *worker = listener->workers[i];
        uint64_t before = atomic_load(&worker->counters.n_rounds);
        transport_worker_wake(&worker->shown);
        while (atomic_load(&worker->counters.n_rounds) == before &&
               !atomic_load(&worker->counters.is_quiet)) { /* is_quiet: the thread has ended */
            (void)nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
        }
    }
}

static bool made_progress(const struct worker *worker)
{
    const struct worker_counters *counters = &worker->counters;
    return atomic_load(&counters->is_quiet) || atomic_load(&counters->n_rounds) != worker->n_rounds_seen;
}

bool transport_listener_made_progress(struct transport_listener *listener)
{
    bool all = true;
    for (unsigned i = 0; i < listener->n_workers; i++) {
        all &= made_progress(listener->workers[i]);
        transport_worker_wake(&listener->workers[i]->shown);
    }
    for (unsigned i = 0; all && i < listener->n_workers; i++) {
        struct worker *worker = listener->workers[i];
        worker->n_rounds_seen = atomic_load(&worker->counters.n_rounds);
    }
    return all;
}

void transport_listener_adopt_trusted_proxies(struct transport_listener *listener,
                                              struct transport_networks *networks)
{
    struct transport_shared *shared = &listener->shared;
    (void)pthread_rwlock_wrlock(&shared->trusted_lock);
    struct transport_networks *before = shared->trusted_proxies;
    shared->trusted_proxies = networks;
    (void)pthread_rwlock_unlock(&shared->trusted_lock);
    transport_networks_free(before);
}

void transport_listener_counters(const struct transport_listener *listener,
                                 struct transport_counters *ret_counters)
{
    struct transport_counters counters = {
        .n_connections = atomic_load(&listener->shared.n_connections),
        .n_connections_max = listener->shared.config.max_connections,
    };
    for (unsigned i = 0; i < listener->n_workers; i++) {
        const struct worker_counters *worker = &listener->workers[i]->counters;
        counters.n_accepted += atomic_load(&worker->n_accepted);
        counters.n_refused_per_address += atomic_load(&worker->n_refused_per_address);
        counters.n_no_room += atomic_load(&worker->n_no_room);
        counters.n_timed_out += atomic_load(&worker->n_timed_out);
        for (size_t why = 0; why < TRANSPORT_N_PROXY_REFUSALS; why++) {
            counters.n_proxy_refused[why] += atomic_load(&worker->n_proxy_refused[why]);
        }
        counters.n_streams_cut += atomic_load(&worker->n_streams_cut);
    }
    *ret_counters = counters;
}

static const struct metric metrics[] = {
    {.name = "presenced_connections",
     .type = METRIC_GAUGE,
     .labels = {"listener"},
     .help = "Connections that are open.",
     .key = "connections",
     .offset = offsetof(struct transport_counters, n_connections)},
    {.name = "presenced_connections_max",
     .type = METRIC_GAUGE,
     .labels = {"listener"},
     .help = "How many may be open.",
     .key = "connections_max",
     .offset = offsetof(struct transport_counters, n_connections_max)},
    {.name = "presenced_connections_accepted_total",
     .type = METRIC_COUNTER,
     .labels = {"listener"},
     .help = "Connections taken.",
     .key = "accepted",
     .offset = offsetof(struct transport_counters, n_accepted)},
    {.name = "presenced_connections_refused_total",
     .type = METRIC_COUNTER,
     .labels = {"listener"},
     .help = "Connections closed at once, for their address has max_connections_per_address.",
     .key = "refused_per_address",
     .offset = offsetof(struct transport_counters, n_refused_per_address)},
    {.name = "presenced_connections_no_room_total",
     .type = METRIC_COUNTER,
     .labels = {"listener"},
     .help = "Times that a connection had to wait, for as many were open as may be.",
     .key = "no_room",
     .offset = offsetof(struct transport_counters, n_no_room)},
    {.name = "presenced_connections_timed_out_total",
     .type = METRIC_COUNTER,
     .labels = {"listener"},
     .help = "Connections cut off for request_timeout.",
     .key = "timed_out",
     .offset = offsetof(struct transport_counters, n_timed_out)},
};

static void visit_proxy_refusals(const struct transport_counters *counters, struct str name,
                                 const struct metric_visitor *visitor)
{
    static const struct metric refused = {
        .name = "presenced_proxy_headers_refused_total",
        .type = METRIC_COUNTER,
        .labels = {"listener", "reason"},
        .help = "Connections of trusted proxies closed for want of a good PROXY header, by why.",
        .key = "proxy_headers_refused_",
    };
    for (size_t why = 0; why < TRANSPORT_N_PROXY_REFUSALS; why++) {
        metric_visit(visitor, &refused, counters->n_proxy_refused[why], name,
                     str_from(transport_proxy_refusal_name((enum transport_proxy_refusal)why)));
    }
}

/* Metrics that do not apply to a listener are omitted. */
void transport_listener_metrics(const struct transport_listener *listener,
                                const struct metric_visitor *visitor)
{
    static const struct metric streams_cut = {
        .name = "presenced_streams_cut_off_total",
        .type = METRIC_COUNTER,
        .labels = {"listener"},
        .help = "Streams cut off, for their readers were too slow.",
        .key = "streams_cut_off",
    };
    const struct transport_config *config = &listener->shared.config;
    struct str name = str_from(config->name);
    struct transport_counters counters;
    transport_listener_counters(listener, &counters);
    metrics_visit(metrics, N_ELEMENTS(metrics), &counters, name, visitor);
    if (config->stream_timeout_ms > 0) {
        metric_visit(visitor, &streams_cut, counters.n_streams_cut, name);
    }
    if (config->takes_proxy_header) {
        visit_proxy_refusals(&counters, name, visitor);
    }
}

void transport_listener_free(struct transport_listener *listener)
{
    if (listener == NULL) {
        return;
    }
    for (unsigned i = 0; i < listener->n_workers; i++) {
        worker_free(listener->workers[i]);
    }
    for (unsigned i = 0; i < listener->shared.n_sockets; i++) {
        (void)close(listener->shared.sockets[i]);
    }
    address_bound_free(listener->shared.addresses);
    transport_networks_free(listener->shared.trusted_proxies);
    (void)pthread_rwlock_destroy(&listener->shared.trusted_lock);
    free(listener);
}

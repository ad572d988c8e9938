/* SPDX-License-Identifier: MIT */
#include "connection.h"

#include "presenced/array.h"

#include <errno.h>

struct http_listener {
    struct http_config config;
    struct mhd_config mhd_config;
    struct transport_listener *transport;
    unsigned n_workers; /* number of the transport's threads that have begun */
    struct http_worker *workers[];
};

static int worker_begin(void *cls, struct transport_worker *transport)
{
    struct http_listener *listener = cls;
    struct http_worker *worker = calloc(1, sizeof(*worker));
    if (worker == NULL) {
        return -ENOMEM;
    }
    worker->transport = transport;
    worker->config = &listener->config;
    worker->loops = (struct mhd_loops){.worker = transport, .config = &listener->mhd_config};
    wait_queue_init(&worker->waiting);
    wait_queue_init(&worker->streams);
    transport->protocol = worker;
    listener->workers[listener->n_workers++] = worker;
    return 0;
}

/* Resumes all connections first, because libmicrohttpd aborts the process if it is stopped with suspended
 * connections. */
static void worker_end(struct transport_worker *transport)
{
    struct http_worker *worker = transport->protocol;
    for (struct mhd_loop *loop = worker->loops.all; loop != NULL; loop = loop->next_of_all) {
        struct http_connection *connection = mhd_connection(loop->mhd);
        if (connection != NULL) {
            http_connection_resume(connection);
        }
    }
    mhd_loops_fini(&worker->loops);
    transport->protocol = NULL;
    free(worker);
}

static uint64_t wait_ms(const struct transport_worker *transport)
{
    const struct http_worker *worker = transport->protocol;
    uint64_t loops_ms = mhd_loops_wait_ms(&worker->loops);
    uint64_t streams_ms = streaming_wait_ms(worker);
    return loops_ms < streams_ms ? loops_ms : streams_ms;
}

static void run(struct transport_worker *transport)
{
    struct http_worker *worker = transport->protocol;
    waiting_answer(worker);
    streaming_check(worker);
    mhd_loops_run(&worker->loops);
    parking_finish_round(worker);
    streaming_rest(worker);
    waiting_answer(worker);
}

static bool is_idle(const struct transport_worker *transport)
{
    const struct http_worker *worker = transport->protocol;
    return mhd_loops_are_idle(&worker->loops) && atomic_load(&worker->counters.n_in_flight) == 0;
}

static void end_streams(struct transport_worker *transport)
{
    streaming_end_all(transport->protocol);
}

static const struct transport_protocol protocol = {
    .connection_size = sizeof(struct http_connection),
    .worker_begin = worker_begin,
    .worker_end = worker_end,
    .wait_ms = wait_ms,
    .run = run,
    .is_idle = is_idle,
    .end_streams = end_streams,
    .begin = http_connection_begin,
    .on_events = http_connection_on_events,
    .cut = http_connection_cut,
    .forget = http_connection_forget,
};

int http_listener_new(const struct transport_config *transport, const struct http_config *config,
                      struct http_listener **ret_listener)
{
    size_t size = sizeof(struct http_listener) + transport->n_threads * sizeof(struct http_worker *);
    cleanup(http_listener_freep) struct http_listener *listener = calloc(1, size);
    if (listener == NULL) {
        return -ENOMEM;
    }
    mhd_adapter_init();
    listener->config = *config;
    listener->mhd_config = (struct mhd_config){
        .name = transport->name,
        .is_tls = transport->tls != NULL,
        .connection_memory_bytes = config->connection_memory_bytes,
        .events = &http_connection_events,
    };
    int r = transport_listener_new(transport, &protocol, listener, &listener->transport);
    if (r < 0) {
        return r;
    }
    *ret_listener = take_pointer(listener);
    return 0;
}

void http_listener_free(struct http_listener *listener)
{
    if (listener != NULL) {
        transport_listener_free(listener->transport);
        free(listener);
    }
}

struct transport_listener *http_listener_transport(const struct http_listener *listener)
{
    return listener->transport;
}

void http_listener_wake(struct http_listener *listener)
{
    atomic_thread_fence(memory_order_seq_cst); /* pairs with the fence in waiting_answer() */
    for (unsigned i = 0; i < listener->n_workers; i++) {
        if (atomic_load(&listener->workers[i]->counters.n_waiting) > 0) {
            transport_worker_wake(listener->workers[i]->transport);
        }
    }
}

void http_listener_wake_streams(struct http_listener *listener)
{
    atomic_thread_fence(memory_order_seq_cst); /* pairs with the fence in streaming_begin() */
    for (unsigned i = 0; i < listener->n_workers; i++) {
        struct http_worker *worker = listener->workers[i];
        if (atomic_load(&worker->counters.n_streams) > 0 &&
            !atomic_exchange(&worker->streams_are_woken, true)) {
            transport_worker_wake(worker->transport);
        }
    }
}

void http_listener_counters(const struct http_listener *listener, struct http_counters *ret_counters)
{
    struct http_counters counters = {0};
    for (unsigned i = 0; i < listener->n_workers; i++) {
        const struct http_worker_counters *worker = &listener->workers[i]->counters;
        counters.n_requests += atomic_load(&worker->n_requests);
        counters.n_malformed += atomic_load(&worker->n_malformed);
    }
    *ret_counters = counters;
}

static const struct metric metrics[] = {
    {.name = "presenced_requests_total",
     .type = METRIC_COUNTER,
     .labels = {"listener"},
     .help = "Requests begun.",
     .key = "requests",
     .offset = offsetof(struct http_counters, n_requests)},
    {.name = "presenced_requests_malformed_total",
     .type = METRIC_COUNTER,
     .labels = {"listener"},
     .help = "Requests that were malformed, ambiguous or too long: refused, or the connection was closed.",
     .key = "requests_malformed",
     .offset = offsetof(struct http_counters, n_malformed)},
};

void http_listener_metrics(const struct http_listener *listener, const char *name,
                           const struct metric_visitor *visitor)
{
    struct http_counters counters;
    http_listener_counters(listener, &counters);
    metrics_visit(metrics, N_ELEMENTS(metrics), &counters, str_from(name), visitor);
}

const char *http_library_version(void)
{
    return mhd_version_text();
}

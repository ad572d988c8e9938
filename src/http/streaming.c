/* SPDX-License-Identifier: MIT */
/* Streaming replies. libmicrohttpd asks for a body's bytes whenever the socket has room. While there are none
 * the connection is parked; otherwise the library (0.9.75, 1.0.1) would ask again immediately, forever.
 *
 *   http_listener_wake_streams() ─ or a tick ─► streaming_check(): is_ready()? ─► unparked
 *   the run that follows: read() … read() 0 ─► parked
 *
 * A round that serves many streams takes long, and what arrives meanwhile is served by the next one. To leave
 * time for requests and other threads, streams are not checked again for three times as long as the round
 * took. With a single stream the delay is below a millisecond. */
#include "connection.h"
#include "reply.h"

#include "presenced/clock.h"

/* How often streams are checked for changes that only time causes. */
#define TICK_MS 250

#define REST_FACTOR 3
#define REST_MAX_US 250000

/* Returned when nothing is scheduled; the worker's own deadlines come first. */
#define WAIT_MAX_MS 60000

/* Freed with libmicrohttpd's response, which lives at least until the exchange has ended. */
struct streaming {
    const struct http_stream *functions;
    void *cls;
    struct http_connection *connection; /* NULL: not started */
    bool is_broken;                     /* the connection was cut, or the peer reads too slowly */
};

static struct http_connection *connection_of_link(struct waiter *link)
{
    return (struct http_connection *)(void *)((char *)link - offsetof(struct http_connection, stream_link));
}

static bool is_over(const struct http_connection *connection)
{
    return connection->streaming->is_broken || connection->transport.has_hung_up;
}

/* Called by the library for more bytes. If the TLS session has not yet sent an earlier reply, the connection
 * is parked after the run (parking.c). */
static ssize_t read_stream(void *cls, char *to, size_t size)
{
    struct streaming *streaming = cls;
    struct http_connection *connection = streaming->connection;
    if (is_over(connection)) {
        return MHD_BODY_BROKEN;
    }
    if (connection->has_unsent) {
        return 0;
    }
    ssize_t n = streaming->functions->read(streaming->cls, to, size);
    switch (n) {
    case 0:
        transport_stream_is_sent(&connection->transport);
        parking_park(connection);
        return 0;
    case HTTP_STREAM_END:
        transport_stream_sends(&connection->transport);
        return MHD_BODY_END;
    case HTTP_STREAM_TOO_SLOW:
        streaming->is_broken = true;
        transport_stream_is_cut(&connection->transport, "it has left too much unread");
        return MHD_BODY_BROKEN;
    default:
        transport_stream_sends(&connection->transport);
        mhd_loop_has_progressed(connection->loop);
        return n;
    }
}

static void free_stream(void *cls)
{
    struct streaming *streaming = cls;
    streaming->functions->free(streaming->cls);
    free(streaming);
}

struct http_reply *http_reply_stream(unsigned status, const struct http_header *headers,
                                     const struct http_stream *stream, void *cls)
{
    struct streaming *streaming = calloc(1, sizeof(*streaming));
    if (streaming == NULL) {
        stream->free(cls);
        return NULL;
    }
    streaming->functions = stream;
    streaming->cls = cls;
    const struct mhd_body body = {read_stream, free_stream, streaming};
    struct mhd_response *response = mhd_response_new_body(headers, &body);
    return response == NULL ? NULL : http_reply_of_body(status, response, streaming);
}

void streaming_begin(struct http_connection *connection, struct streaming *streaming)
{
    struct http_worker *worker = http_worker_of(connection);
    streaming->connection = connection;
    connection->streaming = streaming;
    if (wait_first(&worker->streams) == NULL) {
        worker->streams_tick_ms = worker->transport->now_ms + TICK_MS;
    }
    wait_join(&worker->streams, &connection->stream_link, worker->transport->now_ms);
    transport_count(&worker->counters.n_streams);
    /* Either http_listener_wake_streams() sees this stream, or the first read() sees the change it announces.
     */
    atomic_thread_fence(memory_order_seq_cst);
    transport_stream_begin(&connection->transport);
    if (worker->streams_end) {
        streaming->functions->finish(streaming->cls);
    }
}

void streaming_end(struct http_connection *connection)
{
    wait_leave(&connection->stream_link);
    connection->streaming = NULL;
    http_count_down(&http_worker_of(connection)->counters.n_streams);
}

void streaming_break(struct http_connection *connection)
{
    if (connection->streaming != NULL) {
        connection->streaming->is_broken = true;
    }
}

static bool is_time(const struct http_worker *worker)
{
    const struct transport_worker *transport = worker->transport;
    return wait_first(&worker->streams) != NULL && worker->streams_next_us <= transport->now_us &&
           (atomic_load_explicit(&worker->streams_are_woken, memory_order_relaxed) ||
            worker->streams_tick_ms <= transport->now_ms);
}

/* A stream that is not parked already has something to send, or waits for its socket. */
static void check_stream(struct http_connection *connection)
{
    const struct streaming *streaming = connection->streaming;
    if (connection->is_parked && !connection->has_unsent &&
        (is_over(connection) || streaming->functions->is_ready(streaming->cls))) {
        parking_unpark(connection);
    }
}

void streaming_check(struct http_worker *worker)
{
    worker->streams_begun_us = 0;
    if (!is_time(worker)) {
        return;
    }
    worker->streams_begun_us = worker->transport->now_us;
    worker->streams_tick_ms = worker->transport->now_ms + TICK_MS;
    /* Cleared before the streams are checked, so that later changes wake them again. */
    (void)atomic_exchange(&worker->streams_are_woken, false);
    struct waiter *link = wait_first(&worker->streams);
    while (link != NULL) {
        struct http_connection *connection = connection_of_link(link);
        link = wait_next(&worker->streams, link);
        check_stream(connection);
    }
}

void streaming_rest(struct http_worker *worker)
{
    if (worker->streams_begun_us == 0) {
        return;
    }
    uint64_t now_us = clock_monotonic_us();
    uint64_t rest_us = (now_us - worker->streams_begun_us) * REST_FACTOR;
    worker->streams_next_us = now_us + (rest_us < REST_MAX_US ? rest_us : REST_MAX_US);
}

uint64_t streaming_wait_ms(const struct http_worker *worker)
{
    const struct transport_worker *transport = worker->transport;
    if (wait_first(&worker->streams) == NULL) {
        return WAIT_MAX_MS;
    }
    uint64_t until_us = worker->streams_next_us;
    if (!atomic_load_explicit(&worker->streams_are_woken, memory_order_relaxed) &&
        worker->streams_tick_ms * 1000 > until_us) {
        until_us = worker->streams_tick_ms * 1000;
    }
    return until_us <= transport->now_us ? 0 : (until_us - transport->now_us + 999) / 1000;
}

void streaming_end_all(struct http_worker *worker)
{
    worker->streams_end = true;
    struct waiter *link = wait_first(&worker->streams);
    for (; link != NULL; link = wait_next(&worker->streams, link)) {
        struct http_connection *connection = connection_of_link(link);
        connection->streaming->functions->finish(connection->streaming->cls);
        if (!connection->has_unsent) {
            parking_unpark(connection);
        }
    }
}

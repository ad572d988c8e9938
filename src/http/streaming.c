/* SPDX-License-Identifier: MIT */
/* Replies that are streams. libmicrohttpd asks for a body's bytes whenever the socket takes some; while there
 * are none the connection is parked, or the library (0.9.75, 1.0.1) would ask again at once, for ever.
 *
 *   http_listener_wake_streams() ─ or a tick ─► streaming_ask(): is_ready()? ─► unparked
 *   the run that follows: read() … read() 0 ─► parked
 *
 * A round that serves many streams takes long, and what comes meanwhile is served by the next one. So that
 * requests have their turn, and other threads their core, the streams rest for three times as long as they
 * took. One reader notices nothing of that: it is served within the millisecond. */
#include "connection.h"
#include "reply.h"

#include "presenced/clock.h"

/* Streams are asked that often for what time brings about. */
#define TICK_MS 250

#define REST_FACTOR 3
#define REST_MAX_US 250000

/* Nothing is scheduled: the worker's own deadlines come first. */
#define WAIT_MAX_MS 60000

/* Freed with libmicrohttpd's response, which lives until the exchange has ended, or longer. */
struct streaming {
    const struct http_stream *functions;
    void *cls;
    struct http_connection *connection; /* NULL: not begun */
    bool is_broken;                     /* its connection is cut, or its reader too slow */
};

static struct http_connection *connection_of_link(struct waiter *link)
{
    return (struct http_connection *)(void *)((char *)link - offsetof(struct http_connection, stream_link));
}

static bool is_over(const struct http_connection *connection)
{
    return connection->streaming->is_broken || connection->transport.has_hung_up;
}

/* What the library asks for. A TLS session that has not yet sent an earlier reply is parked for that, after
 * the run (parking.c). */
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
    /* Who wakes the streams either sees this one, or what it tells of is seen by the first read(). */
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

/* One that is not parked has something to send already, or waits for its socket. */
static void ask(struct http_connection *connection)
{
    const struct streaming *streaming = connection->streaming;
    if (connection->is_parked && !connection->has_unsent &&
        (is_over(connection) || streaming->functions->is_ready(streaming->cls))) {
        parking_unpark(connection);
    }
}

void streaming_ask(struct http_worker *worker)
{
    worker->streams_begun_us = 0;
    if (!is_time(worker)) {
        return;
    }
    worker->streams_begun_us = worker->transport->now_us;
    worker->streams_tick_ms = worker->transport->now_ms + TICK_MS;
    /* Before they are asked: what comes from now on wakes them again. */
    (void)atomic_exchange(&worker->streams_are_woken, false);
    struct waiter *link = wait_first(&worker->streams);
    while (link != NULL) {
        struct http_connection *connection = connection_of_link(link);
        link = wait_next(&worker->streams, link);
        ask(connection);
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

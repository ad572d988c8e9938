/* SPDX-License-Identifier: MIT */
/* The body of a request that on_headers() rejects is read and discarded: closing the connection before its
 * end would reset it, and the sender might not see the answer. Also, a sender that is rejected because of its
 * clock or its token should not need a new TLS handshake for each request. */
#include "connection.h"
#include "target.h"
#include "reply.h"

#include <sys/socket.h>

/* Statuses with which the library rejects requests. */
#define STATUS_CONTENT_TOO_LARGE 413
#define STATUS_URI_TOO_LONG 414
#define STATUS_HEADER_FIELDS_TOO_LARGE 431
#define STATUS_VERSION_NOT_SUPPORTED 505

/* Buffers larger than this are freed between two requests. */
#define KEPT_BYTES 4096

void exchange_begin(struct http_connection *connection, struct str target)
{
    struct exchange *exchange = &connection->exchange;
    struct http_request *request = &exchange->request;
    buf_clear(&exchange->target);
    buf_append(&exchange->target, target);
    exchange->stage = EXCHANGE_HEAD;
    exchange->n_body_bytes = 0;
    exchange->close_after = false;
    *request = (struct http_request){
        .target = buf_str(&exchange->target),
        .peer = connection->transport.peer,
        .begun_us = connection->transport.worker->now_us,
        .connection = connection,
    };
    mhd_loop_has_progressed(connection->loop);
    transport_count(&http_worker_of(connection)->counters.n_requests);
    transport_count(&http_worker_of(connection)->counters.n_in_flight);
    transport_request_begins(&connection->transport);
}

static void prepare_tls(struct tls_session *tls, const struct http_reply *reply)
{
    if (http_reply_is_short(reply)) {
        tls_session_hold(tls);
    } else {
        tls_session_settle(tls);
    }
}

static bool queue(struct http_connection *connection, struct http_reply *reply)
{
    struct exchange *exchange = &connection->exchange;
    exchange->stage = EXCHANGE_ANSWERED;
    if (reply == NULL) {
        return false;
    }
    struct streaming *streaming = http_reply_streaming(reply);
    uint64_t n_bytes = exchange->n_head_bytes + exchange->n_body_bytes;
    transport_request_is_answered(&connection->transport, exchange->is_chunked ? 0 : n_bytes);
    bool close_after = exchange->close_after || transport_worker_is_draining(connection->transport.worker) ||
                       (connection->transport.tls != NULL &&
                        tls_session_is_outdated(connection->transport.tls)) ||
                       streaming != NULL;
    connection->is_closing |= close_after;
    if (connection->transport.tls != NULL) {
        prepare_tls(connection->transport.tls, reply);
    }
    bool queued = http_reply_queue(reply, connection->loop->mhd, close_after);
    if (queued && streaming != NULL) {
        exchange->stage = EXCHANGE_STREAM;
        http_count_down(&http_worker_of(connection)->counters.n_in_flight);
        streaming_begin(connection, streaming);
    }
    return queued;
}

/* Rejects a request without on_headers() and on_request(), and closes after the reply: what follows may be
 * the body of this request from the sender's point of view. */
static struct http_reply *refuse(struct http_connection *connection, enum http_refusal why, const char *error)
{
    const struct http_config *config = http_worker_of(connection)->config;
    connection->exchange.close_after = true;
    transport_count(&http_worker_of(connection)->counters.n_malformed);
    return config->handler->on_refusal(config->handler_cls, &connection->exchange.request, why, error);
}

static void send_without_library(struct http_connection *connection, struct http_reply *reply)
{
    cleanup(buf_fini) struct buf bytes = {0};
    http_reply_write(reply, &bytes);
    if (bytes.failed) {
        return;
    }
    if (connection->transport.tls != NULL) {
        tls_session_send_last(connection->transport.tls, buf_str(&bytes));
    } else {
        (void)send(connection->transport.watch.fd, bytes.ptr, bytes.len, MSG_NOSIGNAL | MSG_DONTWAIT);
    }
}

static void send_at_once(struct http_connection *connection, struct http_reply *reply)
{
    connection->is_refused = true;
    if (reply != NULL) {
        send_without_library(connection, reply);
        http_reply_release(reply);
    }
    transport_connection_linger(&connection->transport);
    (void)shutdown(connection->transport.watch.fd, SHUT_WR);
}

struct refusal {
    enum http_refusal why;
    const char *error;
};

/* Translates the status with which the library wants to reject the request. */
static struct refusal refusal_of(const struct exchange *exchange, unsigned status)
{
    if (status == STATUS_HEADER_FIELDS_TOO_LARGE || status == STATUS_URI_TOO_LONG) {
        return (struct refusal){HTTP_REFUSAL_HEAD_TOO_LARGE, "the head of the request is too long"};
    }
    if (status == STATUS_VERSION_NOT_SUPPORTED) {
        return (struct refusal){HTTP_REFUSAL_VERSION, "the HTTP version is other than 1.0 and 1.1"};
    }
    if (exchange->stage == EXCHANGE_NONE) {
        return (struct refusal){HTTP_REFUSAL_BAD_FRAMING, "the request line is malformed"};
    }
    if (status == STATUS_CONTENT_TOO_LARGE) {
        return (struct refusal){HTTP_REFUSAL_TOO_LARGE, "the body is longer than max_body"};
    }
    if (exchange->stage == EXCHANGE_HEAD) {
        return (struct refusal){HTTP_REFUSAL_BAD_FRAMING, "a header is malformed, such as Content-Length"};
    }
    return (struct refusal){HTTP_REFUSAL_BAD_FRAMING, "the chunked body is malformed"};
}

void exchange_is_refused(struct http_connection *connection, unsigned status)
{
    struct exchange *exchange = &connection->exchange;
    if (exchange->stage == EXCHANGE_ANSWERED || exchange->stage == EXCHANGE_STREAM ||
        connection->is_refused) {
        return;
    }
    struct refusal refusal = refusal_of(exchange, status);
    target_split(exchange->request.target, &exchange->request.path, &exchange->request.query);
    exchange->request.peer = connection->transport.peer;
    exchange->request.connection = connection;
    send_at_once(connection, refuse(connection, refusal.why, refusal.error));
}

static bool may_have_body(const struct http_request *request)
{
    return !str_equal(request->method, STR("GET")) && !str_equal(request->method, STR("HEAD"));
}

/* Returns the reply that rejects the request whatever its body contains, or NULL. */
static struct http_reply *check_head(struct http_connection *connection, const struct framing *framing)
{
    const struct http_config *config = http_worker_of(connection)->config;
    struct http_request *request = &connection->exchange.request;
    struct http_reply *reply = config->handler->on_headers(config->handler_cls, request);
    if (reply != NULL) {
        return reply;
    }
    if (may_have_body(request) && !framing_has_length(framing)) {
        return refuse(connection, HTTP_REFUSAL_LENGTH_REQUIRED, "Content-Length is missing");
    }
    if (framing->content_length > config->max_body_bytes) {
        return refuse(connection, HTTP_REFUSAL_TOO_LARGE, "the body is longer than max_body");
    }
    return NULL;
}

/* Returns whether the body of a rejected request is far too long, or is sent only if we ask for it. */
static bool is_not_worth_reading(const struct http_connection *connection, const struct framing *framing)
{
    const struct http_config *config = http_worker_of(connection)->config;
    return framing->content_length / 2 > config->max_body_bytes ||
           http_request_header(&connection->exchange.request, "Expect", 0).ptr != NULL;
}

bool exchange_head(struct http_connection *connection, const struct mhd_head *head)
{
    struct exchange *exchange = &connection->exchange;
    struct http_request *request = &exchange->request;
    const struct framing *framing = &head->framing;
    if (exchange->target.failed) {
        return false;
    }
    request->method = head->method;
    request->is_http_1_0 = head->is_http_1_0;
    target_split(request->target, &request->path, &request->query);
    exchange->n_head_bytes = head->n_bytes;
    exchange->is_chunked = framing->n_transfer_encoding > 0;
    exchange->close_after = head->must_close;
    connection->is_closing |= framing_is_last(framing, head->is_http_1_0);
    const char *error = framing_check(framing, request->target, head->is_http_1_0);
    if (error != NULL) {
        transport_connection_linger(&connection->transport);
        return queue(connection, refuse(connection, HTTP_REFUSAL_BAD_FRAMING, error));
    }
    exchange->reply = check_head(connection, framing);
    exchange->stage = exchange->reply == NULL ? EXCHANGE_READ : EXCHANGE_DISCARD;
    if (exchange->reply != NULL && is_not_worth_reading(connection, framing)) {
        exchange->close_after = true;
        transport_connection_linger(&connection->transport);
        return queue(connection, take_pointer(exchange->reply));
    }
    if (exchange->stage == EXCHANGE_READ) {
        buf_clear(&exchange->body);
        return buf_reserve(&exchange->body, (size_t)framing->content_length) == NULL ? false : true;
    }
    return true;
}

bool exchange_body(struct http_connection *connection, struct str bytes)
{
    const struct http_config *config = http_worker_of(connection)->config;
    struct exchange *exchange = &connection->exchange;
    exchange->n_body_bytes += bytes.len;
    if (exchange->stage == EXCHANGE_READ && exchange->n_body_bytes > config->max_body_bytes) {
        exchange->reply = refuse(connection, HTTP_REFUSAL_TOO_LARGE, "the body is longer than max_body");
        exchange->stage = EXCHANGE_DISCARD;
    }
    if (exchange->stage == EXCHANGE_READ) {
        buf_append(&exchange->body, bytes);
        return exchange->body.failed ? false : true;
    }
    if (exchange->n_body_bytes / 2 <= config->max_body_bytes) {
        return true;
    }
    /* libmicrohttpd does not accept a reply before the end of the body. */
    send_at_once(connection, take_pointer(exchange->reply));
    return false;
}

bool exchange_answer(struct http_connection *connection)
{
    const struct http_config *config = http_worker_of(connection)->config;
    struct exchange *exchange = &connection->exchange;
    if (exchange->stage != EXCHANGE_READ) {
        return queue(connection, take_pointer(exchange->reply));
    }
    exchange->request.body = buf_str(&exchange->body);
    struct http_reply *reply = config->handler->on_request(config->handler_cls, &exchange->request);
    if (reply == http_reply_later()) {
        waiting_begin(connection);
        return true;
    }
    return queue(connection, reply);
}

static void shrink(struct buf *buf)
{
    if (buf->capacity > KEPT_BYTES) {
        buf_fini(buf);
    }
}

static void reset(struct exchange *exchange)
{
    if (exchange->reply != NULL) {
        http_reply_release(exchange->reply);
        exchange->reply = NULL;
    }
    exchange->request = (struct http_request){
        .connection = NULL}; /* cleared before what it points to is freed */
    shrink(&exchange->body);
    shrink(&exchange->target);
    exchange->stage = EXCHANGE_NONE;
}

void exchange_end(struct http_connection *connection)
{
    if (connection->exchange.stage == EXCHANGE_STREAM) {
        streaming_end(connection);
    } else {
        http_count_down(&http_worker_of(connection)->counters.n_in_flight);
    }
    reset(&connection->exchange);
    transport_connection_becomes_idle(&connection->transport);
    if (connection->transport.has_hung_up) {
        parking_finish_later(connection);
    }
    parking_flush(connection);
}

void exchange_fini(struct exchange *exchange)
{
    reset(exchange);
    buf_fini(&exchange->target);
    buf_fini(&exchange->body);
}

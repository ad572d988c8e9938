/* SPDX-License-Identifier: MIT */
/* The body of a request that the handler's judge() refuses is read and discarded: closing before its end
 * would reset the connection, so that the sender might not see the answer; and a sender that is refused for
 * its clock or its token should not cost a TLS handshake each time. */
#include "exchange.h"

#include "mhd_adapter.h"
#include "presenced/target.h"
#include "reply.h"
#include "worker.h"

#include <sys/socket.h>

/* Larger buffers are freed between two requests. */
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
        .peer = connection->peer,
        .begun_us = connection->worker->now_us,
        .connection = connection,
    };
    http_request_begins(connection);
}

static void prepare_tls(struct tls_session *tls, const struct http_reply *reply)
{
    if (http_reply_is_short(reply)) {
        tls_session_hold(tls);
    } else {
        tls_session_settle(tls);
    }
}

static enum exchange_result queue(struct http_connection *connection, struct http_reply *reply)
{
    struct exchange *exchange = &connection->exchange;
    exchange->stage = EXCHANGE_ANSWERED;
    if (reply == NULL) {
        return EXCHANGE_CLOSE;
    }
    uint64_t n_bytes = exchange->n_head_bytes + exchange->n_body_bytes;
    http_request_is_answered(connection, exchange->is_chunked ? 0 : n_bytes);
    bool close_after = exchange->close_after || http_worker_is_draining(connection->worker) ||
                       (connection->tls != NULL && tls_session_is_outdated(connection->tls));
    connection->is_closing |= close_after;
    if (connection->tls != NULL) {
        prepare_tls(connection->tls, reply);
    }
    return http_reply_queue(reply, connection, close_after) ? EXCHANGE_GO_ON : EXCHANGE_CLOSE;
}

/* Refuses without judge() and answer(), and closes after the reply: what follows may be the body of this
 * request as the sender understands it. */
static struct http_reply *refuse(struct http_connection *connection, enum http_refusal why, const char *error)
{
    const struct http_listener_config *config = http_worker_config(connection->worker);
    connection->exchange.close_after = true;
    http_count(&connection->worker->stats.n_malformed);
    return config->handler->refuse(config->handler_cls, &connection->exchange.request, why, error);
}

static void send_without_library(struct http_connection *connection, struct http_reply *reply)
{
    cleanup(buf_fini) struct buf bytes = {0};
    http_reply_write(reply, &bytes);
    if (bytes.failed) {
        return;
    }
    if (connection->tls != NULL) {
        tls_session_send_last(connection->tls, buf_str(&bytes));
    } else {
        (void)send(connection->watch.fd, bytes.ptr, bytes.len, MSG_NOSIGNAL | MSG_DONTWAIT);
    }
}

static void send_at_once(struct http_connection *connection, struct http_reply *reply)
{
    connection->is_refused = true;
    if (reply != NULL) {
        send_without_library(connection, reply);
        http_reply_release(reply);
    }
    http_linger(connection);
    (void)shutdown(connection->watch.fd, SHUT_WR);
}

void exchange_refuse_at_once(struct http_connection *connection, enum http_refusal why, const char *error)
{
    struct exchange *exchange = &connection->exchange;
    target_split(exchange->request.target, &exchange->request.path, &exchange->request.query);
    exchange->request.peer = connection->peer;
    exchange->request.connection = connection;
    send_at_once(connection, refuse(connection, why, error));
}

static bool may_have_body(const struct http_request *request)
{
    return !str_equal(request->method, STR("GET")) && !str_equal(request->method, STR("HEAD"));
}

/* The reply that refuses the request whatever its body says, or NULL. */
static struct http_reply *judge(struct http_connection *connection, const struct framing *framing)
{
    const struct http_listener_config *config = http_worker_config(connection->worker);
    struct http_request *request = &connection->exchange.request;
    struct http_reply *reply = config->handler->judge(config->handler_cls, request);
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

/* Whether a refused request's body is far too long, or is not sent until we ask for it. */
static bool is_not_worth_reading(const struct http_connection *connection, const struct framing *framing)
{
    const struct http_listener_config *config = http_worker_config(connection->worker);
    return framing->content_length / 2 > config->max_body_bytes ||
           http_request_header(&connection->exchange.request, "Expect", 0).ptr != NULL;
}

enum exchange_result exchange_head(struct http_connection *connection, const struct exchange_head *head)
{
    struct exchange *exchange = &connection->exchange;
    struct http_request *request = &exchange->request;
    const struct framing *framing = &head->framing;
    if (exchange->target.failed) {
        return EXCHANGE_CLOSE;
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
        http_linger(connection);
        return queue(connection, refuse(connection, HTTP_REFUSAL_BAD_FRAMING, error));
    }
    exchange->reply = judge(connection, framing);
    exchange->stage = exchange->reply == NULL ? EXCHANGE_READ : EXCHANGE_DISCARD;
    if (exchange->reply != NULL && is_not_worth_reading(connection, framing)) {
        exchange->close_after = true;
        http_linger(connection);
        return queue(connection, take_pointer(exchange->reply));
    }
    if (exchange->stage == EXCHANGE_READ) {
        buf_clear(&exchange->body);
        return buf_reserve(&exchange->body, (size_t)framing->content_length) == NULL ? EXCHANGE_CLOSE
                                                                                     : EXCHANGE_GO_ON;
    }
    return EXCHANGE_GO_ON;
}

enum exchange_result exchange_body(struct http_connection *connection, struct str bytes)
{
    const struct http_listener_config *config = http_worker_config(connection->worker);
    struct exchange *exchange = &connection->exchange;
    exchange->n_body_bytes += bytes.len;
    if (exchange->stage == EXCHANGE_READ && exchange->n_body_bytes > config->max_body_bytes) {
        exchange->reply = refuse(connection, HTTP_REFUSAL_TOO_LARGE, "the body is longer than max_body");
        exchange->stage = EXCHANGE_DISCARD;
    }
    if (exchange->stage == EXCHANGE_READ) {
        buf_append(&exchange->body, bytes);
        return exchange->body.failed ? EXCHANGE_CLOSE : EXCHANGE_GO_ON;
    }
    if (exchange->n_body_bytes / 2 <= config->max_body_bytes) {
        return EXCHANGE_GO_ON;
    }
    /* libmicrohttpd queues no reply before the end of the body. */
    send_at_once(connection, take_pointer(exchange->reply));
    return EXCHANGE_CLOSE;
}

enum exchange_result exchange_answer(struct http_connection *connection)
{
    const struct http_listener_config *config = http_worker_config(connection->worker);
    struct exchange *exchange = &connection->exchange;
    if (exchange->stage != EXCHANGE_READ) {
        return queue(connection, take_pointer(exchange->reply));
    }
    exchange->request.body = buf_str(&exchange->body);
    struct http_reply *reply = config->handler->answer(config->handler_cls, &exchange->request);
    if (reply == http_reply_later()) {
        http_wait_for_answer(connection);
        return EXCHANGE_GO_ON;
    }
    return queue(connection, reply);
}

static void shrink(struct buf *buf)
{
    if (buf->capacity > KEPT_BYTES) {
        buf_fini(buf);
    }
}

static void release(struct exchange *exchange)
{
    if (exchange->reply != NULL) {
        http_reply_release(exchange->reply);
        exchange->reply = NULL;
    }
    exchange->request = (struct http_request){.connection = NULL}; /* before what it points to is freed */
    shrink(&exchange->body);
    shrink(&exchange->target);
    exchange->stage = EXCHANGE_NONE;
}

void exchange_end(struct http_connection *connection)
{
    release(&connection->exchange);
    http_request_ends(connection);
    http_flush(connection);
}

void exchange_fini(struct exchange *exchange)
{
    release(exchange);
    buf_fini(&exchange->target);
    buf_fini(&exchange->body);
}

/* SPDX-License-Identifier: MIT */
/* A request's way through libmicrohttpd 0.9.75, which calls, on the worker's thread:
 *
 *   begin      the request line is there, its target still raw
 *   continue   first:  the headers are there. A reply queued now closes the connection, so only a request
 *                      whose end is in doubt is answered here.
 *              then:   bytes of the body, as often as there are some. Nothing can be queued now.
 *              last:   the body is whole. Here is answered.
 *   end        the reply was sent, or the connection was lost
 *
 * The body of a request that judge() refuses is read and thrown away, for closing in the midst of it would
 * reset the connection and the sender would not see its answer; and a sender that must be refused for its
 * clock or its token should not cost a TLS handshake each time. */
#include "worker.h"

#include "presenced/framing.h"
#include "presenced/target.h"

/* What a kept connection may keep of each of its buffers. */
#define KEPT_BYTES 4096

static struct http_connection *connection_of(struct MHD_Connection *mhd)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info == NULL ? NULL : info->socket_context;
}

/* libmicrohttpd makes a record of every parameter, which nobody reads, and gives up on a request that has a
 * few hundred; so its own copy of the query ends here. */
static void keep_from_parsing(const char *target)
{
    char *query = strchr(target, '?');
    if (query != NULL) {
        query[1] = '\0';
    }
}

void *http_exchange_begin(void *cls, const char *target, struct MHD_Connection *mhd)
{
    (void)cls;
    struct http_connection *connection = connection_of(mhd);
    if (connection == NULL) {
        return NULL;
    }
    struct exchange *exchange = &connection->exchange;
    buf_clear(&exchange->target);
    buf_append(&exchange->target, str_from(target)); /* libmicrohttpd will take it apart in place */
    keep_from_parsing(target);
    exchange->stage = EXCHANGE_HEAD;
    exchange->request.begun_us = connection->worker->now_us;
    exchange->n_body_bytes = 0;
    exchange->close_after = false;
    http_worker_request_begins(connection);
    return connection;
}

/* The head as libmicrohttpd took it apart, in its own buffer. */
struct head {
    struct framing framing;
    uintptr_t end; /* behind the header looked at last; 0: none was */
    bool has_gap;
};

/* Each header begins right behind the line's end of the one before; what lies elsewhere was not read as it
 * was sent. libmicrohttpd 0.9.75 takes a NUL for a line's end, cuts values at one, and joins a folded line
 * (obsolete, RFC 9112, section 5.2) to the name instead of the value, for which it moves the name.
 * test_framing.c shows them. */
static enum MHD_Result gather_header(void *cls, enum MHD_ValueKind kind, const char *key, size_t key_size,
                                     const char *value, size_t value_size)
{
    struct head *head = cls;
    uintptr_t gap = (uintptr_t)key - head->end;
    (void)kind;
    head->has_gap |= head->end != 0 && (gap < 1 || gap > 2);
    head->end = value == NULL ? (uintptr_t)key + key_size : (uintptr_t)value + value_size;
    framing_add(&head->framing, (struct str){key, key_size},
                (struct str){value == NULL ? "" : value, value_size});
    return MHD_YES;
}

/* The last header's line and the empty one end the head: 2 to 4 bytes. */
static const struct framing *gather_head(struct http_connection *connection, const char *method,
                                         struct head *head)
{
    (void)MHD_get_connection_values_n(connection->mhd, MHD_HEADER_KIND, gather_header, head);
    uintptr_t left = (uintptr_t)method + connection->exchange.n_head_bytes - head->end;
    head->framing.bad_header |= head->has_gap || (head->end != 0 && (left < 2 || left > 4));
    return &head->framing;
}

static void describe(struct http_connection *connection, const char *method, const char *version)
{
    struct exchange *exchange = &connection->exchange;
    struct http_request *request = &exchange->request;
    *request = (struct http_request){
        .method = str_from(method),
        .target = buf_str(&exchange->target),
        .peer = connection->peer,
        .is_http_1_0 = strcmp(version, MHD_HTTP_VERSION_1_0) == 0,
        .begun_us = request->begun_us,
        .connection = connection,
    };
    target_split(request->target, &request->path, &request->query);
}

static void prepare_tls(struct tls_session *tls, const struct http_reply *reply)
{
    if (http_reply_is_short(reply)) {
        tls_session_hold(tls);
    } else {
        tls_session_settle(tls);
    }
}

static enum MHD_Result queue(struct http_connection *connection, struct http_reply *reply)
{
    struct exchange *exchange = &connection->exchange;
    exchange->stage = EXCHANGE_ANSWERED;
    if (reply == NULL) {
        return MHD_NO;
    }
    uint64_t n_bytes = exchange->n_head_bytes + exchange->n_body_bytes;
    http_worker_request_is_answered(connection, exchange->is_chunked ? 0 : n_bytes);
    bool close_after = exchange->close_after || http_worker_is_draining(connection->worker) ||
                       (connection->tls != NULL && tls_session_is_outdated(connection->tls));
    if (connection->tls != NULL) {
        prepare_tls(connection->tls, reply);
    }
    return http_reply_queue(reply, connection->mhd, close_after);
}

/* Refuses by itself, and closes: a sender that frames its requests otherwise than we read them may go on with
 * what it takes for a body. */
static struct http_reply *refuse(struct http_connection *connection, enum http_refusal why, const char *error)
{
    const struct http_listener_config *config = http_worker_config(connection->worker);
    connection->exchange.close_after = true;
    return config->handler->refuse(config->handler_cls, &connection->exchange.request, why, error);
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

/* A refused body that is far too long, or that its sender holds back until it is asked for. */
static bool is_not_worth_reading(const struct http_connection *connection, const struct framing *framing)
{
    const struct http_listener_config *config = http_worker_config(connection->worker);
    return framing->content_length / 2 > config->max_body_bytes ||
           http_request_header(&connection->exchange.request, MHD_HTTP_HEADER_EXPECT, 0).ptr != NULL;
}

static uint64_t head_size(struct MHD_Connection *mhd)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(mhd,
                                                                   MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    return info == NULL ? 0 : info->header_size;
}

static enum MHD_Result head_is_there(struct http_connection *connection, const char *method,
                                     const char *version)
{
    struct exchange *exchange = &connection->exchange;
    struct head head = {.end = 0};
    if (exchange->target.failed) {
        return MHD_NO;
    }
    describe(connection, method, version);
    exchange->n_head_bytes = head_size(connection->mhd);
    const struct framing *framing = gather_head(connection, method, &head);
    exchange->is_chunked = framing->n_transfer_encoding > 0;
    const char *error = framing_check(framing, exchange->request.is_http_1_0);
    if (error != NULL) {
        return queue(connection, refuse(connection, HTTP_REFUSAL_BAD_FRAMING, error));
    }
    exchange->reply = judge(connection, framing);
    exchange->stage = exchange->reply == NULL ? EXCHANGE_READ : EXCHANGE_DISCARD;
    if (exchange->reply != NULL && is_not_worth_reading(connection, framing)) {
        struct http_reply *reply = take_pointer(exchange->reply);
        return queue(connection, reply);
    }
    if (exchange->stage == EXCHANGE_READ) {
        buf_clear(&exchange->body);
        return buf_reserve(&exchange->body, (size_t)framing->content_length) == NULL ? MHD_NO : MHD_YES;
    }
    return MHD_YES;
}

static enum MHD_Result body_has_come(struct http_connection *connection, struct str bytes)
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
        return exchange->body.failed ? MHD_NO : MHD_YES;
    }
    return exchange->n_body_bytes / 2 > config->max_body_bytes ? MHD_NO : MHD_YES;
}

static enum MHD_Result body_is_whole(struct http_connection *connection)
{
    const struct http_listener_config *config = http_worker_config(connection->worker);
    struct exchange *exchange = &connection->exchange;
    if (exchange->stage != EXCHANGE_READ) {
        struct http_reply *reply = take_pointer(exchange->reply);
        return queue(connection, reply);
    }
    exchange->request.body = buf_str(&exchange->body);
    struct http_reply *reply = config->handler->answer(config->handler_cls, &exchange->request);
    if (reply == http_reply_later()) {
        http_wait_for_answer(connection);
        return MHD_YES;
    }
    return queue(connection, reply);
}

enum MHD_Result http_exchange_continue(void *cls, struct MHD_Connection *mhd, const char *url,
                                       const char *method, const char *version, const char *upload_data,
                                       size_t *upload_data_size, void **connection_cls)
{
    struct http_connection *connection = *connection_cls;
    (void)cls;
    (void)mhd;
    (void)url;
    if (connection == NULL) {
        return MHD_NO;
    }
    http_worker_has_progressed(connection->worker);
    if (connection->exchange.stage == EXCHANGE_HEAD) {
        return head_is_there(connection, method, version);
    }
    if (*upload_data_size > 0) {
        struct str bytes = {upload_data, *upload_data_size};
        *upload_data_size = 0;
        return body_has_come(connection, bytes);
    }
    return body_is_whole(connection);
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
    shrink(&exchange->body);
    shrink(&exchange->target);
    exchange->stage = EXCHANGE_NONE;
}

void http_exchange_end(void *cls, struct MHD_Connection *mhd, void **connection_cls,
                       enum MHD_RequestTerminationCode code)
{
    struct http_connection *connection = *connection_cls;
    (void)cls;
    (void)mhd;
    (void)code;
    if (connection == NULL) {
        return;
    }
    *connection_cls = NULL;
    release(&connection->exchange);
    http_worker_request_ends(connection);
    http_flush(connection);
}

void http_exchange_fini(struct exchange *exchange)
{
    release(exchange);
    buf_fini(&exchange->target);
    buf_fini(&exchange->body);
}

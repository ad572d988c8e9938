/* SPDX-License-Identifier: MIT */
#include "presenced/reply.h"

#include "mhd.h"

#include <errno.h>

/* From 1400 bytes on libmicrohttpd 0.9.75 pushes the head out alone; ours takes less than 400 of them. */
#define SHORT_BODY_BYTES 1000

/* A response is never changed once it has been queued (other threads may be sending it), so an answer that is
 * used many times exists twice: one that keeps the connection and one that says `Connection: close`. */
struct http_reply {
    unsigned status;
    size_t body_bytes;
    bool once;
    struct MHD_Response *keeping;
    struct MHD_Response *closing; /* of a reply that is sent once: NULL until it is needed */
};

static bool add_headers(struct MHD_Response *response, const struct http_header *headers)
{
    for (; headers->name != NULL; headers++) {
        if (MHD_add_response_header(response, headers->name, headers->value) != MHD_YES) {
            return false;
        }
    }
    return true;
}

static bool say_close(struct MHD_Response *response)
{
    return MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close") == MHD_YES;
}

static struct MHD_Response *make_response(const struct http_header *headers, struct str body)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(body.len, (void *)(uintptr_t)body.ptr,
                                                                    MHD_RESPMEM_MUST_COPY);
    if (response != NULL && !add_headers(response, headers)) {
        MHD_destroy_response(response);
        return NULL;
    }
    return response;
}

int http_reply_new(unsigned status, const struct http_header *headers, struct str body,
                   struct http_reply **ret_reply)
{
    cleanup(http_reply_freep) struct http_reply *reply = calloc(1, sizeof(*reply));
    if (reply == NULL) {
        return -ENOMEM;
    }
    reply->status = status;
    reply->body_bytes = body.len;
    reply->keeping = make_response(headers, body);
    reply->closing = make_response(headers, body);
    if (reply->keeping == NULL || reply->closing == NULL || !say_close(reply->closing)) {
        return -ENOMEM;
    }
    *ret_reply = take_pointer(reply);
    return 0;
}

struct http_reply *http_reply_once(unsigned status, const struct http_header *headers, struct buf *body)
{
    struct buf bytes = *body;
    *body = (struct buf){0};
    cleanup(http_reply_freep) struct http_reply *reply = calloc(1, sizeof(*reply));
    if (reply == NULL || bytes.failed) {
        buf_fini(&bytes);
        return NULL;
    }
    reply->status = status;
    reply->body_bytes = bytes.len;
    reply->once = true;
    /* An empty body has no bytes to free, and libmicrohttpd takes no NULL. */
    reply->keeping = bytes.len == 0
                         ? MHD_create_response_from_buffer(0, (void *)(uintptr_t) "", MHD_RESPMEM_PERSISTENT)
                         : MHD_create_response_from_buffer(bytes.len, bytes.ptr, MHD_RESPMEM_MUST_FREE);
    if (reply->keeping == NULL || bytes.len == 0) {
        buf_fini(&bytes);
    }
    if (reply->keeping == NULL || !add_headers(reply->keeping, headers)) {
        return NULL;
    }
    return take_pointer(reply);
}

struct http_reply *http_reply_later(void)
{
    static struct http_reply later;
    return &later;
}

void http_reply_free(struct http_reply *reply)
{
    if (reply == NULL) {
        return;
    }
    if (reply->keeping != NULL) {
        MHD_destroy_response(reply->keeping);
    }
    if (reply->closing != NULL) {
        MHD_destroy_response(reply->closing);
    }
    free(reply);
}

bool http_reply_is_short(const struct http_reply *reply)
{
    return reply->body_bytes <= SHORT_BODY_BYTES;
}

void http_reply_release(struct http_reply *reply)
{
    if (reply->once) {
        http_reply_free(reply);
    }
}

enum MHD_Result http_reply_queue(struct http_reply *reply, struct MHD_Connection *connection,
                                 bool close_after)
{
    struct MHD_Response *response = reply->keeping;
    if (close_after && reply->once) {
        (void)say_close(response); /* without it the connection lives on for a while: no harm */
    } else if (close_after) {
        response = reply->closing;
    }
    enum MHD_Result result = MHD_queue_response(connection, reply->status, response);
    http_reply_release(reply);
    return result;
}

/* SPDX-License-Identifier: MIT */
#include "reply.h"

#include <errno.h>

/* libmicrohttpd sends head and body separately if together they are longer than 1400 bytes. Our heads are
 * shorter than 400 bytes. */
#define SHORT_BODY_BYTES 1000

/* A queued response must not be changed, because other threads may be sending it. So a reply that is used
 * many times has two responses: one that keeps the connection open and one with `Connection: close`. */
struct http_reply {
    unsigned status;
    struct str body; /* points into `own_body` or the response */
    struct buf own_body;
    bool once;
    struct streaming *streaming; /* NULL: the reply is not a stream */
    struct mhd_response *keeping;
    struct mhd_response *closing; /* NULL for a reply that is sent once */
};

int http_reply_new(unsigned status, const struct http_header *headers, struct str body,
                   struct http_reply **ret_reply)
{
    cleanup(http_reply_freep) struct http_reply *reply = calloc(1, sizeof(*reply));
    if (reply == NULL) {
        return -ENOMEM;
    }
    reply->status = status;
    buf_append(&reply->own_body, body);
    reply->body = buf_str(&reply->own_body);
    reply->keeping = mhd_response_new(headers, body, false);
    reply->closing = mhd_response_new(headers, body, false);
    if (reply->own_body.failed || reply->keeping == NULL || reply->closing == NULL ||
        !mhd_response_say_close(reply->closing)) {
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
    reply->body = buf_str(&bytes);
    reply->once = true;
    reply->keeping = mhd_response_new(headers, reply->body, true);
    return reply->keeping == NULL ? NULL : take_pointer(reply);
}

struct http_reply *http_reply_of_body(unsigned status, struct mhd_response *response,
                                      struct streaming *streaming)
{
    struct http_reply *reply = calloc(1, sizeof(*reply));
    if (reply == NULL) {
        mhd_response_free(response);
        return NULL;
    }
    reply->status = status;
    reply->once = true;
    reply->keeping = response;
    reply->streaming = streaming;
    return reply;
}

struct streaming *http_reply_streaming(const struct http_reply *reply)
{
    return reply->streaming;
}

struct http_reply *http_reply_later(void)
{
    static struct http_reply later;
    return &later;
}

void http_reply_free(struct http_reply *reply)
{
    if (reply != NULL) {
        mhd_response_free(reply->keeping);
        mhd_response_free(reply->closing);
        buf_fini(&reply->own_body);
        free(reply);
    }
}

bool http_reply_is_short(const struct http_reply *reply)
{
    return reply->streaming == NULL && reply->body.len <= SHORT_BODY_BYTES;
}

void http_reply_release(struct http_reply *reply)
{
    if (reply->once) {
        http_reply_free(reply);
    }
}

bool http_reply_queue(struct http_reply *reply, struct mhd *mhd, bool close_after)
{
    struct mhd_response *response = reply->keeping;
    if (close_after && reply->once) {
        (void)mhd_response_say_close(response); /* on failure the connection merely stays open for a while */
    } else if (close_after) {
        response = reply->closing;
    }
    bool queued = mhd_reply(mhd, reply->status, response);
    http_reply_release(reply);
    return queued;
}

void http_reply_write(struct http_reply *reply, struct buf *out)
{
    mhd_response_write(reply->keeping, reply->status, reply->body, out);
}

/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_REPLY_H
#define PRESENCED_REPLY_H

/* Answers, ready to be sent. */

#include "presenced/str.h"

#include <sys/types.h>

struct http_reply;

struct http_header {
    const char *name; /* NULL ends a list */
    const char *value;
};

/* An answer that is sent any number of times, from any thread; bytes and headers are copied. 0 or -errno. */
int http_reply_new(unsigned status, const struct http_header *headers, struct str body,
                   struct http_reply **ret_reply);
void http_reply_free(struct http_reply *reply);
DEFINE_CLEANUP(struct http_reply *, http_reply_free)

/* What on_request() returns for an answer that waits; no reply, and never freed. */
struct http_reply *http_reply_later(void);

/* An answer that is sent once and freed by the listener it is returned to. Takes the bytes of `body`, which
 * is left empty, whatever the outcome. NULL when memory is gone. */
struct http_reply *http_reply_once(unsigned status, const struct http_header *headers, struct buf *body);

/* A body that goes on for as long as both sides like: its head is sent at once, its bytes as they come about.
 * All is called on the thread of its connection. */
struct http_stream {
    /* Whether read() would give anything. Asked when nothing is left to be sent: after
     * http_listener_wake_streams(), and a few times a second for what time brings about. */
    bool (*is_ready)(void *cls);

    /* Writes up to `size` bytes (more than 100) and returns how many. 0: nothing for now. Called as fast as
     * the reader takes them, and not at all while it does not. */
    ssize_t (*read)(void *cls, char *to, size_t size);

    /* The listener drains: what is there to be read is the last, then comes HTTP_STREAM_END. */
    void (*finish)(void *cls);

    /* The reply has ended, or was never sent. */
    void (*free)(void *cls);
};

#define HTTP_STREAM_END (-1)      /* the reply ends in order */
#define HTTP_STREAM_TOO_SLOW (-2) /* what its reader left unread is more than is kept: it is cut off */

/* A reply with such a body, for on_request() and on_resume(). It is the last of its connection, and neither
 * of the time-outs for requests is for it, but transport_config.stream_timeout_ms is; a reload leaves it
 * alone. Consumes `cls`, also when it returns NULL: memory is gone. */
struct http_reply *http_reply_stream(unsigned status, const struct http_header *headers,
                                     const struct http_stream *stream, void *cls);

#endif

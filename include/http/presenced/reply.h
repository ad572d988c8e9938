/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_REPLY_H
#define PRESENCED_REPLY_H

/* Replies. Any thread may create and free them. */

#include "presenced/str.h"

#include <sys/types.h>

struct http_reply;

struct http_header {
    const char *name; /* NULL ends a list */
    const char *value;
};

/* Creates a reply that can be sent any number of times from any thread. Headers and body are copied. Returns
 * 0 or -errno. */
int http_reply_new(unsigned status, const struct http_header *headers, struct str body,
                   struct http_reply **ret_reply);
void http_reply_free(struct http_reply *reply);
DEFINE_CLEANUP(struct http_reply *, http_reply_free)

/* Returned by on_request() if the answer is still pending. It is not a reply and must not be freed. */
struct http_reply *http_reply_later(void);

/* Creates a reply that is sent once and freed by the listener it is returned to. Takes the bytes of `body`,
 * which is left empty, also on failure. Returns NULL if out of memory. */
struct http_reply *http_reply_once(unsigned status, const struct http_header *headers, struct buf *body);

/* A body without a fixed end. The head is sent at once, the bytes as they become available. All functions are
 * called on the connection's thread. */
struct http_stream {
    /* Returns whether read() would return bytes. Called when everything before was sent: after
     * http_listener_wake_streams(), and a few times a second for changes that only time causes. */
    bool (*is_ready)(void *cls);

    /* Writes up to `size` bytes (`size` is above 100) and returns how many, or one of the codes below. 0:
     * none at the moment. Called as fast as the peer reads, and not at all while it does not. */
    ssize_t (*read)(void *cls, char *to, size_t size);

    /* Called when the listener drains: after the bytes that are available now, read() must return
     * HTTP_STREAM_END. */
    void (*finish)(void *cls);

    /* Called when the reply has ended, or was never sent. */
    void (*free)(void *cls);
};

#define HTTP_STREAM_END (-1)      /* end of the reply */
#define HTTP_STREAM_TOO_SLOW (-2) /* the peer has left too much unread: the connection is cut off */

/* Creates a streaming reply for on_request() and on_resume(). It is the last reply on its connection. The
 * request time-outs do not apply to it; transport_config.stream_timeout_ms does. A reload does not affect it.
 * Takes ownership of `cls`, also on failure. Returns NULL if out of memory. */
struct http_reply *http_reply_stream(unsigned status, const struct http_header *headers,
                                     const struct http_stream *stream, void *cls);

#endif

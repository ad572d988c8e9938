/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_REPLY_H
#define PRESENCED_REPLY_H

/* Answers, ready to be sent. */

#include "presenced/str.h"

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

#endif

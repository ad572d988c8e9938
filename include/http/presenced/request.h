/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_REQUEST_H
#define PRESENCED_REQUEST_H

/* An HTTP request as the handlers of a listener see it. It belongs to the listener's thread that serves it;
 * what it points to is valid until the call that got it returns; target, path and query until it is answered.
 */

#include "presenced/address.h"
#include "presenced/str.h"

#include <stdalign.h>
#include <stddef.h>
#include <sys/types.h>

/* Room for a handler's own struct, from on_headers() to on_request() and on_resume(). Zero before. */
#define HTTP_CONTEXT_SIZE 64

struct http_request {
    struct str method;
    struct str target;   /* as sent, still percent-encoded */
    struct str path;     /* of the target, before '?'; still percent-encoded */
    struct str query;    /* after the first '?'; ptr NULL where there is none */
    struct address peer; /* of the connection; none for a Unix socket */
    struct str body;     /* of on_request() only: whole */
    bool is_http_1_0;
    uint64_t begun_us; /* clock_monotonic_us() when its thread turned to what held its first line */
    alignas(max_align_t) unsigned char context[HTTP_CONTEXT_SIZE];
    void *connection; /* the listener's */
};

/* That struct, of at most HTTP_CONTEXT_SIZE bytes. */
#define http_request_context(request, type)                               \
    ({                                                                    \
        _Static_assert(sizeof(type) <= HTTP_CONTEXT_SIZE, "it has room"); \
        (type *)(void *)(request)->context;                               \
    })

/* The value of the `nth` header (from 0) of that name, compared without case; ptr NULL when there is none. */
struct str http_request_header(const struct http_request *request, const char *name, unsigned nth);

/* What is wrong with the client's certificate, as a constant text: none was shown, or the listener's client
 * CA did not sign it. NULL: nothing is. Verified once a connection. */
const char *http_request_client_problem(const struct http_request *request);

/* The user whose process has connected to the Unix socket, as this process's user namespace knows it. False:
 * the connection is not one of a Unix socket. */
bool http_request_peer_uid(const struct http_request *request, uid_t *ret_uid);

/* Why a listener refuses a request by itself, for its handler to word the answer. */
enum http_refusal {
    HTTP_REFUSAL_BAD_FRAMING,     /* 400 and close: what follows could be read as another request */
    HTTP_REFUSAL_LENGTH_REQUIRED, /* 411: neither Content-Length nor chunked */
    HTTP_REFUSAL_TOO_LARGE,       /* 413: beyond max_body */
    HTTP_REFUSAL_HEAD_TOO_LARGE,  /* 431 and close */
    HTTP_REFUSAL_VERSION,         /* 505 and close */
};

struct http_reply;

/* What a listener serves: two calls a request, on the listener's thread, neither of which may block. */
struct http_handler {
    /* The headers are there, the body is not. NULL: read the body, then call on_request(). A reply, but no
     * stream: the body is read and thrown away, then the reply is sent. */
    struct http_reply *(*on_headers)(void *cls, struct http_request *request);

    /* The body is whole. NULL: memory is gone, the connection is closed. http_reply_later(): what the answer
     * says will only be known later; the request stays as it is. */
    struct http_reply *(*on_request)(void *cls, struct http_request *request);

    /* For a request whose answer waits, after http_listener_wake(): as on_request(). Requests are asked for
     * in the order they began to wait, up to the first that waits on. NULL for a handler that never waits. */
    struct http_reply *(*on_resume)(void *cls, struct http_request *request);

    /* `error` is a constant text of ours that says what is wrong. */
    struct http_reply *(*on_refusal)(void *cls, struct http_request *request, enum http_refusal why,
                                     const char *error);
};

#endif

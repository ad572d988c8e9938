/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_REQUEST_H
#define PRESENCED_REQUEST_H

/* An HTTP request as a listener's handler sees it. It belongs to the thread that serves it. What it points to
 * is valid until the handler's function returns; target, path and query are valid until the request is
 * answered. */

#include "presenced/address.h"
#include "presenced/str.h"

#include <stdalign.h>
#include <stddef.h>
#include <sys/types.h>

/* Size of the handler's own per-request struct, which is zero in on_headers() and kept until on_request() and
 * on_resume(). */
#define HTTP_CONTEXT_SIZE 64

struct http_request {
    struct str method;
    struct str target;   /* as sent, percent-encoded */
    struct str path;     /* part of the target before '?', percent-encoded */
    struct str query;    /* part after the first '?'; ptr NULL if there is none */
    struct address peer; /* address of the peer; no address for a Unix socket */
    struct str body;     /* the whole body; in on_request() only */
    bool is_http_1_0;
    uint64_t begun_us; /* clock_monotonic_us() when the thread began to process the request's first line */
    alignas(max_align_t) unsigned char context[HTTP_CONTEXT_SIZE];
    void *connection; /* private to the listener */
};

/* Returns the handler's per-request struct, of at most HTTP_CONTEXT_SIZE bytes. */
#define http_request_context(request, type)                                               \
    ({                                                                                    \
        _Static_assert(sizeof(type) <= HTTP_CONTEXT_SIZE, "the context is large enough"); \
        (type *)(void *)(request)->context;                                               \
    })

/* Returns the value of the `nth` header (from 0) with that name, compared without regard to case; ptr NULL if
 * there is none. */
struct str http_request_header(const struct http_request *request, const char *name, unsigned nth);

/* Returns what is wrong with the client's certificate, as a constant text: none was sent, or the listener's
 * client CA did not sign it. Returns NULL if it is valid. Verified once per connection. */
const char *http_request_client_problem(const struct http_request *request);

/* Returns the user id of the process that connected to the Unix socket, in this process's user namespace.
 * Returns false if the connection is not on a Unix socket. */
bool http_request_peer_uid(const struct http_request *request, uid_t *ret_uid);

/* Why a listener rejects a request itself; the handler creates the reply. */
enum http_refusal {
    HTTP_REFUSAL_BAD_FRAMING,     /* 400 and close: where the request ends is ambiguous */
    HTTP_REFUSAL_LENGTH_REQUIRED, /* 411: neither Content-Length nor chunked */
    HTTP_REFUSAL_TOO_LARGE,       /* 413: beyond max_body */
    HTTP_REFUSAL_HEAD_TOO_LARGE,  /* 431 and close */
    HTTP_REFUSAL_VERSION,         /* 505 and close */
};

struct http_reply;

/* A listener's handler. Its functions are called on the listener's threads and must not block. */
struct http_handler {
    /* Called when the headers have been read. Returns NULL to read the body and then call on_request(), or a
     * reply (not a stream) that is sent after the body has been read and discarded. */
    struct http_reply *(*on_headers)(void *cls, struct http_request *request);

    /* Called when the body is complete. Returns the reply, http_reply_later() if the answer is still pending,
     * or NULL if out of memory, which closes the connection. A pending request is kept unchanged. */
    struct http_reply *(*on_request)(void *cls, struct http_request *request);

    /* Called for pending requests after http_listener_wake(), in the order in which they became pending, up
     * to the first one that is still pending. Returns as on_request(). NULL for a handler without pending
     * answers. */
    struct http_reply *(*on_resume)(void *cls, struct http_request *request);

    /* Returns the reply for a request that the listener rejects. `error` is a constant text that describes
     * the problem. */
    struct http_reply *(*on_refusal)(void *cls, struct http_request *request, enum http_refusal why,
                                     const char *error);
};

#endif

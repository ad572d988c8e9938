/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_HTTP_MHD_ADAPTER_H
#define PRESENCED_HTTP_MHD_ADAPTER_H

/* The part of libmicrohttpd that src/http uses; only mhd_adapter.c includes microhttpd.h. A struct mhd is one
 * MHD daemon, which has one connection at a time, and is run by one thread; only that thread may use the two.
 * Responses may be used by any thread. */

#include "framing.h"
#include "presenced/reply.h"

#include <sys/types.h>

struct mhd;
struct mhd_response;

/* A head as libmicrohttpd has parsed it; borrowed for the call. */
struct mhd_head {
    struct str method;
    bool is_http_1_0;
    bool must_close; /* the library cannot be relied on to find the end of this request */
    struct framing framing;
    uint64_t n_bytes;
};

/* As the library proceeds with the connection `cls`, on the thread that runs it. False: close the connection;
 * nothing more is sent. */
struct mhd_events {
    void (*added)(void *cls);
    void (*closed)(void *cls); /* before its socket is */

    void (*request_line)(void *cls, struct str target); /* as it was sent; borrowed for the call */
    bool (*head)(void *cls, const struct mhd_head *head);
    bool (*body)(void *cls, struct str bytes);

    /* The body is complete. Reply, or suspend the connection: called again when it is resumed. */
    bool (*request)(void *cls);

    /* The reply was sent, or the connection was lost. */
    void (*request_end)(void *cls);

    /* The library is about to refuse what it reads with this status and HTML of its own. 0: we do, for a body
     * that is not chunked as it says. */
    void (*refused)(void *cls, unsigned status);

    /* The library has complained of the connection otherwise: a handshake may have failed. */
    void (*complained)(void *cls);
};

struct mhd_config {
    const char *name; /* the listener's, for logs */
    bool is_tls;
    size_t connection_memory_bytes;
    const struct mhd_events *events;
};

/* Before the first daemon; harmless when repeated. Logs why libmicrohttpd panics before it aborts. */
void mhd_adapter_init(void);

/* The library's version at run time: "0.9.75". */
const char *mhd_version_text(void);

/* The same, encoded as MHD_VERSION: 0x00097500 is 0.9.75, 0x01000100 is 1.0.1. */
unsigned mhd_version(void);

/* Starts an MHD daemon. `config` outlives it. 0 or -errno. */
int mhd_new(const struct mhd_config *config, struct mhd **ret_mhd);

/* Closes its connection too, which may not be suspended. Takes NULL. */
void mhd_free(struct mhd *mhd);

/* Does all work that is ready, without waiting. */
void mhd_run(struct mhd *mhd);

/* Whether mhd_run() should be called again without waiting for an event: bytes were read but not
 * processed. */
bool mhd_has_pending(const struct mhd *mhd);

/* What mhd_add() was given; NULL: it has no connection. */
void *mhd_connection(const struct mhd *mhd);

/* Hands over a connection's socket. False: the socket is closed, and `cls` gets no event any more. */
bool mhd_add(struct mhd *mhd, int fd, void *cls);

/* Suspends the connection, between two runs or from an event, and resumes it. The next run reads from and
 * writes to a resumed connection whether or not there was an event for it. */
void mhd_suspend(struct mhd *mhd);
void mhd_resume(struct mhd *mhd);

/* Makes the library close a connection whose socket was shut down, even if no event tells it to. */
void mhd_expire(struct mhd *mhd);

/* The GnuTLS session, or NULL. */
void *mhd_tls(const struct mhd *mhd);

/* See http_request_header(). */
struct str mhd_header(const struct mhd *mhd, struct str name, unsigned nth);

/* Queues the response; the caller keeps its reference. False when the library does not take it. */
bool mhd_reply(struct mhd *mhd, unsigned status, struct mhd_response *response);

/* Responses. Any thread; a response is not changed once it was queued. */

/* Copies `body`, or takes ownership of it if `is_heap`, also on failure. NULL when memory is gone. */
struct mhd_response *mhd_response_new(const struct http_header *headers, struct str body, bool is_heap);
void mhd_response_free(struct mhd_response *response);

/* A body whose bytes are asked for while it is sent, for one connection: chunked, or to HTTP/1.0 until the
 * connection is closed. */
struct mhd_body {
    /* Returns how many bytes of at most `size` (more than 100) it wrote. 0: none now, and the connection was
     * suspended; or one of the following. On the thread that runs the connection. */
    ssize_t (*read)(void *cls, char *to, size_t size);
    void (*free)(void *cls); /* the response is freed, or could not be made */
    void *cls;
};

#define MHD_BODY_END (-1)    /* it ends in order */
#define MHD_BODY_BROKEN (-2) /* the connection is closed */

/* NULL when memory is gone. */
struct mhd_response *mhd_response_new_body(const struct http_header *headers, const struct mhd_body *body);

/* Adds `Connection: close`. False when memory is gone. */
bool mhd_response_say_close(struct mhd_response *response);

/* Writes the whole reply, with `Connection: close`, to send it without the library. */
void mhd_response_write(struct mhd_response *response, unsigned status, struct str body, struct buf *out);

#endif

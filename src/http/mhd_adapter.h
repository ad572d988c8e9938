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

/* Callbacks for the progress of the connection `cls`, on the thread that runs it. Returning false closes the
 * connection without sending anything more. */
struct mhd_events {
    void (*added)(void *cls);
    void (*closed)(void *cls); /* before its socket is closed */

    void (*request_line)(void *cls, struct str target); /* target as sent; borrowed for the call */
    bool (*head)(void *cls, const struct mhd_head *head);
    bool (*body)(void *cls, struct str bytes);

    /* The body is complete. The callback sends a reply, or suspends the connection and is called again when
     * it is resumed. */
    bool (*request)(void *cls);

    /* The reply was sent, or the connection was lost. */
    void (*request_end)(void *cls);

    /* The library is about to reject what it reads, with this status and its own HTML. 0: our check of the
     * chunked body failed. */
    void (*refused)(void *cls, unsigned status);

    /* The library has logged another message about the connection: a handshake may have failed. */
    void (*complained)(void *cls);
};

struct mhd_config {
    const char *name; /* the listener's, for logs */
    bool is_tls;
    size_t connection_memory_bytes;
    const struct mhd_events *events;
};

/* Called before the first daemon; may be repeated. Makes the library log the reason of a panic before it
 * aborts. */
void mhd_adapter_init(void);

/* Returns the library's version at run time, such as "0.9.75". */
const char *mhd_version_text(void);

/* Returns the version encoded as MHD_VERSION: 0x00097500 is 0.9.75, 0x01000100 is 1.0.1. */
unsigned mhd_version(void);

/* Starts an MHD daemon. `config` must outlive it. Returns 0 or -errno. */
int mhd_new(const struct mhd_config *config, struct mhd **ret_mhd);

/* Stops the daemon and closes its connection, which must not be suspended. Accepts NULL. */
void mhd_free(struct mhd *mhd);

/* Does all work that is ready, without waiting. */
void mhd_run(struct mhd *mhd);

/* Returns whether mhd_run() should be called again without waiting for an event: bytes were read but not
 * processed. */
bool mhd_has_pending(const struct mhd *mhd);

/* Returns the `cls` given to mhd_add(), or NULL if there is no connection. */
void *mhd_connection(const struct mhd *mhd);

/* Passes a connection's socket to the daemon. Returns false if it failed: the socket is closed, and there are
 * no events for `cls`. */
bool mhd_add(struct mhd *mhd, int fd, void *cls);

/* Suspends the connection, between two runs or from an event, and resumes it. The next run reads from and
 * writes to a resumed connection whether or not there was an event for it. */
void mhd_suspend(struct mhd *mhd);
void mhd_resume(struct mhd *mhd);

/* Makes the library close a connection whose socket was shut down, even if no event tells it to. */
void mhd_expire(struct mhd *mhd);

/* Returns the GnuTLS session of the connection, or NULL. */
void *mhd_tls(const struct mhd *mhd);

/* See http_request_header(). */
struct str mhd_header(const struct mhd *mhd, struct str name, unsigned nth);

/* Queues the response; the caller keeps its reference. False when the library does not take it. */
bool mhd_reply(struct mhd *mhd, unsigned status, struct mhd_response *response);

/* The functions below are for responses. Any thread may call them; a response must not be changed after it
 * was queued. */

/* Copies `body`, or takes ownership of it if `is_heap`, also on failure. NULL when memory is gone. */
struct mhd_response *mhd_response_new(const struct http_header *headers, struct str body, bool is_heap);
void mhd_response_free(struct mhd_response *response);

/* A body that is generated while it is sent, for one connection: chunked, or for HTTP/1.0 until the
 * connection is closed. */
struct mhd_body {
    /* Writes at most `size` bytes (`size` is above 100) and returns how many; 0 if there are none at the
     * moment and the connection was suspended; or one of the codes below. Called on the thread that runs the
     * connection. */
    ssize_t (*read)(void *cls, char *to, size_t size);
    void (*free)(void *cls); /* the response is freed, or could not be made */
    void *cls;
};

#define MHD_BODY_END (-1)    /* end of the body */
#define MHD_BODY_BROKEN (-2) /* the connection is closed */

/* NULL when memory is gone. */
struct mhd_response *mhd_response_new_body(const struct http_header *headers, const struct mhd_body *body);

/* Adds `Connection: close`. False when memory is gone. */
bool mhd_response_say_close(struct mhd_response *response);

/* Writes the whole reply, with `Connection: close`, to send it without the library. */
void mhd_response_write(struct mhd_response *response, unsigned status, struct str body, struct buf *out);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_HTTP_MHD_ADAPTER_H
#define PRESENCED_HTTP_MHD_ADAPTER_H

/* The part of libmicrohttpd that the rest of src/http uses; only mhd_adapter.c includes microhttpd.h. A
 * struct mhd is one MHD daemon, which has one connection at a time, and is run by one thread; only that
 * thread may use the two. Responses may be used by any thread. */

#include "presenced/reply.h"
#include "presenced/request.h"

struct mhd_loop;
struct http_connection;
struct mhd;
struct mhd_response;

/* Before the first daemon; harmless when repeated. Logs why libmicrohttpd panics before it aborts. */
void mhd_adapter_init(void);

/* The library's version at run time, encoded as MHD_VERSION: 0x00097500 is 0.9.75, 0x01000100 is 1.0.1. */
unsigned mhd_version(void);

/* Starts an MHD daemon. 0 or -errno. */
int mhd_new(struct mhd_loop *loop, struct mhd **ret_mhd);

/* Closes its connection too, which may not be suspended. Takes NULL. */
void mhd_free(struct mhd *mhd);

/* Does all work that is ready, without waiting. */
void mhd_run(struct mhd *mhd);

/* Whether mhd_run() should be called again without waiting for an event: bytes were read but not
 * processed. */
bool mhd_has_pending(const struct mhd *mhd);

bool mhd_is_empty(const struct mhd *mhd);

/* Hands over the connection and its socket. On failure the socket is closed and the connection freed. */
void mhd_add(struct mhd *mhd, struct http_connection *connection);

/* Suspends a connection, between two runs or from a handler, and resumes it. The next run reads from and
 * writes to a resumed connection whether or not there was an event for it. */
void mhd_connection_suspend(struct http_connection *connection);
void mhd_connection_resume(struct http_connection *connection);

/* Makes the library close a connection whose socket was shut down, even if no event tells it to. */
void mhd_connection_expire(struct http_connection *connection);

/* The GnuTLS session, or NULL. */
void *mhd_connection_tls(const struct http_connection *connection);

/* See http_request_header(). */
struct str mhd_connection_header(const struct http_connection *connection, struct str name, unsigned nth);

/* Queues the response; the caller keeps its reference. False when the library does not take it. */
bool mhd_connection_reply(struct http_connection *connection, unsigned status, struct mhd_response *response);

/* Responses. Any thread; a response is not changed once it was queued. */

/* Copies `body`, or takes ownership of it if `is_heap`, also on failure. NULL when memory is gone. */
struct mhd_response *mhd_response_new(const struct http_header *headers, struct str body, bool is_heap);
void mhd_response_free(struct mhd_response *response);

/* Adds `Connection: close`. False when memory is gone. */
bool mhd_response_say_close(struct mhd_response *response);

/* Writes the whole reply, with `Connection: close`, to send it without the library. */
void mhd_response_write(struct mhd_response *response, unsigned status, struct str body, struct buf *out);

#endif

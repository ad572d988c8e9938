/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_HTTP_MHD_ADAPTER_H
#define PRESENCED_HTTP_MHD_ADAPTER_H

/* libmicrohttpd as the rest of src/http uses it; mhd_adapter.c alone includes its header. A struct mhd is one
 * of its daemons, run by one thread, and everything here is for that thread, but for the responses. */

#include "presenced/reply.h"
#include "presenced/request.h"

struct mhd_loop;
struct http_connection;
struct mhd;
struct mhd_response;

/* Once a process, before the first daemon: where libmicrohttpd cannot go on, it is logged, then aborts. */
void mhd_adapter_init(void);

/* The library that runs, as its header would number it: 0x00097500 is 0.9.75, 0x01000100 is 1.0.1. */
unsigned mhd_version(void);

/* A daemon for at most `max_connections`. 0 or -errno. */
int mhd_new(struct mhd_loop *loop, unsigned max_connections, struct mhd **ret_mhd);

/* Ends its connections too, none of which may be suspended. Takes NULL. */
void mhd_free(struct mhd *mhd);

/* Readable when mhd_run() has something to do. */
int mhd_epoll_fd(const struct mhd *mhd);

/* Does what can be done without waiting. */
void mhd_run(struct mhd *mhd);

/* Whether something is left to do at once: bytes were read and not yet worked on. */
bool mhd_has_pending(const struct mhd *mhd);

bool mhd_is_empty(const struct mhd *mhd);

/* Hands the connection and its socket over. Where that fails the socket is closed and the connection freed.
 */
void mhd_add(struct mhd *mhd, struct http_connection *connection);

/* Takes a connection out of the library's loop, between two runs or from a handler, and back into it. A
 * resumed connection is read from and written to in the next run, whatever events there were. */
void mhd_connection_suspend(struct http_connection *connection);
void mhd_connection_resume(struct http_connection *connection);

/* Ends a connection whose socket was shut down, even where no event tells the library so. */
void mhd_connection_expire(struct http_connection *connection);

/* The GnuTLS session, or NULL. */
void *mhd_connection_tls(const struct http_connection *connection);

/* As http_request_header(). */
struct str mhd_connection_header(const struct http_connection *connection, struct str name, unsigned nth);

/* Queues the response. False where that cannot be. */
bool mhd_connection_reply(struct http_connection *connection, unsigned status, struct mhd_response *response);

/* Responses. Any thread; never changed once one was sent. */

/* `body` is copied, or, where `is_heap`, taken over, but on failure. NULL when memory is gone. */
struct mhd_response *mhd_response_new(const struct http_header *headers, struct str body, bool is_heap);
void mhd_response_free(struct mhd_response *response);
bool mhd_response_say_close(struct mhd_response *response);

/* The bytes of a whole reply that closes, for who sends it past the library. */
void mhd_response_write(struct mhd_response *response, unsigned status, struct str body, struct buf *out);

#endif

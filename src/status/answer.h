/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_STATUS_ANSWER_H
#define PRESENCED_STATUS_ANSWER_H

/* Creates the replies of the status listener, with headers that restrict what a browser may do with them. Any
 * thread may call everything here. Functions that return a reply return NULL if out of memory. */

#include "presenced/address.h"
#include "presenced/json.h"
#include "presenced/reply.h"

/* What is wrong with a request. */
struct problem {
    unsigned status;    /* 400, 401, 403, 404, 405, 409, 411, 413, 429, 431, 503 or 505 */
    const char *detail; /* constant text for the person who made the request */
};

/* Takes the bytes of `body`, which is left empty, also on failure. */
struct http_reply *answer_json(unsigned status, struct buf *body);

/* Creates a reply with status 200 and a body that is not JSON. Takes the bytes of `body`. */
struct http_reply *answer_text(const char *content_type, struct buf *body);

/* Creates a streaming reply with status 200. Takes ownership of `cls`, also on failure. */
struct http_reply *answer_stream(const char *content_type, const struct http_stream *stream, void *cls);

/* Creates the reply for a file of the page at GET /. Its content security policy lets the page load and
 * request resources of this listener only. `status` is 200 or 304. With `needs_token`, WWW-Authenticate tells
 * the page that other requests need a token (RFC 9110, section 11.6.1). Takes the bytes of `body`. */
struct http_reply *answer_page_file(unsigned status, const char *content_type, const char *etag,
                                    bool needs_token, struct buf *body);

/* Create a problem document (RFC 9457). */
struct http_reply *answer_problem(struct problem problem);
struct http_reply *answer_problem_with(struct problem problem, struct http_header extra);

/* Creates a problem document with a member `errors`, an array of the lines of `errors`. */
struct http_reply *answer_problem_errors(struct problem problem, struct str errors);

/* Writes `lines`, each of which ends in a newline, as an array of strings. */
void answer_write_lines(struct json_writer *json, const char *key, struct str lines);

/* Write null for an address without bytes, and for a text whose ptr is NULL. */
void answer_write_address(struct json_writer *json, const char *key, const struct address *address);
void answer_write_text(struct json_writer *json, const char *key, struct str text);

#endif

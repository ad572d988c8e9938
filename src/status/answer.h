/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_STATUS_ANSWER_H
#define PRESENCED_STATUS_ANSWER_H

/* The status listener's replies: JSON, with the headers that keep a browser from doing anything else with
 * them. Any thread. All return NULL when memory is gone. */

#include "presenced/address.h"
#include "presenced/json.h"
#include "presenced/reply.h"

/* What went wrong with a request; `detail` is a constant text of ours that says what to do about it. */
struct problem {
    unsigned status; /* 400, 401, 403, 404, 405, 409, 411, 413, 429, 431, 503 or 505 */
    const char *detail;
};

/* Takes the bytes of `body`, which is left empty. */
struct http_reply *answer_json(unsigned status, struct buf *body);

/* 200 with a text that is not JSON; takes the bytes of `body` too. */
struct http_reply *answer_text(const char *content_type, struct buf *body);

/* 200 with a body that goes on. Consumes `cls`. */
struct http_reply *answer_stream(const char *content_type, const struct http_stream *stream, void *cls);

/* 200 or 304: a file of the page at GET /, which may load and ask what is of this listener, and nothing else.
 * `needs_token`: says that a token would open more (RFC 9110, 11.6.1). Takes the bytes of `body`. */
struct http_reply *answer_page_file(unsigned status, const char *content_type, const char *etag,
                                    bool needs_token, struct buf *body);

/* RFC 9457. */
struct http_reply *answer_problem(struct problem problem);
struct http_reply *answer_problem_with(struct problem problem, struct http_header extra);

/* With a member `errors`, an array of the lines of `errors`. */
struct http_reply *answer_problem_errors(struct problem problem, struct str errors);

/* Writes `lines`, of which each ends in a newline, as an array of strings. */
void answer_write_lines(struct json_writer *json, const char *key, struct str lines);

/* null where there is none: of an address without bytes, and of a text whose ptr is NULL. */
void answer_write_address(struct json_writer *json, const char *key, const struct address *address);
void answer_write_text(struct json_writer *json, const char *key, struct str text);

#endif

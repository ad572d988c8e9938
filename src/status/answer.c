/* SPDX-License-Identifier: MIT */
#include "answer.h"

/* Headers that restrict what a browser may do with a reply, and one more header. */
#define HEADERS(content_type, extra)                                                            \
    {                                                                                           \
        {"Content-Type", (content_type)}, {"X-Content-Type-Options", "nosniff"},                \
            {"Cache-Control", "no-store"},                                                      \
            {"Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"}, (extra), \
            {NULL, NULL},                                                                       \
    }

static struct http_reply *answer(unsigned status, const char *content_type, struct http_header extra,
                                 struct buf *body)
{
    const struct http_header headers[] = HEADERS(content_type, extra);
    if (body->failed) {
        buf_fini(body);
        return NULL;
    }
    return http_reply_once(status, headers, body);
}

struct http_reply *answer_stream(const char *content_type, const struct http_stream *stream, void *cls)
{
    /* Without this header, nginx buffers the body until it has some kilobytes. */
    const struct http_header unbuffered = {"X-Accel-Buffering", "no"};
    const struct http_header headers[] = HEADERS(content_type, unbuffered);
    return http_reply_stream(200, headers, stream, cls);
}

struct http_reply *answer_json(unsigned status, struct buf *body)
{
    return answer(status, "application/json", (struct http_header){NULL, NULL}, body);
}

struct http_reply *answer_text(const char *content_type, struct buf *body)
{
    return answer(200, content_type, (struct http_header){NULL, NULL}, body);
}

/* Content security policy of the page: no inline code, nothing from other origins, no framing, and no text is
 * parsed as markup. */
#define PAGE_POLICY                                                                                     \
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "     \
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; " \
    "trusted-types 'none'"

struct http_reply *answer_page_file(unsigned status, const char *content_type, const char *etag,
                                    bool needs_token, struct buf *body)
{
    const struct http_header headers[] = {
        {"Content-Type", content_type},
        {"X-Content-Type-Options", "nosniff"},
        {"Cache-Control", "no-cache"}, /* revalidate each time, so that files of two versions do not mix */
        {"ETag", etag},
        {"Content-Security-Policy", PAGE_POLICY},
        {"Referrer-Policy", "no-referrer"},
        {"Cross-Origin-Resource-Policy", "same-origin"},
        {needs_token ? "WWW-Authenticate" : NULL, "Bearer"},
        {NULL, NULL},
    };
    if (body->failed) {
        buf_fini(body);
        return NULL;
    }
    return http_reply_once(status, headers, body);
}

static const char *status_title(unsigned status)
{
    switch (status) {
    case 401:
        return "Unauthorized";
    case 403:
        return "Forbidden";
    case 404:
        return "Not Found";
    case 405:
        return "Method Not Allowed";
    case 409:
        return "Conflict";
    case 411:
        return "Length Required";
    case 413:
        return "Content Too Large";
    case 429:
        return "Too Many Requests";
    case 431:
        return "Request Header Fields Too Large";
    case 503:
        return "Service Unavailable";
    case 505:
        return "HTTP Version Not Supported";
    default:
        return "Bad Request";
    }
}

struct http_reply *answer_problem(struct problem problem)
{
    return answer_problem_with(problem, (struct http_header){NULL, NULL});
}

static void write_problem(struct json_writer *json, struct problem problem)
{
    json_str(json, "type", STR("about:blank"));
    json_str(json, "title", str_from(status_title(problem.status)));
    json_u64(json, "status", problem.status);
    json_str(json, "detail", str_from(problem.detail));
}

struct http_reply *answer_problem_with(struct problem problem, struct http_header extra)
{
    struct buf body = {0};
    struct json_writer json = {.out = &body};
    json_begin_object(&json, NULL);
    write_problem(&json, problem);
    json_end_object(&json);
    return answer(problem.status, "application/problem+json", extra, &body);
}

void answer_write_lines(struct json_writer *json, const char *key, struct str lines)
{
    struct str line;
    json_begin_array(json, key);
    while (lines.len > 0 && str_split(&lines, '\n', &line)) {
        json_str(json, NULL, line);
    }
    json_end_array(json);
}

struct http_reply *answer_problem_errors(struct problem problem, struct str errors)
{
    struct buf body = {0};
    struct json_writer json = {.out = &body};
    json_begin_object(&json, NULL);
    write_problem(&json, problem);
    answer_write_lines(&json, "errors", errors);
    json_end_object(&json);
    return answer(problem.status, "application/problem+json", (struct http_header){NULL, NULL}, &body);
}

void answer_write_address(struct json_writer *json, const char *key, const struct address *address)
{
    char text[ADDRESS_TEXT_SIZE];
    if (address->len == 0) {
        json_null(json, key);
        return;
    }
    size_t len = address_format(address, text);
    json_str(json, key, (struct str){text, len});
}

void answer_write_text(struct json_writer *json, const char *key, struct str text)
{
    if (text.ptr == NULL) {
        json_null(json, key);
    } else {
        json_str(json, key, text);
    }
}

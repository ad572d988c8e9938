/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_LINE_H
#define PRESENCED_LINE_H

/* The lines of an export. Each is one JSON object. Keys are written in this order; a reader requires each of
 * them exactly once, in any order, and no others:
 *
 *   {"format":"presenced","version":3}                                    the first line
 *   {"app":1400000000,"forgotten_before":1629883332497}                   an app that has dropped users
 *   {"app":1400000000,"user":"alice",…}                                   a user, see portable_user.h
 *   {"apps":1,"users":1}                                                  the last line: counts of both
 *
 * Apps are sorted by id, users by app and then by id (as bytes). Version 2 had no rows from answers of
 * Tencent; version 1 also had no last line. Both can still be read. Any thread may call everything here. */

#include "presenced/json_strict.h"
#include "presenced/user.h"

#define LINE_FORMAT_VERSION 3
#define LINE_FORMAT_VERSION_UNCOUNTED 1 /* truncation of such a file cannot be detected */
#define LINE_SIZE_MAX 65535             /* more than twice the length of the longest user */
#define LINE_PROBLEM_SIZE JSON_STRICT_PROBLEM_SIZE

/* These append a line with its newline. */
void line_write_header(struct buf *out);
void line_write_app(struct buf *out, uint64_t app_id, uint64_t forgotten_before_ms);
void line_write_user(struct buf *out, uint64_t app_id, const struct platform_names *names,
                     const struct user *user);
void line_write_end(struct buf *out, uint64_t n_apps, uint64_t n_users);

enum line_kind {
    LINE_HEADER, /* with a version up to LINE_FORMAT_VERSION */
    LINE_APP,
    LINE_USER,
    LINE_END,
};

struct line {
    enum line_kind kind;
    uint64_t version; /* LINE_HEADER */
    uint64_t n_apps;  /* LINE_END */
    uint64_t n_users; /* LINE_END */
    uint64_t app_id;
    uint64_t forgotten_before_ms;
    struct user user; /* `app` is 0 */
};

#define LINE_WRONG JSON_STRICT_WRONG

/* Parses a line without its newline. Platforms of its user get their numbers from `names`; new names are
 * added only if everything is valid. Returns 0; LINE_WRONG with a description in `ret_problem`; or -ENOMEM.
 */
int line_parse(struct str text, struct platform_names *names, struct line *ret_line,
               char ret_problem[static LINE_PROBLEM_SIZE]);

#endif

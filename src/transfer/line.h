/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_LINE_H
#define PRESENCED_LINE_H

/* A line of an export. Each is one JSON object; keys stand in this order, and a reader wants each of them
 * once and no other, in any order:
 *
 *   {"format":"presenced","version":3}                                    the first line
 *   {"app":1400000000,"forgotten_before":1629883332497}                   an app that has dropped users
 *   {"app":1400000000,"user":"alice",…}                                   a user, as portable_user.h has it
 *   {"apps":1,"users":1}                                                  the last: how many lines of each
 *
 * Apps come by rising id, users by rising app and id (as bytes). Version 2 had no rows of Tencent's answers,
 * version 1 had no last line either, and both are read still. Any thread. */

#include "presenced/json_strict.h"
#include "presenced/user.h"

#define LINE_FORMAT_VERSION 3
#define LINE_FORMAT_VERSION_UNCOUNTED 1 /* a file of it may have been cut, and nobody knows */
#define LINE_SIZE_MAX 65535             /* more than twice the longest user */
#define LINE_PROBLEM_SIZE JSON_STRICT_PROBLEM_SIZE

/* Append a line, its newline with it. */
void line_write_header(struct buf *out);
void line_write_app(struct buf *out, uint64_t app_id, uint64_t forgotten_before_ms);
void line_write_user(struct buf *out, uint64_t app_id, const struct platform_names *names,
                     const struct user *user);
void line_write_end(struct buf *out, uint64_t n_apps, uint64_t n_users);

enum line_kind {
    LINE_HEADER, /* of a version up to LINE_FORMAT_VERSION */
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
    struct user user; /* its `app` is 0 */
};

#define LINE_WRONG JSON_STRICT_WRONG

/* Reads a line, without its newline. Platforms of its user get their numbers from `names`, which hears new
 * ones when nothing is wrong. 0; LINE_WRONG with words in `ret_problem`; -ENOMEM. */
int line_parse(struct str text, struct platform_names *names, struct line *ret_line,
               char ret_problem[static LINE_PROBLEM_SIZE]);

#endif

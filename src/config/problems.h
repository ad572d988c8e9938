/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_PROBLEMS_H
#define PRESENCED_PROBLEMS_H

/* What is wrong with a configuration, in words, a line each. */

#include "presenced/config.h"

#define PROBLEMS_MAX 20

struct problems {
    const struct config_files *files;
    const char *path; /* of what line 0 is said */
    struct buf *out;
    unsigned n;
};

/* Adds "FILE:LINE: text", or "PATH: text" with line 0; beyond PROBLEMS_MAX, once, that there are more.
 * Control characters that the file may have brought in are shown as '?'. */
void problems_add(struct problems *problems, unsigned line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* 0; -EINVAL when there are any; -ENOMEM. */
int problems_result(const struct problems *problems);

#endif

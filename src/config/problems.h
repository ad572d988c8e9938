/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_PROBLEMS_H
#define PRESENCED_PROBLEMS_H

/* Collects the problems of a configuration as text, one per line. */

#include "presenced/config.h"

#define PROBLEMS_MAX 20

struct problems {
    const struct config_files *files;
    const char *path; /* path to name in problems with line 0 */
    struct buf *out;
    unsigned n;
};

/* Adds "FILE:LINE: text", or "PATH: text" if `line` is 0. Beyond PROBLEMS_MAX it adds only once that there
 * are more. Control characters, which a file may contain, are shown as '?'. */
void problems_add(struct problems *problems, unsigned line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Returns 0; -EINVAL if there are problems; or -ENOMEM. */
int problems_result(const struct problems *problems);

#endif

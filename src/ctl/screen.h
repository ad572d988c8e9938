/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_CTL_SCREEN_H
#define PRESENCED_CTL_SCREEN_H

/* Where the output goes: a person's terminal, or a program. */

#include "presenced/str.h"

struct screen {
    bool is_terminal; /* times are local, and say how long ago */
    bool tints;       /* not where NO_COLOR is set (no-color.org) */
    size_t width;     /* 0: no bound */
};

/* Of standard output. */
struct screen screen_detect(void);

/* Writes what was made. Returns `status`, or CTL_WRONG where memory or the output is gone. */
int screen_put(const struct buf *text, int status);

/* "presencectl: …" on standard error. Returns CTL_WRONG. */
int complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif

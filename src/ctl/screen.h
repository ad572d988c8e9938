/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_CTL_SCREEN_H
#define PRESENCED_CTL_SCREEN_H

/* The output: a terminal with a person, or a program. */

#include "presenced/str.h"

struct screen {
    bool is_terminal; /* times are shown in local time, and as how long ago */
    bool tints;       /* use colours; false if NO_COLOR is set (no-color.org) */
    size_t width;     /* columns of the terminal; 0: unlimited */
};

/* Returns the properties of standard output. */
struct screen screen_detect(void);

/* Prints `text`. Returns `status`, or CTL_WRONG after printing an error if `text` has failed or cannot be
 * written. */
int screen_put(const struct buf *text, int status);

/* Prints "presencectl: …" on standard error. Returns CTL_WRONG. */
int complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif

/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_ESCAPE_H
#define PRESENCED_ESCAPE_H

/* Escapes text from outside for use in quotes, so that it can neither close the quotes nor control a
 * terminal. Any thread may call this. */

#include "presenced/str.h"

enum escape_style {
    ESCAPE_JSON, /* \u001b; invalid UTF-8 becomes U+FFFD, so that the output is always valid JSON */
    ESCAPE_LOG,  /* \x1b, byte by byte, so that no information is lost */
};

/* Appends the escaped text without the quotes. */
void escape_append(struct buf *out, struct str text, enum escape_style style);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_ESCAPE_H
#define PRESENCED_ESCAPE_H

/* Text from outside between quotes, so that it can neither end them nor bother a terminal. Any thread. */

#include "presenced/str.h"

enum escape_style {
    ESCAPE_JSON, /* \u001b; what is not UTF-8 becomes U+FFFD, so that JSON comes out whatever goes in */
    ESCAPE_LOG,  /* \x1b, byte by byte, so that nothing is lost */
};

/* Appends what stands between the quotes. */
void escape_append(struct buf *out, struct str text, enum escape_style style);

#endif

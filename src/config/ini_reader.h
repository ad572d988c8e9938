/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_INI_READER_H
#define PRESENCED_INI_READER_H

/* Reads an INI file and reports its lines in order. For one thread at a time. */

#include "presenced/str.h"

/* Callbacks. Each returns 0, or -errno, which stops reading. Texts are trimmed and borrowed for the call. */
struct ini_events {
    int (*section)(void *cls, unsigned line, struct str name);
    int (*key)(void *cls, unsigned line, struct str key, struct str value);
    int (*bad_line)(void *cls, unsigned line, const char *why);
    /* An invalid line that begins like a section: the keys that follow belong to no known section. */
    int (*bad_section)(void *cls, unsigned line, const char *why);
};

/* Reads `text`. Lines are numbered from `n_lines_before` + 1. Returns 0, -ENOMEM, or the result of a
 * callback. `*ret_last_line` is the number of the last line, or `n_lines_before` if there is none. */
int ini_reader_read(struct str text, unsigned n_lines_before, const struct ini_events *events, void *cls,
                    unsigned *ret_last_line);

#endif

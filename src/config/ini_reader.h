/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_INI_READER_H
#define PRESENCED_INI_READER_H

/* The lines of an INI file, told one by one in their order. One thread. */

#include "presenced/str.h"

/* Each returns 0, or -errno, which ends the reading. Texts are trimmed and borrowed for the call. */
struct ini_events {
    int (*section)(void *cls, unsigned line, struct str name);
    int (*key)(void *cls, unsigned line, struct str key, struct str value);
    int (*bad_line)(void *cls, unsigned line, const char *why);
    /* A line that begins as a section does: the keys that follow are of none that is known. */
    int (*bad_section)(void *cls, unsigned line, const char *why);
};

/* Lines are counted on from `n_lines_before`. 0, -ENOMEM, or what an event returned. `*ret_last_line` is the
 * number of the last line, or `n_lines_before` where there is none. */
int ini_reader_read(struct str text, unsigned n_lines_before, const struct ini_events *events, void *cls,
                    unsigned *ret_last_line);

#endif

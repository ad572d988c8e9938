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

/* 0, -ENOMEM, or what an event returned. `*ret_n_lines` is the number of lines. */
int ini_reader_read(struct str text, const struct ini_events *events, void *cls, unsigned *ret_n_lines);

#endif

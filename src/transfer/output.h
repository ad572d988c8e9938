/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_OUTPUT_H
#define PRESENCED_OUTPUT_H

/* A file that appears whole: written under another name beside it, synced, and renamed. What is there already
 * and is no regular file (a pipe, a terminal), and "-", stdout, is written as it is. One thread an output;
 * the process that writes it may be a child of the one that opens and finishes it. */

#include "presenced/str.h"

#include <stdio.h>

struct output {
    FILE *file;
    char *path;      /* NULL: not to be renamed */
    char *temporary; /* what to rename */
};

/* 0 or -errno; output_fini() is for after 0. */
int output_open(const char *path, struct output *ret_output);

/* 0 or -errno. */
int output_write(struct output *output, struct str bytes);

/* All that was written is out of this process, and on disk where it is to be renamed. 0 or -errno. */
int output_flush(struct output *output);

/* After output_flush(): it is there under its name. 0 or -errno. */
int output_finish(struct output *output);

/* What was not finished goes. */
void output_fini(struct output *output);

#endif

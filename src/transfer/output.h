/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_OUTPUT_H
#define PRESENCED_OUTPUT_H

/* An output file that is replaced atomically: written under a temporary name in the same folder, synced, and
 * renamed. An existing path that is not a regular file (a pipe, a terminal), and "-" for stdout, are written
 * directly. For one thread at a time; the process that writes may be a child of the one that opens and
 * finishes. */

#include "presenced/str.h"

#include <stdio.h>

struct output {
    FILE *file;
    char *path;      /* final name; NULL: written directly */
    char *temporary; /* temporary name */
};

/* Returns 0 or -errno. After 0, the caller must call output_fini(). */
int output_open(const char *path, struct output *ret_output);

/* Returns 0 or -errno. */
int output_write(struct output *output, struct str bytes);

/* Flushes everything from this process, and syncs the file if it will be renamed. Returns 0 or -errno. */
int output_flush(struct output *output);

/* Called after output_flush(): renames the file to its final name. Returns 0 or -errno. */
int output_finish(struct output *output);

/* Closes the file, and removes a temporary file that was not renamed. */
void output_fini(struct output *output);

#endif

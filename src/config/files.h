/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_CONFIG_FILES_H
#define PRESENCED_CONFIG_FILES_H

/* The files of a configuration, and which of them contains a line. */

#include "presenced/config.h"

#define FILES_TOO_MANY 1

/* Returns the folder conf.d beside the file `path`, and the sorted paths of its files; a missing folder
 * counts as empty. The caller frees both, whatever is returned. Returns 0, FILES_TOO_MANY, or -errno of the
 * folder. */
int files_list_folder(const char *path, struct text_list *ret_paths, char **ret_folder);

/* Adds a file whose first line has the given number. Returns 0 or -ENOMEM. */
int files_add(struct config_files *files, const char *path, unsigned first_line);

void files_fini(struct config_files *files);

struct config_place {
    const struct config_file *file;
    unsigned line; /* line number within that file */
};

/* Finds a line, which must not be 0; there must be at least one file. */
struct config_place files_find(const struct config_files *files, unsigned line);

/* Appends text, with '?' in place of control characters that a file may contain. */
void files_append_visibly(struct buf *out, const char *text);

#endif

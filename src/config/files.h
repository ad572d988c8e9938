/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_CONFIG_FILES_H
#define PRESENCED_CONFIG_FILES_H

/* Which files a configuration is read from, and in which of them a line stands. */

#include "presenced/config.h"

#define FILES_TOO_MANY 1

/* The folder conf.d beside the file `path`, and the paths of its files in their order; one that is not there
 * is empty. The caller frees both, whatever is returned. 0, FILES_TOO_MANY, or -errno of the folder. */
int files_list_folder(const char *path, struct text_list *ret_paths, char **ret_folder);

/* Adds one whose first line has that number. 0 or -ENOMEM. */
int files_add(struct config_files *files, const char *path, unsigned first_line);

void files_fini(struct config_files *files);

struct config_place {
    const struct config_file *file;
    unsigned line; /* in that file */
};

/* Of a line that is not 0, where there is a file. */
struct config_place files_find(const struct config_files *files, unsigned line);

/* Control characters that a file may have brought in are shown as '?'. */
void files_append_visibly(struct buf *out, const char *text);

#endif

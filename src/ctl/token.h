/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_CTL_TOKEN_H
#define PRESENCED_CTL_TOKEN_H

/* Files that hold a token, and files of the configuration that may be credentials of the service. What is
 * wrong is said in `why`, for people. */

#include "presenced/str.h"

/* Reads `path` into `ret_token`, which is empty and which the caller wipes. 0 or -errno. */
int token_read(const char *path, struct buf *ret_token, struct buf *why);

/* The same for what `option` of the configuration ("[status] token_file") names: a path or credential:NAME.
 */
int token_read_option(const char *option, const char *value, struct buf *ret_token, struct buf *why);

/* The path, for free(), of what `option` names; a credential can be read, or it is an error. 0 or -errno. */
int token_find_option(const char *option, const char *value, char **ret_path, struct buf *why);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_CTL_TOKEN_H
#define PRESENCED_CTL_TOKEN_H

/* Reads token files, and finds files of the configuration that may be credentials of the service. On failure,
 * a message for people is appended to `why`; for -ENOMEM it may be missing. */

#include "presenced/str.h"

/* Reads `path` into `ret_token`, which is empty and which the caller wipes. Returns 0 or -errno. */
int token_read(const char *path, struct buf *ret_token, struct buf *why);

/* The same for `value`, a path or credential:NAME, which is the value of `option` ("[status] token_file"). */
int token_read_option(const char *option, const char *value, struct buf *ret_token, struct buf *why);

/* Finds the path of a file that is the value of `option`. The caller frees `ret_path`. Returns 0 or -errno; a
 * credential that cannot be read is an error. */
int token_find_option(const char *option, const char *value, char **ret_path, struct buf *why);

#endif

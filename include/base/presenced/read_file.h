/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_READ_FILE_H
#define PRESENCED_READ_FILE_H

/* Reads a whole small file that the configuration names: at most `max` bytes, whatever the path refers to,
 * and without blocking on a FIFO that has no writer. The content may be secret: the caller wipes the buffer
 * (wipe.h), and no other copy is left in memory. Any thread may call everything here. */

#include "presenced/str.h"

#include <sys/types.h>

/* Reads the file into `ret_bytes`, which must be empty, and returns its mode. Returns 0; -EFBIG if it is
 * longer than `max` bytes; -EINVAL if it is not a regular file; or another -errno. After an error `ret_bytes`
 * may hold some bytes, which must be wiped, too. */
int read_file(const char *path, size_t max, struct buf *ret_bytes, mode_t *ret_mode);

/* Describes a negative return value of read_file() in words. */
const char *read_file_error(int error);

#endif

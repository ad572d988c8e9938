/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_READ_FILE_H
#define PRESENCED_READ_FILE_H

/* A small file that the configuration names, whole: never more than a bound, whatever the path turns out to
 * be, and without a wait for the other end of a FIFO. What is read may be a secret: the caller wipes it
 * (wipe.h), and nowhere else is a copy left behind. Any thread. */

#include "presenced/str.h"

#include <sys/types.h>

/* Puts its bytes into `ret_bytes`, which is empty, and tells its mode. 0; -EFBIG beyond `max` bytes; -EINVAL
 * for what is no regular file; another -errno. Of one that fails some bytes may be there, to be wiped too. */
int read_file(const char *path, size_t max, struct buf *ret_bytes, mode_t *ret_mode);

/* What such a return value below 0 means, in words. */
const char *read_file_error(int error);

#endif

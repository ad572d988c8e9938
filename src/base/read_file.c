/* SPDX-License-Identifier: MIT */
#include "presenced/read_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

static int read_all(int fd, size_t max, struct buf *out)
{
    /* Reserves the whole buffer at once: growing it would leave copies of a possible secret in freed memory.
     */
    char *to = buf_reserve(out, max + 1);
    if (to == NULL) {
        return -ENOMEM;
    }
    for (;;) {
        ssize_t n = read(fd, to + out->len, max + 1 - out->len);
        if (n < 0 && errno != EINTR) {
            return -errno;
        }
        if (n == 0) {
            return 0;
        }
        out->len += n < 0 ? 0 : (size_t)n;
        if (out->len > max) {
            return -EFBIG;
        }
    }
}

int read_file(const char *path, size_t max, struct buf *ret_bytes, mode_t *ret_mode)
{
    /* O_NONBLOCK, because opening a FIFO would otherwise wait for a writer. */
    cleanup(cleanup_closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0) {
        return -errno;
    }
    if (S_ISDIR(st.st_mode)) {
        return -EISDIR;
    }
    if (!S_ISREG(st.st_mode)) {
        return -EINVAL;
    }
    size_t size = (size_t)st.st_size;
    int r = read_all(fd, size < max ? size : max, ret_bytes);
    if (r < 0) {
        return r;
    }
    *ret_mode = st.st_mode;
    return 0;
}

const char *read_file_error(int error)
{
    return error == -EINVAL ? "it is no regular file" : strerrordesc_np(-error);
}

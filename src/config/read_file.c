/* SPDX-License-Identifier: MIT */
#include "read_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#define READ_BYTES 4096

int read_file(const char *path, size_t max, struct buf *ret_bytes, mode_t *ret_mode)
{
    cleanup(cleanup_closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0) {
        return -errno;
    }
    for (;;) {
        char *to = buf_reserve(ret_bytes, READ_BYTES);
        if (to == NULL) {
            return -ENOMEM;
        }
        ssize_t n = read(fd, to, READ_BYTES);
        if (n < 0 && errno != EINTR) {
            return -errno;
        }
        if (n == 0) {
            *ret_mode = st.st_mode;
            return 0;
        }
        ret_bytes->len += n < 0 ? 0 : (size_t)n;
        if (ret_bytes->len > max) {
            return -EFBIG;
        }
    }
}

/* SPDX-License-Identifier: MIT */
#include "presenced/path.h"

#include "presenced/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

char *path_parent(const char *path)
{
    size_t len = strlen(path);
    while (len > 1 && path[len - 1] == '/') {
        len--;
    }
    while (len > 0 && path[len - 1] != '/') {
        len--;
    }
    return len == 0 ? strdup(".") : strndup(path, len);
}

int path_sync_parent(const char *path)
{
    cleanup(cleanup_freep) char *folder = path_parent(path);
    if (folder == NULL) {
        return -ENOMEM;
    }
    cleanup(cleanup_closep) int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 || fsync(fd) != 0 ? -errno : 0;
}

/* SPDX-License-Identifier: MIT */
#include "output.h"

#include "presenced/path.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

static int open_direct(const char *path, struct output *ret_output)
{
    int fd = strcmp(path, "-") == 0 ? fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0)
                                    : open(path, O_WRONLY | O_CLOEXEC);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
    if (file == NULL) {
        int r = -errno;
        cleanup_closep(&fd);
        return r;
    }
    *ret_output = (struct output){.file = file};
    return 0;
}

/* mkostemp() makes the file readable by its owner only, which is needed because it contains personal data. */
static int open_temporary(const char *path, struct output *ret_output)
{
    struct output output = {.path = strdup(path)};
    if (output.path == NULL || asprintf(&output.temporary, "%s.XXXXXX", path) < 0) {
        free(output.path);
        return -ENOMEM;
    }
    int fd = mkostemp(output.temporary, O_CLOEXEC);
    output.file = fd < 0 ? NULL : fdopen(fd, "w");
    if (output.file == NULL) {
        int r = -errno;
        cleanup_closep(&fd);
        free(output.path);
        free(output.temporary);
        return r;
    }
    *ret_output = output;
    return 0;
}

int output_open(const char *path, struct output *ret_output)
{
    struct stat status;
    bool is_direct = strcmp(path, "-") == 0 || (stat(path, &status) == 0 && !S_ISREG(status.st_mode));
    return is_direct ? open_direct(path, ret_output) : open_temporary(path, ret_output);
}

int output_write(struct output *output, struct str bytes)
{
    errno = EIO;
    return fwrite(bytes.ptr, 1, bytes.len, output->file) == bytes.len ? 0 : -errno;
}

int output_flush(struct output *output)
{
    if (fflush(output->file) != 0 || (output->temporary != NULL && fsync(fileno(output->file)) != 0)) {
        return -errno;
    }
    return 0;
}

int output_finish(struct output *output)
{
    if (output->temporary == NULL) {
        return 0;
    }
    if (rename(output->temporary, output->path) != 0) {
        return -errno;
    }
    free(take_pointer(output->temporary));
    return path_sync_parent(output->path);
}

void output_fini(struct output *output)
{
    (void)fclose(output->file);
    if (output->temporary != NULL) {
        (void)unlink(output->temporary);
    }
    free(output->temporary);
    free(output->path);
}

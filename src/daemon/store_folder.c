/* SPDX-License-Identifier: MIT */
#include "store_folder.h"

#include "presenced/path.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

static void add_error(const struct config *config, struct buf *errors, const char *what, int error)
{
    config_append_place(errors, &config->files, config_line(&config->store.lines, "store", "path"));
    buf_appendf(errors, ": [store] path: %s %s: %s", config->store.path, what, strerror(error));
}

/* Appends owner and mode of a file and the user of this process. */
static void add_owners(const struct stat *status, struct buf *errors)
{
    buf_appendf(errors, " (of user %u, mode %04o; this is run as user %u)", (unsigned)status->st_uid,
                (unsigned)(status->st_mode & 07777), (unsigned)geteuid());
}

/* Returns whether a file cannot be read and written, for example one that root has restored from a backup. A
 * file that is missing by now is ignored, because a daemon that uses the store may delete files. */
static bool is_out_of_reach(int folder_fd, const char *name, struct stat *ret_status)
{
    return fstatat(folder_fd, name, ret_status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(ret_status->st_mode) &&
           faccessat(folder_fd, name, R_OK | W_OK, 0) != 0 && errno != ENOENT;
}

/* Reports the first such file only. */
static void check_files(const struct config *config, struct buf *errors)
{
    const struct dirent *entry;
    struct stat status;
    DIR *folder = opendir(config->store.path);
    if (folder == NULL) {
        add_error(config, errors, "cannot be read", errno);
        buf_append_char(errors, '\n');
        return;
    }
    while ((entry = readdir(folder)) != NULL) {
        if (is_out_of_reach(dirfd(folder), entry->d_name, &status)) {
            add_error(config, errors, "holds a file that cannot be written", errno);
            buf_appendf(errors, ": %s", entry->d_name);
            add_owners(&status, errors);
            buf_append_char(errors, '\n');
            break;
        }
    }
    (void)closedir(folder);
}

static void check_parent(const struct config *config, struct buf *errors)
{
    cleanup(cleanup_freep) char *parent = path_parent(config->store.path);
    struct stat status;
    if (parent == NULL) {
        errors->failed = true;
        return;
    }
    if (access(parent, W_OK | X_OK) == 0) {
        return;
    }
    add_error(config, errors, "cannot be made", errno);
    if (stat(parent, &status) == 0) {
        buf_appendf(errors, ": %s", parent);
        add_owners(&status, errors);
    }
    buf_append_char(errors, '\n');
}

void store_folder_check(const struct config *config, struct buf *errors)
{
    const char *path = config->store.path;
    struct stat status;
    if (path[0] == '\0') {
        return;
    }
    if (stat(path, &status) != 0) {
        if (errno == ENOENT) {
            check_parent(config, errors);
            return;
        }
        add_error(config, errors, "cannot be reached", errno);
    } else if (!S_ISDIR(status.st_mode)) {
        add_error(config, errors, "cannot be the store's folder", ENOTDIR);
    } else if (access(path, R_OK | W_OK | X_OK) != 0) {
        add_error(config, errors, "cannot be written", errno);
        add_owners(&status, errors);
    } else {
        check_files(config, errors);
        return;
    }
    buf_append_char(errors, '\n');
}

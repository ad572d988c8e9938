/* SPDX-License-Identifier: MIT */
#include "history_folder.h"

#include "presenced/str.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>

#define STATE_NAME "STATE"
#define STATE_NEW_NAME "STATE.new"

void history_slice_path(const char *folder, const struct history_slice *slice, char ret_path[static PATH_MAX])
{
    (void)snprintf(ret_path, PATH_MAX, "%s/%012" PRIu64 "-%" PRIu64, folder, slice->number, slice->begin_ms);
}

static bool parse_name(struct str name, struct history_slice *ret_slice)
{
    struct str number;
    return str_split(&name, '-', &number) && name.ptr != NULL &&
           str_parse_u64(number, UINT64_MAX - 1, &ret_slice->number) &&
           str_parse_u64(name, UINT64_MAX, &ret_slice->begin_ms);
}

/* Calls `each` for the names in a folder except "." and "..", until it returns non-zero. Returns that, 0 or
 * -errno. */
static int walk(const char *path, int (*each)(void *cls, int folder_fd, const char *name), void *cls)
{
    int r = 0;
    DIR *folder = opendir(path);
    if (folder == NULL) {
        return -errno;
    }
    for (const struct dirent *entry = readdir(folder); entry != NULL && r == 0; entry = readdir(folder)) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            r = each(cls, dirfd(folder), entry->d_name);
        }
    }
    (void)closedir(folder);
    return r;
}

/* Adds the disk space of a file, which the engine may have deleted in the meantime. */
static int add_size(void *cls, int folder_fd, const char *name)
{
    struct stat status;
    if (fstatat(folder_fd, name, &status, AT_SYMLINK_NOFOLLOW) == 0) {
        *(uint64_t *)cls += (uint64_t)status.st_blocks * 512;
    }
    return 0;
}

uint64_t history_slice_measure(const char *folder, const struct history_slice *slice)
{
    char path[PATH_MAX];
    uint64_t n_bytes = 0;
    history_slice_path(folder, slice, path);
    (void)walk(path, add_size, &n_bytes);
    return n_bytes;
}

static int remove_file(void *unused, int folder_fd, const char *name)
{
    (void)unused;
    return unlinkat(folder_fd, name, 0) == 0 || errno == ENOENT ? 0 : -errno;
}

int history_slice_remove(const char *folder, const struct history_slice *slice)
{
    char path[PATH_MAX];
    history_slice_path(folder, slice, path);
    int r = walk(path, remove_file, NULL);
    if (r < 0) {
        return r == -ENOENT ? 0 : r;
    }
    return rmdir(path) == 0 ? 0 : -errno;
}

struct listing {
    const char *folder;
    struct history_slice *slices; /* sorted by number */
    size_t n;
    size_t max;
};

/* Inserts a slice in order. If there are too many, the oldest one is removed. */
static int list_one(void *cls, int folder_fd, const char *name)
{
    struct listing *listing = cls;
    struct history_slice slice = {0};
    (void)folder_fd;
    if (!parse_name(str_from(name), &slice)) {
        return 0;
    }
    if (listing->n == listing->max) {
        bool is_older = slice.number < listing->slices[0].number;
        int r = history_slice_remove(listing->folder, is_older ? &slice : &listing->slices[0]);
        if (r < 0 || is_older) {
            return r;
        }
        memmove(&listing->slices[0], &listing->slices[1], --listing->n * sizeof(slice));
    }
    size_t at = listing->n++;
    while (at > 0 && listing->slices[at - 1].number > slice.number) {
        listing->slices[at] = listing->slices[at - 1];
        at--;
    }
    listing->slices[at] = slice;
    return 0;
}

int history_folder_list(const char *folder, size_t max, struct history_slice *ret_slices, size_t *ret_n)
{
    struct listing listing = {.folder = folder, .slices = ret_slices, .max = max};
    int r = walk(folder, list_one, &listing);
    if (r < 0) {
        return r;
    }
    for (size_t i = 0; i < listing.n; i++) {
        ret_slices[i].n_bytes = history_slice_measure(folder, &ret_slices[i]);
    }
    *ret_n = listing.n;
    return 0;
}

int history_state_read(const char *folder, struct history_state *ret_state)
{
    char path[PATH_MAX];
    unsigned is_closed;
    (void)snprintf(path, sizeof(path), "%s/" STATE_NAME, folder);
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return -errno;
    }
    /* A damaged number only has the effect that events count as missing. NOLINTNEXTLINE(cert-err34-c) */
    int n = fscanf(file, "missing_until_ms=%" SCNu64 " closed=%u", &ret_state->missing_until_ms, &is_closed);
    (void)fclose(file);
    ret_state->is_closed = n == 2 && is_closed == 1;
    return n == 2 ? 0 : -ENOENT;
}

/* Atomic if the process dies, but not if the system does. */
int history_state_write(const char *folder, const struct history_state *state)
{
    char path[PATH_MAX];
    char new_path[PATH_MAX];
    (void)snprintf(path, sizeof(path), "%s/" STATE_NAME, folder);
    (void)snprintf(new_path, sizeof(new_path), "%s/" STATE_NEW_NAME, folder);
    FILE *file = fopen(new_path, "we");
    if (file == NULL) {
        return -errno;
    }
    (void)fprintf(file, "missing_until_ms=%" PRIu64 " closed=%d\n", state->missing_until_ms,
                  state->is_closed);
    if (fclose(file) != 0 || rename(new_path, path) != 0) {
        return -errno;
    }
    return 0;
}

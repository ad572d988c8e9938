/* SPDX-License-Identifier: MIT */
#include "files.h"

#include "presenced/event_history.h"
#include "presenced/str.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>

#define NAME_SIZE 64
#define N_TRIES 3
#define MANIFEST_PREFIX STR("MANIFEST-")
#define LOG_SUFFIX STR(".log")

/* Parses a name such as "000004.log". */
static bool parse_log_name(struct str name, uint64_t *ret_number)
{
    if (name.len <= LOG_SUFFIX.len) {
        return false;
    }
    struct str digits = {name.ptr, name.len - LOG_SUFFIX.len};
    struct str suffix = {name.ptr + digits.len, LOG_SUFFIX.len};
    return str_equal(suffix, LOG_SUFFIX) && str_parse_u64(digits, UINT64_MAX, ret_number);
}

/* Parses the content of CURRENT, such as "MANIFEST-000005" and a newline. */
static bool parse_current(struct str text, uint64_t *ret_number)
{
    if (!str_starts_with(text, MANIFEST_PREFIX) || text.ptr[text.len - 1] != '\n') {
        return false;
    }
    struct str digits = {text.ptr + MANIFEST_PREFIX.len, text.len - MANIFEST_PREFIX.len - 1};
    return str_parse_u64(digits, UINT64_MAX, ret_number);
}

static bool is_stray(struct str name)
{
    return str_equal(name, STR("CURRENT")) || str_starts_with(name, MANIFEST_PREFIX);
}

/* Returns whether all files are ones that files_remove_strays() may remove. If `removes` is set, removes
 * them. */
static bool walk_strays(int folder_fd, bool removes)
{
    bool all_are = true;
    const struct dirent *entry;
    int fd = openat(folder_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);
    if (folder == NULL) {
        cleanup_closep(&fd);
        return false;
    }
    while ((entry = readdir(folder)) != NULL) {
        struct str name = str_from(entry->d_name);
        if (removes && is_stray(name)) {
            (void)unlinkat(folder_fd, entry->d_name, 0);
        }
        all_are = all_are && (is_stray(name) || str_equal(name, STR(".")) || str_equal(name, STR("..")) ||
                              str_equal(name, STR(EVENT_HISTORY_FOLDER)));
    }
    (void)closedir(folder);
    return all_are;
}

void files_remove_strays(int folder_fd)
{
    if (walk_strays(folder_fd, false)) {
        (void)walk_strays(folder_fd, true);
    }
}

static int read_current(int folder_fd, uint64_t *ret_number)
{
    char text[NAME_SIZE];
    ssize_t n;
    cleanup(cleanup_closep) int fd = openat(folder_fd, "CURRENT", O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return -errno;
    }
    do {
        n = read(fd, text, sizeof(text));
    } while (n < 0 && errno == EINTR);
    if (n < 0) {
        return -errno;
    }
    return parse_current((struct str){text, (size_t)n}, ret_number) ? 0 : -EBADMSG;
}

static int sync_file(int folder_fd, const char *name, uint64_t *ret_size_bytes)
{
    struct stat status;
    cleanup(cleanup_closep) int fd = openat(folder_fd, name, O_RDONLY | O_CLOEXEC);
    /* The size is read first, because bytes written after it may not be synced. */
    if (fd < 0 || fstat(fd, &status) != 0 || fdatasync(fd) != 0) {
        return -errno;
    }
    *ret_size_bytes = (uint64_t)status.st_size;
    return 0;
}

static void format_manifest_name(uint64_t number, char ret_name[static NAME_SIZE])
{
    (void)snprintf(ret_name, NAME_SIZE, "%s%06" PRIu64, MANIFEST_PREFIX.ptr, number);
}

static int sync_manifest(int folder_fd, struct file_mark *ret_mark)
{
    char name[NAME_SIZE];
    int r = -ENOENT;
    /* An engine that is being opened starts a new manifest and deletes the old one. */
    for (unsigned n = 0; n < N_TRIES && r == -ENOENT; n++) {
        r = read_current(folder_fd, &ret_mark->number);
        if (r == 0) {
            format_manifest_name(ret_mark->number, name);
            r = sync_file(folder_fd, name, &ret_mark->size_bytes);
        }
    }
    return r;
}

/* Returns the entry with the lowest number, which a newer file replaces. */
static struct file_mark *lowest(struct files_mark *mark)
{
    struct file_mark *found = &mark->logs[0];
    for (unsigned i = 1; i < FILES_N_LOGS_MAX; i++) {
        found = mark->logs[i].number < found->number ? &mark->logs[i] : found;
    }
    return found;
}

static int sync_log(int folder_fd, const char *name, struct files_mark *mark)
{
    struct file_mark log;
    if (!parse_log_name(str_from(name), &log.number)) {
        return 0;
    }
    int r = sync_file(folder_fd, name, &log.size_bytes);
    if (r == -ENOENT) {
        /* It is no longer needed and was deleted meanwhile. */
        return 0;
    }
    if (r < 0) {
        return r;
    }
    struct file_mark *place = lowest(mark);
    if (log.number > place->number) {
        *place = log;
    }
    return 0;
}

static int sync_logs(int folder_fd, struct files_mark *mark)
{
    const struct dirent *entry;
    int r = 0;
    /* A separate descriptor, because reading moves its offset. */
    int fd = openat(folder_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);
    if (folder == NULL) {
        r = -errno;
        cleanup_closep(&fd);
        return r;
    }
    while (r == 0 && (entry = readdir(folder)) != NULL) {
        r = sync_log(folder_fd, entry->d_name, mark);
    }
    (void)closedir(folder);
    return r;
}

int files_sync(int folder_fd, struct files_mark *ret_mark)
{
    struct files_mark mark = {0};
    int r = sync_manifest(folder_fd, &mark.manifest);
    if (r < 0) {
        return r;
    }
    r = sync_logs(folder_fd, &mark);
    if (r < 0) {
        return r;
    }
    if (fsync(folder_fd) != 0) {
        return -errno;
    }
    *ret_mark = mark;
    return 0;
}

/* Returns the size of a file, -1 if it does not exist. */
static int64_t size_of(int folder_fd, const char *name)
{
    struct stat status;
    return fstatat(folder_fd, name, &status, 0) == 0 ? status.st_size : -1;
}

int files_manifest(int folder_fd, struct file_mark *ret_mark)
{
    char name[NAME_SIZE];
    struct file_mark mark;
    int64_t size = -1;
    int r = 0;
    for (unsigned n = 0; n < N_TRIES && r == 0 && size < 0; n++) {
        r = read_current(folder_fd, &mark.number);
        if (r == 0) {
            format_manifest_name(mark.number, name);
            size = size_of(folder_fd, name);
        }
    }
    if (r < 0 || size < 0) {
        return r < 0 ? r : -ENOENT;
    }
    mark.size_bytes = (uint64_t)size;
    *ret_mark = mark;
    return 0;
}

static int check_manifest(int folder_fd, const struct file_mark *mark)
{
    char name[NAME_SIZE];
    uint64_t number = 0;
    int r = read_current(folder_fd, &number);
    if (r < 0) {
        return r == -ENOENT ? -EBADMSG : r;
    }
    format_manifest_name(number, name);
    bool is_whole = number > mark->number ||
                    (number == mark->number && size_of(folder_fd, name) >= (int64_t)mark->size_bytes);
    return is_whole ? 0 : -EBADMSG;
}

int files_check(int folder_fd, const struct files_mark *mark, uint64_t min_log)
{
    int r = check_manifest(folder_fd, &mark->manifest);
    if (r < 0) {
        return r;
    }
    for (unsigned i = 0; i < FILES_N_LOGS_MAX; i++) {
        char name[NAME_SIZE];
        const struct file_mark *log = &mark->logs[i];
        (void)snprintf(name, sizeof(name), "%06" PRIu64 "%s", log->number, LOG_SUFFIX.ptr);
        if (log->number != 0 && log->number >= min_log &&
            size_of(folder_fd, name) < (int64_t)log->size_bytes) {
            return -EBADMSG;
        }
    }
    return 0;
}

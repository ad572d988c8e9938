/* SPDX-License-Identifier: MIT */
/* A disk with a will of its own, laid under the daemon with LD_PRELOAD. It notes what was synced of a folder,
 * FAILING_DISK_STORE; stalls for as long as there is a file NOTES/STALL; takes long for what threads other
 * than the first read while there is NOTES/SLOW_READ; says EIO to writes, or to fsync, while there is
 * NOTES/NO_WRITE or NO_SYNC. Loaded into any program with FAILING_DISK_CUT set it takes away what was not
 * synced, as a power cut may: bytes that no fsync of their file came after, and names, new, changed or gone,
 * without one of the folder. That is less than file systems leave, but all that POSIX promises. In the folder
 * FAILING_DISK_NOTES:
 *
 *   running        what follows is complete
 *   listing        lines "INODE NAME": the folder as it was synced
 *   keep-INODE     a link, for the name in the folder may go
 *   size-INODE     8 bytes: so much of it is synced
 *   content-INODE  what was synced of a file that may be written over, a short one or the journal, which is
 *                  mapped into memory; it counts before the size */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SHORT_BYTES 65536
#define CONTENT_BYTES_MAX (8 << 20)
#define JOURNAL_MAGIC "presjrnl"
#define KEY_SIZE 64
#define PATH_SIZE (2 * PATH_MAX)

static const char *store; /* NULL: nothing is done */
static const char *notes;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static ssize_t (*real_write)(int fd, const void *bytes, size_t size);
static ssize_t (*real_pread)(int fd, void *bytes, size_t size, off_t at);
static ssize_t (*real_pwrite)(int fd, const void *bytes, size_t size, off_t at);
static int (*real_fsync)(int fd);
static int (*real_fdatasync)(int fd);

static void expect(bool is_so, const char *what)
{
    if (!is_so) {
        perror(what);
        abort();
    }
}

static void note_path(const char *kind, const char *key, char ret_path[static PATH_SIZE])
{
    (void)snprintf(ret_path, PATH_SIZE, "%s/%s%s", notes, kind, key);
}

/* Whole or not at all. */
static void write_note(const char *kind, const char *key, const void *bytes, size_t size)
{
    char path[PATH_SIZE];
    char other[PATH_SIZE];
    note_path(kind, key, path);
    note_path("new", "", other);
    int fd = open(other, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    expect(fd >= 0 && real_write(fd, bytes, size) == (ssize_t)size && rename(other, path) == 0, path);
    (void)close(fd);
}

/* Returns its length, -1 where there is no such note. */
static ssize_t read_note(const char *kind, const char *key, void *ret_bytes, size_t size)
{
    char path[PATH_SIZE];
    note_path(kind, key, path);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, ret_bytes, size);
    if (fd >= 0) {
        (void)close(fd);
    }
    return n;
}

/* Numbers of inodes come again; with the time of birth they do not. */
static void key_of(int fd, char ret_key[static KEY_SIZE], uint64_t *ret_size)
{
    struct statx status;
    expect(statx(fd, "", AT_EMPTY_PATH, STATX_INO | STATX_SIZE | STATX_BTIME, &status) == 0, "statx");
    (void)snprintf(ret_key, KEY_SIZE, "%" PRIu64 ".%" PRId64 ".%u", (uint64_t)status.stx_ino,
                   (int64_t)status.stx_btime.tv_sec, status.stx_btime.tv_nsec);
    *ret_size = status.stx_size;
}

static char content[CONTENT_BYTES_MAX];

static bool is_written_over(int fd, uint64_t size)
{
    return size <= SHORT_BYTES || (size <= sizeof(content) && real_pread(fd, content, 8, 0) == 8 &&
                                   memcmp(content, JOURNAL_MAGIC, 8) == 0);
}

static void note_file(int fd, const char *key, uint64_t size)
{
    char path[PATH_SIZE];
    /* The daemon's own descriptor may be for writing only. */
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    int own = open(path, O_RDONLY | O_CLOEXEC);
    expect(own >= 0, path);
    if (is_written_over(own, size)) {
        ssize_t n = real_pread(own, content, size, 0);
        expect(n >= 0, path);
        write_note("content-", key, content, (size_t)n);
    } else {
        write_note("size-", key, &size, sizeof(size));
        note_path("content-", key, path);
        (void)unlink(path);
    }
    (void)close(own);
}

static void note_entry(int folder_fd, const char *name, bool is_synced, FILE *listing)
{
    char key[KEY_SIZE];
    char path[PATH_SIZE];
    uint64_t size;
    int fd = openat(folder_fd, name, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return;
    }
    key_of(fd, key, &size);
    note_path("keep-", key, path);
    expect(linkat(folder_fd, name, AT_FDCWD, path, 0) == 0 || errno == EEXIST || errno == ENOENT, path);
    if (is_synced) {
        note_file(fd, key, size);
    }
    (void)fprintf(listing, "%s %s\n", key, name);
    (void)close(fd);
}

/* `is_synced`: and so is what its files hold. */
static void note_folder(int folder_fd, bool is_synced)
{
    char *text = NULL;
    size_t len = 0;
    const struct dirent *entry;
    FILE *listing = open_memstream(&text, &len);
    DIR *folder = fdopendir(openat(folder_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    expect(listing != NULL && folder != NULL, store);
    while ((entry = readdir(folder)) != NULL) {
        if (entry->d_type == DT_REG) {
            note_entry(folder_fd, entry->d_name, is_synced, listing);
        }
    }
    (void)closedir(folder);
    (void)fclose(listing);
    write_note("listing", "", text, len);
    free(text);
}

static bool is_ours(int fd)
{
    char link[64];
    char path[PATH_MAX];
    if (store == NULL) {
        return false;
    }
    (void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof(path));
    size_t len = strlen(store);
    return n >= (ssize_t)len && memcmp(path, store, len) == 0;
}

static bool is_in_trouble(const char *kind)
{
    char path[PATH_SIZE];
    note_path(kind, "", path);
    return access(path, F_OK) == 0;
}

static void stall(void)
{
    static const struct timespec interval = {.tv_nsec = 5000000};
    while (is_in_trouble("STALL")) {
        (void)nanosleep(&interval, NULL);
    }
}

/* The notes are all that a sync comes to: the machine does not die. */
static int sync_noted(int fd)
{
    struct stat status;
    char key[KEY_SIZE];
    uint64_t size;
    stall();
    if (is_in_trouble("NO_SYNC")) {
        errno = EIO;
        return -1;
    }
    (void)pthread_mutex_lock(&lock);
    expect(fstat(fd, &status) == 0, "fstat");
    if (S_ISDIR(status.st_mode)) {
        note_folder(fd, false);
    } else {
        key_of(fd, key, &size);
        note_file(fd, key, size);
    }
    (void)pthread_mutex_unlock(&lock);
    return 0;
}

int fsync(int fd)
{
    return is_ours(fd) ? sync_noted(fd) : real_fsync(fd);
}

int fdatasync(int fd)
{
    return is_ours(fd) ? sync_noted(fd) : real_fdatasync(fd);
}

static bool fails_to_write(void)
{
    stall();
    bool fails = is_in_trouble("NO_WRITE");
    if (fails) {
        errno = EIO;
    }
    return fails;
}

ssize_t write(int fd, const void *bytes, size_t size)
{
    return is_ours(fd) && fails_to_write() ? -1 : real_write(fd, bytes, size);
}

ssize_t pwrite(int fd, const void *bytes, size_t size, off_t at)
{
    return is_ours(fd) && fails_to_write() ? -1 : real_pwrite(fd, bytes, size, at);
}

/* Under another name, for <unistd.h> has an inline function of its own. */
ssize_t read_slowly(int fd, void *bytes, size_t size, off_t at) __asm__("pread");

ssize_t read_slowly(int fd, void *bytes, size_t size, off_t at)
{
    static const struct timespec slowness = {.tv_sec = 1, .tv_nsec = 500000000};
    if (gettid() != getpid() && is_ours(fd) && is_in_trouble("SLOW_READ")) {
        (void)nanosleep(&slowness, NULL);
    }
    return real_pread(fd, bytes, size, at);
}

/* The power cut. */

static void remove_files(const char *path)
{
    const struct dirent *entry;
    DIR *folder = opendir(path);
    expect(folder != NULL, path);
    while ((entry = readdir(folder)) != NULL) {
        (void)unlinkat(dirfd(folder), entry->d_name, 0);
    }
    (void)closedir(folder);
}

static void restore_file(const char *key, const char *name)
{
    char kept[PATH_SIZE];
    char path[PATH_SIZE];
    uint64_t size = 0;
    note_path("keep-", key, kept);
    (void)snprintf(path, sizeof(path), "%s/%s", store, name);
    expect(link(kept, path) == 0, kept);
    ssize_t n = read_note("content-", key, content, sizeof(content));
    if (n < 0) {
        (void)read_note("size-", key, &size, sizeof(size));
        expect(truncate(path, (off_t)size) == 0, path);
        return;
    }
    int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    expect(fd >= 0 && real_write(fd, content, (size_t)n) == n, path);
    (void)close(fd);
}

static void cut_power(void)
{
    static char listing[1 << 20];
    char *rest = listing;
    const char *key;
    const char *name;
    /* A daemon that did not come so far has changed nothing. */
    if (read_note("running", "", listing, sizeof(listing)) < 0) {
        return;
    }
    ssize_t n = read_note("listing", "", listing, sizeof(listing) - 1);
    remove_files(store);
    if (n < 0) {
        expect(rmdir(store) == 0, store);
    }
    listing[n < 0 ? 0 : n] = '\0';
    while ((key = strsep(&rest, " ")) != NULL && (name = strsep(&rest, "\n")) != NULL) {
        restore_file(key, name);
    }
    remove_files(notes);
}

/* What is there when a daemon starts was there when the power came back. */
static void begin_notes(void)
{
    int fd = open(store, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        note_folder(fd, true);
        (void)close(fd);
    }
    write_note("running", "", "", 0);
}

__attribute__((constructor)) static void begin(void)
{
    *(void **)&real_write = dlsym(RTLD_NEXT, "write");
    *(void **)&real_pread = dlsym(RTLD_NEXT, "pread");
    *(void **)&real_pwrite = dlsym(RTLD_NEXT, "pwrite");
    *(void **)&real_fsync = dlsym(RTLD_NEXT, "fsync");
    *(void **)&real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
    const char *path = getenv("FAILING_DISK_STORE");
    notes = getenv("FAILING_DISK_NOTES");
    if (path == NULL || notes == NULL) {
        return;
    }
    (void)mkdir(notes, 0700);
    store = path;
    if (getenv("FAILING_DISK_CUT") != NULL) {
        cut_power();
    } else {
        begin_notes();
    }
}

/* SPDX-License-Identifier: MIT */
/* Two places in the file, 4096 bytes apart, are written alternately, so that one is always complete; the one
 * with the higher number of writes is valid. Each has 512 bytes, little-endian:
 *
 *   u8[8]  "presence"
 *   u32    version of the layout; the fields up to here are the same in every version
 *   u32    state
 *   u64    number of writes of this file so far
 *   u64    the engine's sequence number
 *   u64    number of the engine's manifest, u64 its size
 *   8 times: u64 number of a WAL file of the engine, u64 its size
 *   zeros
 *   u32    CRC-32 of the above, as in zlib; also the same in every version */
#include "superblock.h"

#include "layout.h"
#include "presenced/str.h"

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>

#define FILE_NAME "SYNCED"
#define MAGIC STR("presence")
#define PLACE_DISTANCE 4096
#define N_PLACES 2
#define N_LOCK_TRIES 5
#define LOCK_WAIT_MS 20

struct place {
    char magic[8];
    uint32_t version;
    uint32_t state;
    uint64_t n_writes;
    uint64_t sequence;
    struct file_mark manifest;
    struct file_mark logs[FILES_N_LOGS_MAX];
    uint8_t zeros[332];
    uint32_t crc;
} __attribute__((packed));

static_assert(sizeof(struct place) == 512, "the same in every version");

static struct file_mark to_little(struct file_mark mark)
{
    return (struct file_mark){htole64(mark.number), htole64(mark.size_bytes)};
}

static struct file_mark from_little(struct file_mark mark)
{
    return (struct file_mark){le64toh(mark.number), le64toh(mark.size_bytes)};
}

static uint32_t crc_of(const struct place *place)
{
    const uint8_t *bytes = (const uint8_t *)place;
    uint32_t crc = ~UINT32_C(0);
    for (size_t i = 0; i < offsetof(struct place, crc); i++) {
        crc ^= bytes[i];
        for (unsigned bit = 0; bit < 8; bit++) {
            crc = crc >> 1 ^ (UINT32_C(0xedb88320) & (0 - (crc & 1)));
        }
    }
    return ~crc;
}

static bool is_whole(const struct place *place)
{
    struct str magic = {place->magic, sizeof(place->magic)};
    return str_equal(magic, MAGIC) && le32toh(place->crc) == crc_of(place);
}

/* Missing bytes count as zeros; then the checksum does not match. */
static int read_place(int fd, unsigned at, struct place *ret_place)
{
    struct place place = {0};
    ssize_t n;
    do {
        n = pread(fd, &place, sizeof(place), (off_t)at * PLACE_DISTANCE);
    } while (n < 0 && errno == EINTR);
    if (n < 0) {
        return -errno;
    }
    *ret_place = place;
    return 0;
}

static int write_place(int fd, unsigned at, const struct place *place)
{
    ssize_t n;
    do {
        n = pwrite(fd, place, sizeof(*place), (off_t)at * PLACE_DISTANCE);
    } while (n < 0 && errno == EINTR);
    if (n < 0) {
        return -errno;
    }
    /* A short write means that the disk is full. */
    return n == (ssize_t)sizeof(*place) ? 0 : -ENOSPC;
}

int superblock_write(struct superblock *superblock, enum superblock_state state,
                     const struct superblock_mark *mark)
{
    uint64_t n_writes = superblock->n_writes + 1;
    struct place place = {
        .version = htole32(LAYOUT_VERSION),
        .state = htole32(state),
        .n_writes = htole64(n_writes),
        .sequence = htole64(mark->sequence),
        .manifest = to_little(mark->files.manifest),
    };
    for (unsigned i = 0; i < FILES_N_LOGS_MAX; i++) {
        place.logs[i] = to_little(mark->files.logs[i]);
    }
    memcpy(place.magic, MAGIC.ptr, sizeof(place.magic));
    place.crc = htole32(crc_of(&place));
    int r = write_place(superblock->fd, n_writes % N_PLACES, &place);
    if (r < 0) {
        return r;
    }
    if (fdatasync(superblock->fd) != 0) {
        return -errno;
    }
    superblock->n_writes = n_writes;
    superblock->state = state;
    superblock->mark = *mark;
    return 0;
}

static int try_lock(int fd)
{
    int r;
    do {
        r = flock(fd, LOCK_EX | LOCK_NB);
    } while (r != 0 && errno == EINTR);
    if (r == 0) {
        return 0;
    }
    return errno == EWOULDBLOCK ? SUPERBLOCK_BUSY : -errno;
}

/* Retries for a while, because superblock_is_in_use() of another process locks the file for a moment. */
static int lock(int fd)
{
    int r = try_lock(fd);
    for (unsigned i = 0; i < N_LOCK_TRIES && r == SUPERBLOCK_BUSY; i++) {
        (void)poll(NULL, 0, LOCK_WAIT_MS);
        r = try_lock(fd);
    }
    return r;
}

/* Returns the complete place with the highest number of writes. */
static int read_places(int fd, struct place *ret_place)
{
    bool found = false;
    for (unsigned at = 0; at < N_PLACES; at++) {
        struct place place;
        int r = read_place(fd, at, &place);
        if (r < 0) {
            return r;
        }
        if (is_whole(&place) && (!found || le64toh(place.n_writes) > le64toh(ret_place->n_writes))) {
            *ret_place = place;
            found = true;
        }
    }
    return found ? 0 : SUPERBLOCK_DAMAGED;
}

static int read_file(struct superblock *superblock, uint32_t *ret_version)
{
    struct place place = {0};
    int r = read_places(superblock->fd, &place);
    if (r != 0) {
        return r;
    }
    if (le32toh(place.version) > LAYOUT_VERSION) {
        *ret_version = le32toh(place.version);
        return SUPERBLOCK_NEWER;
    }
    uint32_t state = le32toh(place.state);
    if (le32toh(place.version) == 0 || state < SUPERBLOCK_CREATING || state > SUPERBLOCK_CLOSED) {
        return SUPERBLOCK_DAMAGED;
    }
    superblock->state = (enum superblock_state)state;
    superblock->n_writes = le64toh(place.n_writes);
    superblock->mark.sequence = le64toh(place.sequence);
    superblock->mark.files.manifest = from_little(place.manifest);
    for (unsigned i = 0; i < FILES_N_LOGS_MAX; i++) {
        superblock->mark.files.logs[i] = from_little(place.logs[i]);
    }
    return 0;
}

/* Writes both places, so that no older one remains valid for a store in use. */
static int write_first(struct superblock *superblock)
{
    static const struct superblock_mark nothing;
    int r = superblock_write(superblock, SUPERBLOCK_CREATING, &nothing);
    return r < 0 ? r : superblock_write(superblock, SUPERBLOCK_CREATING, &nothing);
}

static int read_or_begin(struct superblock *superblock, bool make, uint32_t *ret_version)
{
    struct stat status;
    int r = lock(superblock->fd);
    if (r != 0) {
        return r;
    }
    if (fstat(superblock->fd, &status) != 0) {
        return -errno;
    }
    /* The file is empty if its creation was interrupted. */
    return status.st_size == 0 && make ? write_first(superblock) : read_file(superblock, ret_version);
}

int superblock_open(int folder_fd, bool make, struct superblock *ret_superblock, uint32_t *ret_version)
{
    struct superblock superblock = {.state = SUPERBLOCK_CREATING};
    superblock.fd = openat(folder_fd, FILE_NAME, O_RDWR | O_CLOEXEC | (make ? O_CREAT : 0), 0600);
    if (superblock.fd < 0) {
        return errno == ENOENT ? SUPERBLOCK_NONE : -errno;
    }
    int r = read_or_begin(&superblock, make, ret_version);
    if (r != 0) {
        superblock_close(&superblock);
        return r;
    }
    *ret_superblock = superblock;
    return 0;
}

int superblock_read(int folder_fd, enum superblock_state *ret_state, struct superblock_mark *ret_mark,
                    uint32_t *ret_version)
{
    struct superblock superblock = {.state = SUPERBLOCK_CREATING};
    superblock.fd = openat(folder_fd, FILE_NAME, O_RDONLY | O_CLOEXEC);
    if (superblock.fd < 0) {
        return errno == ENOENT ? SUPERBLOCK_NONE : -errno;
    }
    int r = read_file(&superblock, ret_version);
    superblock_close(&superblock);
    if (r != 0) {
        return r;
    }
    *ret_state = superblock.state;
    *ret_mark = superblock.mark;
    return 0;
}

bool superblock_is_in_use(int folder_fd)
{
    cleanup(cleanup_closep) int fd = openat(folder_fd, FILE_NAME, O_RDONLY | O_CLOEXEC);
    return fd >= 0 && try_lock(fd) == SUPERBLOCK_BUSY;
}

bool superblock_is_removed(const struct superblock *superblock, const char *folder_path)
{
    struct stat ours;
    struct stat there;
    char path[PATH_MAX];
    (void)snprintf(path, sizeof(path), "%s/%s", folder_path, FILE_NAME);
    if (stat(path, &there) != 0) {
        return errno == ENOENT || errno == ENOTDIR; /* after another error it may still exist */
    }
    return fstat(superblock->fd, &ours) == 0 && (ours.st_dev != there.st_dev || ours.st_ino != there.st_ino);
}

void superblock_close(struct superblock *superblock)
{
    if (superblock->fd >= 0) {
        (void)close(superblock->fd);
        superblock->fd = -1;
    }
}

/* SPDX-License-Identifier: MIT */
/* The file JOURNAL-<run>, little-endian:
 *
 *   at 0      u8[8] "presjrnl"   u64 run   u64 size of the ring   u64 ms since boot and u64 ms since 1970, at
 *             its creation   u64 checksum of the above
 *   at 512    u64 begin: position of the oldest entry that may be needed
 *   at 4096   the ring, mapped twice in a row, so that an entry may continue past its end:
 *
 *     entry:  u64 checksum of the rest of the entry and of its position
 *             u64 revision
 *             u16 length of the key   u16 length of the value   u8 1: deleted   u8[3] zero
 *             key   value   zeros up to a multiple of 8
 *
 * Positions only grow; modulo the size of the ring they are offsets in it. So an entry left by an earlier
 * round is never taken for a current one.
 *
 * The process may be killed at any point. Then the page cache has everything stored up to there, in order, so
 * all entries are complete except perhaps the last. After the machine went down, each page of the file may
 * have a different age. The two clocks tell which of the two happened: a hardened unit does not see the boot
 * id in /proc, and one passed by the unit (%b) would only be a second source, in another format.
 *
 * All blocks of the file are written before it is used, so that a full disk is detected then. Later a store
 * to memory can only fail because the file was truncated, or the disk or file system failed: see guard.h.
 *
 * The file is mapped because that has the lowest cost per event. If the thread that answers calls pwrite()
 * instead, without any fsync, a callback takes at least 10 % more CPU (ext4, kept_commit of
 * bench/callbacks.sh in turns); a write through io_uring takes twice as long as a pwrite(), and one with
 * RWF_DSYNC 15 times; and if answers wait for another thread to write, a callback takes 45 % more. */
#include "journal.h"

#include "guard.h"

#include "presenced/clock.h"

#include <assert.h>
#include <dirent.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define HEADER_SIZE ((size_t)4096)
/* Room for half a second at 70,000 events per second; small enough that every process may lock it in memory.
 */
#define RING_SIZE ((size_t)4 << 20)
#define FILE_SIZE (HEADER_SIZE + RING_SIZE)
#define MAPPED_SIZE (FILE_SIZE + RING_SIZE)
#define NAME_PREFIX STR("JOURNAL-")
#define NAME_SIZE 40
#define MAGIC "presjrnl"
#define CLOCKS_DIFFER_MS UINT64_C(2000)

struct header {
    char magic[8];
    uint64_t run;
    uint64_t ring_size;
    uint64_t since_boot_ms;
    uint64_t unix_ms;
    uint64_t sum;
    uint8_t unused[464];
    _Atomic uint64_t begin;
};

static_assert(offsetof(struct header, begin) == 512, "as drawn");

struct entry {
    uint64_t sum;
    uint64_t revision;
    uint16_t key_len;
    uint16_t value_len;
    uint8_t is_deleted;
    uint8_t zeros[3];
};

static_assert(sizeof(struct entry) == 24, "as drawn");

struct journal {
    uint64_t run;
    int fd;
    struct guard guard; /* guards the mapping */
    struct header *header;
    uint8_t *ring; /* mapped twice: 2 * RING_SIZE bytes */
    uint64_t begin;
    uint64_t end;
    _Atomic uint64_t revision;
};

struct journal_reader {
    uint64_t run;
    uint64_t at;
    uint64_t begin;
    bool is_of_this_boot;
    struct header header;
    uint8_t ring[2 * RING_SIZE];
};

/* A checksum that need not be cryptographic, because it only detects incomplete writes. Processes 8 bytes at
 * a time. */
static uint64_t mix(uint64_t sum, uint64_t word)
{
    sum = (sum ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    return sum ^ sum >> 32;
}

static uint64_t sum_of(uint64_t run, uint64_t at, const uint8_t *bytes, size_t n_bytes)
{
    uint64_t sum = mix(mix(UINT64_C(0x6a09e667f3bcc909), run), at);
    for (size_t i = 0; i < n_bytes; i += 8) {
        uint64_t word;
        memcpy(&word, bytes + i, sizeof(word));
        sum = mix(sum, le64toh(word));
    }
    return sum;
}

static size_t size_of(size_t key_len, size_t value_len)
{
    return (sizeof(struct entry) + key_len + value_len + 7) & ~(size_t)7;
}

static void name_of(uint64_t run, char ret_name[static NAME_SIZE])
{
    (void)snprintf(ret_name, NAME_SIZE, "%s%" PRIu64, NAME_PREFIX.ptr, run);
}

/* Within one boot both clocks advance equally. If the wall clock was set meanwhile, this looks like another
 * boot. The only consequence is that damage in the middle is not distinguished from lost pages. */
static bool is_this_boot(const struct header *header)
{
    uint64_t since_boot_ms = clock_since_boot_ms();
    uint64_t boot_passed_ms = since_boot_ms - le64toh(header->since_boot_ms);
    uint64_t unix_passed_ms = clock_unix_ms() - le64toh(header->unix_ms);
    return boot_passed_ms + CLOCKS_DIFFER_MS - unix_passed_ms <= 2 * CLOCKS_DIFFER_MS &&
           since_boot_ms >= le64toh(header->since_boot_ms);
}

static uint64_t sum_of_header(const struct header *header)
{
    return sum_of(0, 0, (const uint8_t *)header, offsetof(struct header, sum));
}

static void fill_header(struct header *header, uint64_t run)
{
    memcpy(header->magic, MAGIC, sizeof(header->magic));
    header->run = htole64(run);
    header->ring_size = htole64(RING_SIZE);
    header->since_boot_ms = htole64(clock_since_boot_ms());
    header->unix_ms = htole64(clock_unix_ms());
    header->sum = htole64(sum_of_header(header));
}

static int write_all(int fd, const void *bytes, size_t size)
{
    size_t done = 0;
    while (done < size) {
        ssize_t n = write(fd, (const char *)bytes + done, size - done);
        if (n < 0 && errno != EINTR) {
            return -errno;
        }
        done += n < 0 ? 0 : (size_t)n;
    }
    return 0;
}

/* Disables copy-on-write for the file on file systems that use it (btrfs). */
static void write_in_place(int fd)
{
    int flags = 0;
    if (ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0) {
        flags |= FS_NOCOW_FL;
        (void)ioctl(fd, FS_IOC_SETFLAGS, &flags);
    }
}

static int fill_file(int fd, uint64_t run)
{
    cleanup(cleanup_freep) uint8_t *bytes = calloc(1, FILE_SIZE);
    if (bytes == NULL) {
        return -ENOMEM;
    }
    write_in_place(fd);
    fill_header((struct header *)(void *)bytes, run);
    int r = write_all(fd, bytes, FILE_SIZE);
    if (r < 0) {
        return r;
    }
    return fsync(fd) != 0 ? -errno : 0;
}

static bool map_at(uint8_t *address, size_t size, int fd, size_t offset)
{
    return mmap(address, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, (off_t)offset) == address;
}

static int reserve(struct journal *journal)
{
    void *room = mmap(NULL, MAPPED_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (room == MAP_FAILED) {
        return -errno;
    }
    journal->header = room;
    journal->ring = (uint8_t *)room + HEADER_SIZE;
    return guard_begin(&journal->guard, room, MAPPED_SIZE);
}

/* Maps the file over whatever is mapped there. */
static int map(struct journal *journal)
{
    uint8_t *room = (uint8_t *)journal->header;
    if (!map_at(room, FILE_SIZE, journal->fd, 0) ||
        !map_at(room + FILE_SIZE, RING_SIZE, journal->fd, HEADER_SIZE)) {
        return -errno;
    }
    (void)mlock(room, FILE_SIZE); /* avoids blocking on pages read back from disk; may fail */
    return 0;
}

/* A file of that name may be left from an interrupted start, or be a link to anything, so it is removed
 * first. */
static int create_file(struct journal *journal, int folder_fd, const char *name)
{
    cleanup_closep(&journal->fd);
    if (unlinkat(folder_fd, name, 0) != 0 && errno != ENOENT) {
        return -errno;
    }
    journal->fd = openat(folder_fd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (journal->fd < 0) {
        return -errno;
    }
    int r = fill_file(journal->fd, journal->run);
    if (r < 0) {
        return r;
    }
    r = map(journal);
    if (r < 0) {
        return r;
    }
    return fsync(folder_fd) != 0 ? -errno : 0;
}

static int create(struct journal *journal, int folder_fd, uint64_t run)
{
    char name[NAME_SIZE];
    journal->run = run;
    name_of(run, name);
    int r = create_file(journal, folder_fd, name);
    if (r < 0) {
        (void)unlinkat(folder_fd, name, 0); /* it may have used up the disk space */
    }
    return r;
}

int journal_create(int folder_fd, uint64_t run, struct journal **ret_journal)
{
    cleanup(journal_freep) struct journal *journal = calloc(1, sizeof(*journal));
    if (journal == NULL) {
        return -ENOMEM;
    }
    journal->fd = -1;
    int r = reserve(journal);
    if (r < 0) {
        return r;
    }
    r = create(journal, folder_fd, run);
    if (r < 0) {
        return r;
    }
    *ret_journal = take_pointer(journal);
    return 0;
}

bool journal_is_lost(const struct journal *journal)
{
    return guard_is_lost(&journal->guard);
}

int journal_renew(struct journal *journal, int folder_fd, uint64_t run)
{
    assert(journal_is_lost(journal));
    return create(journal, folder_fd, run);
}

void journal_resume(struct journal *journal)
{
    journal->begin = 0;
    journal->end = 0;
    atomic_store_explicit(&journal->revision, 0, memory_order_relaxed);
    guard_renew(&journal->guard);
}

void journal_free(struct journal *journal)
{
    if (journal == NULL) {
        return;
    }
    guard_end(&journal->guard);
    if (journal->header != NULL) {
        (void)munmap(journal->header, MAPPED_SIZE);
    }
    cleanup_closep(&journal->fd);
    free(journal);
}

void journal_remove_all(int folder_fd)
{
    const struct dirent *entry;
    int fd = openat(folder_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);
    if (folder == NULL) {
        cleanup_closep(&fd);
        return;
    }
    while ((entry = readdir(folder)) != NULL) {
        struct str name = str_from(entry->d_name);
        uint64_t found = 0;
        if (str_starts_with(name, NAME_PREFIX) &&
            str_parse_u64((struct str){name.ptr + NAME_PREFIX.len, name.len - NAME_PREFIX.len}, UINT64_MAX,
                          &found)) {
            (void)unlinkat(folder_fd, entry->d_name, 0);
        }
    }
    (void)closedir(folder);
}

static struct entry read_entry(const uint8_t *at)
{
    struct entry entry;
    memcpy(&entry, at, sizeof(entry));
    return (struct entry){
        .sum = le64toh(entry.sum),
        .revision = le64toh(entry.revision),
        .key_len = le16toh(entry.key_len),
        .value_len = le16toh(entry.value_len),
        .is_deleted = entry.is_deleted,
    };
}

/* A cheap check before the checksum, because the search for the end examines every position. */
static bool is_plausible(const uint8_t *at)
{
    struct entry entry;
    memcpy(&entry, at, sizeof(entry));
    return le16toh(entry.key_len) <= JOURNAL_KEY_MAX && le16toh(entry.value_len) <= JOURNAL_VALUE_MAX &&
           entry.is_deleted <= 1 && (entry.zeros[0] | entry.zeros[1] | entry.zeros[2]) == 0;
}

/* Drops the oldest entries until there is room. Returns false if the oldest remaining entry is not stored
 * yet. */
static bool make_room(struct journal *journal, uint64_t stored_revision, size_t size)
{
    uint64_t begin = journal->begin;
    while (RING_SIZE - (journal->end - begin) < size) {
        struct entry oldest = read_entry(journal->ring + begin % RING_SIZE);
        if (begin == journal->end || oldest.revision > stored_revision) {
            return false;
        }
        begin += size_of(oldest.key_len, oldest.value_len);
    }
    if (begin != journal->begin) {
        journal->begin = begin;
        /* Updated before the old entries are overwritten. */
        atomic_store(&journal->header->begin, htole64(begin));
    }
    return true;
}

bool journal_put(struct journal *journal, uint64_t stored_revision, uint64_t revision,
                 const struct journal_pair *pair)
{
    size_t size = size_of(pair->key.len, pair->value.len);
    assert(pair->key.len <= JOURNAL_KEY_MAX && pair->value.len <= JOURNAL_VALUE_MAX);
    if (journal_is_lost(journal) || !make_room(journal, stored_revision, size)) {
        return false;
    }
    uint8_t *at = journal->ring + journal->end % RING_SIZE;
    struct entry entry = {
        .revision = htole64(revision),
        .key_len = htole16((uint16_t)pair->key.len),
        .value_len = htole16((uint16_t)pair->value.len),
        .is_deleted = pair->is_deleted,
    };
    memset(at + size - 8, 0, 8);
    memcpy(at, &entry, sizeof(entry));
    memcpy(at + sizeof(entry), pair->key.ptr, pair->key.len);
    memcpy(at + sizeof(entry) + pair->key.len, pair->value.ptr, pair->value.len);
    entry.sum = htole64(sum_of(journal->run, journal->end, at + 8, size - 8));
    memcpy(at, &entry.sum, sizeof(entry.sum));
    journal->end += size;
    return !journal_is_lost(journal);
}

void journal_complete(struct journal *journal, uint64_t revision)
{
    /* Ordered after the stores to the file: a thread that sees the revision may answer OK. */
    atomic_store_explicit(&journal->revision, revision, memory_order_release);
}

int journal_sync(const struct journal *journal)
{
    return fdatasync(journal->fd) == 0 ? 0 : -errno;
}

uint64_t journal_revision(const struct journal *journal)
{
    return journal_is_lost(journal) ? 0 : atomic_load_explicit(&journal->revision, memory_order_acquire);
}

/* Missing bytes count as zeros; then the checksum does not match. */
static int read_file(struct journal_reader *reader, int fd)
{
    struct {
        void *to;
        size_t size;
        size_t offset;
    } const parts[] = {{&reader->header, sizeof(reader->header), 0}, {reader->ring, RING_SIZE, HEADER_SIZE}};
    for (unsigned i = 0; i < 2; i++) {
        size_t done = 0;
        ssize_t n = 1;
        while (done < parts[i].size && n != 0) {
            n = pread(fd, (char *)parts[i].to + done, parts[i].size - done, (off_t)(parts[i].offset + done));
            if (n < 0 && errno != EINTR) {
                return -errno;
            }
            done += n < 0 ? 0 : (size_t)n;
        }
    }
    memcpy(reader->ring + RING_SIZE, reader->ring, RING_SIZE);
    return 0;
}

static bool check_header(const struct journal_reader *reader)
{
    const struct header *header = &reader->header;
    return memcmp(header->magic, MAGIC, sizeof(header->magic)) == 0 && le64toh(header->run) == reader->run &&
           le64toh(header->ring_size) == RING_SIZE && le64toh(header->sum) == sum_of_header(header);
}

int journal_open(int folder_fd, uint64_t run, struct journal_reader **ret_reader,
                 struct engine_error *ret_error)
{
    char name[NAME_SIZE];
    name_of(run, name);
    cleanup(cleanup_closep) int fd = openat(folder_fd, name, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        (void)snprintf(ret_error->text, sizeof(ret_error->text), "its file %s cannot be read: %s", name,
                       strerror(errno));
        return errno == ENOENT ? -EBADMSG : -errno;
    }
    cleanup(journal_reader_freep) struct journal_reader *reader = calloc(1, sizeof(*reader));
    if (reader == NULL) {
        return -ENOMEM;
    }
    reader->run = run;
    int r = read_file(reader, fd);
    if (r == 0 && !check_header(reader)) {
        r = -EBADMSG;
    }
    if (r < 0) {
        (void)snprintf(ret_error->text, sizeof(ret_error->text), "its file %s is not as it was written",
                       name);
        return r;
    }
    reader->begin = le64toh(atomic_load(&reader->header.begin));
    reader->at = reader->begin;
    reader->is_of_this_boot = is_this_boot(&reader->header);
    *ret_reader = take_pointer(reader);
    return 0;
}

void journal_reader_free(struct journal_reader *reader)
{
    free(reader);
}

/* Returns the size of the entry, or 0 if there is no valid entry. */
static size_t check_entry(const struct journal_reader *reader, uint64_t at)
{
    uint64_t left = reader->begin + RING_SIZE - at;
    if (at % 8 != 0 || left > RING_SIZE || left < sizeof(struct entry)) {
        return 0;
    }
    const uint8_t *bytes = reader->ring + at % RING_SIZE;
    struct entry entry = read_entry(bytes);
    size_t size = size_of(entry.key_len, entry.value_len);
    if (!is_plausible(bytes) || size > left || sum_of(reader->run, at, bytes + 8, size - 8) != entry.sum) {
        return 0;
    }
    return size;
}

bool journal_next(struct journal_reader *reader, uint64_t *ret_revision, struct journal_pair *ret_pair)
{
    size_t size = check_entry(reader, reader->at);
    if (size == 0) {
        return false;
    }
    const uint8_t *bytes = reader->ring + reader->at % RING_SIZE;
    struct entry entry = read_entry(bytes);
    const char *key = (const char *)bytes + sizeof(entry);
    reader->at += size;
    *ret_revision = entry.revision;
    *ret_pair = (struct journal_pair){
        .is_deleted = entry.is_deleted != 0,
        .key = {key, entry.key_len},
        .value = {key + entry.key_len, entry.value_len},
    };
    return true;
}

bool journal_is_of_this_boot(const struct journal_reader *reader)
{
    return reader->is_of_this_boot;
}

bool journal_ends_well(const struct journal_reader *reader)
{
    if (!reader->is_of_this_boot) {
        return true;
    }
    /* No valid entry of this round may follow an incomplete one. */
    for (uint64_t at = reader->at + 8; at < reader->begin + RING_SIZE; at += 8) {
        if (check_entry(reader, at) != 0) {
            return false;
        }
    }
    return true;
}

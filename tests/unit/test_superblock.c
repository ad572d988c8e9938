/* SPDX-License-Identifier: MIT */
#include "../../src/store/superblock.h"
#include "suite.h"

#include "presenced/cleanup.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#define PLACE_DISTANCE 4096

static char folder[64];
static int folder_fd = -1;
static struct superblock synced;
static uint32_t version;

static const struct superblock_mark mark = {
    .sequence = UINT64_C(0x123456789a),
    .files = {.manifest = {5, 600}, .logs = {{7, 8}, [FILES_N_LOGS_MAX - 1] = {9, 10}}},
};

static void set_up(void)
{
    (void)snprintf(folder, sizeof(folder), "/tmp/presenced-synced-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ck_assert_int_ge(folder_fd, 0);
    version = 77;
    ck_assert_int_eq(superblock_open(folder_fd, true, &synced, &version), 0);
}

static void tear_down(void)
{
    superblock_close(&synced);
    (void)unlinkat(folder_fd, "SYNCED", 0);
    (void)close(folder_fd);
    (void)rmdir(folder);
}

static int reopen(void)
{
    superblock_close(&synced);
    return superblock_open(folder_fd, false, &synced, &version);
}

/* Overwrites a byte of a place. */
static void spoil(unsigned place, size_t at)
{
    cleanup(cleanup_closep) int fd = openat(folder_fd, "SYNCED", O_RDWR | O_CLOEXEC);
    char byte;
    off_t offset = (off_t)(place * PLACE_DISTANCE + at);
    ck_assert_int_eq(pread(fd, &byte, 1, offset), 1);
    byte = (char)(byte ^ 1);
    ck_assert_int_eq(pwrite(fd, &byte, 1, offset), 1);
}

static void cut(off_t size)
{
    cleanup(cleanup_closep) int fd = openat(folder_fd, "SYNCED", O_RDWR | O_CLOEXEC);
    ck_assert_int_eq(ftruncate(fd, size), 0);
}

START_TEST(a_new_one_says_creating)
{
    struct stat status;
    ck_assert_int_eq(synced.state, SUPERBLOCK_CREATING);
    ck_assert_uint_eq(synced.mark.sequence, 0);
    ck_assert_int_eq(fstat(synced.fd, &status), 0);
    ck_assert_uint_eq(status.st_mode & 0777, 0600);
    ck_assert_int_eq(reopen(), 0);
    ck_assert_int_eq(synced.state, SUPERBLOCK_CREATING);
}
END_TEST

START_TEST(says_that_there_is_none)
{
    superblock_close(&synced);
    ck_assert_int_eq(unlinkat(folder_fd, "SYNCED", 0), 0);
    ck_assert_int_eq(superblock_open(folder_fd, false, &synced, &version), SUPERBLOCK_NONE);
    ck_assert_int_eq(synced.fd, -1);
}
END_TEST

START_TEST(last_write_counts)
{
    static const enum superblock_state states[] = {SUPERBLOCK_OPEN, SUPERBLOCK_CLOSED, SUPERBLOCK_OPEN};
    struct superblock_mark written = mark;
    for (unsigned i = 0; i < 3; i++) {
        written.sequence = mark.sequence + i;
        ck_assert_int_eq(superblock_write(&synced, states[i], &written), 0);
        ck_assert_int_eq(reopen(), 0);
        ck_assert_int_eq(synced.state, states[i]);
        ck_assert_mem_eq(&synced.mark, &written, sizeof(written));
    }
}
END_TEST

/* Whatever a power cut leaves of the place that was being written. */
START_TEST(outlives_a_torn_write)
{
    static const size_t at[] = {0, 8, 12, 20, 24, 40, 300, 508, 511};
    struct superblock_mark older = mark;
    older.sequence--;
    ck_assert_int_eq(superblock_write(&synced, SUPERBLOCK_OPEN, &older), 0);
    ck_assert_int_eq(superblock_write(&synced, SUPERBLOCK_CLOSED, &mark), 0);
    unsigned newest = synced.n_writes % 2;
    spoil(newest, at[_i]);
    ck_assert_int_eq(reopen(), 0);
    ck_assert_int_eq(synced.state, SUPERBLOCK_OPEN);
    ck_assert_uint_eq(synced.mark.sequence, older.sequence);
    /* And the next write goes where nothing is lost by it. */
    ck_assert_int_eq(superblock_write(&synced, SUPERBLOCK_CLOSED, &mark), 0);
    ck_assert_uint_eq(synced.n_writes % 2, newest);
}
END_TEST

START_TEST(says_that_both_places_are_damaged)
{
    spoil(0, 30);
    spoil(1, 30);
    ck_assert_int_eq(reopen(), SUPERBLOCK_DAMAGED);
    cut(100);
    ck_assert_int_eq(reopen(), SUPERBLOCK_DAMAGED);
    /* Empty is new only where it may be. */
    cut(0);
    ck_assert_int_eq(reopen(), SUPERBLOCK_DAMAGED);
    ck_assert_int_eq(superblock_open(folder_fd, true, &synced, &version), 0);
}
END_TEST

START_TEST(one_process_has_it_at_a_time)
{
    struct superblock second = {.fd = -1};
    ck_assert_int_eq(superblock_open(folder_fd, true, &second, &version), SUPERBLOCK_BUSY);
    ck_assert_int_eq(second.fd, -1);
    ck_assert_int_eq(reopen(), 0);
}
END_TEST

/* Also another file of that name is not the store's. */
START_TEST(notices_that_it_was_removed)
{
    ck_assert(!superblock_is_removed(&synced, folder));
    ck_assert(superblock_is_removed(&synced, "/nowhere"));
    ck_assert(superblock_is_removed(&synced, "/dev/null"));
    ck_assert_int_eq(renameat(folder_fd, "SYNCED", folder_fd, "moved"), 0);
    ck_assert(superblock_is_removed(&synced, folder));
    cleanup(cleanup_closep) int other = openat(folder_fd, "SYNCED", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    ck_assert_int_ge(other, 0);
    ck_assert(superblock_is_removed(&synced, folder));
    ck_assert_int_eq(renameat(folder_fd, "moved", folder_fd, "SYNCED"), 0);
    ck_assert(!superblock_is_removed(&synced, folder));
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("synced");
    TCase *tcase = tcase_create("synced");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, a_new_one_says_creating);
    tcase_add_test(tcase, says_that_there_is_none);
    tcase_add_test(tcase, last_write_counts);
    tcase_add_loop_test(tcase, outlives_a_torn_write, 0, 9);
    tcase_add_test(tcase, says_that_both_places_are_damaged);
    tcase_add_test(tcase, one_process_has_it_at_a_time);
    tcase_add_test(tcase, notices_that_it_was_removed);
    suite_add_tcase(suite, tcase);
    return suite;
}

/* SPDX-License-Identifier: MIT */
/* A disk that takes long to sync, or says that it could not, under a store with a journal: what an fsync has
 * to return for is durable when it has. */
#include "store_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/syscall.h>

static struct store_fixture *const f = &store_fixture;
static _Atomic bool holds;
static _Atomic bool fails;
static _Atomic bool tears;
static _Atomic bool is_torn;
static _Atomic bool tells;
static pthread_t tester; /* copies files meanwhile */

/* In the place of the C library's, whose own names are reserved. */
int fdatasync(int fd) /* NOLINT(readability-inconsistent-declaration-parameter-name) */
{
    while (atomic_load(&holds)) {
        (void)poll(NULL, 0, 1);
    }
    if (atomic_load(&fails)) {
        errno = EIO;
        return -1;
    }
    return (int)syscall(SYS_fdatasync, fd);
}

/* Whether it is a file of the store whose name ends so. */
static bool is_stored_in(int fd, const char *suffix)
{
    char link[64];
    char path[256];
    size_t len = strlen(suffix);
    (void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof(path));
    return n > (ssize_t)strlen(f->path) && memcmp(path, f->path, strlen(f->path)) == 0 &&
           memcmp(path + (size_t)n - len, suffix, len) == 0;
}

/* While `tears` says so, there is room for half of what is written to the engine's log and for nothing that
 * comes after it; that there is none for the rest is not told before `tells`. */
ssize_t write(int fd, const void *bytes, /* NOLINT(readability-inconsistent-declaration-parameter-name) */
              size_t size)
{
    bool is_full = atomic_load(&tears) && !pthread_equal(pthread_self(), tester) &&
                   is_stored_in(fd, atomic_load(&is_torn) ? "" : ".log");
    if (!is_full) {
        return syscall(SYS_write, fd, bytes, size);
    }
    if (!atomic_exchange(&is_torn, true)) {
        return syscall(SYS_write, fd, bytes, size / 2);
    }
    while (!atomic_load(&tells)) {
        (void)poll(NULL, 0, 1);
    }
    errno = ENOSPC;
    return -1;
}

static uint64_t last_revision(void)
{
    return changes_last_revision(table_changes(f->table));
}

/* Something has changed that the engine has, and no fsync has returned for in the second that it has. */
static void change_unsynced(void)
{
    open_both();
    apply_events(100);
    await_durable();
    await_stored();
    await_sync();
    uint64_t synced = last_revision();
    atomic_store(&holds, true);
    while (last_revision() == synced) {
        apply_events(1);
    }
    await_stored();
    while (store_durable_revision(f->store) > synced) {
        (void)poll(NULL, 0, 5);
    }
    ck_assert_uint_eq(store_durable_revision(f->store), synced);
}

START_TEST(sync_comes_late)
{
    change_unsynced();
    atomic_store(&holds, false);
    await_durable();
}
END_TEST

/* Who waited for the fsync is not told that all is well when it has failed. */
START_TEST(sync_fails_late)
{
    change_unsynced();
    atomic_store(&fails, true);
    atomic_store(&holds, false);
    await_problem("I/O error");
    ck_assert_uint_lt(store_durable_revision(f->store), last_revision());
    atomic_store(&fails, false);
    await_problem(NULL);
    await_durable();
}
END_TEST

/* The engine cuts off the half of a write that failed. What was synced of the log must not count it, or the
 * next start would miss it. */
START_TEST(synced_amid_a_write_that_fails)
{
    char copy[STORE_FIXTURE_PATH_SIZE * 2];
    change_unsynced();
    tester = pthread_self();
    atomic_store(&tears, true);
    while (!atomic_load(&is_torn)) {
        apply_events(1);
    }
    atomic_store(&holds, false);
    (void)poll(NULL, 0, 1000); /* the fsync thread would have gone round */
    atomic_store(&tells, true);
    await_problem("disk full");
    (void)snprintf(copy, sizeof(copy), "%.90s/copy", f->root);
    copy_still(copy);
    atomic_store(&tears, false);
    await_problem(NULL);
    await_stored();
    close_both();
    memcpy(f->path, copy, sizeof(f->path));
    open_both();
}
END_TEST

#define JOURNAL_SIZE ((4 << 20) + 4096)

static uint8_t *read_journal(void)
{
    char path[STORE_FIXTURE_PATH_SIZE * 2];
    find_file(f->path, "JOURNAL", path);
    ck_assert_uint_eq(file_size(path), JOURNAL_SIZE);
    uint8_t *bytes = malloc(JOURNAL_SIZE);
    cleanup(cleanup_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
    ck_assert_int_eq(pread(fd, bytes, JOURNAL_SIZE, 0), JOURNAL_SIZE);
    return bytes;
}

/* Whether events change what is in the journal. */
static bool reach_the_journal(void)
{
    cleanup(cleanup_freep) uint8_t *before = read_journal();
    uint64_t revision = last_revision();
    while (last_revision() < revision + 10) {
        apply_events(1);
    }
    cleanup(cleanup_freep) uint8_t *after = read_journal();
    return memcmp(before, after, JOURNAL_SIZE) != 0;
}

/* Nobody who changes the table touches the mapped file while the disk stands still. */
START_TEST(stuck_disk_is_not_touched)
{
    change_unsynced();
    ck_assert(!reach_the_journal());
    atomic_store(&holds, false);
    await_durable();
    await_stored();
    ck_assert(reach_the_journal());
    await_durable();
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("store_sync");
    TCase *tcase = tcase_create("store_sync");
    tcase_add_checked_fixture(tcase, store_fixture_set_up, store_fixture_tear_down);
    tcase_set_timeout(tcase, 120);
    tcase_add_test(tcase, sync_comes_late);
    tcase_add_test(tcase, sync_fails_late);
    tcase_add_test(tcase, synced_amid_a_write_that_fails);
    tcase_add_test(tcase, stuck_disk_is_not_touched);
    suite_add_tcase(suite, tcase);
    return suite;
}

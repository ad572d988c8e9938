/* SPDX-License-Identifier: MIT */
/* A disk that takes long to sync, or says that it could not, under a store with a journal: what an fsync has
 * to return for is durable when it has. */
#include "store_fixture.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <sys/syscall.h>

static struct store_fixture *const f = &store_fixture;
static _Atomic bool holds;
static _Atomic bool fails;

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

START_TEST(test_sync_comes_late)
{
    change_unsynced();
    atomic_store(&holds, false);
    await_durable();
}
END_TEST

/* Who waited for the fsync is not told that all is well when it has failed. */
START_TEST(test_sync_fails_late)
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

Suite *test_suite(void)
{
    Suite *suite = suite_create("store_sync");
    TCase *tcase = tcase_create("store_sync");
    tcase_add_checked_fixture(tcase, store_fixture_set_up, store_fixture_tear_down);
    tcase_set_timeout(tcase, 120);
    tcase_add_test(tcase, test_sync_comes_late);
    tcase_add_test(tcase, test_sync_fails_late);
    suite_add_tcase(suite, tcase);
    return suite;
}

/* SPDX-License-Identifier: MIT */
/* A disk that is full, for real: a small file system in memory, which only root may mount. Without that it
 * says so, and tests no more than files that may not grow. */
#include "store_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>

static struct store_fixture *const f = &store_fixture;
static char disk[STORE_FIXTURE_PATH_SIZE];
static bool is_mounted;

static void set_up(void)
{
    store_fixture_set_up();
    (void)snprintf(disk, sizeof(disk), "%.90s/disk", f->root);
    (void)snprintf(f->path, sizeof(f->path), "%.90s/disk/store", f->root);
    ck_assert_int_eq(mkdir(disk, 0700), 0);
    is_mounted = mount("tmpfs", disk, "tmpfs", 0, "size=16m") == 0;
    if (!is_mounted) {
        (void)printf("skipped: a file system cannot be mounted: %s\n", strerror(errno));
    }
}

static void tear_down(void)
{
    close_both();
    if (is_mounted) {
        (void)umount(disk);
    }
    store_fixture_tear_down();
}

static void ballast_path(char ret_path[static STORE_FIXTURE_PATH_SIZE * 2])
{
    (void)snprintf(ret_path, (size_t)STORE_FIXTURE_PATH_SIZE * 2, "%.100s/ballast", disk);
}

/* Takes all room but some. */
static void fill_disk(size_t n_left)
{
    static const char zeros[4096];
    char path[STORE_FIXTURE_PATH_SIZE * 2];
    ballast_path(path);
    cleanup(cleanup_closep) int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    ck_assert_int_ge(fd, 0);
    while (write(fd, zeros, sizeof(zeros)) == (ssize_t)sizeof(zeros)) {}
    ck_assert_int_eq(errno, ENOSPC);
    ck_assert_int_eq(ftruncate(fd, (off_t)(file_size(path) - n_left)), 0);
}

static void make_room(void)
{
    char path[STORE_FIXTURE_PATH_SIZE * 2];
    ballast_path(path);
    ck_assert_int_eq(unlink(path), 0);
}

/* No faster than the writer thread keeps up: else it writes the whole table again and again, which fills no
 * disk. */
static void apply_until_full(unsigned n_at_a_time)
{
    struct store_stats stats;
    while (store_problem(f->store) == NULL) {
        apply_events(n_at_a_time);
        do {
            (void)poll(NULL, 0, 1);
            store_stats(f->store, &stats);
        } while (stats.lag > n_at_a_time && store_problem(f->store) == NULL);
    }
}

static const struct {
    size_t n_left;
    size_t changes_max_entries; /* fewer than come meanwhile: the whole table must be written afterwards */
} fillings[] = {{0, 0}, {4096, 0}, {65536, 0}, {65536, 256}, {1048576, 0}, {2621440, 0}};

START_TEST(disk_is_full_for_a_while)
{
    struct store_stats stats;
    if (!is_mounted) {
        return;
    }
    f->table_config.changes_max_entries = fillings[_i].changes_max_entries;
    open_both();
    apply_events(2000);
    await_stored();
    for (unsigned round = 0; round < 2; round++) {
        fill_disk(fillings[_i].n_left);
        apply_until_full(500);
        ck_assert_str_eq(store_problem(f->store), "disk full");
        apply_events(2000);
        ck_assert_uint_lt(store_durable_revision(f->store), changes_last_revision(table_changes(f->table)));
        make_room();
        await_problem(NULL);
        await_stored();
    }
    store_stats(f->store, &stats);
    ck_assert_uint_gt(stats.n_failures, 0);
    ck_assert(fillings[_i].changes_max_entries == 0 || stats.n_rewritten > 0);
    apply_events(1000);
    expect_same_reopened();
}
END_TEST

/* What was durable before is there, though the disk is full still. */
START_TEST(killed_while_full)
{
    char copy[STORE_FIXTURE_PATH_SIZE * 2];
    if (!is_mounted) {
        return;
    }
    open_both();
    apply_events(2000);
    await_stored();
    await_sync();
    fill_disk(65536);
    apply_until_full(100);
    (void)snprintf(copy, sizeof(copy), "%.90s/copy", f->root);
    copy_still(copy);
    uint64_t durable = store_durable_revision(f->store);
    ck_assert_uint_ge(durable, 1);
    struct store *full = take_pointer(f->store);
    struct table *table = keep_table();
    memcpy(f->path, copy, sizeof(f->path));
    open_both();
    close_both();
    f->store = full;
    f->table = table;
    make_room();
}
END_TEST

START_TEST(no_room_to_begin)
{
    if (!is_mounted) {
        return;
    }
    fill_disk(0);
    expect_refused(-ENOSPC, "No space left on device");
    make_room();
    open_both();
    apply_events(100);
    expect_same_reopened();
}
END_TEST

/* A try a second must not come to files without number, empty or not. */
START_TEST(tries_leave_nothing)
{
    struct store_stats stats;
    char pattern[STORE_FIXTURE_PATH_SIZE * 2];
    glob_t found = {0};
    if (!is_mounted) {
        return;
    }
    open_both();
    apply_events(2000);
    await_stored();
    fill_disk(0);
    do {
        apply_events(100);
        (void)poll(NULL, 0, 5);
        store_stats(f->store, &stats);
    } while (stats.n_failures < 4);
    (void)snprintf(pattern, sizeof(pattern), "%.100s/LOG.old*", f->path);
    (void)glob(pattern, 0, NULL, &found);
    ck_assert_uint_le(found.gl_pathc, 1);
    globfree(&found);
    make_room();
    await_problem(NULL);
    expect_same_reopened();
}
END_TEST

START_TEST(closed_while_full)
{
    if (!is_mounted) {
        return;
    }
    open_both();
    apply_events(2000);
    await_stored();
    fill_disk(0);
    apply_until_full(100);
    close_both();
    make_room();
    open_both();
}
END_TEST

/* As `ulimit -f`, a file system's largest file or a quota has it. SIGXFSZ is the program's to ignore. */
static void limit_files(rlim_t size_bytes)
{
    const struct rlimit limit = {.rlim_cur = size_bytes, .rlim_max = RLIM_INFINITY};
    (void)signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static const rlim_t file_limits[] = {0, 4096, 65536};

START_TEST(files_may_not_grow_for_a_while)
{
    f->durability = STORE_COMMIT;
    open_both();
    apply_events(2000);
    await_stored();
    for (unsigned round = 0; round < 2; round++) {
        limit_files(file_limits[_i]);
        apply_until_full(500);
        await_problem("disk full");
        apply_events(2000);
        ck_assert_uint_lt(store_durable_revision(f->store), changes_last_revision(table_changes(f->table)));
        limit_files(RLIM_INFINITY);
        await_problem(NULL);
        await_stored();
    }
    expect_same_reopened();
}
END_TEST

START_TEST(no_file_may_grow_to_begin)
{
    limit_files(0);
    expect_refused(-EFBIG, "File too large");
    limit_files(65536);
    expect_refused(-EFBIG, "File too large");
    limit_files(RLIM_INFINITY);
    open_both();
    apply_events(100);
    expect_same_reopened();
}
END_TEST

static TCase *limit_tests(void)
{
    TCase *tcase = tcase_create("limits");
    tcase_add_checked_fixture(tcase, store_fixture_set_up, store_fixture_tear_down);
    tcase_set_timeout(tcase, 120);
    tcase_add_loop_test(tcase, files_may_not_grow_for_a_while, 0,
                        sizeof(file_limits) / sizeof(file_limits[0]));
    tcase_add_test(tcase, no_file_may_grow_to_begin);
    return tcase;
}

Suite *test_suite(void)
{
    Suite *suite = suite_create("store_full");
    TCase *tcase = tcase_create("store_full");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_set_timeout(tcase, 120);
    tcase_add_loop_test(tcase, disk_is_full_for_a_while, 0, sizeof(fillings) / sizeof(fillings[0]));
    tcase_add_test(tcase, killed_while_full);
    tcase_add_test(tcase, no_room_to_begin);
    tcase_add_test(tcase, tries_leave_nothing);
    tcase_add_test(tcase, closed_while_full);
    suite_add_tcase(suite, tcase);
    suite_add_tcase(suite, limit_tests());
    return suite;
}

/* SPDX-License-Identifier: MIT */
/* What was stored is there again; what is not as it should be is refused, and left as it was. */
#include "store_fixture.h"

#include "presenced/clock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

static struct store_fixture *const f = &store_fixture;

#define JOURNAL_BEGIN_OFFSET 512
#define JOURNAL_LOST_BYTES 1000000

static const enum store_durability durabilities[] = {STORE_RELAXED, STORE_COMMIT, STORE_SYNC};

START_TEST(reopened_table_is_the_same)
{
    f->durability = durabilities[_i];
    struct table *before = NULL;
    for (unsigned round = 0; round < 4; round++) {
        open_both();
        if (before != NULL) {
            expect_same_tables(before, f->table);
            table_free(before);
        }
        apply_events(2000);
        store_close(take_pointer(f->store));
        before = keep_table();
    }
    table_free(before);
}
END_TEST

START_TEST(durable_is_what_was_applied)
{
    f->durability = durabilities[_i];
    open_both();
    ck_assert_uint_eq(store_durable_revision(f->store), 0);
    if (f->durability == STORE_COMMIT) { /* at once, from the first on */
        apply_events(1);
        ck_assert_uint_eq(store_durable_revision(f->store), changes_last_revision(table_changes(f->table)));
    }
    for (unsigned i = 0; i < 20; i++) {
        apply_events(1 + i * i);
        await_durable();
    }
    await_stored();
    struct store_stats stats;
    store_stats(f->store, &stats);
    ck_assert_uint_eq(stats.stored_revision, changes_last_revision(table_changes(f->table)));
    ck_assert_uint_eq(stats.lag, 0);
    ck_assert_uint_eq(stats.n_changes, stats.stored_revision);
    ck_assert_uint_ge(stats.n_commits, f->durability == STORE_SYNC ? 20 : 2);
    ck_assert_uint_eq(stats.n_failures + stats.n_rewritten, 0);
    ck_assert_ptr_null(store_problem(f->store));
}
END_TEST

/* What may be lost does not grow with the time that a write takes. */
START_TEST(relaxed_waits_for_a_slow_engine)
{
    f->durability = STORE_RELAXED;
    open_both();
    await_stored();
    hold_writer();
    struct store_stats stats;
    store_stats(f->store, &stats);
    apply_events(10);
    while (store_durable_revision(f->store) > stats.stored_revision) {
        (void)poll(NULL, 0, 1);
    }
    ck_assert_ptr_null(store_problem(f->store));
    release_writer();
    await_durable();
}
END_TEST

/* The copy, opened again, has what the running one has. Twice: the first leaves nothing that hinders. */
static void expect_copy_is_same(const char *copy)
{
    char path[STORE_FIXTURE_PATH_SIZE];
    struct store *running = take_pointer(f->store);
    struct table *table = take_pointer(f->table);
    memcpy(path, f->path, sizeof(path));
    memcpy(f->path, copy, sizeof(f->path));
    for (unsigned i = 0; i < 2; i++) {
        open_table();
        int r = open_store();
        ck_assert_msg(r == 0, "%d: %s", r, f->problem);
        expect_same_tables(table, f->table);
        close_both();
    }
    memcpy(f->path, path, sizeof(path));
    f->store = running;
    f->table = table;
}

/* An app that the store has not been told of, and a platform that it has not heard of. */
static void apply_to_new_app(unsigned number)
{
    static const char *const names[] = {"Pigeon", "Smoke", "Semaphore"};
    struct table_applied applied;
    uint16_t app = 0;
    ck_assert_int_eq(table_add_app(f->table, 1499999990 + number, &app), 0);
    const struct table_event event = {
        .platform = platform_intern(table_platform_names(f->table), str_from(names[number])),
        .user_id = STR("first of a new app"),
        .app = app,
        .has_event_time = true,
        .event_time_ms = clock_unix_ms(),
    };
    ck_assert_int_eq(table_apply(f->table, &event, clock_unix_ms(), &applied), TABLE_CHANGED);
}

/* Whether the store was told of it or not, and though the next daemon does not know it. */
START_TEST(app_added_while_running)
{
    f->durability = durabilities[_i];
    open_both();
    apply_events(100);
    await_stored();
    apply_to_new_app(0);
    expect_same_reopened();
}
END_TEST

static const uint64_t max_users[] = {0, 50};

/* All that the engine does not have yet comes from the journal, and also that users were dropped. */
START_TEST(killed_with_all_in_the_journal)
{
    char copy[STORE_FIXTURE_PATH_SIZE * 2];
    f->table_config.max_users = max_users[_i];
    for (unsigned round = 0; round < 3; round++) {
        open_both();
        apply_events(300);
        hold_writer();
        apply_events(1000);
        if (max_users[_i] == 0) { /* else there is no room for it */
            apply_to_new_app(round);
        }
        (void)snprintf(copy, sizeof(copy), "%.90s/copy%u", f->root, round);
        copy_still(copy);
        release_writer();
        expect_copy_is_same(copy);
        close_both();
    }
}
END_TEST

START_TEST(order_of_apps_does_not_matter)
{
    open_both();
    apply_events(3000);
    store_close(take_pointer(f->store));
    struct table *before = keep_table();
    uint16_t app;
    /* The last app is first now, and the others are not configured any more. */
    ck_assert_int_eq(table_new(&f->table_config, &f->table), 0);
    ck_assert_int_eq(table_add_app(f->table, HISTORY_FIRST_APP_ID + HISTORY_N_APPS_MAX - 1, &app), 0);
    ck_assert_int_eq(open_store(), 0);
    ck_assert_uint_eq(table_n_apps(f->table), HISTORY_N_APPS_MAX);
    expect_same_tables(before, f->table);
    table_free(before);
}
END_TEST

START_TEST(forgotten_users_stay_forgotten)
{
    struct table_counts counts;
    f->table_config.max_users = 50;
    open_both();
    apply_events(5000);
    table_counts(f->table, 0, &counts);
    ck_assert_uint_gt(counts.n_dropped_for_room, 0);
    ck_assert_uint_gt(counts.forgotten_before_ms, 0);
    expect_same_reopened();
}
END_TEST

static uint64_t n_held(void)
{
    uint64_t n = 0;
    for (unsigned app = 0; app < table_n_apps(f->table); app++) {
        struct table_counts counts;
        table_counts(f->table, (uint16_t)app, &counts);
        for (unsigned state = 0; state < USER_N_STATES; state++) {
            n += counts.n_users[state];
        }
    }
    return n;
}

/* Loaded whatever max_users says, and then those longest offline go, here and in the store. */
START_TEST(fewer_users_allowed_than_stored)
{
    open_both();
    apply_events(3000);
    uint64_t n_before = n_held();
    ck_assert_uint_gt(n_before, 1000);
    close_both();
    f->table_config.max_users = n_before - 100;
    open_both();
    ck_assert_uint_eq(n_held(), n_before);
    (void)table_tick(f->table, clock_unix_ms());
    ck_assert_uint_eq(n_held(), n_before - 100);
    expect_same_reopened();
}
END_TEST

START_TEST(online_by_the_minute)
{
    const uint64_t t0 = UINT64_C(1699999980000);
    open_both();
    store_record_online(f->store, t0 + 1, 5);
    store_record_online(f->store, t0 + 59999, 6);
    store_record_online(f->store, t0 + 60000, 7);
    apply_events(1);
    await_stored();
    store_record_online(f->store, t0 + 120000, 8);
    close_both();
    open_both();
    ck_assert_uint_ge(f->n_minutes, 2);
    ck_assert_uint_eq(f->minutes[0].unix_ms, t0);
    ck_assert_uint_eq(f->minutes[0].n_online, 6);
    ck_assert_uint_eq(f->minutes[f->n_minutes - 1].unix_ms, t0 + 120000);
    ck_assert_uint_eq(f->minutes[f->n_minutes - 1].n_online, 8);
}
END_TEST

/* More changes than the log holds come at once: the whole table is written, and those who were dropped
 * meanwhile are deleted. */
START_TEST(changes_lost_from_the_log)
{
    struct store_stats stats;
    f->table_config.changes_max_entries = 64;
    f->table_config.max_users = 3000;
    open_both();
    apply_events(30000);
    await_stored();
    store_stats(f->store, &stats);
    ck_assert_uint_gt(stats.n_rewritten, 0);
    expect_same_reopened();
}
END_TEST

/* More than the journal takes and the log holds: then the engine has more than what the journal goes on from,
 * and that must not be put over what is newer. */
START_TEST(killed_after_the_whole_table_was_written)
{
    struct store_stats stats;
    char copy[STORE_FIXTURE_PATH_SIZE * 2];
    f->table_config.changes_max_entries = 64;
    open_both();
    hold_writer();
    do {
        apply_events(1000);
    } while (store_durable_revision(f->store) == changes_last_revision(table_changes(f->table)));
    release_writer();
    await_stored();
    store_stats(f->store, &stats);
    ck_assert_uint_gt(stats.n_rewritten, 0);
    (void)snprintf(copy, sizeof(copy), "%.90s/copy", f->root);
    copy_still(copy);
    expect_copy_is_same(copy);
}
END_TEST

/* Where an entry found no room, a shorter one after it may: what is durable ends before both. */
START_TEST(no_entry_after_a_gap)
{
    open_both();
    const struct changes *changes = table_changes(f->table);
    hold_writer();
    do {
        apply_events(1);
    } while (store_durable_revision(f->store) == changes_last_revision(changes));
    uint64_t durable = store_durable_revision(f->store);
    apply_events(1000);
    ck_assert_uint_gt(changes_last_revision(changes), durable + 1);
    ck_assert_uint_eq(store_durable_revision(f->store), durable);
    release_writer();
    await_durable();
}
END_TEST

/* Applies events until the journal of these has lost its first. */
static void fill_journal(void)
{
    char path[STORE_FIXTURE_PATH_SIZE * 2];
    uint64_t begin = 0;
    find_file(f->path, "JOURNAL", path);
    cleanup(cleanup_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    while (begin < JOURNAL_LOST_BYTES) {
        apply_events(5000);
        await_stored();
        ck_assert_int_eq(pread(fd, &begin, sizeof(begin), JOURNAL_BEGIN_OFFSET), (ssize_t)sizeof(begin));
    }
}

static bool has_file(const char *name)
{
    char path[STORE_FIXTURE_PATH_SIZE * 2];
    (void)snprintf(path, sizeof(path), "%.100s/%s", f->path, name);
    return access(path, F_OK) == 0;
}

/* Events wait for the engine then, until there is a new one. */
START_TEST(journal_is_cut_from_outside)
{
    char path[STORE_FIXTURE_PATH_SIZE * 2];
    char copy[STORE_FIXTURE_PATH_SIZE * 2];
    open_both();
    apply_events(1000);
    find_file(f->path, "JOURNAL-1", path);
    cut_file(path, 0);
    while (!has_file("JOURNAL-2")) {
        apply_events(10);
        await_durable();
    }
    (void)snprintf(copy, sizeof(copy), "%.90s/copy", f->root);
    await_stored();
    copy_still(copy);
    expect_copy_is_same(copy);
    /* It is taken up as the first would have been. */
    hold_writer();
    apply_events(1000);
    ck_assert_uint_eq(store_durable_revision(f->store), changes_last_revision(table_changes(f->table)));
    (void)snprintf(copy, sizeof(copy), "%.90s/another", f->root);
    copy_still(copy);
    release_writer();
    expect_copy_is_same(copy);
    expect_same_reopened();
}
END_TEST

/* A journal of later than the rest: what was between is nowhere. */
START_TEST(copied_while_running)
{
    char copy[STORE_FIXTURE_PATH_SIZE * 2];
    char from[STORE_FIXTURE_PATH_SIZE * 2];
    char to[STORE_FIXTURE_PATH_SIZE * 2];
    open_both();
    apply_events(100);
    await_stored();
    (void)snprintf(copy, sizeof(copy), "%.90s/copy", f->root);
    copy_still(copy);
    fill_journal();
    find_file(f->path, "JOURNAL", from);
    find_file(copy, "JOURNAL", to);
    copy_file(from, to);
    close_both();
    memcpy(f->path, copy, sizeof(f->path));
    uint64_t before = hash_folder(f->path);
    expect_refused(-EBADMSG, "its journal begins behind what the engine has");
    ck_assert_uint_eq(hash_folder(f->path), before);
}
END_TEST

START_TEST(says_whether_it_was_closed)
{
    struct store_stats stats;
    char copy[STORE_FIXTURE_PATH_SIZE * 2];
    open_both();
    store_stats(f->store, &stats);
    ck_assert(!stats.was_closed);
    close_both();
    open_both();
    store_stats(f->store, &stats);
    ck_assert(stats.was_closed);
    (void)snprintf(copy, sizeof(copy), "%.100s/copy", f->root);
    copy_folder(f->path, copy);
    close_both();
    memcpy(f->path, copy, sizeof(f->path));
    open_both();
    store_stats(f->store, &stats);
    ck_assert(!stats.was_closed);
}
END_TEST

START_TEST(folder_is_for_its_user_alone)
{
    struct stat status;
    char path[STORE_FIXTURE_PATH_SIZE * 2];
    open_both();
    ck_assert_int_eq(stat(f->path, &status), 0);
    ck_assert_uint_eq(status.st_mode & 0777, 0700);
    find_file(f->path, "SYNCED", path);
    ck_assert_int_eq(stat(path, &status), 0);
    ck_assert_uint_eq(status.st_mode & 0777, 0600);
}
END_TEST

/* How many of the process's threads have a name that begins so, and are of that niceness. */
static unsigned count_threads(const char *prefix, int niceness)
{
    const struct dirent *entry;
    unsigned n = 0;
    DIR *tasks = opendir("/proc/self/task");
    ck_assert_ptr_nonnull(tasks);
    while ((entry = readdir(tasks)) != NULL) {
        char path[300];
        char name[32];
        (void)snprintf(path, sizeof(path), "/proc/self/task/%s/comm", entry->d_name);
        FILE *file = fopen(path, "re");
        bool has_name = file != NULL && fgets(name, sizeof(name), file) != NULL &&
                        str_starts_with(str_from(name), str_from(prefix));
        if (file != NULL) {
            (void)fclose(file);
        }
        n += has_name && getpriority(PRIO_PROCESS, (id_t)strtoul(entry->d_name, NULL, 10)) == niceness;
    }
    (void)closedir(tasks);
    return n;
}

/* Closing flushes. The engine's threads stay. */
START_TEST(flushing_comes_after_answering)
{
    open_both();
    apply_events(1);
    close_both();
    ck_assert_uint_eq(count_threads("rocksdb:high", 19), 1);
}
END_TEST

START_TEST(refuses_a_second_daemon)
{
    int status;
    open_both();
    apply_events(10);
    await_stored();
    /* Within the process. */
    struct table *table = take_pointer(f->table);
    struct store *store = take_pointer(f->store);
    expect_refused(-EBUSY, "in use");
    f->table = table;
    f->store = store;
    /* A child says so before its engine has any thread. */
    pid_t child = fork();
    if (child == 0) {
        open_table();
        int r = open_store();
        _exit(r == -EBUSY && strstr(f->problem, "in use") != NULL ? 0 : 1);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    apply_events(10);
    await_stored();
}
END_TEST

START_TEST(refuses_a_newer_layout)
{
    /* As superblock.c draws it: version 3, and a sum that is right. */
    static const uint8_t newer[512] = {'p', 'r',      'e',      's',          'e',  'n',  'c', 'e',
                                       3,   [12] = 2, [16] = 9, [508] = 0x5a, 0x82, 0xc1, 0xab};
    char path[STORE_FIXTURE_PATH_SIZE * 2];
    open_both();
    apply_events(10);
    close_both();
    find_file(f->path, "SYNCED", path);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    ck_assert_int_eq(pwrite(fd, newer, sizeof(newer), 0), sizeof(newer));
    ck_assert_int_eq(pwrite(fd, newer, sizeof(newer), 4096), sizeof(newer));
    (void)close(fd);
    uint64_t before = hash_folder(f->path);
    expect_refused(-EPROTONOSUPPORT, "newer presenced (layout 3;");
    ck_assert_uint_eq(hash_folder(f->path), before);
}
END_TEST

/* As zlib has it. */
static uint32_t crc_32(const uint8_t *bytes, size_t n)
{
    uint32_t crc = ~UINT32_C(0);
    for (size_t i = 0; i < n; i++) {
        crc ^= bytes[i];
        for (unsigned bit = 0; bit < 8; bit++) {
            crc = crc >> 1 ^ (UINT32_C(0xedb88320) & (0 - (crc & 1)));
        }
    }
    return ~crc;
}

/* Layout 1 is 2 without some rows. */
START_TEST(opens_a_store_of_the_older_layout)
{
    char path[STORE_FIXTURE_PATH_SIZE * 2];
    open_both();
    apply_events(10);
    store_close(take_pointer(f->store));
    struct table *before = keep_table();
    find_file(f->path, "SYNCED", path);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    for (off_t at = 0; at <= 4096; at += 4096) {
        uint8_t place[512];
        ck_assert_int_eq(pread(fd, place, sizeof(place), at), sizeof(place));
        ck_assert_uint_eq(place[8], 2);
        place[8] = 1;
        uint32_t crc = crc_32(place, 508);
        memcpy(place + 508, &crc, sizeof(crc));
        ck_assert_int_eq(pwrite(fd, place, sizeof(place), at), sizeof(place));
    }
    (void)close(fd);
    open_both();
    expect_same_tables(before, f->table);
    table_free(before);
}
END_TEST

START_TEST(folder_with_other_files)
{
    char path[STORE_FIXTURE_PATH_SIZE * 2];
    ck_assert_int_eq(mkdir(f->path, 0700), 0);
    (void)snprintf(path, sizeof(path), "%.100s/letter.txt", f->path);
    (void)close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    uint64_t before = hash_folder(f->path);
    expect_refused(-EBADMSG, "holds other files but no store");
    ck_assert_uint_eq(hash_folder(f->path), before);
}
END_TEST

static void make_file(const char *name)
{
    char path[STORE_FIXTURE_PATH_SIZE * 2];
    (void)snprintf(path, sizeof(path), "%.100s/%s", f->path, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    ck_assert_int_ge(fd, 0);
    (void)close(fd);
}

/* As the engine leaves a folder that it was to open and that held nothing. */
START_TEST(folder_with_what_the_engine_leaves)
{
    ck_assert_int_eq(mkdir(f->path, 0700), 0);
    make_file("LOCK");
    make_file("LOG");
    make_file("LOG.old.1700000000000000");
    open_both();
    apply_events(100);
    expect_same_reopened();
}
END_TEST

static const char *const remains[] = {"CURRENT",         "000004.log", "000007.sst",
                                      "MANIFEST-000005", "JOURNAL-1",  "LOG.old.x"};

/* What may be of a store, or is not the engine's, is not begun anew in. */
START_TEST(folder_with_remains_of_a_store)
{
    ck_assert_int_eq(mkdir(f->path, 0700), 0);
    make_file("LOCK");
    make_file("LOG");
    make_file(remains[_i]);
    uint64_t before = hash_folder(f->path);
    expect_refused(-EBADMSG, strcmp(remains[_i], "CURRENT") == 0 ? "its file SYNCED is missing"
                                                                 : "holds other files but no store");
    ck_assert_uint_eq(hash_folder(f->path), before);
}
END_TEST

START_TEST(no_folder_can_be_made)
{
    char path[STORE_FIXTURE_PATH_SIZE * 2];
    (void)snprintf(f->path, sizeof(f->path), "%.90s/no/store", f->root);
    expect_refused(-ENOENT, "cannot be made");
    (void)snprintf(f->path, sizeof(f->path), "%.90s/file", f->root);
    memcpy(path, f->path, sizeof(f->path));
    (void)close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    expect_refused(-ENOTDIR, "cannot be opened");
}
END_TEST

/* For root no mode forbids anything, but a read-only mount does. */
START_TEST(refuses_a_folder_it_cannot_write)
{
    open_both();
    apply_events(10);
    close_both();
    if (mount(f->path, f->path, NULL, MS_BIND, NULL) != 0 ||
        mount(NULL, f->path, NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL) != 0) {
        (void)printf("not_writable: skipped, it needs to mount: %s\n", strerror(errno));
        return;
    }
    open_table();
    int r = open_store();
    (void)umount(f->path);
    ck_assert_msg(r == -EROFS && strstr(f->problem, "not writable: Read-only file system") != NULL, "%d: %s",
                  r, f->problem);
}
END_TEST

/* Wherever it is told to, it ends with nothing changed. */
START_TEST(a_cancelled_start_changes_nothing)
{
    open_both();
    apply_events(1000);
    store_close(take_pointer(f->store));
    struct table *before = keep_table();
    uint64_t hash = hash_folder(f->path);
    open_table();
    for (f->cancels_at = 1; open_store() == STORE_CANCELLED; f->cancels_at++) {
        ck_assert_ptr_null(f->store);
        ck_assert_str_eq(f->problem, "");
        ck_assert_uint_eq(hash_folder(f->path), hash);
        table_free(take_pointer(f->table));
        open_table();
    }
    ck_assert_uint_ge(f->n_looks, 3);
    ck_assert_uint_lt(f->n_looks, f->cancels_at); /* how often it looks depends on time */
    ck_assert_ptr_nonnull(f->store);
    expect_same_tables(before, f->table);
    table_free(before);
}
END_TEST

/* A crash while the store was being made leaves nothing that matters. */
START_TEST(interrupted_while_being_made)
{
    char path[STORE_FIXTURE_PATH_SIZE * 2];
    ck_assert_int_eq(mkdir(f->path, 0700), 0);
    (void)snprintf(path, sizeof(path), "%.100s/SYNCED", f->path);
    (void)close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    open_both();
    apply_events(100);
    expect_same_reopened();
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("store");
    TCase *tcase = tcase_create("store");
    tcase_add_checked_fixture(tcase, store_fixture_set_up, store_fixture_tear_down);
    tcase_set_timeout(tcase, 120);
    tcase_add_loop_test(tcase, reopened_table_is_the_same, 0, 3);
    tcase_add_loop_test(tcase, durable_is_what_was_applied, 0, 3);
    tcase_add_test(tcase, relaxed_waits_for_a_slow_engine);
    tcase_add_loop_test(tcase, app_added_while_running, 0, 3);
    tcase_add_loop_test(tcase, killed_with_all_in_the_journal, 0, 2);
    tcase_add_test(tcase, order_of_apps_does_not_matter);
    tcase_add_test(tcase, forgotten_users_stay_forgotten);
    tcase_add_test(tcase, fewer_users_allowed_than_stored);
    tcase_add_test(tcase, online_by_the_minute);
    tcase_add_test(tcase, changes_lost_from_the_log);
    tcase_add_test(tcase, killed_after_the_whole_table_was_written);
    tcase_add_test(tcase, no_entry_after_a_gap);
    tcase_add_test(tcase, journal_is_cut_from_outside);
    tcase_add_test(tcase, copied_while_running);
    tcase_add_test(tcase, says_whether_it_was_closed);
    tcase_add_test(tcase, folder_is_for_its_user_alone);
    tcase_add_test(tcase, flushing_comes_after_answering);
    tcase_add_test(tcase, refuses_a_second_daemon);
    tcase_add_test(tcase, refuses_a_newer_layout);
    tcase_add_test(tcase, opens_a_store_of_the_older_layout);
    tcase_add_test(tcase, folder_with_other_files);
    tcase_add_test(tcase, folder_with_what_the_engine_leaves);
    tcase_add_loop_test(tcase, folder_with_remains_of_a_store, 0, sizeof(remains) / sizeof(remains[0]));
    tcase_add_test(tcase, no_folder_can_be_made);
    tcase_add_test(tcase, refuses_a_folder_it_cannot_write);
    tcase_add_test(tcase, a_cancelled_start_changes_nothing);
    tcase_add_test(tcase, interrupted_while_being_made);
    suite_add_tcase(suite, tcase);
    return suite;
}

/* SPDX-License-Identifier: MIT */
/* A copy of a running store is what a crash leaves. One with a torn end is healed; whatever else is wrong
 * with it is named, and not a byte of it is changed. */
#include "store_fixture.h"

#include "presenced/clock.h"

#include <errno.h>
#include <stdio.h>

static struct store_fixture *const f = &store_fixture;

/* Where the log was synced up to; what is behind that may be torn. */
static size_t synced_size;
static struct table *original;
static char running[STORE_FIXTURE_PATH_SIZE];

static void use_copy(const char *name)
{
    char copy[STORE_FIXTURE_PATH_SIZE * 2];
    (void)snprintf(copy, sizeof(copy), "%.100s/%s", f->root, name);
    copy_folder(running, copy);
    memcpy(f->path, copy, sizeof(f->path));
}

/* A store with files of all kinds: users in tables from a run before, users in the log of this one, synced up
 * to a point. */
static void set_up(void)
{
    char path[STORE_FIXTURE_PATH_SIZE * 2];
    store_fixture_set_up();
    open_both();
    apply_events(5000);
    close_both();
    open_both();
    apply_events(3000); /* so few that the engine does not begin another log soon */
    await_stored();
    await_sync();
    find_file(f->path, ".log", path);
    synced_size = file_size(path);
    memcpy(running, f->path, sizeof(running));
}

/* To look at copies. The store that was running is closed behind the table that it had. */
static void stop(void)
{
    store_close(take_pointer(f->store));
    original = keep_table();
}

static void tear_down(void)
{
    table_free(take_pointer(original));
    store_fixture_tear_down();
}

START_TEST(copy_is_whole)
{
    use_copy("copy");
    stop();
    open_both();
    expect_same_tables(original, f->table);
}
END_TEST

static size_t at_head(size_t size)
{
    (void)size;
    return 20;
}

static size_t at_middle(size_t size)
{
    return size / 2;
}

static size_t at_tail(size_t size)
{
    return size - 10;
}

static size_t at_start(size_t size)
{
    (void)size;
    return 0;
}

/* The first of a journal. */
static size_t at_entry(size_t size)
{
    (void)size;
    return 4096 + 12;
}

static const struct damage {
    const char *file;
    bool cut; /* else a byte is flipped */
    size_t (*at)(size_t size);
} damages[] = {
    {".log", false, at_head},      {".log", false, at_middle},     {".log", false, at_tail},
    {".log", true, at_start},      {".log", true, at_middle},      {".log", true, at_tail},
    {".sst", false, at_head},      {".sst", false, at_middle},     {".sst", false, at_tail},
    {".sst", true, at_start},      {".sst", true, at_middle},      {".sst", true, at_tail},
    {"MANIFEST", false, at_head},  {"MANIFEST", false, at_middle}, {"MANIFEST", false, at_tail},
    {"MANIFEST", true, at_start},  {"MANIFEST", true, at_middle},  {"MANIFEST", true, at_tail},
    {"CURRENT", false, at_middle}, {"CURRENT", true, at_start},    {"CURRENT", true, at_middle},
    {"SYNCED", true, at_start},    {"SYNCED", true, at_head},      {"JOURNAL", false, at_head},
    {"JOURNAL", true, at_start},   {"JOURNAL", false, at_entry},
};

START_TEST(finds_a_damaged_file)
{
    const struct damage *damage = &damages[_i];
    char path[STORE_FIXTURE_PATH_SIZE * 2];
    use_copy("copy");
    find_file(f->path, damage->file, path);
    if (damage->cut) {
        cut_file(path, damage->at(file_size(path)));
    } else {
        flip_byte(path, damage->at(file_size(path)));
    }
    stop();
    uint64_t before = hash_folder(f->path);
    expect_refused(-EBADMSG, "damaged: ");
    ck_assert_msg(hash_folder(f->path) == before, "the folder was changed");
    /* And at the next try. */
    expect_refused(-EBADMSG, "damaged: ");
}
END_TEST

static const char *const needed_files[] = {".log", ".sst", "MANIFEST", "CURRENT", "SYNCED", "JOURNAL"};

START_TEST(finds_a_missing_file)
{
    char path[STORE_FIXTURE_PATH_SIZE * 2];
    use_copy("copy");
    find_file(f->path, needed_files[_i], path);
    ck_assert_int_eq(unlink(path), 0);
    stop();
    uint64_t before = hash_folder(f->path);
    expect_refused(-EBADMSG, "damaged: ");
    ck_assert_msg(hash_folder(f->path) == before, "the folder was changed");
}
END_TEST

/* Both places of SYNCED are good, but of another time or store. */
START_TEST(synced_ahead_of_the_log)
{
    char older[STORE_FIXTURE_PATH_SIZE * 2];
    char synced[STORE_FIXTURE_PATH_SIZE * 2];
    use_copy("copy");
    memcpy(older, f->path, sizeof(f->path));
    apply_events(100);
    await_stored();
    await_sync();
    use_copy("newer");
    stop();
    find_file(f->path, "SYNCED", synced);
    char stale[STORE_FIXTURE_PATH_SIZE * 2];
    find_file(older, "SYNCED", stale);
    ck_assert_int_eq(rename(synced, stale), 0);
    memcpy(f->path, older, sizeof(f->path));
    expect_refused(-EBADMSG, "of the last changes that were on disk are gone");
}
END_TEST

/* What a power cut does to bytes that were not synced. */
static void tear_cut(const char *path, size_t at)
{
    cut_file(path, at);
}

static void tear_in_record(const char *path, size_t at)
{
    cut_file(path, at + 20);
}

static void tear_flip(const char *path, size_t at)
{
    flip_byte(path, at + 20);
}

static void tear_zeros(const char *path, size_t at)
{
    size_t size = file_size(path);
    cut_file(path, at);
    cut_file(path, size);
}

static void tear_grown(const char *path, size_t at)
{
    cut_file(path, at);
    cut_file(path, at + ((size_t)1 << 20));
}

static void (*const tears[])(const char *path, size_t at) = {tear_cut, tear_in_record, tear_flip, tear_zeros,
                                                             tear_grown};

static void keep_file(const char *name, char ret_kept[static STORE_FIXTURE_PATH_SIZE * 2])
{
    char path[STORE_FIXTURE_PATH_SIZE * 2];
    (void)snprintf(ret_kept, (size_t)STORE_FIXTURE_PATH_SIZE * 2, "%.100s/kept-%.100s", f->root, name);
    find_file(running, name, path);
    copy_file(path, ret_kept);
}

static void put_back(const char *name, const char *kept)
{
    char path[STORE_FIXTURE_PATH_SIZE * 2];
    find_file(f->path, name, path);
    copy_file(kept, path);
}

/* A copy of the store with its SYNCED of before 500 events, whose log is torn behind what that knows of. Its
 * journal is of then or of now, as each page of a file may be. */
static void make_torn(void (*tear)(const char *path, size_t at), bool has_journal)
{
    char path[STORE_FIXTURE_PATH_SIZE * 2];
    char synced[STORE_FIXTURE_PATH_SIZE * 2];
    char journal[STORE_FIXTURE_PATH_SIZE * 2];
    keep_file("SYNCED", synced);
    keep_file("JOURNAL", journal);
    apply_events(500);
    await_stored();
    use_copy("torn");
    put_back("SYNCED", synced);
    if (!has_journal) {
        put_back("JOURNAL", journal);
    }
    find_file(f->path, ".log", path);
    ck_assert_uint_gt(file_size(path), synced_size + 20);
    tear(path, synced_size);
}

/* Of what was written since the last sync nothing can be read: all of before is there, and the store lives
 * on.
 */
START_TEST(takes_a_torn_end_for_a_power_cut)
{
    char torn[STORE_FIXTURE_PATH_SIZE];
    char whole[STORE_FIXTURE_PATH_SIZE];
    use_copy("whole");
    memcpy(whole, f->path, sizeof(whole));
    make_torn(tears[_i], false);
    memcpy(torn, f->path, sizeof(torn));
    stop();
    memcpy(f->path, whole, sizeof(f->path));
    open_both();
    store_close(take_pointer(f->store));
    struct table *before = keep_table();
    memcpy(f->path, torn, sizeof(f->path));
    for (unsigned round = 0; round < 3; round++) {
        open_both();
        expect_same_tables(before, f->table);
        table_free(before);
        apply_events(100);
        store_close(take_pointer(f->store));
        before = keep_table();
    }
    table_free(before);
}
END_TEST

/* What the log has lost is in the journal still. */
START_TEST(torn_end_but_a_journal)
{
    make_torn(tears[_i], true);
    stop();
    open_both();
    expect_same_tables(original, f->table);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("store_damage");
    TCase *tcase = tcase_create("store_damage");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_set_timeout(tcase, 120);
    tcase_add_test(tcase, copy_is_whole);
    tcase_add_loop_test(tcase, finds_a_damaged_file, 0, sizeof(damages) / sizeof(damages[0]));
    tcase_add_loop_test(tcase, finds_a_missing_file, 0, sizeof(needed_files) / sizeof(needed_files[0]));
    tcase_add_test(tcase, synced_ahead_of_the_log);
    tcase_add_loop_test(tcase, takes_a_torn_end_for_a_power_cut, 0, sizeof(tears) / sizeof(tears[0]));
    tcase_add_loop_test(tcase, torn_end_but_a_journal, 0, sizeof(tears) / sizeof(tears[0]));
    suite_add_tcase(suite, tcase);
    return suite;
}

/* SPDX-License-Identifier: MIT */
#include "suite.h"

#include "../../src/store/journal.h"
#include "must.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define RUN 7
#define RING_SIZE ((uint64_t)4 << 20)
#define RING_OFFSET 4096
#define FIRST_SUM_OFFSET 40
#define SINCE_BOOT_OFFSET 24
#define UNIX_OFFSET 32

static char folder[64];
static int folder_fd;

static void set_up(void)
{
    (void)snprintf(folder, sizeof(folder), "/tmp/presenced-journal-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ck_assert_int_ge(folder_fd, 0);
}

static void tear_down(void)
{
    journal_remove_all(folder_fd);
    cleanup_closep(&folder_fd);
    ck_assert_int_eq(rmdir(folder), 0);
}

static struct journal *make(void)
{
    struct journal *journal = NULL;
    ck_assert_int_eq(journal_create(folder_fd, RUN, &journal), 0);
    return journal;
}

/* The pair of a change: what it says follows from its number. */
struct sample {
    char key[64];
    char value[300];
    struct journal_pair pair;
};

static void make_sample(uint64_t revision, struct sample *ret_sample)
{
    int key_len = snprintf(ret_sample->key, sizeof(ret_sample->key), "key%u", (unsigned)revision);
    size_t value_len = (size_t)(revision * 7 % sizeof(ret_sample->value));
    memset(ret_sample->value, (int)('a' + revision % 26), value_len);
    bool is_deleted = revision % 5 == 0;
    ret_sample->pair = (struct journal_pair){
        .is_deleted = is_deleted,
        .key = {ret_sample->key, (size_t)key_len},
        .value = {ret_sample->value, is_deleted ? 0 : value_len},
    };
}

static bool put(struct journal *journal, uint64_t stored, uint64_t revision)
{
    struct sample sample;
    make_sample(revision, &sample);
    if (!journal_put(journal, stored, revision, &sample.pair)) {
        return false;
    }
    journal_complete(journal, revision);
    return true;
}

static struct journal_reader *read_back(void)
{
    struct journal_reader *reader = NULL;
    struct engine_error error = {""};
    int r = journal_open(folder_fd, RUN, &reader, &error);
    ck_assert_msg(r == 0, "%d: %s", r, error.text);
    return reader;
}

/* Reads pairs from `first` on, and returns the last. */
static uint64_t expect_pairs(struct journal_reader *reader, uint64_t first)
{
    uint64_t revision;
    struct journal_pair pair;
    uint64_t expected = first;
    for (; journal_next(reader, &revision, &pair); expected++) {
        struct sample sample;
        make_sample(expected, &sample);
        must(revision == expected);
        must(pair.is_deleted == sample.pair.is_deleted);
        must(str_equal(pair.key, sample.pair.key));
        must(str_equal(pair.value, sample.pair.value));
    }
    return expected - 1;
}

static uint64_t first_revision(void)
{
    cleanup(journal_reader_freep) struct journal_reader *reader = read_back();
    uint64_t revision = 0;
    struct journal_pair pair;
    ck_assert(journal_next(reader, &revision, &pair));
    return revision;
}

START_TEST(keeps_what_was_put)
{
    cleanup(journal_freep) struct journal *journal = make();
    for (uint64_t revision = 1; revision <= 1000; revision++) {
        ck_assert(put(journal, 0, revision));
        ck_assert_uint_eq(journal_revision(journal), revision);
    }
    cleanup(journal_reader_freep) struct journal_reader *reader = read_back();
    ck_assert_uint_eq(expect_pairs(reader, 1), 1000);
    ck_assert(journal_ends_well(reader));
}
END_TEST

START_TEST(a_new_one_has_nothing_to_read)
{
    cleanup(journal_freep) struct journal *journal = make();
    cleanup(journal_reader_freep) struct journal_reader *reader = read_back();
    ck_assert_uint_eq(expect_pairs(reader, 1), 0);
    ck_assert(journal_ends_well(reader));
    ck_assert_int_eq(journal_sync(journal), 0);
}
END_TEST

/* What is not stored never gives way; what is, does. */
START_TEST(keeps_what_is_not_stored)
{
    cleanup(journal_freep) struct journal *journal = make();
    uint64_t n = 0;
    while (put(journal, 0, n + 1)) {
        n++;
    }
    ck_assert_uint_gt(n, 10000);
    ck_assert_uint_eq(journal_revision(journal), n);
    ck_assert(!put(journal, 0, n + 1));
    ck_assert_uint_eq(first_revision(), 1);
    /* Any number of rounds. */
    for (unsigned i = 0; i < 100000; i++) {
        must(put(journal, n - 5000, n + 1));
        n++;
    }
    uint64_t first = first_revision();
    ck_assert_uint_le(first, n - 5000 + 1);
    cleanup(journal_reader_freep) struct journal_reader *reader = read_back();
    ck_assert_uint_eq(expect_pairs(reader, first), n);
    ck_assert(journal_ends_well(reader));
}
END_TEST

static void open_file(uint64_t run, int *ret_fd)
{
    char name[32];
    (void)snprintf(name, sizeof(name), "JOURNAL-%u", (unsigned)run);
    *ret_fd = openat(folder_fd, name, O_RDWR | O_CLOEXEC);
    ck_assert_int_ge(*ret_fd, 0);
}

static void flip(uint64_t at)
{
    cleanup(cleanup_closep) int fd = -1;
    char byte;
    open_file(RUN, &fd);
    ck_assert_int_eq(pread(fd, &byte, 1, (off_t)at), 1);
    byte = (char)(byte ^ 1);
    ck_assert_int_eq(pwrite(fd, &byte, 1, (off_t)at), 1);
}

static uint64_t size_of_pair(uint64_t revision)
{
    struct sample sample;
    make_sample(revision, &sample);
    return (24 + sample.pair.key.len + sample.pair.value.len + 7) / 8 * 8;
}

static uint64_t fill(struct journal *journal, uint64_t n)
{
    uint64_t size = 0;
    for (uint64_t revision = 1; revision <= n; revision++) {
        ck_assert(put(journal, 0, revision));
        size += size_of_pair(revision);
    }
    return size;
}

/* Whichever byte of it the process did not get to. */
START_TEST(reads_up_to_a_torn_end)
{
    cleanup(journal_freep) struct journal *journal = make();
    uint64_t before = fill(journal, 41);
    ck_assert(put(journal, 0, 42));
    for (uint64_t at = before; at < before + size_of_pair(42); at += 7) {
        flip(RING_OFFSET + at);
        cleanup(journal_reader_freep) struct journal_reader *reader = read_back();
        ck_assert_uint_eq(expect_pairs(reader, 1), 41);
        ck_assert(journal_ends_well(reader));
        flip(RING_OFFSET + at);
    }
}
END_TEST

START_TEST(damaged_in_the_middle)
{
    cleanup(journal_freep) struct journal *journal = make();
    uint64_t before = fill(journal, 41);
    ck_assert(put(journal, 0, 42));
    ck_assert(put(journal, 0, 43));
    for (uint64_t at = before; at < before + size_of_pair(42); at += 7) {
        flip(RING_OFFSET + at);
        cleanup(journal_reader_freep) struct journal_reader *reader = read_back();
        ck_assert_uint_eq(expect_pairs(reader, 1), 41);
        ck_assert(!journal_ends_well(reader));
        flip(RING_OFFSET + at);
    }
}
END_TEST

static uint64_t mix(uint64_t sum, uint64_t word)
{
    uint64_t product = (sum ^ word) * 11400714819323198485ULL;
    return product ^ (product >> 32);
}

/* As a boot before this one would have left it: one of the clocks says so. */
static void pretend_other_boot(unsigned clock_offset, uint64_t difference_ms)
{
    cleanup(cleanup_closep) int fd = -1;
    uint64_t words[6];
    open_file(RUN, &fd);
    ck_assert_int_eq(pread(fd, words, sizeof(words), 0), (ssize_t)sizeof(words));
    words[clock_offset / 8] += difference_ms;
    uint64_t sum = mix(mix(0x6a09e667f3bcc909ULL, 0), 0);
    for (unsigned i = 0; i < FIRST_SUM_OFFSET / 8; i++) {
        sum = mix(sum, words[i]);
    }
    words[FIRST_SUM_OFFSET / 8] = sum;
    ck_assert_int_eq(pwrite(fd, words, sizeof(words), 0), (ssize_t)sizeof(words));
}

static const struct {
    unsigned clock_offset;
    int64_t difference_ms;
    bool is_other;
} boots[] = {
    {SINCE_BOOT_OFFSET, 86400000, true}, {UNIX_OFFSET, -86400000, true}, {UNIX_OFFSET, 86400000, true},
    {UNIX_OFFSET, -4000, true},          {UNIX_OFFSET, -500, false},     {UNIX_OFFSET, 500, false},
};

START_TEST(hole_after_a_power_cut)
{
    cleanup(journal_freep) struct journal *journal = make();
    uint64_t before = fill(journal, 41);
    ck_assert(put(journal, 0, 42));
    ck_assert(put(journal, 0, 43));
    flip(RING_OFFSET + before);
    pretend_other_boot(boots[_i].clock_offset, (uint64_t)boots[_i].difference_ms);
    cleanup(journal_reader_freep) struct journal_reader *reader = read_back();
    ck_assert_uint_eq(expect_pairs(reader, 1), 41);
    ck_assert_int_eq(journal_is_of_this_boot(reader), !boots[_i].is_other);
    ck_assert_int_eq(journal_ends_well(reader), boots[_i].is_other);
}
END_TEST

static void expect_refused(const char *words)
{
    struct journal_reader *reader = NULL;
    struct engine_error error = {""};
    ck_assert_int_eq(journal_open(folder_fd, RUN, &reader, &error), -EBADMSG);
    ck_assert_msg(strstr(error.text, words) != NULL, "%s", error.text);
    ck_assert_ptr_null(reader);
}

START_TEST(reads_nothing_behind_a_damaged_header)
{
    cleanup(journal_freep) struct journal *journal = make();
    for (uint64_t at = 0; at < FIRST_SUM_OFFSET + 8; at += 3) {
        flip(at);
        expect_refused("JOURNAL-7 is not as it was written");
        flip(at);
    }
    cleanup(cleanup_closep) int fd = -1;
    open_file(RUN, &fd);
    ck_assert_int_eq(ftruncate(fd, 0), 0);
    expect_refused("JOURNAL-7 is not as it was written");
}
END_TEST

START_TEST(missing_and_of_another_run)
{
    expect_refused("JOURNAL-7 cannot be read: No such file");
    struct journal *journal = NULL;
    ck_assert_int_eq(journal_create(folder_fd, RUN + 1, &journal), 0);
    journal_free(journal);
    expect_refused("cannot be read");
    ck_assert_int_eq(renameat(folder_fd, "JOURNAL-8", folder_fd, "JOURNAL-7"), 0);
    expect_refused("is not as it was written");
}
END_TEST

/* A begin that points anywhere ends the reading, not the process. */
START_TEST(a_begin_that_points_anywhere_ends_the_reading)
{
    static const uint64_t begins[] = {
        1, 8, 4096, RING_SIZE - 8, RING_SIZE, RING_SIZE + 24, UINT64_MAX - 7, UINT64_MAX};
    cleanup(journal_freep) struct journal *journal = make();
    (void)fill(journal, 41);
    cleanup(cleanup_closep) int fd = -1;
    open_file(RUN, &fd);
    for (unsigned i = 0; i < sizeof(begins) / sizeof(begins[0]); i++) {
        ck_assert_int_eq(pwrite(fd, &begins[i], sizeof(begins[i]), 512), (ssize_t)sizeof(begins[i]));
        cleanup(journal_reader_freep) struct journal_reader *reader = read_back();
        ck_assert_uint_eq(expect_pairs(reader, 1), 0);
        (void)journal_ends_well(reader);
    }
}
END_TEST

/* What an interrupted start has left under its name is not written to. */
START_TEST(is_a_file_of_its_own)
{
    journal_free(make());
    ck_assert_int_eq(linkat(folder_fd, "JOURNAL-7", folder_fd, "copy", 0), 0);
    ck_assert_int_eq(fchmodat(folder_fd, "copy", 0400, 0), 0);
    cleanup(journal_freep) struct journal *journal = make();
    (void)fill(journal, 41);
    ck_assert_int_eq(renameat(folder_fd, "copy", folder_fd, "JOURNAL-7"), 0);
    cleanup(journal_reader_freep) struct journal_reader *reader = read_back();
    ck_assert_uint_eq(expect_pairs(reader, 1), 0);
}
END_TEST

/* One that cannot be made takes no room from what is to be stored when there is some again. */
START_TEST(an_entry_without_room_takes_none)
{
    const struct rlimit limit = {.rlim_cur = RING_SIZE / 2, .rlim_max = RLIM_INFINITY};
    struct journal *journal = NULL;
    (void)signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    ck_assert_int_eq(journal_create(folder_fd, RUN, &journal), -EFBIG);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &(struct rlimit){RLIM_INFINITY, RLIM_INFINITY}), 0);
    ck_assert_int_eq(faccessat(folder_fd, "JOURNAL-7", F_OK, 0), -1);
}
END_TEST

static const uint64_t cuts[] = {0, RING_OFFSET, RING_OFFSET + 4096, RING_OFFSET + RING_SIZE / 2};

/* The process lives, nothing that the file held is said to be kept, and another takes its place. */
START_TEST(cut_from_outside)
{
    cleanup(journal_freep) struct journal *journal = make();
    for (unsigned round = 0; round < 3; round++) {
        cleanup(cleanup_closep) int fd = -1;
        uint64_t revision = 1;
        ck_assert(put(journal, 0, revision));
        ck_assert_uint_eq(journal_revision(journal), revision);
        ck_assert(!journal_is_lost(journal));
        open_file(RUN + round, &fd);
        ck_assert_int_eq(ftruncate(fd, (off_t)cuts[_i]), 0);
        while (put(journal, revision, revision + 1)) {
            revision++;
            must(revision < RING_SIZE);
        }
        ck_assert(journal_is_lost(journal));
        ck_assert_uint_eq(journal_revision(journal), 0);
        ck_assert(!put(journal, revision, revision + 1));
        ck_assert_int_eq(journal_renew(journal, folder_fd, RUN + round + 1), 0);
        ck_assert(!put(journal, revision, revision + 1));
        journal_resume(journal);
    }
    ck_assert_int_eq(renameat(folder_fd, "JOURNAL-10", folder_fd, "JOURNAL-7"), 0);
    expect_refused("is not as it was written"); /* of run 10 */
    ck_assert_int_eq(renameat(folder_fd, "JOURNAL-7", folder_fd, "JOURNAL-10"), 0);
    (void)fill(journal, 41);
    struct journal_reader *reader = NULL;
    struct engine_error error = {""};
    ck_assert_int_eq(journal_open(folder_fd, RUN + 3, &reader, &error), 0);
    ck_assert_uint_eq(expect_pairs(reader, 1), 41);
    journal_reader_free(reader);
}
END_TEST

static void touch_a_cut_file(void)
{
    cleanup(cleanup_closep) int fd = openat(folder_fd, "other", O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    char *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (memory != MAP_FAILED) {
        *(volatile char *)memory = 1;
    }
}

static void send_it(void)
{
    (void)raise(SIGBUS);
}

static void (*const others[])(void) = {touch_a_cut_file, send_it};

/* What is not the journal's ends the process as ever. */
START_TEST(leaves_other_sigbus_alone)
{
    int status = 0;
    cleanup(journal_freep) struct journal *journal = make();
    pid_t child = fork();
    if (child == 0) {
        (void)setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
        (void)signal(SIGALRM, SIG_DFL);
        (void)alarm(10);
        others[_i]();
        _exit(0);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    /* The sanitizer's own handler came before, and ends it with a report. */
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) != 0, "wait status %#x", (unsigned)status);
#else
    ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS, "wait status %#x", (unsigned)status);
#endif
    (void)unlinkat(folder_fd, "other", 0);
}
END_TEST

START_TEST(removes_journals_alone)
{
    cleanup(cleanup_closep) int other = openat(folder_fd, "JOURNAL-x", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    journal_free(make());
    journal_remove_all(folder_fd);
    ck_assert_int_eq(faccessat(folder_fd, "JOURNAL-7", F_OK, 0), -1);
    ck_assert_int_eq(unlinkat(folder_fd, "JOURNAL-x", 0), 0);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("journal");
    TCase *tcase = tcase_create("journal");
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, keeps_what_was_put);
    tcase_add_test(tcase, a_new_one_has_nothing_to_read);
    tcase_add_test(tcase, keeps_what_is_not_stored);
    tcase_add_test(tcase, reads_up_to_a_torn_end);
    tcase_add_test(tcase, damaged_in_the_middle);
    tcase_add_loop_test(tcase, hole_after_a_power_cut, 0, sizeof(boots) / sizeof(boots[0]));
    tcase_add_test(tcase, reads_nothing_behind_a_damaged_header);
    tcase_add_test(tcase, missing_and_of_another_run);
    tcase_add_test(tcase, a_begin_that_points_anywhere_ends_the_reading);
    tcase_add_test(tcase, is_a_file_of_its_own);
    tcase_add_test(tcase, an_entry_without_room_takes_none);
    tcase_add_loop_test(tcase, cut_from_outside, 0, sizeof(cuts) / sizeof(cuts[0]));
    tcase_add_loop_test(tcase, leaves_other_sigbus_alone, 0, sizeof(others) / sizeof(others[0]));
    tcase_add_test(tcase, removes_journals_alone);
    suite_add_tcase(suite, tcase);
    return suite;
}

/* SPDX-License-Identifier: MIT */
/* How far the engine's files have come, with files that only look like the engine's. */
#include "../../src/store/files.h"
#include "suite.h"

#include "presenced/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static char folder[64];
static int folder_fd = -1;
static struct files_mark mark;

static void write_file(const char *name, const char *text)
{
    cleanup(cleanup_closep) int fd = openat(folder_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

static const char *const names[] = {"CURRENT",    "MANIFEST-000005", "MANIFEST-000006", "000004.log",
                                    "000007.log", "1.log.old",       "x.log",           ".log"};
#define N_NAMES (sizeof(names) / sizeof(names[0]))

static void set_up(void)
{
    (void)snprintf(folder, sizeof(folder), "/tmp/presenced-files-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ck_assert_int_ge(folder_fd, 0);
    write_file("CURRENT", "MANIFEST-000005\n");
    write_file("MANIFEST-000005", "manifest");
    write_file("000004.log", "four");
    write_file("000007.log", "seven");
    write_file("1.log.old", "another");
    write_file("x.log", "another");
    write_file(".log", "another");
    ck_assert_int_eq(files_sync(folder_fd, &mark), 0);
}

static void tear_down(void)
{
    for (size_t i = 0; i < N_NAMES; i++) {
        (void)unlinkat(folder_fd, names[i], 0);
    }
    (void)close(folder_fd);
    (void)rmdir(folder);
}

static uint64_t size_of_log(uint64_t number)
{
    for (unsigned i = 0; i < FILES_N_LOGS_MAX; i++) {
        if (mark.logs[i].number == number) {
            return mark.logs[i].size_bytes;
        }
    }
    return UINT64_MAX;
}

START_TEST(a_sync_marks_what_is_there)
{
    ck_assert_uint_eq(mark.manifest.number, 5);
    ck_assert_uint_eq(mark.manifest.size_bytes, 8);
    ck_assert_uint_eq(size_of_log(4), 4);
    ck_assert_uint_eq(size_of_log(7), 5);
    ck_assert_int_eq(files_check(folder_fd, &mark, 0), 0);
}
END_TEST

START_TEST(more_logs_than_are_marked)
{
    char name[32];
    for (unsigned number = 8; number < 8 + FILES_N_LOGS_MAX; number++) {
        (void)snprintf(name, sizeof(name), "%06u.log", number);
        write_file(name, "newer");
    }
    ck_assert_int_eq(files_sync(folder_fd, &mark), 0);
    for (unsigned number = 8; number < 8 + FILES_N_LOGS_MAX; number++) {
        (void)snprintf(name, sizeof(name), "%06u.log", number);
        ck_assert_uint_eq(size_of_log(number), 5);
        (void)unlinkat(folder_fd, name, 0);
    }
    ck_assert_uint_eq(size_of_log(7), UINT64_MAX);
}
END_TEST

START_TEST(files_that_have_grown)
{
    write_file("MANIFEST-000005", "manifest and more");
    write_file("000007.log", "seventh");
    ck_assert_int_eq(files_check(folder_fd, &mark, 4), 0);
}
END_TEST

START_TEST(takes_a_newer_manifest)
{
    write_file("CURRENT", "MANIFEST-000006\n");
    write_file("MANIFEST-000006", "");
    ck_assert_int_eq(files_check(folder_fd, &mark, 4), 0);
}
END_TEST

START_TEST(log_that_is_needed_no_more)
{
    ck_assert_int_eq(unlinkat(folder_fd, "000004.log", 0), 0);
    ck_assert_int_eq(files_check(folder_fd, &mark, 4), -EBADMSG);
    ck_assert_int_eq(files_check(folder_fd, &mark, 5), 0);
}
END_TEST

/* One file as it must not be; NULL: it is missing. */
static const struct {
    const char *name;
    const char *text;
} damages[] = {
    {"CURRENT", NULL},
    {"CURRENT", ""},
    {"CURRENT", "\n"},
    {"CURRENT", "MANIFEST-000005"},
    {"CURRENT", "MANIFEST-00000x\n"},
    {"CURRENT", "MANIFEST-000004\n"},
    {"CURRENT", "MANIFEST-000005 and so on, longer than any name that there is, and longer still\n"},
    {"MANIFEST-000005", NULL},
    {"MANIFEST-000005", "manifes"},
    {"000004.log", NULL},
    {"000004.log", ""},
    {"000007.log", "seve"},
};

START_TEST(finds_damage)
{
    if (damages[_i].text == NULL) {
        ck_assert_int_eq(unlinkat(folder_fd, damages[_i].name, 0), 0);
    } else {
        write_file(damages[_i].name, damages[_i].text);
    }
    ck_assert_int_eq(files_check(folder_fd, &mark, 4), -EBADMSG);
}
END_TEST

START_TEST(nothing_to_sync)
{
    struct files_mark kept = mark;
    ck_assert_int_eq(unlinkat(folder_fd, "CURRENT", 0), 0);
    ck_assert_int_eq(files_sync(folder_fd, &mark), -ENOENT);
    ck_assert_mem_eq(&mark, &kept, sizeof(mark));
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("files");
    TCase *tcase = tcase_create("files");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, a_sync_marks_what_is_there);
    tcase_add_test(tcase, more_logs_than_are_marked);
    tcase_add_test(tcase, files_that_have_grown);
    tcase_add_test(tcase, takes_a_newer_manifest);
    tcase_add_test(tcase, log_that_is_needed_no_more);
    tcase_add_loop_test(tcase, finds_damage, 0, sizeof(damages) / sizeof(damages[0]));
    tcase_add_test(tcase, nothing_to_sync);
    suite_add_tcase(suite, tcase);
    return suite;
}

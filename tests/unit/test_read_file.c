/* SPDX-License-Identifier: MIT */
#include "presenced/read_file.h"
#include "suite.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#define MAX 10

static char folder[] = "/tmp/presenced-read-file-XXXXXX";
static char path[64];

static void set_up(void)
{
    ck_assert_ptr_nonnull(mkdtemp(folder));
    (void)snprintf(path, sizeof(path), "%s/f", folder);
}

static void tear_down(void)
{
    (void)unlink(path);
    (void)rmdir(folder);
    (void)snprintf(folder, sizeof(folder), "/tmp/presenced-read-file-XXXXXX");
}

static void write_file(const char *text, mode_t mode)
{
    FILE *file = fopen(path, "we");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fchmod(fileno(file), mode), 0);
    ck_assert_int_eq(fclose(file), 0);
}

static const struct {
    const char *text;
    int result;
} files[] = {{"", 0}, {"123456789", 0}, {"1234567890", 0}, {"12345678901", -EFBIG}};

START_TEST(reads_up_to_a_bound)
{
    cleanup(buf_fini) struct buf bytes = {0};
    mode_t mode = 0;
    write_file(files[_i].text, 0640);
    ck_assert_int_eq(read_file(path, MAX, &bytes, &mode), files[_i].result);
    ck_assert_uint_le(bytes.len, MAX + 1);
    if (files[_i].result == 0) {
        ck_assert(str_equal(buf_str(&bytes), str_from(files[_i].text)));
        ck_assert_uint_eq(mode & 07777, 0640);
    }
}
END_TEST

/* A buffer that grew would leave a copy of its bytes behind: room for the file and one byte more is enough.
 */
START_TEST(leaves_no_copy)
{
    char text[4096] = {0};
    cleanup(buf_fini) struct buf bytes = {0};
    mode_t mode;
    ck_assert_ptr_nonnull(buf_reserve(&bytes, 1000));
    size_t capacity = bytes.capacity;
    ck_assert_uint_lt(capacity, sizeof(text));
    memset(text, 'x', capacity - 1);
    write_file(text, 0600);
    ck_assert_int_eq(read_file(path, sizeof(text), &bytes, &mode), 0);
    ck_assert_uint_eq(bytes.capacity, capacity);
    ck_assert_uint_eq(bytes.len, capacity - 1);
}
END_TEST

static void expect_refusal(const char *of, int result, const char *words)
{
    cleanup(buf_fini) struct buf bytes = {0};
    mode_t mode;
    ck_assert_int_eq(read_file(of, MAX, &bytes, &mode), result);
    ck_assert_str_eq(read_file_error(result), words);
    ck_assert_uint_eq(bytes.len, 0);
}

/* Whoever opened the FIFO to read would wait for a writer, and whoever read the device would never end. */
START_TEST(refuses_what_is_no_file)
{
    expect_refusal(path, -ENOENT, "No such file or directory");
    expect_refusal(folder, -EISDIR, "Is a directory");
    expect_refusal("/dev/zero", -EINVAL, "it is no regular file");
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    expect_refusal(path, -EINVAL, "it is no regular file");
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("read_file");
    TCase *tcase = tcase_create("read_file");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_loop_test(tcase, reads_up_to_a_bound, 0, (int)(sizeof(files) / sizeof(files[0])));
    tcase_add_test(tcase, leaves_no_copy);
    tcase_add_test(tcase, refuses_what_is_no_file);
    suite_add_tcase(suite, tcase);
    return suite;
}

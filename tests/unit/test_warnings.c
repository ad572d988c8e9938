/* SPDX-License-Identifier: MIT */
#include "presenced/warnings.h"
#include "suite.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#define DAY_MS UINT64_C(86400000)

static struct warnings *warnings;
static int saved_stderr;
static int captured; /* what the log says */
static off_t n_seen; /* of it */

static void set_up(void)
{
    ck_assert_int_eq(warnings_new(&warnings), 0);
    captured = memfd_create("log", MFD_CLOEXEC);
    ck_assert_int_ge(captured, 0);
    n_seen = 0;
    saved_stderr = dup(STDERR_FILENO);
    ck_assert_int_ge(dup2(captured, STDERR_FILENO), 0);
}

static void tear_down(void)
{
    (void)dup2(saved_stderr, STDERR_FILENO);
    (void)close(saved_stderr);
    (void)close(captured);
    warnings_free(warnings);
}

/* The lines since the last call, without their times. */
static void expect_log(const char *expected)
{
    char lines[4096];
    struct buf said = {0};
    ssize_t n = pread(captured, lines, sizeof(lines) - 1, n_seen);
    ck_assert_int_ge(n, 0);
    n_seen += n;
    struct str left = {lines, (size_t)n};
    struct str line;
    while (left.len > 0 && str_split(&left, '\n', &line)) {
        const char *level = memmem(line.ptr, line.len, "level=", 6);
        ck_assert_ptr_nonnull(level);
        buf_appendf(&said, "%.*s\n", (int)(line.ptr + line.len - level), level);
    }
    buf_append_char(&said, '\0');
    ck_assert_str_eq(said.ptr, expected);
    buf_fini(&said);
}

static void add_line(void *cls, const struct warning *warning)
{
    buf_appendf(cls, "%s %llu %.*s\n", warning_code_name(warning->code), (unsigned long long)warning->subject,
                STR_FMT(warning->text));
}

static void expect_list(const char *expected)
{
    struct buf lines = {0};
    warnings_each(warnings, add_line, &lines);
    buf_append_char(&lines, '\0');
    ck_assert_str_eq(lines.ptr, expected);
    buf_fini(&lines);
}

START_TEST(stands_from_when_it_is_raised_until_it_is_cleared)
{
    expect_list("");
    warnings_raise(warnings, WARNING_CERTIFICATE_EXPIRED, 1, "renew it", 0);
    expect_list("certificate_expired 1 renew it\n");
    expect_log("level=warning msg=\"attention needed\" code=certificate_expired text=\"renew it\"\n");
    warnings_clear(warnings, WARNING_CERTIFICATE_EXPIRED, 0);
    warnings_clear(warnings, WARNING_CERTIFICATE_EXPIRES_SOON, 1);
    expect_list("certificate_expired 1 renew it\n");
    expect_log("");
    warnings_clear(warnings, WARNING_CERTIFICATE_EXPIRED, 1);
    expect_list("");
    expect_log(
        "level=notice msg=\"attention no longer needed\" code=certificate_expired text=\"renew it\"\n");
}
END_TEST

START_TEST(the_worst_come_first)
{
    warnings_raise(warnings, WARNING_APP_UNSIGNED, 1, "b", 0);
    warnings_raise(warnings, WARNING_CERTIFICATE_EXPIRES_SOON, 0, "c", 0);
    warnings_raise(warnings, WARNING_APP_UNSIGNED, 0, "a", 0);
    warnings_raise(warnings, WARNING_CERTIFICATE_EXPIRED, 0, "d", 0);
    expect_list(
        "certificate_expired 0 d\ncertificate_expires_soon 0 c\napp_unsigned 0 a\napp_unsigned 1 b\n");
}
END_TEST

START_TEST(new_words_are_no_new_warning)
{
    warnings_raise(warnings, WARNING_CERTIFICATE_EXPIRES_SOON, 0, "in 13 days", 0);
    expect_log("level=warning msg=\"attention needed\" code=certificate_expires_soon text=\"in 13 days\"\n");
    warnings_raise(warnings, WARNING_CERTIFICATE_EXPIRES_SOON, 0, "in 12 days", DAY_MS - 1);
    expect_list("certificate_expires_soon 0 in 12 days\n");
    expect_log("");
}
END_TEST

START_TEST(is_logged_again_after_a_day)
{
    warnings_raise(warnings, WARNING_CERTIFICATE_EXPIRES_SOON, 0, "a", 1000);
    warnings_raise(warnings, WARNING_APP_UNSIGNED, 0, "b", 5000);
    expect_log("level=warning msg=\"attention needed\" code=certificate_expires_soon text=a\n"
               "level=warning msg=\"attention needed\" code=app_unsigned text=b\n");
    warnings_remind(warnings, DAY_MS + 999);
    expect_log("");
    warnings_remind(warnings, DAY_MS + 1000);
    expect_log("level=warning msg=\"attention needed\" code=certificate_expires_soon text=a\n");
    warnings_remind(warnings, DAY_MS + 1001);
    expect_log("");
    warnings_remind(warnings, DAY_MS + 5000);
    expect_log("level=warning msg=\"attention needed\" code=app_unsigned text=b\n");
    warnings_remind(warnings, 2 * DAY_MS + 1000);
    expect_log("level=warning msg=\"attention needed\" code=certificate_expires_soon text=a\n");
}
END_TEST

static bool is_even(void *cls, uint64_t subject)
{
    ++*(unsigned *)cls;
    return subject % 2 == 0;
}

#define N_APPS 100

START_TEST(a_review_leaves_what_is_still_so)
{
    unsigned n_asked = 0;
    struct buf expected = {0};
    warnings_raise(warnings, WARNING_CERTIFICATE_EXPIRED, 1, "x", 0);
    buf_appendf(&expected, "certificate_expired 1 x\n");
    for (unsigned i = 0; i < N_APPS; i++) {
        warnings_raise(warnings, WARNING_APP_UNSIGNED, i, "y", 0);
        if (i % 2 == 0) {
            buf_appendf(&expected, "app_unsigned %u y\n", i);
        }
    }
    warnings_review(warnings, WARNING_APP_UNSIGNED, is_even, &n_asked);
    ck_assert_uint_eq(n_asked, N_APPS);
    buf_append_char(&expected, '\0');
    expect_list(expected.ptr);
    buf_fini(&expected);
}
END_TEST

START_TEST(a_long_text_is_cut)
{
    char text[2 * WARNING_TEXT_SIZE];
    char expected[2 * WARNING_TEXT_SIZE];
    memset(text, 'a', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    warnings_raise(warnings, WARNING_APP_UNSIGNED, 7, text, 0);
    (void)snprintf(expected, sizeof(expected), "app_unsigned 7 %.*s\n", WARNING_TEXT_SIZE - 1, text);
    expect_list(expected);
}
END_TEST

START_TEST(a_long_text_is_cut_between_characters)
{
    char text[WARNING_TEXT_SIZE + 1];
    char expected[WARNING_TEXT_SIZE + 64];
    memset(text, 'a', sizeof(text));
    memcpy(text + sizeof(text) - 4, "\xe4\xb8\xad", 4);
    warnings_raise(warnings, WARNING_APP_QUIET, 1, text, 0);
    (void)snprintf(expected, sizeof(expected), "app_quiet 1 %.*s\n", (int)sizeof(text) - 4, text);
    expect_list(expected);
    memcpy(text + sizeof(text) - 5, "\xe4\xb8\xad", 4); /* fits */
    warnings_raise(warnings, WARNING_APP_QUIET, 1, text, 0);
    (void)snprintf(expected, sizeof(expected), "app_quiet 1 %s\n", text);
    expect_list(expected);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("warnings");
    TCase *tcase = tcase_create("warnings");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, stands_from_when_it_is_raised_until_it_is_cleared);
    tcase_add_test(tcase, the_worst_come_first);
    tcase_add_test(tcase, new_words_are_no_new_warning);
    tcase_add_test(tcase, is_logged_again_after_a_day);
    tcase_add_test(tcase, a_review_leaves_what_is_still_so);
    tcase_add_test(tcase, a_long_text_is_cut);
    tcase_add_test(tcase, a_long_text_is_cut_between_characters);
    suite_add_tcase(suite, tcase);
    return suite;
}

/* SPDX-License-Identifier: MIT */
#include "suite.h"
#include "text.h"

#include <locale.h>

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

static void set_up(void)
{
    ck_assert_ptr_nonnull(setlocale(LC_CTYPE, "C.UTF-8"));
}

static const struct {
    struct str text;
    const char *safe;
} texts[] = {
    {STR("alice"), "alice"},
    {STR("张三"), "张三"},
    {STR("\033[31mred\033[0m"), "\\u{1b}[31mred\\u{1b}[0m"},
    {STR("a\nb\tc\rd\x7f"), "a\\u{a}b\\u{9}c\\u{d}d\\u{7f}"},
    {STR("\xc2\x9b[2J"), "\\u{9b}[2J"},                 /* a terminal's escape in one character */
    {STR("ab\xe2\x80\xaexe.gpj"), "ab\\u{202e}xe.gpj"}, /* turned round */
    {STR("a\0b"), "a\\u{0}b"},
    {STR("\xff\xfe"), "\\xff\\xfe"},
    {STR("\xe4\xb8"), "\\xe4\\xb8"}, /* cut short */
};

START_TEST(shows_what_a_terminal_would_obey)
{
    cleanup(buf_fini) struct buf out = {0};
    text_append_safe(&out, texts[_i].text);
    ck_assert_msg(str_equal(buf_str(&out), str_from(texts[_i].safe)), "%.*s", STR_FMT(buf_str(&out)));
}
END_TEST

START_TEST(knows_how_wide_text_is)
{
    ck_assert_uint_eq(text_width(STR("alice")), 5);
    ck_assert_uint_eq(text_width(STR("张三")), 4);
    ck_assert_uint_eq(text_width(STR("e\xcc\x81")), 1); /* with an accent of its own */
    ck_assert_uint_eq(text_width(STR("")), 0);
}
END_TEST

START_TEST(cuts_between_characters)
{
    ck_assert_uint_eq(text_fit(STR("alice"), 3), 3);
    ck_assert_uint_eq(text_fit(STR("alice"), 9), 5);
    ck_assert_uint_eq(text_fit(STR("张三"), 3), 3); /* one of two columns, of three bytes */
    ck_assert_uint_eq(text_fit(STR("e\xcc\x81z"), 1), 3);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("ctl text");
    TCase *tcase = tcase_create("text");
    tcase_add_checked_fixture(tcase, set_up, NULL);
    tcase_add_loop_test(tcase, shows_what_a_terminal_would_obey, 0, COUNT(texts));
    tcase_add_test(tcase, knows_how_wide_text_is);
    tcase_add_test(tcase, cuts_between_characters);
    suite_add_tcase(suite, tcase);
    return suite;
}

/* SPDX-License-Identifier: MIT */
#include "presenced/json_check.h"

#include "suite.h"
#include "must.h"

/* With its length: the cases hold NULs. */
#define T(literal)                   \
    {                                \
        literal, sizeof(literal) - 1 \
    }
#define N(cases) (int)(sizeof(cases) / sizeof((cases)[0]))

#define TEN_DIGITS "1234567890"
#define SIXTY_DIGITS TEN_DIGITS TEN_DIGITS TEN_DIGITS TEN_DIGITS TEN_DIGITS TEN_DIGITS

static const struct {
    struct str text;
    int outcome;
} cases[] = {
    /* values */
    {T("{}"), 0},
    {T("[]"), 0},
    {T("\"\""), 0},
    {T("0"), 0},
    {T("true"), 0},
    {T("false"), 0},
    {T("null"), 0},
    {T(" \t\r\n{ \t\r\n} \t\r\n"), 0},
    {T("{\"a\":1}"), 0},
    {T("{\"a\" : 1 , \"b\" : [ 1 , 2 , { } , [ ] ] }"), 0},
    {T("[null,true,false,1,\"\",{},[]]"), 0},
    {T("{\"a\":1,\"a\":2}"), 0}, /* JSON all the same: state_change refuses it */
    {T("{\"\":0}"), 0},
    {T(""), JSON_CHECK_EMPTY},
    {T(" "), JSON_CHECK_TRUNCATED},
    {T("\xef\xbb\xbf{}"), JSON_CHECK_BOM},
    {T("\xef\xbb\xbf"), JSON_CHECK_BOM},
    {T(" \xef\xbb\xbf{}"), JSON_CHECK_SYNTAX},
    {T("\xff\xfe{\0}\0"), JSON_CHECK_SYNTAX}, /* UTF-16 */
    {T("{\0}\0"), JSON_CHECK_SYNTAX},
    /* literals */
    {T("True"), JSON_CHECK_SYNTAX},
    {T("tru"), JSON_CHECK_SYNTAX},
    {T("nul"), JSON_CHECK_SYNTAX},
    {T("nulll"), JSON_CHECK_TRAILING},
    {T("[truefalse]"), JSON_CHECK_SYNTAX},
    {T("NaN"), JSON_CHECK_SYNTAX},
    {T("Infinity"), JSON_CHECK_SYNTAX},
    {T("undefined"), JSON_CHECK_SYNTAX},
    /* structure */
    {T("{"), JSON_CHECK_TRUNCATED},
    {T("["), JSON_CHECK_TRUNCATED},
    {T("[1"), JSON_CHECK_TRUNCATED},
    {T("[1,"), JSON_CHECK_TRUNCATED},
    {T("{\"a\""), JSON_CHECK_TRUNCATED},
    {T("{\"a\" "), JSON_CHECK_TRUNCATED},
    {T("{\"a\":"), JSON_CHECK_TRUNCATED},
    {T("{\"a\":1"), JSON_CHECK_TRUNCATED},
    {T("{\"a\":1,"), JSON_CHECK_TRUNCATED},
    {T("[1,]"), JSON_CHECK_SYNTAX},
    {T("[,1]"), JSON_CHECK_SYNTAX},
    {T("[1,,2]"), JSON_CHECK_SYNTAX},
    {T("[1 2]"), JSON_CHECK_SYNTAX},
    {T("[1:2]"), JSON_CHECK_SYNTAX},
    {T("{\"a\":1,}"), JSON_CHECK_SYNTAX},
    {T("{,}"), JSON_CHECK_SYNTAX},
    {T("{\"a\"}"), JSON_CHECK_SYNTAX},
    {T("{\"a\",1}"), JSON_CHECK_SYNTAX},
    {T("{\"a\":}"), JSON_CHECK_SYNTAX},
    {T("{\"a\"::1}"), JSON_CHECK_SYNTAX},
    {T("{\"a\":1 \"b\":2}"), JSON_CHECK_SYNTAX},
    {T("{a:1}"), JSON_CHECK_SYNTAX},
    {T("{1:1}"), JSON_CHECK_SYNTAX},
    {T("{'a':1}"), JSON_CHECK_SYNTAX},
    {T("{null:1}"), JSON_CHECK_SYNTAX},
    {T("[}"), JSON_CHECK_SYNTAX},
    {T("{]"), JSON_CHECK_SYNTAX},
    {T("[1}"), JSON_CHECK_SYNTAX},
    {T("{\"a\":1]"), JSON_CHECK_SYNTAX},
    {T("]"), JSON_CHECK_SYNTAX},
    {T("}"), JSON_CHECK_SYNTAX},
    {T(","), JSON_CHECK_SYNTAX},
    {T("// x\n{}"), JSON_CHECK_SYNTAX},
    {T("[/**/]"), JSON_CHECK_SYNTAX},
    {T("[\f]"), JSON_CHECK_SYNTAX},
    {T("[\v]"), JSON_CHECK_SYNTAX},
    {T("[\xc2\xa0]"), JSON_CHECK_SYNTAX}, /* a blank of Unicode's is none of JSON's */
    /* what follows */
    {T("{}{}"), JSON_CHECK_TRAILING},
    {T("{} x"), JSON_CHECK_TRAILING},
    {T("{},"), JSON_CHECK_TRAILING},
    {T("{}]"), JSON_CHECK_TRAILING},
    {T("{}}"), JSON_CHECK_TRAILING},
    {T("1 2"), JSON_CHECK_TRAILING},
    {T("{}\0"), JSON_CHECK_TRAILING},
    {T("{}\0garbage"), JSON_CHECK_TRAILING},
    {T("{}//"), JSON_CHECK_TRAILING},
    {T("{}\xef\xbb\xbf"), JSON_CHECK_TRAILING},
    /* numbers */
    {T("-0"), 0},
    {T("-1"), 0},
    {T("10"), 0},
    {T("1.0"), 0},
    {T("0.10"), 0},
    {T("-0.0e-0"), 0},
    {T("1e3"), 0},
    {T("1E+3"), 0},
    {T("0e0"), 0},
    {T("1.5e-03"), 0},
    {T("1e400"), 0},
    {T("01"), JSON_CHECK_NUMBER},
    {T("-01"), JSON_CHECK_NUMBER},
    {T("00"), JSON_CHECK_NUMBER},
    {T("-"), JSON_CHECK_NUMBER},
    {T("--1"), JSON_CHECK_NUMBER},
    {T("-a"), JSON_CHECK_NUMBER},
    {T("-Infinity"), JSON_CHECK_NUMBER},
    {T("1."), JSON_CHECK_NUMBER},
    {T("1.e3"), JSON_CHECK_NUMBER},
    {T("1e"), JSON_CHECK_NUMBER},
    {T("1e+"), JSON_CHECK_NUMBER},
    {T("1e-x"), JSON_CHECK_NUMBER},
    {T("+1"), JSON_CHECK_SYNTAX},
    {T(".5"), JSON_CHECK_SYNTAX},
    {T("[1.2.3]"), JSON_CHECK_SYNTAX},
    {T("[1e2e3]"), JSON_CHECK_SYNTAX},
    {T("[0x10]"), JSON_CHECK_SYNTAX},
    {T("[1_000]"), JSON_CHECK_SYNTAX},
    {T("[1-2]"), JSON_CHECK_SYNTAX},
    {T(SIXTY_DIGITS "123"), 0},
    {T(SIXTY_DIGITS "1234"), JSON_CHECK_NUMBER_LENGTH},
    {T("-" SIXTY_DIGITS "12"), 0},
    {T("-" SIXTY_DIGITS "123"), JSON_CHECK_NUMBER_LENGTH},
    {T("[0." SIXTY_DIGITS "e1]"), JSON_CHECK_NUMBER_LENGTH},
    /* strings */
    {T("\"a\x7f\""), 0},
    {T("\"'/\""), 0},
    {T("\""), JSON_CHECK_TRUNCATED},
    {T("\"a"), JSON_CHECK_TRUNCATED},
    {T("\"a\\"), JSON_CHECK_TRUNCATED},
    {T("\"a\\\""), JSON_CHECK_TRUNCATED},
    {T("'a'"), JSON_CHECK_SYNTAX},
    {T("\"a\nb\""), JSON_CHECK_CONTROL},
    {T("\"a\tb\""), JSON_CHECK_CONTROL},
    {T("\"a\0b\""), JSON_CHECK_CONTROL},
    {T("{\"a\x01\":1}"), JSON_CHECK_CONTROL},
    /* escapes */
    {T("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""), 0},
    {T("\"\\u0001\\u001f\\u007F\\uFfFf\""), 0},
    {T("\"\\x41\""), JSON_CHECK_ESCAPE},
    {T("\"\\u\""), JSON_CHECK_ESCAPE},
    {T("\"\\u12\""), JSON_CHECK_ESCAPE},
    {T("\"\\u123"), JSON_CHECK_ESCAPE},
    {T("\"\\u123g\""), JSON_CHECK_ESCAPE},
    {T("\"\\u+123\""), JSON_CHECK_ESCAPE},
    {T("\"\\u 123\""), JSON_CHECK_ESCAPE},
    {T("\"\\U0041\""), JSON_CHECK_ESCAPE},
    {T("\"\\\0\""), JSON_CHECK_ESCAPE},
    {T("\"\\u0000\""), JSON_CHECK_NUL},
    {T("{\"a\\u0000b\":1}"), JSON_CHECK_NUL},
    {T("\"\\\\u0000\""), 0}, /* an escaped backslash, then plain text */
    /* surrogates */
    {T("\"\\ud83d\\ude00\""), 0},
    {T("\"\\uD800\\uDC00\\uDBFF\\uDFFF\""), 0},
    {T("\"\\ud7ff\\ue000\""), 0},
    {T("\"\\ud83d\""), JSON_CHECK_SURROGATE},
    {T("\"\\udbff\""), JSON_CHECK_SURROGATE},
    {T("\"\\ude00\""), JSON_CHECK_SURROGATE},
    {T("\"\\udc00\""), JSON_CHECK_SURROGATE},
    {T("\"\\ude00\\ud83d\""), JSON_CHECK_SURROGATE},
    {T("\"\\ud83d\\ud83d\""), JSON_CHECK_SURROGATE},
    {T("\"\\ud83dx\\ude00\""), JSON_CHECK_SURROGATE},
    {T("\"\\ud83d\\n\""), JSON_CHECK_SURROGATE},
    {T("\"\\ud83d\\u0041\""), JSON_CHECK_SURROGATE},
    {T("\"\\ud83d"), JSON_CHECK_SURROGATE},
    {T("\"\\ud83d\\u"), JSON_CHECK_ESCAPE},
    {T("\"\\ud83d\\ude0\""), JSON_CHECK_ESCAPE},
    {T("{\"\\udc00\":1}"), JSON_CHECK_SURROGATE},
    /* UTF-8 */
    {T("\"\xc2\x80 \xdf\xbf \xe0\xa0\x80 \xed\x9f\xbf \xee\x80\x80 \xef\xbf\xbf \xf0\x90\x80\x80 \xf4\x8f\xbf\xbf\""),
     0},
    {T("\"\xe5\xa4\x8f\xe5\xad\xa3\x34\x30\xe5\xba\xa6\""), 0},
    {T("\"a\xef\xbb\xbf\""), 0},
    {T("\"\x80\""), JSON_CHECK_UTF8},
    {T("\"\xbf\""), JSON_CHECK_UTF8},
    {T("\"\xc2\""), JSON_CHECK_UTF8},
    {T("\"\xc2\x41\""), JSON_CHECK_UTF8},
    {T("\"\xc0\x80\""), JSON_CHECK_UTF8},
    {T("\"\xc1\xbf\""), JSON_CHECK_UTF8},
    {T("\"\xe0\x80\x80\""), JSON_CHECK_UTF8},
    {T("\"\xe0\x9f\xbf\""), JSON_CHECK_UTF8},
    {T("\"\xe5\xa4\""), JSON_CHECK_UTF8},
    {T("\"\xed\xa0\x80\""), JSON_CHECK_UTF8},
    {T("\"\xed\xbf\xbf\""), JSON_CHECK_UTF8},
    {T("\"\xf0\x80\x80\x80\""), JSON_CHECK_UTF8},
    {T("\"\xf0\x8f\xbf\xbf\""), JSON_CHECK_UTF8},
    {T("\"\xf4\x90\x80\x80\""), JSON_CHECK_UTF8},
    {T("\"\xf5\x80\x80\x80\""), JSON_CHECK_UTF8},
    {T("\"\xf8\x88\x80\x80\x80\""), JSON_CHECK_UTF8},
    {T("\"\xff\""), JSON_CHECK_UTF8},
    {T("\"\xe5\xa4\x8f\x8f\""), JSON_CHECK_UTF8},
    {T("{\"\xff\":1}"), JSON_CHECK_UTF8},
    {T("\"\xe5"), JSON_CHECK_UTF8},
};

/* A copy of just its size, so that the address sanitizer sees a byte read too many. */
static int check_copy(struct str text)
{
    char *copy = malloc(text.len + (text.len == 0));
    must(copy != NULL);
    memcpy(copy, text.ptr, text.len);
    int outcome = json_check((struct str){copy, text.len});
    free(copy);
    return outcome;
}

START_TEST(decides_hard_cases)
{
    ck_assert_int_eq(check_copy(cases[_i].text), cases[_i].outcome);
}
END_TEST

START_TEST(refuses_no_text)
{
    ck_assert_int_eq(json_check((struct str){NULL, 0}), JSON_CHECK_EMPTY);
}
END_TEST

/* `n` levels, all open ones alike or object and array in turns. */
static int check_nested(unsigned n, const char *open, const char *open_odd, const char *close,
                        const char *close_odd)
{
    cleanup(buf_fini) struct buf text = {0};
    for (unsigned i = 0; i < n; i++) {
        buf_append(&text, str_from(i % 2 == 0 ? open : open_odd));
    }
    buf_append_char(&text, '1');
    for (unsigned i = n; i > 0; i--) {
        buf_append(&text, str_from(i % 2 == 1 ? close : close_odd));
    }
    return check_copy(buf_str(&text));
}

START_TEST(bounds_the_depth)
{
    int at_most = JSON_CHECK_DEPTH_MAX;
    for (int n = at_most - 1; n <= at_most + 2; n++) {
        int outcome = n <= at_most ? 0 : JSON_CHECK_DEPTH;
        ck_assert_int_eq(check_nested((unsigned)n, "[", "[", "]", "]"), outcome);
        ck_assert_int_eq(check_nested((unsigned)n, "{\"a\":", "{\"a\":", "}", "}"), outcome);
        ck_assert_int_eq(check_nested((unsigned)n, "{\"a\":", "[", "}", "]"), outcome);
        ck_assert_int_eq(check_nested((unsigned)n, "[0,", "{\"a\":", "]", ",\"b\":{}}"),
                         n <= at_most - 1 ? 0 : JSON_CHECK_DEPTH);
    }
}
END_TEST

START_TEST(depth_is_of_what_is_open)
{
    cleanup(buf_fini) struct buf text = {0};
    buf_append_char(&text, '[');
    for (unsigned i = 0; i < 1000; i++) {
        buf_append(&text, STR("[[]],"));
    }
    buf_append(&text, STR("{}]"));
    ck_assert_int_eq(check_copy(buf_str(&text)), 0);
}
END_TEST

START_TEST(deep_and_never_closed)
{
    enum { N_BYTES = 60000 };
    char *text = malloc(N_BYTES);
    ck_assert_ptr_nonnull(text);
    memset(text, '[', N_BYTES);
    ck_assert_int_eq(json_check((struct str){text, N_BYTES}), JSON_CHECK_DEPTH);
    free(text);
}
END_TEST

/* At each place, for strings are looked at in words where there is room for one. */
START_TEST(every_byte_in_a_string)
{
    int outcome = _i < 0x20 ? JSON_CHECK_CONTROL : _i >= 0x80 ? JSON_CHECK_UTF8 : 0;
    outcome = _i == '"' ? JSON_CHECK_TRAILING : outcome;
    for (size_t n_bytes = 5; n_bytes < 30; n_bytes++) {
        for (size_t at = 1; at < n_bytes - 2; at++) {
            char text[30];
            memset(text, 'b', n_bytes);
            text[0] = '"';
            text[n_bytes - 1] = '"';
            text[at] = (char)_i; /* also '\\': \b is an escape */
            must(check_copy((struct str){text, n_bytes}) == outcome);
        }
    }
}
END_TEST

START_TEST(every_byte_as_an_escape)
{
    char text[] = "\"\\?0041\"";
    text[2] = (char)_i;
    bool good = _i != 0 && strchr("\"\\/bfnrtu", _i) != NULL;
    ck_assert_int_eq(check_copy((struct str){text, 8}), good ? 0 : JSON_CHECK_ESCAPE);
}
END_TEST

START_TEST(every_byte_outside_a_string)
{
    char text[] = "[?]";
    text[1] = (char)_i;
    bool good = _i != 0 && strchr(" \t\r\n0123456789]", _i) != NULL;
    int outcome = check_copy((struct str){text, 3});
    if (_i == ']') {
        ck_assert_int_eq(outcome, JSON_CHECK_TRAILING);
    } else {
        ck_assert_int_eq(outcome == 0, good);
    }
}
END_TEST

static const char whole[] =
    " {\"a\\u00e9\":[1,-2.5e+3,\"\xe5\xa4\x8f\\ud83d\\ude00\",true,null],\"b\":{\"c\":{}}}";

START_TEST(every_beginning_is_refused)
{
    ck_assert_int_eq(check_copy((struct str){whole, sizeof(whole) - 1}), 0);
    for (size_t len = 0; len < sizeof(whole) - 1; len++) {
        ck_assert_msg(check_copy((struct str){whole, len}) > 0, "%zu bytes", len);
    }
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("json_check");
    TCase *tcase = tcase_create("json_check");
    tcase_add_loop_test(tcase, decides_hard_cases, 0, N(cases));
    tcase_add_test(tcase, refuses_no_text);
    tcase_add_test(tcase, bounds_the_depth);
    tcase_add_test(tcase, depth_is_of_what_is_open);
    tcase_add_test(tcase, deep_and_never_closed);
    tcase_add_loop_test(tcase, every_byte_in_a_string, 0, 256);
    tcase_add_loop_test(tcase, every_byte_as_an_escape, 0, 256);
    tcase_add_loop_test(tcase, every_byte_outside_a_string, 0, 256);
    tcase_add_test(tcase, every_beginning_is_refused);
    suite_add_tcase(suite, tcase);
    return suite;
}

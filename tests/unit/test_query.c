/* SPDX-License-Identifier: MIT */
#include "presenced/query.h"

#include "suite.h"

#include <stdio.h>

#define N_MAX 8

static void assert_str(struct str got, const char *want)
{
    ck_assert_msg(str_equal(got, str_from(want)), "got '%.*s', want '%s'", STR_FMT(got), want);
}

static const struct {
    const char *query;
    const char *parameters[N_MAX][2];
} next_cases[] = {
    {"", {{NULL}}},
    {"&&&", {{NULL}}},
    {"a=1", {{"a", "1"}}},
    {"a=1&b=2", {{"a", "1"}, {"b", "2"}}},
    {"a=1&&b=2&", {{"a", "1"}, {"b", "2"}}},
    {"a", {{"a", ""}}},
    {"a=", {{"a", ""}}},
    {"=1", {{"", "1"}}},
    {"=", {{"", ""}}},
    {"a=b=c", {{"a", "b=c"}}},
    {"a=1;b=2", {{"a", "1;b=2"}}},
    {"a=%31&%62=+", {{"a", "%31"}, {"%62", "+"}}},
    {"a=1&a=2", {{"a", "1"}, {"a", "2"}}},
    {"a=?#", {{"a", "?#"}}},
};

START_TEST(next_takes_one_at_a_time)
{
    struct str query = str_from(next_cases[_i].query);
    struct query_parameter parameter;
    size_t n = 0;
    for (; query_next(&query, &parameter); n++) {
        ck_assert_msg(next_cases[_i].parameters[n][0] != NULL, "one too many: %s", next_cases[_i].query);
        assert_str(parameter.name, next_cases[_i].parameters[n][0]);
        assert_str(parameter.value, next_cases[_i].parameters[n][1]);
    }
    ck_assert_ptr_null(next_cases[_i].parameters[n][0]);
}
END_TEST

START_TEST(next_of_no_query)
{
    struct str none = {NULL, 0};
    struct query_parameter parameter;
    ck_assert(!query_next(&none, &parameter));
}
END_TEST

static const struct {
    const char *encoded;
    int outcome;
    const char *text;
} decode_cases[] = {
    {"", 0, ""},
    {"plain", 0, "plain"},
    {"a+b", 0, "a+b"},
    {"%61", 0, "a"},
    {"%2B%2b", 0, "++"},
    {"%e5%A4%8f", 0, "\xe5\xa4\x8f"},
    {"%25%32%35", 0, "%25"},
    {"%01%7f%FF", 0, "\x01\x7f\xff"},
    {"12345678", 0, "12345678"},
    {"%31%32%33%34%35%36%37%38", 0, "12345678"},
    {"123456789", QUERY_TOO_LONG, NULL},
    {"12345678%39", QUERY_TOO_LONG, NULL},
    {"123456789%", QUERY_BAD_ESCAPE, NULL},
    {"%", QUERY_BAD_ESCAPE, NULL},
    {"%4", QUERY_BAD_ESCAPE, NULL},
    {"a%", QUERY_BAD_ESCAPE, NULL},
    {"%zz", QUERY_BAD_ESCAPE, NULL},
    {"%4g", QUERY_BAD_ESCAPE, NULL},
    {"%g4", QUERY_BAD_ESCAPE, NULL},
    {"%-1", QUERY_BAD_ESCAPE, NULL},
    {"% 1", QUERY_BAD_ESCAPE, NULL},
    {"%%41", QUERY_BAD_ESCAPE, NULL},
    {"%u0041", QUERY_BAD_ESCAPE, NULL},
    {"%00", QUERY_BAD_ESCAPE, NULL},
    {"a%00b", QUERY_BAD_ESCAPE, NULL},
    {"%1@", QUERY_BAD_ESCAPE, NULL},
    {"%1`", QUERY_BAD_ESCAPE, NULL},
    {"%1\x10", QUERY_BAD_ESCAPE, NULL},
    {"%:0", QUERY_BAD_ESCAPE, NULL},
    {"%/0", QUERY_BAD_ESCAPE, NULL},
};

START_TEST(decode_is_strict)
{
    static const struct str untouched = {"untouched", 9};
    char storage[8];
    struct str text = untouched;
    int r = query_decode(str_from(decode_cases[_i].encoded), sizeof(storage), storage, &text);
    ck_assert_int_eq(r, decode_cases[_i].outcome);
    assert_str(text, r == 0 ? decode_cases[_i].text : untouched.ptr);
}
END_TEST

START_TEST(decode_borrows_what_has_no_escape)
{
    struct str encoded = STR("alice");
    struct str text;
    char storage[8];
    ck_assert_int_eq(query_decode(encoded, sizeof(storage), storage, &text), 0);
    ck_assert_ptr_eq(text.ptr, encoded.ptr);
}
END_TEST

START_TEST(raw_nul_is_refused)
{
    struct str text;
    char storage[8];
    ck_assert_int_eq(query_decode(STR("a\0b"), sizeof(storage), storage, &text), QUERY_BAD_ESCAPE);
    ck_assert_int_eq(query_decode(STR("\0"), sizeof(storage), storage, &text), QUERY_BAD_ESCAPE);
    ck_assert(!query_equal(STR("a\0"), STR("a\0")));
}
END_TEST

START_TEST(escape_ends_with_the_text)
{
    struct str text;
    char storage[8];
    for (size_t len = 1; len <= 2; len++) {
        struct str cut = {"%41", len};
        ck_assert_int_eq(query_decode(cut, sizeof(storage), storage, &text), QUERY_BAD_ESCAPE);
        ck_assert(!query_equal(cut, STR("A")));
    }
}
END_TEST

START_TEST(decode_every_byte)
{
    char encoded[4];
    char storage[1];
    struct str text;
    (void)snprintf(encoded, sizeof(encoded), "%%%02x", (unsigned)_i);
    ck_assert_int_eq(query_decode(str_from(encoded), 1, storage, &text), 0);
    ck_assert_uint_eq(text.len, 1);
    ck_assert_int_eq((unsigned char)text.ptr[0], _i);
}
END_TEST

static const struct {
    const char *encoded;
    const char *text;
    bool equal;
} equal_cases[] = {
    {"", "", true},
    {"SdkAppid", "SdkAppid", true},
    {"%53dkAppi%64", "SdkAppid", true},
    {"sdkappid", "SdkAppid", false},
    {"SdkAppi", "SdkAppid", false},
    {"SdkAppid2", "SdkAppid", false},
    {"SdkAppid%", "SdkAppid", false},
    {"SdkAppid%00", "SdkAppid", false},
    {"%", "%", false},
    {"%25", "%", true},
    {"", "a", false},
    {"a", "", false},
};

START_TEST(equal_compares_what_is_meant)
{
    ck_assert_int_eq(query_equal(str_from(equal_cases[_i].encoded), str_from(equal_cases[_i].text)),
                     equal_cases[_i].equal);
}
END_TEST

START_TEST(find_counts_and_keeps_order)
{
    static const struct str names[] = {{"SdkAppid", 8}, {"Sign", 4}, {"OptPlatform", 11}, {"ClientIP", 8}};
    struct query_value values[4];
    query_find(STR("tenant=x&Sign=1&Si%67n=2&SdkAppid=1400000000&OptPlatform&tenant=y&sign=3"), names, 4,
               values);
    assert_str(values[0].encoded, "1400000000");
    ck_assert_uint_eq(values[0].n, 1);
    assert_str(values[1].encoded, "2");
    ck_assert_uint_eq(values[1].n, 2);
    ck_assert_ptr_nonnull(values[2].encoded.ptr);
    ck_assert_uint_eq(values[2].encoded.len, 0);
    ck_assert_uint_eq(values[2].n, 1);
    ck_assert_ptr_null(values[3].encoded.ptr);
    ck_assert_uint_eq(values[3].n, 0);
}
END_TEST

START_TEST(find_in_no_query)
{
    static const struct str name = {"a", 1};
    struct query_value value = {.n = 7};
    query_find((struct str){NULL, 0}, &name, 1, &value);
    ck_assert_uint_eq(value.n, 0);
    ck_assert_ptr_null(value.encoded.ptr);
}
END_TEST

#define N(cases) (int)(sizeof(cases) / sizeof((cases)[0]))

Suite *test_suite(void)
{
    Suite *suite = suite_create("query");
    TCase *tcase = tcase_create("query");
    tcase_add_loop_test(tcase, next_takes_one_at_a_time, 0, N(next_cases));
    tcase_add_test(tcase, next_of_no_query);
    tcase_add_loop_test(tcase, decode_is_strict, 0, N(decode_cases));
    tcase_add_test(tcase, decode_borrows_what_has_no_escape);
    tcase_add_test(tcase, raw_nul_is_refused);
    tcase_add_test(tcase, escape_ends_with_the_text);
    tcase_add_loop_test(tcase, decode_every_byte, 1, 256);
    tcase_add_loop_test(tcase, equal_compares_what_is_meant, 0, N(equal_cases));
    tcase_add_test(tcase, find_counts_and_keeps_order);
    tcase_add_test(tcase, find_in_no_query);
    suite_add_tcase(suite, tcase);
    return suite;
}

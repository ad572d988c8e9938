/* SPDX-License-Identifier: MIT */
#include "presenced/str.h"
#include "suite.h"

#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

static const struct {
    struct str a;
    struct str b;
    bool equal;
    bool equal_fold;
    int order;
} pairs[] = {
    {{NULL, 0}, {NULL, 0}, true, true, 0},
    {{NULL, 0}, STR(""), true, true, 0},
    {STR(""), STR("a"), false, false, -1},
    {STR("a"), STR("a"), true, true, 0},
    {STR("a"), STR("A"), false, true, 1},
    {STR("iOS"), STR("IOS"), false, true, 1},
    {STR("ab"), STR("abc"), false, false, -1},
    {STR("b"), STR("abc"), false, false, 1},
    {STR("a\0b"), STR("a\0c"), false, false, -1},
    {STR("\xff"), STR("a"), false, false, 1},
    /* 32 apart, as the cases of a letter are, but no letters. */
    {STR("["), STR("{"), false, false, -1},
    {STR("@"), STR("`"), false, false, -1},
    {STR("\xc3\xa4"), STR("\xc3\x84"), false, false, 1},
};

static int sign(int n)
{
    return (n > 0) - (n < 0);
}

START_TEST(compares)
{
    struct str a = pairs[_i].a;
    struct str b = pairs[_i].b;
    ck_assert_int_eq(str_equal(a, b), pairs[_i].equal);
    ck_assert_int_eq(str_equal_fold(a, b), pairs[_i].equal_fold);
    ck_assert_int_eq(sign(str_compare(a, b)), pairs[_i].order);
    ck_assert_int_eq(sign(str_compare(b, a)), -pairs[_i].order);
}
END_TEST

START_TEST(finds_a_prefix)
{
    ck_assert(str_starts_with(STR("unix:/a"), STR("unix:")));
    ck_assert(str_starts_with(STR("a"), STR("")));
    ck_assert(str_starts_with((struct str){NULL, 0}, STR("")));
    ck_assert(!str_starts_with(STR("uni"), STR("unix:")));
    ck_assert(!str_starts_with(STR("xunix:"), STR("unix:")));
}
END_TEST

static const struct {
    struct str text;
    struct str trimmed;
} blanks[] = {
    {STR(""), STR("")},          {STR(" \t "), STR("")},   {STR("a"), STR("a")},
    {STR("\ta b "), STR("a b")}, {STR("a\n"), STR("a\n")},
};

START_TEST(trims)
{
    ck_assert(str_equal(str_trim(blanks[_i].text), blanks[_i].trimmed));
}
END_TEST

static const struct {
    struct str text;
    size_t n;
    struct str parts[4];
} lists[] = {
    {{NULL, 0}, 0, {STR("")}},           {STR(""), 1, {STR("")}},
    {STR("a"), 1, {STR("a")}},           {STR("a,"), 2, {STR("a"), STR("")}},
    {STR(",a"), 2, {STR(""), STR("a")}}, {STR("a,,b"), 3, {STR("a"), STR(""), STR("b")}},
};

START_TEST(splits)
{
    struct str rest = lists[_i].text;
    struct str part = STR("untouched");
    for (size_t i = 0; i < lists[_i].n; i++) {
        ck_assert(str_split(&rest, ',', &part));
        ck_assert(str_equal(part, lists[_i].parts[i]));
    }
    part = STR("untouched");
    ck_assert(!str_split(&rest, ',', &part));
    ck_assert(str_equal(part, STR("untouched")));
}
END_TEST

static const struct {
    struct str text;
    uint64_t max;
    bool good;
    uint64_t value;
} numbers[] = {
    {STR("0"), 0, true, 0},
    {STR("007"), 7, true, 7},
    {STR("1"), 0, false, 0},
    {STR("9"), 8, false, 0},
    {STR("10"), 9, false, 0},
    {STR("65535"), 65535, true, 65535},
    {STR("65536"), 65535, false, 0},
    {STR("18446744073709551615"), UINT64_MAX, true, UINT64_MAX},
    {STR("18446744073709551616"), UINT64_MAX, false, 0},
    {STR("99999999999999999999999"), UINT64_MAX, false, 0},
    {STR(""), UINT64_MAX, false, 0},
    {STR("+1"), UINT64_MAX, false, 0},
    {STR("-1"), UINT64_MAX, false, 0},
    {STR(" 1"), UINT64_MAX, false, 0},
    {STR("1 "), UINT64_MAX, false, 0},
    {STR("0x1"), UINT64_MAX, false, 0},
    {STR("1\0"), UINT64_MAX, false, 0},
};

START_TEST(parses_numbers)
{
    uint64_t value = 4711;
    ck_assert_int_eq(str_parse_u64(numbers[_i].text, numbers[_i].max, &value), numbers[_i].good);
    ck_assert_uint_eq(value, numbers[_i].good ? numbers[_i].value : 4711);
}
END_TEST

static const struct {
    struct str text;
    bool good;
} utf8[] = {
    {STR(""), true},
    {STR("a\0b"), true},
    {STR("\x7f"), true},
    {STR("\xc2\x80"), true},
    {STR("\xdf\xbf"), true},
    {STR("\xe0\xa0\x80"), true},
    {STR("\xed\x9f\xbf"), true},
    {STR("\xee\x80\x80"), true},
    {STR("\xef\xbf\xbf"), true},
    {STR("\xf0\x90\x80\x80"), true},
    {STR("\xf4\x8f\xbf\xbf"), true},
    {STR("\xe5\xbc\xa0\xe4\xb8\x89 \xf0\x9f\x98\x80"), true},
    {STR("\x80"), false},                 /* a continuation alone */
    {STR("\xc3"), false},                 /* cut short */
    {STR("\xe5\xbc"), false},             /* cut short */
    {STR("\xf0\x90\x80"), false},         /* cut short */
    {STR("\xc3\x28"), false},             /* no continuation */
    {STR("\xe5\x28\xa0"), false},         /* no continuation */
    {STR("\xe5\xbc\x28"), false},         /* no continuation */
    {STR("\xc0\x80"), false},             /* overlong */
    {STR("\xc1\xbf"), false},             /* overlong */
    {STR("\xe0\x9f\xbf"), false},         /* overlong */
    {STR("\xf0\x8f\xbf\xbf"), false},     /* overlong */
    {STR("\xed\xa0\x80"), false},         /* a surrogate */
    {STR("\xed\xbf\xbf"), false},         /* a surrogate */
    {STR("\xf4\x90\x80\x80"), false},     /* above U+10FFFF */
    {STR("\xf5\x80\x80\x80"), false},     /* above U+10FFFF */
    {STR("\xf8\x88\x80\x80\x80"), false}, /* five bytes */
    {STR("\xff"), false},
    {STR("good\xc3"), false},
};

/* The byte that would complete it lies behind the end. */
START_TEST(looks_at_no_byte_behind_the_end)
{
    static const char characters[] = "\xc3\xa4\xe5\xbc\xa0\xf0\x9f\x98\x80";
    ck_assert(!str_is_utf8((struct str){characters, 1}));
    ck_assert(!str_is_utf8((struct str){characters + 2, 2}));
    ck_assert(!str_is_utf8((struct str){characters + 5, 3}));
    ck_assert(str_is_utf8((struct str){characters, 9}));
}
END_TEST

START_TEST(knows_utf8)
{
    ck_assert_int_eq(str_is_utf8(utf8[_i].text), utf8[_i].good);
}
END_TEST

START_TEST(appends)
{
    struct buf buf = {0};
    buf_append(&buf, STR("a"));
    buf_append(&buf, (struct str){NULL, 0});
    buf_append_char(&buf, '\0');
    buf_append_u64(&buf, 0);
    buf_append_char(&buf, ' ');
    buf_append_u64(&buf, UINT64_MAX);
    buf_append_char(&buf, ' ');
    buf_append_i64(&buf, INT64_MIN);
    buf_append_char(&buf, ' ');
    buf_append_i64(&buf, 7);
    buf_appendf(&buf, " %s/%d", "x", 5);
    ck_assert(!buf.failed);
    ck_assert(str_equal(buf_str(&buf), STR("a\0"
                                           "0 18446744073709551615 -9223372036854775808 7 x/5")));
    buf_fini(&buf);
    ck_assert_ptr_null(buf.ptr);
    ck_assert_uint_eq(buf.len, 0);
}
END_TEST

START_TEST(a_buffer_grows)
{
    struct buf buf = {0};
    for (unsigned i = 0; i < 10000; i++) {
        buf_append_char(&buf, (char)('a' + i % 26));
    }
    ck_assert_uint_eq(buf.len, 10000);
    for (unsigned i = 0; i < 10000; i++) {
        ck_assert_int_eq(buf.ptr[i], 'a' + (int)(i % 26));
    }
    size_t capacity = buf.capacity;
    buf_clear(&buf);
    ck_assert_uint_eq(buf.len, 0);
    ck_assert_uint_eq(buf.capacity, capacity);
    buf_fini(&buf);
}
END_TEST

START_TEST(reserving_nothing_fails_nothing)
{
    struct buf buf = {0};
    ck_assert_ptr_nonnull(buf_reserve(&buf, 0));
    ck_assert(!buf.failed);
    buf_fini(&buf);
}
END_TEST

START_TEST(a_buffer_stays_failed)
{
    struct buf buf = {0};
    buf_append(&buf, STR("a"));
    ck_assert_ptr_null(buf_reserve(&buf, SIZE_MAX - 1));
    ck_assert(buf.failed);
    buf_append_char(&buf, 'b');
    buf_append_u64(&buf, 1);
    buf_appendf(&buf, "%d", 2);
    ck_assert(buf.failed);
    ck_assert_uint_eq(buf.len, 1);
    buf_clear(&buf);
    buf_append_char(&buf, 'c');
    ck_assert(!buf.failed);
    ck_assert(str_equal(buf_str(&buf), STR("c")));
    buf_fini(&buf);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("str");
    TCase *tcase = tcase_create("str");
    tcase_add_loop_test(tcase, compares, 0, N_ELEMENTS(pairs));
    tcase_add_test(tcase, finds_a_prefix);
    tcase_add_loop_test(tcase, trims, 0, N_ELEMENTS(blanks));
    tcase_add_loop_test(tcase, splits, 0, N_ELEMENTS(lists));
    tcase_add_loop_test(tcase, parses_numbers, 0, N_ELEMENTS(numbers));
    tcase_add_loop_test(tcase, knows_utf8, 0, N_ELEMENTS(utf8));
    tcase_add_test(tcase, looks_at_no_byte_behind_the_end);
    tcase_add_test(tcase, appends);
    tcase_add_test(tcase, a_buffer_grows);
    tcase_add_test(tcase, reserving_nothing_fails_nothing);
    tcase_add_test(tcase, a_buffer_stays_failed);
    suite_add_tcase(suite, tcase);
    return suite;
}

/* SPDX-License-Identifier: MIT */
#include "presenced/json.h"
#include "suite.h"

#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

static const struct {
    struct str text;
    const char *json;
} strings[] = {
    {STR(""), "\"\""},
    {{NULL, 0}, "\"\""},
    {STR("alice"), "\"alice\""},
    {STR("a\"b\\c/d"), "\"a\\\"b\\\\c/d\""},
    {STR("\n\r\t"), "\"\\n\\r\\t\""},
    {STR("\x01\x08\x0c\x1f"), "\"\\u0001\\u0008\\u000c\\u001f\""},
    {STR("a\0b"), "\"a\\u0000b\""},
    {STR("\x7e\x7f"), "\"~\\u007f\""},
    {STR("\xc2\x80\xc2\x9f\xc2\xa0"), "\"\\u0080\\u009f\xc2\xa0\""},
    {STR("\xe2\x80\xa7\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xaa"), "\"\xe2\x80\xa7\\u2028\\u2029\\u202a\""},
    {STR("\xe5\xbc\xa0\xe4\xb8\x89\xf0\x9f\x98\x80"), "\"\xe5\xbc\xa0\xe4\xb8\x89\xf0\x9f\x98\x80\""},
    /* What is not UTF-8: a replacement a byte. */
    {STR("a\xffz"), "\"a\xef\xbf\xbdz\""},
    {STR("\xc3"), "\"\xef\xbf\xbd\""},
    {STR("\xe5\xbc\"x"), "\"\xef\xbf\xbd\xef\xbf\xbd\\\"x\""},
    {STR("\xed\xa0\x80"), "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
    {STR("\xc0\x80"), "\"\xef\xbf\xbd\xef\xbf\xbd\""},
};

static void expect(const struct buf *out, const char *json)
{
    ck_assert(!out->failed);
    ck_assert_msg(str_equal(buf_str(out), str_from(json)), "%.*s", STR_FMT(*out));
}

START_TEST(writes_strings)
{
    struct buf out = {0};
    struct json_writer json = {.out = &out};
    json_str(&json, NULL, strings[_i].text);
    expect(&out, strings[_i].json);
    buf_fini(&out);
}
END_TEST

START_TEST(escapes_foreign_keys)
{
    struct buf out = {0};
    struct json_writer json = {.out = &out};
    cleanup(buf_fini) struct buf expected = {0};
    json_begin_object(&json, NULL);
    json_key(&json, strings[_i].text);
    json_u64(&json, NULL, 1);
    json_key(&json, STR("b"));
    json_begin_array(&json, NULL);
    json_end_array(&json);
    json_end_object(&json);
    buf_appendf(&expected, "{%s:1,\"b\":[]}%c", strings[_i].json, '\0');
    expect(&out, expected.ptr);
    buf_fini(&out);
}
END_TEST

START_TEST(writes_numbers)
{
    struct buf out = {0};
    struct json_writer json = {.out = &out};
    json_begin_array(&json, NULL);
    json_u64(&json, NULL, 0);
    json_u64(&json, NULL, UINT64_MAX);
    json_i64(&json, NULL, INT64_MIN);
    json_i64(&json, NULL, -1);
    json_i64(&json, NULL, INT64_MAX);
    json_end_array(&json);
    expect(&out, "[0,18446744073709551615,-9223372036854775808,-1,9223372036854775807]");
    buf_fini(&out);
}
END_TEST

START_TEST(places_commas)
{
    struct buf out = {0};
    struct json_writer json = {.out = &out};
    json_begin_object(&json, NULL);
    json_begin_array(&json, "empty");
    json_end_array(&json);
    json_begin_object(&json, "nested");
    json_end_object(&json);
    json_begin_array(&json, "list");
    json_begin_object(&json, NULL);
    json_bool(&json, "yes", true);
    json_bool(&json, "no", false);
    json_end_object(&json);
    json_begin_object(&json, NULL);
    json_null(&json, "none");
    json_end_object(&json);
    json_null(&json, NULL);
    json_end_array(&json);
    json_str(&json, "after", STR("x"));
    json_end_object(&json);
    expect(&out, "{\"empty\":[],\"nested\":{},\"list\":[{\"yes\":true,\"no\":false},{\"none\":null},null],"
                 "\"after\":\"x\"}");
    buf_fini(&out);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("json");
    TCase *tcase = tcase_create("json");
    tcase_add_loop_test(tcase, writes_strings, 0, N_ELEMENTS(strings));
    tcase_add_loop_test(tcase, escapes_foreign_keys, 0, N_ELEMENTS(strings));
    tcase_add_test(tcase, writes_numbers);
    tcase_add_test(tcase, places_commas);
    suite_add_tcase(suite, tcase);
    return suite;
}

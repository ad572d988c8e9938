/* SPDX-License-Identifier: MIT */
#include "presenced/json_read.h"

#include "suite.h"

#include <cjson/cJSON.h>

static const struct {
    const char *text;
    int outcome;
} texts[] = {
    {"{}", 0},
    {"[1,1,\"a\",\"a\"]", 0},
    {"{\"a\":{\"b\":1},\"b\":{\"a\":1}}", 0},
    {"{\"a\":1,\"A\":1}", 0}, /* case counts */
    {"{\"a\":1,\"b\":2,\"a\":1}", JSON_READ_DUPLICATE_KEY},
    {"{\"a\":1,\"\\u0061\":1}", JSON_READ_DUPLICATE_KEY},
    {"{\"\":1,\"\":1}", JSON_READ_DUPLICATE_KEY},
    {"[0,{\"x\":[{\"a\":null,\"a\":null}]}]", JSON_READ_DUPLICATE_KEY},
    {"", JSON_CHECK_EMPTY},
    {"{} {}", JSON_CHECK_TRAILING},
    {"[01]", JSON_CHECK_NUMBER},
};

START_TEST(a_tree_is_of_good_json_without_double_keys)
{
    cJSON *tree = NULL;
    ck_assert_int_eq(json_read(str_from(texts[_i].text), &tree), texts[_i].outcome);
    ck_assert((tree != NULL) == (texts[_i].outcome == 0));
    json_read_free(tree);
}
END_TEST

/* An object of 100 keys is looked at in another way. */
START_TEST(double_keys_are_found_among_many)
{
    cJSON *tree = NULL;
    for (int twin = -1; twin < 100; twin += 33) {
        cleanup(buf_fini) struct buf text = {0};
        buf_append_char(&text, '{');
        for (int i = 0; i < 100; i++) {
            buf_appendf(&text, "\"key%d\":%d,", i, i);
        }
        buf_appendf(&text, "\"key%d\":0}", twin);
        ck_assert_int_eq(json_read(buf_str(&text), &tree), twin < 0 ? 0 : JSON_READ_DUPLICATE_KEY);
    }
    json_read_free(tree);
}
END_TEST

START_TEST(null_counts_as_absent)
{
    cJSON *tree;
    ck_assert_int_eq(json_read(STR("{\"a\":null,\"b\":1,\"B\":2}"), &tree), 0);
    ck_assert_ptr_null(json_read_member(tree, "a"));
    ck_assert_ptr_null(json_read_member(tree, "c"));
    ck_assert_int_eq(json_read_member(tree, "b")->valueint, 1);
    json_read_free(tree);
}
END_TEST

static const struct {
    const char *text;
    uint64_t max;
    bool is_good;
    uint64_t number;
} numbers[] = {
    {"0", 0, true, 0},
    {"7", 7, true, 7},
    {"8", 7, false, 0},
    {"-1", 7, false, 0},
    {"1e3", 1000, true, 1000},
    {"1.0", 1, true, 1},
    {"0.5", 1, false, 0},
    {"9007199254740991", (UINT64_C(1) << 53) - 1, true, (UINT64_C(1) << 53) - 1},
    {"9007199254740992", (UINT64_C(1) << 53) - 1, false, 0},
    {"1e999", (UINT64_C(1) << 53) - 1, false, 0},
    {"true", 1, false, 0},
    {"\"1\"", 1, false, 0},
};

START_TEST(numbers_are_whole_and_bounded)
{
    uint64_t number = 0;
    cJSON *tree;
    ck_assert_int_eq(json_read(str_from(numbers[_i].text), &tree), 0);
    ck_assert(json_read_u64(tree, numbers[_i].max, &number) == numbers[_i].is_good);
    ck_assert_uint_eq(number, numbers[_i].number);
    ck_assert(!json_read_u64(NULL, 1, &number));
    json_read_free(tree);
}
END_TEST

START_TEST(texts_are_texts)
{
    struct str text = STR("");
    cJSON *tree;
    ck_assert_int_eq(json_read(STR("[\"\\u4f60\",1]"), &tree), 0);
    ck_assert(json_read_text(tree->child, &text));
    ck_assert(str_equal(text, STR("\xe4\xbd\xa0")));
    ck_assert(!json_read_text(tree->child->next, &text));
    ck_assert(!json_read_text(NULL, &text));
    json_read_free(tree);
}
END_TEST

#define N(cases) (int)(sizeof(cases) / sizeof((cases)[0]))

Suite *test_suite(void)
{
    Suite *suite = suite_create("json_read");
    TCase *tcase = tcase_create("json_read");
    tcase_add_loop_test(tcase, a_tree_is_of_good_json_without_double_keys, 0, N(texts));
    tcase_add_test(tcase, double_keys_are_found_among_many);
    tcase_add_test(tcase, null_counts_as_absent);
    tcase_add_loop_test(tcase, numbers_are_whole_and_bounded, 0, N(numbers));
    tcase_add_test(tcase, texts_are_texts);
    suite_add_tcase(suite, tcase);
    return suite;
}

/* SPDX-License-Identifier: MIT */
#include "../../src/callback/json_tree.h"
#include "suite.h"

#include <cjson/cJSON.h>
#include <check.h>
#include <pthread.h>

static cJSON *parse(const char *text)
{
    cJSON *tree = json_tree_parse(str_from(text));
    ck_assert_ptr_nonnull(tree);
    return tree;
}

START_TEST(memory_is_used_again)
{
    json_tree_prepare();
    cJSON *first = parse("{\"a\":[1,2,{\"b\":null}]}");
    json_tree_free(first);
    cJSON *second = parse("{\"c\":\"text\"}");
    ck_assert_ptr_eq(first, second);
    json_tree_free(second);
}
END_TEST

START_TEST(trees_live_beside_each_other)
{
    json_tree_prepare();
    cJSON *first = parse("[\"first\"]");
    cJSON *second = parse("[\"second\"]");
    json_tree_free(first);
    cJSON *third = parse("[\"third\"]");
    ck_assert_str_eq(second->child->valuestring, "second");
    json_tree_free(second);
    ck_assert_str_eq(third->child->valuestring, "third");
    json_tree_free(third);
}
END_TEST

static void expect_large(void)
{
    cleanup(buf_fini) struct buf text = {0};
    buf_append_char(&text, '[');
    for (unsigned i = 0; i < 2000; i++) {
        buf_appendf(&text, "\"%u\",", i);
    }
    buf_append(&text, STR("\"end\"]"));
    cJSON *tree = json_tree_parse(buf_str(&text));
    ck_assert_int_eq(cJSON_GetArraySize(tree), 2001);
    ck_assert_str_eq(cJSON_GetArrayItem(tree, 1999)->valuestring, "1999");
    json_tree_free(tree);
}

/* Of some hundred kilobytes: most of it lies in the heap, and is freed (the sanitizers see to that); what
 * comes next lies in the thread's memory again. */
START_TEST(a_large_tree_goes_on_in_the_heap)
{
    json_tree_prepare();
    cJSON *first = parse("[\"small\"]");
    json_tree_free(first);
    expect_large();
    cJSON *next = parse("[\"small\"]");
    ck_assert_ptr_eq(next, first);
    expect_large();
    json_tree_free(next);
}
END_TEST

/* Nothing has told cJSON of the thread's memory. */
START_TEST(unprepared_all_lies_in_the_heap)
{
    cJSON *tree = parse("[\"heap\"]");
    ck_assert_str_eq(tree->child->valuestring, "heap");
    json_tree_free(tree);
    expect_large();
}
END_TEST

START_TEST(what_is_no_json_leaves_nothing)
{
    json_tree_prepare();
    cJSON *first = parse("[\"first\"]");
    json_tree_free(first);
    ck_assert_ptr_null(json_tree_parse(STR("{\"a\":[1,2,{\"b\":")));
    cJSON *next = parse("[\"next\"]");
    ck_assert_ptr_eq(next, first);
    json_tree_free(next);
    json_tree_free(NULL);
}
END_TEST

static void *parse_elsewhere(void *tree)
{
    cJSON *own = parse("[\"own\"]");
    ck_assert_ptr_ne(own, tree);
    json_tree_free(own);
    return NULL;
}

START_TEST(each_thread_has_its_own)
{
    json_tree_prepare();
    pthread_t thread;
    cJSON *tree = parse("[\"here\"]");
    ck_assert_int_eq(pthread_create(&thread, NULL, parse_elsewhere, tree), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_str_eq(tree->child->valuestring, "here");
    json_tree_free(tree);
}
END_TEST

/* What others have cJSON make on the thread outlives the trees here. */
START_TEST(what_is_made_outside_lies_in_the_heap)
{
    json_tree_prepare();
    cJSON *tree = parse("[\"here\"]");
    cJSON *outside = cJSON_Parse("[\"heap\"]");
    json_tree_free(tree);
    json_tree_free(parse("[\"again\", \"and again\"]"));
    ck_assert_str_eq(outside->child->valuestring, "heap");
    cJSON_Delete(outside);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("json_tree");
    TCase *tcase = tcase_create("json_tree");
    tcase_add_test(tcase, unprepared_all_lies_in_the_heap);
    tcase_add_test(tcase, memory_is_used_again);
    tcase_add_test(tcase, trees_live_beside_each_other);
    tcase_add_test(tcase, a_large_tree_goes_on_in_the_heap);
    tcase_add_test(tcase, what_is_no_json_leaves_nothing);
    tcase_add_test(tcase, each_thread_has_its_own);
    tcase_add_test(tcase, what_is_made_outside_lies_in_the_heap);
    suite_add_tcase(suite, tcase);
    return suite;
}

/* SPDX-License-Identifier: MIT */
#include "../../src/callback/json_arena.h"
#include "suite.h"

#include "presenced/str.h"

#include <cjson/cJSON.h>
#include <check.h>
#include <pthread.h>

static cJSON *parse_in_arena(const char *text)
{
    json_arena_begin();
    cJSON *tree = cJSON_Parse(text);
    json_arena_end();
    ck_assert_ptr_nonnull(tree);
    return tree;
}

static void give_back(cJSON *tree)
{
    cJSON_Delete(tree);
    json_arena_release();
}

START_TEST(memory_is_used_again)
{
    json_arena_prepare();
    cJSON *first = parse_in_arena("{\"a\":[1,2,{\"b\":null}]}");
    give_back(first);
    cJSON *second = parse_in_arena("{\"c\":\"text\"}");
    ck_assert_ptr_eq(first, second);
    give_back(second);
}
END_TEST

START_TEST(trees_live_beside_each_other)
{
    json_arena_prepare();
    cJSON *first = parse_in_arena("[\"first\"]");
    cJSON *second = parse_in_arena("[\"second\"]");
    give_back(first);
    cJSON *third = parse_in_arena("[\"third\"]");
    ck_assert_str_eq(second->child->valuestring, "second");
    give_back(second);
    ck_assert_str_eq(third->child->valuestring, "third");
    give_back(third);
}
END_TEST

/* Of some hundred kilobytes: most of it lies in the heap, and is freed. */
START_TEST(a_large_tree_goes_on_in_the_heap)
{
    cleanup(buf_fini) struct buf text = {0};
    json_arena_prepare();
    buf_append_char(&text, '[');
    for (unsigned i = 0; i < 2000; i++) {
        buf_appendf(&text, "\"%u\",", i);
    }
    buf_append(&text, (struct str){"\"end\"]", sizeof("\"end\"]")});
    cJSON *tree = parse_in_arena(text.ptr);
    ck_assert_int_eq(cJSON_GetArraySize(tree), 2001);
    ck_assert_str_eq(cJSON_GetArrayItem(tree, 1999)->valuestring, "1999");
    give_back(tree);
}
END_TEST

static void *parse_elsewhere(void *tree)
{
    cJSON *own = parse_in_arena("[\"own\"]");
    ck_assert_ptr_ne(own, tree);
    give_back(own);
    return NULL;
}

START_TEST(each_thread_has_its_own)
{
    json_arena_prepare();
    pthread_t thread;
    cJSON *tree = parse_in_arena("[\"here\"]");
    ck_assert_int_eq(pthread_create(&thread, NULL, parse_elsewhere, tree), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_str_eq(tree->child->valuestring, "here");
    give_back(tree);
}
END_TEST

/* A tree made while the arena is in use elsewhere on the thread outlives it. */
START_TEST(what_is_made_outside_lies_in_the_heap)
{
    json_arena_prepare();
    cJSON *tree = parse_in_arena("[\"arena\"]");
    cJSON *outside = cJSON_Parse("[\"heap\"]");
    give_back(tree);
    give_back(parse_in_arena("[\"again\", \"and again\"]"));
    ck_assert_str_eq(outside->child->valuestring, "heap");
    cJSON_Delete(outside);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("json_arena");
    TCase *tcase = tcase_create("json_arena");
    tcase_add_test(tcase, memory_is_used_again);
    tcase_add_test(tcase, trees_live_beside_each_other);
    tcase_add_test(tcase, a_large_tree_goes_on_in_the_heap);
    tcase_add_test(tcase, each_thread_has_its_own);
    tcase_add_test(tcase, what_is_made_outside_lies_in_the_heap);
    suite_add_tcase(suite, tcase);
    return suite;
}

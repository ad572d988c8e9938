/* SPDX-License-Identifier: MIT */
#include "../../src/http/target.h"
#include "suite.h"

static const struct {
    const char *target;
    const char *path;
    const char *query; /* NULL: none */
} cases[] = {
    {"/", "/", NULL},
    {"/?", "/", ""},
    {"/a?b=c", "/a", "b=c"},
    {"/a?b?c", "/a", "b?c"},
    {"/a%3fb?c", "/a%3fb", "c"},
    {"?b", "", "b"},
    {"", "", NULL},
    {"*", "*", NULL},
    {"a.example:443", "a.example:443", NULL},
    {"http://a.example", "/", NULL},
    {"http://a.example?b", "/", "b"},
    {"http://a.example/", "/", NULL},
    {"http://a.example/p/q?b=/c", "/p/q", "b=/c"},
    {"HTTPS://a.example:8443/p", "/p", NULL},
    {"http://", "/", NULL},
    {"http://?b=/c", "/", "b=/c"},
    {"ftp://a.example/p", "ftp://a.example/p", NULL},
    {"/http://a.example/p", "/http://a.example/p", NULL},
};

START_TEST(splits_path_and_query)
{
    struct str path;
    struct str query;
    target_split(str_from(cases[_i].target), &path, &query);
    ck_assert_msg(str_equal(path, str_from(cases[_i].path)), "%s: path %.*s", cases[_i].target,
                  STR_FMT(path));
    ck_assert_msg((query.ptr != NULL) == (cases[_i].query != NULL), "%s", cases[_i].target);
    if (query.ptr != NULL) {
        ck_assert_msg(str_equal(query, str_from(cases[_i].query)), "%s: query %.*s", cases[_i].target,
                      STR_FMT(query));
    }
}
END_TEST

/* As of a request whose version nobody knows: the library refuses it before it tells of its target. */
START_TEST(splits_a_target_that_was_not_read)
{
    struct str path = STR("stale");
    struct str query = STR("stale");
    target_split((struct str){NULL, 0}, &path, &query);
    ck_assert_ptr_null(path.ptr);
    ck_assert_uint_eq(path.len, 0);
    ck_assert_ptr_null(query.ptr);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("target");
    TCase *tcase = tcase_create("target");
    tcase_add_loop_test(tcase, splits_path_and_query, 0, (int)(sizeof(cases) / sizeof(cases[0])));
    tcase_add_test(tcase, splits_a_target_that_was_not_read);
    suite_add_tcase(suite, tcase);
    return suite;
}

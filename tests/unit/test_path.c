/* SPDX-License-Identifier: MIT */
#include "presenced/path.h"

#include "presenced/cleanup.h"
#include "suite.h"

static const struct {
    const char *path;
    const char *parent;
} parents[] = {
    {"/a/b", "/a/"}, {"/a/b/", "/a/"}, {"/a/b//", "/a/"}, {"/a", "/"},     {"/a/", "/"},
    {"/", "/"},      {"//", "/"},      {"a", "."},        {"a/", "."},     {"a/b", "a/"},
    {"./a", "./"},   {"../a", "../"},  {"", "."},         {"a//b", "a//"},
};

START_TEST(knows_the_parent)
{
    cleanup(cleanup_freep) char *parent = path_parent(parents[_i].path);
    ck_assert_str_eq(parent, parents[_i].parent);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("path");
    TCase *tcase = tcase_create("path");
    tcase_add_loop_test(tcase, knows_the_parent, 0, sizeof(parents) / sizeof(parents[0]));
    suite_add_tcase(suite, tcase);
    return suite;
}

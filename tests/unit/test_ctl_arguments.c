/* SPDX-License-Identifier: MIT */
#include "arguments.h"
#include "suite.h"

#include <errno.h>

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))
#define N_WORDS_MAX 8

static int run(const struct arguments *arguments)
{
    (void)arguments;
    return 0;
}

static const struct command command = {
    "get", "USER", "Shows a user", ARGUMENT_BIT(LIMIT) | ARGUMENT_BIT(ALL), 1, 2, run};

/* Of a copy, for the words are put in another order. 0, or -EINVAL with what is said. */
static int parse(const char *const *words, char **ret_argv, struct arguments *ret_arguments,
                 struct buf *error)
{
    int argc = 0;
    ret_argv[argc++] = (char *)(uintptr_t) "presencectl";
    for (; *words != NULL; words++) {
        ret_argv[argc++] = (char *)(uintptr_t)*words;
    }
    ret_argv[argc] = NULL;
    int r = arguments_parse(argc, ret_argv, ret_arguments, error);
    return r < 0 ? r : arguments_check(ret_arguments, &command, error);
}

START_TEST(options_may_stand_anywhere)
{
    const char *const words[] = {"--json", "get", "--app=1400000000", "alice", "--limit", "7", NULL};
    char *argv[N_WORDS_MAX];
    struct arguments arguments;
    cleanup(buf_fini) struct buf error = {0};
    ck_assert_int_eq(parse(words, argv, &arguments, &error), 0);
    ck_assert(arguments.json);
    ck_assert(!arguments.all);
    ck_assert_uint_eq(arguments.app, 1400000000);
    ck_assert_uint_eq(arguments.limit, 7);
    ck_assert_ptr_null(arguments.status);
    ck_assert_uint_eq(arguments.n_words, 2);
    ck_assert_str_eq(arguments.words[0], "get");
    ck_assert_str_eq(arguments.words[1], "alice");
}
END_TEST

START_TEST(what_follows_two_dashes_is_no_option)
{
    const char *const words[] = {"get", "--", "--json", NULL};
    char *argv[N_WORDS_MAX];
    struct arguments arguments;
    cleanup(buf_fini) struct buf error = {0};
    ck_assert_int_eq(parse(words, argv, &arguments, &error), 0);
    ck_assert(!arguments.json);
    ck_assert_str_eq(arguments.words[1], "--json");
}
END_TEST

static const struct {
    const char *words[6];
    const char *says;
} wrong[] = {
    {{"get"}, "USER is missing"},
    {{"get", "a", "b", "c"}, "c: unexpected"},
    {{"get", "a", "--nonsense"}, "--nonsense"},
    {{"get", "a", "--json=yes"}, "--json=yes"},
    {{"get", "a", "--app"}, "--app"},
    {{"get", "a", "--app", "x"}, "--app x"},
    {{"get", "a", "--app", "0"}, "--app 0"},
    {{"get", "a", "--app", "-1"}, "--app -1"},
    {{"get", "a", "--app", "9007199254740992"}, "9007199254740991"},
    {{"get", "a", "--rate", "1"}, "--rate: get does not take it"},
};

START_TEST(says_what_is_wrong)
{
    char *argv[N_WORDS_MAX];
    struct arguments arguments;
    cleanup(buf_fini) struct buf error = {0};
    ck_assert_int_eq(parse(wrong[_i].words, argv, &arguments, &error), -EINVAL);
    buf_append_char(&error, '\0');
    ck_assert_msg(strstr(error.ptr, wrong[_i].says) != NULL, "%s", error.ptr);
}
END_TEST

START_TEST(describes_a_command_and_its_options)
{
    cleanup(buf_fini) struct buf text = {0};
    arguments_describe(&command, &text);
    buf_append_char(&text, '\0');
    ck_assert_msg(strncmp(text.ptr, "Usage: presencectl get USER [option ...]\n", 41) == 0, "%s", text.ptr);
    ck_assert_ptr_nonnull(strstr(text.ptr, "  --limit N "));
    ck_assert_ptr_nonnull(strstr(text.ptr, "  --json "));
    ck_assert_ptr_null(strstr(text.ptr, "--rate"));
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("ctl arguments");
    TCase *tcase = tcase_create("arguments");
    tcase_add_test(tcase, options_may_stand_anywhere);
    tcase_add_test(tcase, what_follows_two_dashes_is_no_option);
    tcase_add_loop_test(tcase, says_what_is_wrong, 0, COUNT(wrong));
    tcase_add_test(tcase, describes_a_command_and_its_options);
    suite_add_tcase(suite, tcase);
    return suite;
}

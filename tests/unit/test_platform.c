/* SPDX-License-Identifier: MIT */
#include "presenced/platform.h"
#include "suite.h"

#include <pthread.h>
#include <stdio.h>

static struct platform_names *names;

static void set_up(void)
{
    ck_assert_int_eq(platform_names_new(&names), 0);
}

static void tear_down(void)
{
    platform_names_free(names);
}

static const struct {
    const char *text;
    uint8_t number;
    const char *shown;
} known[] = {
    {"iOS", PLATFORM_IOS, "iOS"},
    {"IOS", PLATFORM_IOS, "iOS"},
    {"ios", PLATFORM_IOS, "iOS"},
    {"Android", PLATFORM_ANDROID, "Android"},
    {"ANDROID", PLATFORM_ANDROID, "Android"},
    {"Web", PLATFORM_WEB, "Web"},
    {"web", PLATFORM_WEB, "Web"},
    {"Windows", PLATFORM_WINDOWS, "Windows"},
    {"iPad", PLATFORM_IPAD, "iPad"},
    {"IPad", PLATFORM_IPAD, "iPad"},
    {"Mac", PLATFORM_MAC, "Mac"},
    {"macOS", PLATFORM_MAC, "Mac"},
    {"MACOS", PLATFORM_MAC, "Mac"},
    {"Linux", PLATFORM_LINUX, "Linux"},
    {"RESTAPI", PLATFORM_RESTAPI, "RESTAPI"},
    {"RestApi", PLATFORM_RESTAPI, "RESTAPI"},
    {"Unknown", PLATFORM_UNKNOWN, "Unknown"},
    {"unknown", PLATFORM_UNKNOWN, "Unknown"},
};

#define N_KNOWN (sizeof(known) / sizeof(known[0]))

START_TEST(knows_the_names_of_tencent)
{
    uint8_t number = platform_intern(names, str_from(known[_i].text));
    ck_assert_uint_eq(number, known[_i].number);
    ck_assert_int_eq(platform_find(names, str_from(known[_i].text)), known[_i].number);
    ck_assert(str_equal(platform_name(names, number), str_from(known[_i].shown)));
    ck_assert_uint_eq(platform_count(names), PLATFORM_N_KNOWN);
}
END_TEST

static const struct str refused[] = {
    STR(""),
    {NULL, 0},
    STR("123456789012345678901234567890123"),
    STR("Harmony\tOS"),
    STR("Harmony\0OS"),
    STR("\x7f"),
    STR("\xe9\xb8\xbf\xe8\x92\x99"),
};

#define N_REFUSED (sizeof(refused) / sizeof(refused[0]))

START_TEST(what_is_no_name_is_unknown)
{
    ck_assert_uint_eq(platform_intern(names, refused[_i]), PLATFORM_UNKNOWN);
    ck_assert_int_eq(platform_find(names, refused[_i]), -1);
    ck_assert_uint_eq(platform_count(names), PLATFORM_N_KNOWN);
}
END_TEST

START_TEST(other_names_are_kept_as_first_heard)
{
    ck_assert_int_eq(platform_find(names, STR("HarmonyOS")), -1);
    ck_assert_uint_eq(platform_intern(names, STR("HarmonyOS")), PLATFORM_N_KNOWN);
    ck_assert_uint_eq(platform_intern(names, STR("Mini Program")), PLATFORM_N_KNOWN + 1);
    ck_assert_uint_eq(platform_intern(names, STR("harmonyos")), PLATFORM_N_KNOWN);
    ck_assert_int_eq(platform_find(names, STR("HARMONYOS")), PLATFORM_N_KNOWN);
    ck_assert(str_equal(platform_name(names, PLATFORM_N_KNOWN), STR("HarmonyOS")));
    ck_assert(str_equal(platform_name(names, PLATFORM_N_KNOWN + 1), STR("Mini Program")));
    ck_assert_uint_eq(platform_count(names), PLATFORM_N_KNOWN + 2);
}
END_TEST

START_TEST(keeps_the_longest_name)
{
    struct str name = STR("12345678901234567890123456789012");
    ck_assert_uint_eq(name.len, PLATFORM_NAME_MAX);
    ck_assert_uint_eq(platform_intern(names, name), PLATFORM_N_KNOWN);
    ck_assert(str_equal(platform_name(names, PLATFORM_N_KNOWN), name));
}
END_TEST

START_TEST(one_name_too_many_is_unknown)
{
    char text[16];
    for (unsigned i = 0; i < PLATFORM_N_EXTRA_MAX; i++) {
        (void)snprintf(text, sizeof(text), "Extra %u", i);
        ck_assert_uint_eq(platform_intern(names, str_from(text)), PLATFORM_N_KNOWN + i);
    }
    ck_assert_uint_eq(platform_intern(names, STR("One more")), PLATFORM_UNKNOWN);
    ck_assert_uint_eq(platform_intern(names, STR("EXTRA 63")), PLATFORM_N_MAX - 1);
    ck_assert_uint_eq(platform_count(names), PLATFORM_N_MAX);
}
END_TEST

START_TEST(a_set_has_what_was_added)
{
    struct platform_set set = {0};
    for (unsigned i = 0; i < PLATFORM_N_MAX; i += 7) {
        platform_set_add(&set, (uint8_t)i);
    }
    for (unsigned i = 0; i < PLATFORM_N_MAX; i++) {
        ck_assert_int_eq(platform_set_has(&set, (uint8_t)i), i % 7 == 0);
    }
}
END_TEST

static void *intern_all(void *cls)
{
    uint8_t *numbers = cls;
    for (unsigned i = 0; i < PLATFORM_N_EXTRA_MAX; i++) {
        char text[16];
        (void)snprintf(text, sizeof(text), "Extra %u", i);
        numbers[i] = platform_intern(names, str_from(text));
        ck_assert(str_equal(platform_name(names, numbers[i]), str_from(text)));
    }
    return NULL;
}

START_TEST(threads_agree_on_numbers)
{
    enum { N_THREADS = 4 };
    uint8_t numbers[N_THREADS][PLATFORM_N_EXTRA_MAX];
    pthread_t threads[N_THREADS];
    for (unsigned i = 0; i < N_THREADS; i++) {
        ck_assert_int_eq(pthread_create(&threads[i], NULL, intern_all, numbers[i]), 0);
    }
    for (unsigned i = 0; i < N_THREADS; i++) {
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
        ck_assert_mem_eq(numbers[i], numbers[0], sizeof(numbers[0]));
    }
    ck_assert_uint_eq(platform_count(names), PLATFORM_N_MAX);
}
END_TEST

START_TEST(free_takes_null)
{
    platform_names_free(NULL);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("platform");
    TCase *tcase = tcase_create("platform");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_loop_test(tcase, knows_the_names_of_tencent, 0, (int)N_KNOWN);
    tcase_add_loop_test(tcase, what_is_no_name_is_unknown, 0, (int)N_REFUSED);
    tcase_add_test(tcase, other_names_are_kept_as_first_heard);
    tcase_add_test(tcase, keeps_the_longest_name);
    tcase_add_test(tcase, one_name_too_many_is_unknown);
    tcase_add_test(tcase, a_set_has_what_was_added);
    tcase_add_test(tcase, threads_agree_on_numbers);
    tcase_add_test(tcase, free_takes_null);
    suite_add_tcase(suite, tcase);
    return suite;
}

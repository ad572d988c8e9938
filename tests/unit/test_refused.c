/* SPDX-License-Identifier: MIT */
#include "presenced/refused.h"

#include "suite.h"

#include <stdio.h>
#include <sys/mman.h>

static struct refused_list *list;
static const char listener[] = "callback";
static const char other_listener[] = "status";
static const char flood[] = "flood";
static const char second_flood[] = "second";
static const char rare[] = "rare";

static void set_up(void)
{
    ck_assert_int_eq(refused_list_new(&list), 0);
}

static void tear_down(void)
{
    refused_list_free(list);
}

static void add(const char *of, const char *outcome, uint64_t unix_ms)
{
    refused_list_add(list, &(struct refused_request){
                               .unix_ms = unix_ms,
                               .listener = of,
                               .outcome = outcome,
                               .reason = "why",
                           });
}

struct seen {
    size_t n;
    struct refused_request requests[REFUSED_LIST_N_MAX];
};

static void see(void *cls, const struct refused_request *request)
{
    struct seen *seen = cls;
    seen->requests[seen->n++] = *request;
}

static struct seen seen;

static size_t read_list(size_t limit)
{
    seen.n = 0;
    refused_list_each(list, limit, see, &seen);
    return seen.n;
}

static unsigned count(const char *of, const char *outcome)
{
    unsigned n = 0;
    for (size_t i = 0; i < seen.n; i++) {
        n += seen.requests[i].outcome == outcome && seen.requests[i].listener == of;
    }
    return n;
}

static void expect_newest_first(void)
{
    for (size_t i = 1; i < seen.n; i++) {
        ck_assert_uint_ge(seen.requests[i - 1].unix_ms, seen.requests[i].unix_ms);
    }
}

START_TEST(the_newest_come_first)
{
    ck_assert_uint_eq(read_list(10), 0);
    add(listener, flood, 1);
    add(listener, rare, 2);
    add(listener, flood, 3);
    ck_assert_uint_eq(read_list(10), 3);
    ck_assert_uint_eq(seen.requests[0].unix_ms, 3);
    ck_assert_uint_eq(seen.requests[1].unix_ms, 2);
    ck_assert_uint_eq(seen.requests[2].unix_ms, 1);
    ck_assert_uint_eq(read_list(2), 2);
    ck_assert_uint_eq(seen.requests[1].unix_ms, 2);
    ck_assert_uint_eq(read_list(0), 0);
}
END_TEST

START_TEST(a_flood_of_one_kind_leaves_the_others)
{
    for (uint64_t i = 0; i < 10; i++) {
        add(listener, rare, i);
        add(other_listener, flood, i);
    }
    for (uint64_t i = 10; i < 5000; i++) {
        add(listener, flood, i);
    }
    ck_assert_uint_eq(read_list(REFUSED_LIST_N_MAX), REFUSED_LIST_N_MAX);
    ck_assert_uint_eq(count(listener, rare), 10);
    ck_assert_uint_eq(count(other_listener, flood), 10);
    ck_assert_uint_eq(count(listener, flood), REFUSED_LIST_N_MAX - 20);
    ck_assert_uint_eq(seen.requests[0].unix_ms, 4999);
    ck_assert_uint_eq(seen.requests[REFUSED_LIST_N_MAX - 21].unix_ms, 5000 - (REFUSED_LIST_N_MAX - 20));
    expect_newest_first();
}
END_TEST

START_TEST(two_floods_share_the_room)
{
    for (uint64_t i = 0; i < 5000; i++) {
        add(listener, flood, 2 * i);
    }
    for (uint64_t i = 5000; i < 10000; i++) {
        add(listener, second_flood, 2 * i);
    }
    ck_assert_uint_eq(read_list(REFUSED_LIST_N_MAX), REFUSED_LIST_N_MAX);
    ck_assert_uint_eq(count(listener, flood), REFUSED_LIST_N_MAX / 2);
    ck_assert_uint_eq(count(listener, second_flood), REFUSED_LIST_N_MAX / 2);
    expect_newest_first();
}
END_TEST

START_TEST(any_number_of_kinds_has_room)
{
    static char kinds[1000];
    for (uint64_t i = 0; i < sizeof(kinds); i++) {
        add(listener, &kinds[i], i);
    }
    ck_assert_uint_eq(read_list(REFUSED_LIST_N_MAX), REFUSED_LIST_N_MAX);
    ck_assert_uint_eq(seen.requests[0].unix_ms, sizeof(kinds) - 1);
    expect_newest_first();
}
END_TEST

START_TEST(texts_are_copied_and_cut)
{
    char text[100];
    memset(text, 'a', sizeof(text));
    refused_list_add(list, &(struct refused_request){
                               .listener = listener,
                               .outcome = rare,
                               .reason = "why",
                               .app = {text, 64},
                               .command = {text, 65},
                               .path = {text, 0},
                           });
    add(listener, rare, 0);
    memset(text, 'b', sizeof(text));
    ck_assert_uint_eq(read_list(2), 2);
    ck_assert_ptr_null(seen.requests[0].app.ptr);
    ck_assert_uint_eq(seen.requests[1].app.len, 64);
    ck_assert_uint_eq(seen.requests[1].command.len, 64);
    ck_assert_int_eq(seen.requests[1].command.ptr[63], 'a');
    ck_assert_ptr_nonnull(seen.requests[1].path.ptr);
    ck_assert_uint_eq(seen.requests[1].path.len, 0);
}
END_TEST

static const struct {
    const char *path;
    const char *shown;
} signs[] = {
    {"/design/Signs", "/design/Signs"},
    {"/a%3FSdkAppid=1&Sign=0123", "/a%3FSdkAppid=1&"},
    {"/a%3FRequestTime%3D1%26sign%3D0123", "/a%3FRequestTime%3D1%26"},
    {"/a%253FSIGN%253d0123", "/a%253F"},
    {"Sign=0123", ""},
    /* 64 bytes end within its name */
    {"/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaSign=0123",
     "/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},
};

static void capture_line(const struct refused_request *request, char ret_line[static 1024])
{
    struct log_limit limit = {.per_second = 1, .burst = 1};
    int capture = memfd_create("log", MFD_CLOEXEC);
    int saved = dup(STDERR_FILENO);
    ck_assert_int_ge(dup2(capture, STDERR_FILENO), 0);
    log_configure(&(struct log_config){.level = LOG_LEVEL_INFO});
    refused_log(&limit, LOG_LEVEL_INFO, "refused", request);
    refused_log(&limit, LOG_LEVEL_INFO, "beyond the limit", request);
    refused_log(&limit, LOG_LEVEL_DEBUG, "not of this level", request);
    ck_assert_int_ge(dup2(saved, STDERR_FILENO), 0);
    ssize_t n = pread(capture, ret_line, 1023, 0);
    ck_assert_int_gt(n, 0);
    ret_line[n] = '\0';
    (void)close(capture);
    (void)close(saved);
}

START_TEST(no_sign_is_shown)
{
    char line[1024];
    char wanted[128];
    const struct refused_request request = {
        .listener = listener, .outcome = rare, .reason = "why", .path = str_from(signs[_i].path)};
    refused_list_add(list, &request);
    ck_assert_uint_eq(read_list(1), 1);
    ck_assert(str_equal(seen.requests[0].path, str_from(signs[_i].shown)));
    capture_line(&request, line);
    ck_assert_msg(strstr(line, "0123") == NULL, "%s", line);
    (void)snprintf(wanted, sizeof(wanted), "%s", signs[_i].shown);
    ck_assert_msg(strstr(line, wanted) != NULL, "%s", line);
}
END_TEST

START_TEST(a_line_says_the_same)
{
    char line[1024];
    struct refused_request request = {
        .listener = listener,
        .outcome = "refused_time",
        .reason = "too late",
        .is_skewed = true,
        .skew_s = -61,
        .app = STR("14"),
        .command = STR("a\nb"),
        .path = STR("/"),
    };
    ck_assert(address_parse(STR("192.0.2.1"), &request.peer));
    ck_assert(address_parse(STR("192.0.2.2"), &request.client));
    capture_line(&request, line);
    ck_assert_msg(
        strstr(line, "level=info msg=\"refused\" outcome=refused_time reason=\"too late\" peer=192.0.2.1 "
                     "app=14 command=\"a\\nb\" path=/ client_ip=192.0.2.2 skew_s=-61 suppressed=0\n") != NULL,
        "%s", line);
    ck_assert_ptr_null(strstr(line, "beyond"));
    ck_assert_ptr_null(strstr(line, "level=debug"));
    capture_line(&(struct refused_request){.listener = listener, .outcome = rare, .reason = "why"}, line);
    ck_assert_msg(strstr(line, "outcome=rare reason=why peer=\"\" suppressed=0\n") != NULL ||
                      strstr(line, "outcome=rare reason=why peer= suppressed=0\n") != NULL,
                  "%s", line);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("refused");
    TCase *tcase = tcase_create("refused");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, the_newest_come_first);
    tcase_add_test(tcase, a_flood_of_one_kind_leaves_the_others);
    tcase_add_test(tcase, two_floods_share_the_room);
    tcase_add_test(tcase, any_number_of_kinds_has_room);
    tcase_add_test(tcase, texts_are_copied_and_cut);
    tcase_add_loop_test(tcase, no_sign_is_shown, 0, (int)(sizeof(signs) / sizeof(signs[0])));
    tcase_add_test(tcase, a_line_says_the_same);
    suite_add_tcase(suite, tcase);
    return suite;
}

/* SPDX-License-Identifier: MIT */
#include "suite.h"

#include "../../src/status/page.h"
#include "status_fixture.h"

#include <stdio.h>

static const struct http_header local[] = {{"Host", "127.0.0.1:8080"}, {NULL, NULL}};
static const struct http_header stranger[] = {{"Host", "evil.example"}, {NULL, NULL}};

#define N(array) ((int)(sizeof(array) / sizeof((array)[0])))

static const struct {
    const char *target;
    const char *content_type;
    const char *holds;
} files[] = {
    {"/", "text/html; charset=utf-8", "<script type=\"module\" src=\"main.js\">"},
    {"/?from=a-link", "text/html; charset=utf-8", "<!doctype html>"},
    {"/index.html", "text/html; charset=utf-8", "<!doctype html>"},
    {"/page.css", "text/css; charset=utf-8", "prefers-color-scheme: dark"},
    {"/icon.svg", "image/svg+xml", "<svg xmlns=\"http://www.w3.org/2000/svg\""},
    {"/main.js", "text/javascript; charset=utf-8", "startLanguage"},
};

START_TEST(each_file_has_its_type)
{
    struct http_reply *reply = get(files[_i].target);
    ck_assert_ptr_nonnull(reply);
    ck_assert_uint_eq(reply_status(reply), 200);
    ck_assert_str_eq(reply_header(reply, "Content-Type"), files[_i].content_type);
    ck_assert_ptr_nonnull(strstr(reply_body(reply), files[_i].holds));
    http_reply_free(reply);
}
END_TEST

/* Nothing but what the page is made of may be loaded, and nothing but its listener asked. */
START_TEST(a_page_may_load_nothing_from_elsewhere)
{
    struct http_reply *reply = get(files[_i].target);
    ck_assert_str_eq(
        reply_header(reply, "Content-Security-Policy"),
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'");
    ck_assert_str_eq(reply_header(reply, "X-Content-Type-Options"), "nosniff");
    ck_assert_str_eq(reply_header(reply, "Referrer-Policy"), "no-referrer");
    ck_assert_str_eq(reply_header(reply, "Cross-Origin-Resource-Policy"), "same-origin");
    ck_assert_str_eq(reply_header(reply, "Cache-Control"), "no-cache");
    http_reply_free(reply);
}
END_TEST

/* `text` after `mark`, up to the quote that ends it, taken as a file of the page; returns how many there are.
 */
static unsigned expect_all_served(const char *text, const char *mark, char quote)
{
    unsigned n = 0;
    while ((text = strstr(text, mark)) != NULL) {
        char target[64];
        text += strlen(mark);
        const char *end = strchr(text, quote);
        ck_assert_ptr_nonnull(end);
        (void)snprintf(target, sizeof(target), "/%.*s", (int)(end - text), text);
        struct http_reply *reply = get(target);
        ck_assert_msg(reply_status(reply) == 200, "%s is not served", target);
        n += 1 + expect_all_served(reply_body(reply), " from './", '\'');
        http_reply_free(reply);
    }
    return n;
}

START_TEST(whatever_the_page_names_is_there)
{
    struct http_reply *reply = get("/");
    ck_assert_uint_eq(expect_all_served(reply_body(reply), "rel=\"stylesheet\" href=\"", '"'), 1);
    ck_assert_uint_ge(expect_all_served(reply_body(reply), "type=\"module\" src=\"", '"'), 12);
    ck_assert_ptr_null(strstr(reply_body(reply), "style=\""));
    ck_assert_ptr_null(strstr(reply_body(reply), "://"));
    http_reply_free(reply);
}
END_TEST

static unsigned status_with(const char *if_none_match, const char *target)
{
    const struct http_header headers[] = {
        {"Host", "localhost"}, {"If-None-Match", if_none_match}, {NULL, NULL}};
    struct http_reply *reply = ask_with(headers, "GET", target, STR(""));
    unsigned status = reply_status(reply);
    ck_assert_ptr_nonnull(reply_header(reply, "ETag"));
    ck_assert_ptr_nonnull(reply_header(reply, "Content-Security-Policy"));
    http_reply_free(reply);
    return status;
}

START_TEST(who_has_a_file_is_not_sent_it_again)
{
    char list[128];
    struct http_reply *reply = get("/main.js");
    const char *etag = reply_header(reply, "ETag");
    ck_assert_uint_eq(strlen(etag), 18);
    ck_assert_uint_eq(status_with(etag, "/main.js"), 304);
    ck_assert_uint_eq(status_with("*", "/main.js"), 304);
    (void)snprintf(list, sizeof(list), "\"other\", W/%s", etag);
    ck_assert_uint_eq(status_with(list, "/main.js"), 304);
    ck_assert_uint_eq(status_with("\"other\"", "/main.js"), 200);
    ck_assert_uint_eq(status_with("", "/main.js"), 200);
    ck_assert_uint_eq(status_with(etag, "/page.css"), 200);
    http_reply_free(reply);
}
END_TEST

START_TEST(a_page_is_only_read)
{
    struct http_reply *reply = ask_with(local, "POST", "/", STR(""));
    ck_assert_str_eq(reply_header(reply, "Allow"), "GET, HEAD");
    expect_problem(reply, 405, "this path knows other methods, see Allow");
    reply = ask_with(local, "HEAD", "/page.css", STR("")); /* the listener leaves out the body */
    ck_assert_uint_eq(reply_status(reply), 200);
    http_reply_free(reply);
}
END_TEST

static const char *const absent[] = {"/page",       "/page.css/", "/index.htm",   "/files.S",    "/files.def",
                                     "/../main.js", "/Main.js",   "/main.js.map", "/favicon.ico"};

START_TEST(no_other_file_is_served)
{
    expect_problem(get(absent[_i]), 404, "there is nothing at this path");
}
END_TEST

#define BAD_HOST "the Host header names neither localhost nor an IP address nor one of allowed_hosts"

START_TEST(a_page_of_another_name_is_not_ours)
{
    expect_problem(ask_with(stranger, "GET", "/", STR("")), 403, BAD_HOST);
    expect_problem(ask_with(stranger, "GET", "/main.js", STR("")), 403, BAD_HOST);
}
END_TEST

START_TEST(the_page_comes_without_the_token_and_says_that_one_is_needed)
{
    struct status_admission admission;
    struct http_reply *reply = get("/");
    ck_assert_ptr_null(reply_header(reply, "WWW-Authenticate"));
    http_reply_free(reply);
    use_settings(&(struct status_settings){.token = STR("s3cret")});
    reply = get("/");
    ck_assert_uint_eq(reply_status(reply), 200);
    ck_assert_str_eq(reply_header(reply, "WWW-Authenticate"), "Bearer");
    http_reply_free(reply);
    status_admission(fixture.status, &admission);
    ck_assert_uint_eq(admission.n_admitted, 0); /* nobody has shown one */
    ck_assert_uint_eq(admission.n_not_admitted, 0);
    expect_problem(get("/page.cs"), 401, "the bearer token of this listener is needed");
}
END_TEST

START_TEST(without_memory_there_is_no_page)
{
    fixture.memory_is_gone = true;
    ck_assert_ptr_null(get("/"));
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("page");
    TCase *tcase = tcase_create("page");
    tcase_add_checked_fixture(tcase, fixture_start_one_app, fixture_stop);
    tcase_add_loop_test(tcase, each_file_has_its_type, 0, N(files));
    tcase_add_loop_test(tcase, a_page_may_load_nothing_from_elsewhere, 0, N(files));
    tcase_add_test(tcase, whatever_the_page_names_is_there);
    tcase_add_test(tcase, who_has_a_file_is_not_sent_it_again);
    tcase_add_test(tcase, a_page_is_only_read);
    tcase_add_loop_test(tcase, no_other_file_is_served, 0, N(absent));
    tcase_add_test(tcase, a_page_of_another_name_is_not_ours);
    tcase_add_test(tcase, the_page_comes_without_the_token_and_says_that_one_is_needed);
    tcase_add_test(tcase, without_memory_there_is_no_page);
    suite_add_tcase(suite, tcase);
    return suite;
}

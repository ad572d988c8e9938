/* SPDX-License-Identifier: MIT */
#include "capture.h"
#include "suite.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

static const struct {
    struct str file;
    bool is_good;
    const char *method;
    const char *target;
    const char *body;
} captures[] = {
    {STR("/?a=1\n\n{\"b\":1}"), true, "POST", "/?a=1", "{\"b\":1}"},
    {STR("POST /cb?a=1 HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n{}\n"), true, "POST", "/cb?a=1",
     "{}\n"},
    {STR("GET /cb HTTP/1.1\n\n"), true, "GET", "/cb", ""},
    {STR("https://host/cb?a=1\n\n{}"), true, "POST", "/cb?a=1", "{}"},
    {STR("/?a=1"), true, "POST", "/?a=1", ""},
    {STR("/?a=1\n\na\n\nb"), true, "POST", "/?a=1", "a\n\nb"},
    {STR(""), false, "", "", ""},
    {STR("\n\n{}"), false, "", "", ""},
};

static void expect(struct str text, const char *expected)
{
    ck_assert_msg(str_equal(text, str_from(expected)), "%.*s", STR_FMT(text));
}

START_TEST(takes_a_capture_apart)
{
    cleanup(capture_fini) struct capture capture;
    ck_assert_int_eq(capture_parse(captures[_i].file, &capture), captures[_i].is_good);
    if (captures[_i].is_good) {
        expect(capture.method, captures[_i].method);
        expect(capture.target, captures[_i].target);
        expect(buf_str(&capture.body), captures[_i].body);
    }
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("ctl capture");
    TCase *tcase = tcase_create("capture");
    tcase_add_loop_test(tcase, takes_a_capture_apart, 0, COUNT(captures));
    suite_add_tcase(suite, tcase);
    return suite;
}

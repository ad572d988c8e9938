/* SPDX-License-Identifier: MIT */
#include "../../src/http/framing.h"
#include "suite.h"

struct header {
    const char *name;
    const char *value;
};

struct framing_case {
    const char *what;
    struct header headers[4];
    bool is_http_1_0;
    const char *error; /* NULL: the end of the request is beyond doubt */
};

static const struct framing_case cases[] = {
    {"length", {{"Host", "a"}, {"Content-Length", "5"}}, false, NULL},
    {"chunked", {{"Host", "a"}, {"Transfer-Encoding", "Chunked"}}, false, NULL},
    {"neither", {{"Host", "a"}}, false, NULL},
    {"no host in 1.0", {{"Content-Length", "5"}}, true, NULL},
    {"no host", {{"Content-Length", "5"}}, false, "Host is missing"},
    {"two hosts", {{"Host", "a"}, {"host", "a"}}, false, "Host is given more than once"},
    {"two hosts in 1.0", {{"Host", "a"}, {"host", "a"}}, true, "Host is given more than once"},
    {"two lengths",
     {{"Host", "a"}, {"Content-Length", "5"}, {"content-length", "5"}},
     false,
     "Content-Length is given more than once"},
    {"a list", {{"Host", "a"}, {"Content-Length", "5, 5"}}, false, "Content-Length is no number"},
    {"negative", {{"Host", "a"}, {"Content-Length", "-5"}}, false, "Content-Length is no number"},
    {"signed", {{"Host", "a"}, {"Content-Length", "+5"}}, false, "Content-Length is no number"},
    {"hexadecimal", {{"Host", "a"}, {"Content-Length", "0x5"}}, false, "Content-Length is no number"},
    {"empty", {{"Host", "a"}, {"Content-Length", ""}}, false, "Content-Length is no number"},
    {"too long a number",
     {{"Host", "a"}, {"Content-Length", "18446744073709551621"}},
     false,
     "Content-Length is no number"},
    {"both",
     {{"Host", "a"}, {"Content-Length", "5"}, {"Transfer-Encoding", "chunked"}},
     false,
     "Content-Length is given beside Transfer-Encoding"},
    {"another coding",
     {{"Host", "a"}, {"Transfer-Encoding", "gzip, chunked"}},
     false,
     "Transfer-Encoding is other than chunked"},
    {"two codings",
     {{"Host", "a"}, {"Transfer-Encoding", "chunked"}, {"Transfer-Encoding", "chunked"}},
     false,
     "Transfer-Encoding is other than chunked"},
    {"chunked in 1.0", {{"Transfer-Encoding", "chunked"}}, true, "Transfer-Encoding is given in HTTP/1.0"},
    {"a blank in a name",
     {{"Host", "a"}, {"Content-Length ", "5"}},
     false,
     "a header's name or value has bytes that are not allowed"},
    {"no name", {{"Host", "a"}, {"", "5"}}, false, "a header's name or value has bytes that are not allowed"},
    {"a control byte",
     {{"Host", "a"}, {"X-Other", "a\rb"}},
     false,
     "a header's name or value has bytes that are not allowed"},
    {"a tab", {{"Host", "a"}, {"X-Other", "a\tb"}}, false, NULL},
};

START_TEST(refuses_what_reads_two_ways)
{
    const struct framing_case *c = &cases[_i];
    struct framing framing = {0};
    for (size_t i = 0; i < 4 && c->headers[i].name != NULL; i++) {
        framing_add(&framing, str_from(c->headers[i].name), str_from(c->headers[i].value));
    }
    const char *error = framing_check(&framing, STR("/?a=b"), c->is_http_1_0);
    if (c->error == NULL) {
        ck_assert_msg(error == NULL, "%s: %s", c->what, error);
    } else {
        ck_assert_msg(error != NULL && strcmp(error, c->error) == 0, "%s: %s", c->what, error);
    }
}
END_TEST

static const struct {
    struct str target;
    bool is_good;
} targets[] = {
    {{"/", 1}, true},         {{"/?a=b%20c", 9}, true},    {{"*", 1}, true},
    {{"/\xc3\xa4", 3}, true}, {{"/a b", 4}, false},        {{"/a ", 3}, false},
    {{"/a\tb", 4}, false},    {{"/a\0b", 4}, false},       {{"/a\x7f", 3}, false},
    {{"/a\rb", 4}, false},    {{"/a b/c/d", 8}, false},    {{"/a/b/c/d e", 10}, false},
    {{"/a/b/c/d", 8}, true},  {{"/\x7f/b/c/d", 8}, false}, {{"/a/b/\0/d", 8}, false},
    {{"", 0}, false},
};

START_TEST(refuses_a_target_with_blanks_or_controls)
{
    struct framing framing = {.n_host = 1};
    const char *error = framing_check(&framing, targets[_i].target, false);
    ck_assert_msg((error == NULL) == targets[_i].is_good, "%d: %s", _i, error == NULL ? "" : error);
}
END_TEST

static const struct {
    const char *connection; /* NULL: no such header */
    bool is_http_1_0;
    bool is_last;
} endings[] = {
    {NULL, false, false},        {"keep-alive", false, false}, {"close", false, true},
    {"TE, Close", false, true},  {"closed", false, false},     {NULL, true, true},
    {"Keep-Alive", true, false}, {"close", true, true},        {"", true, true},
};

START_TEST(knows_the_last_request_of_a_connection)
{
    struct framing framing = {0};
    if (endings[_i].connection != NULL) {
        framing_add(&framing, STR("connection"), str_from(endings[_i].connection));
    }
    ck_assert_int_eq(framing_is_last(&framing, endings[_i].is_http_1_0), endings[_i].is_last);
}
END_TEST

START_TEST(knows_whether_there_is_a_length)
{
    struct framing framing = {0};
    ck_assert(!framing_has_length(&framing));
    framing_add(&framing, STR("CONTENT-LENGTH"), STR(" 9223372036854775807 "));
    ck_assert(framing_has_length(&framing));
    ck_assert(!framing.bad_content_length);
    ck_assert_uint_eq(framing.content_length, INT64_MAX);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("framing");
    TCase *tcase = tcase_create("framing");
    tcase_add_loop_test(tcase, refuses_what_reads_two_ways, 0, (int)(sizeof(cases) / sizeof(cases[0])));
    tcase_add_loop_test(tcase, refuses_a_target_with_blanks_or_controls, 0,
                        (int)(sizeof(targets) / sizeof(targets[0])));
    tcase_add_loop_test(tcase, knows_the_last_request_of_a_connection, 0,
                        (int)(sizeof(endings) / sizeof(endings[0])));
    tcase_add_test(tcase, knows_whether_there_is_a_length);
    suite_add_tcase(suite, tcase);
    return suite;
}

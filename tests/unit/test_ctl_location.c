/* SPDX-License-Identifier: MIT */
#include "location.h"
#include "suite.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

static void expect(struct str text, const char *expected)
{
    ck_assert_msg(str_equal(text, str_from(expected)), "%.*s", STR_FMT(text));
}

START_TEST(escapes_all_but_what_is_unreserved)
{
    cleanup(buf_fini) struct buf out = {0};
    location_append_escaped(&out, STR("a/b ?&=%+张\0-._~"));
    expect(buf_str(&out), "a%2Fb%20%3F%26%3D%25%2B%E5%BC%A0%00-._~");
}
END_TEST

START_TEST(begins_a_query_once)
{
    cleanup(buf_fini) struct buf out = {0};
    buf_append(&out, STR("/v1/users"));
    location_append_parameter(&out, "state", STR("online"));
    location_append_number(&out, "limit", 10);
    expect(buf_str(&out), "/v1/users?state=online&limit=10");
}
END_TEST

static const struct {
    const char *url;
    const char *target;
} urls[] = {
    {"https://host:8443/cb?a=1", "/cb?a=1"},
    {"https://host", "/"},
    {"https://host?a=1", "?a=1"},
    {"/cb?a=1", "/cb?a=1"},
    {"", ""},
};

START_TEST(takes_the_host_off)
{
    expect(location_target(str_from(urls[_i].url)), urls[_i].target);
}
END_TEST

static const struct {
    const char *query;
    int outcome;
    const char *value;
} queries[] = {
    {"a=1&b=2", 0, "2"},
    {"b=%41%6a", 0, "Aj"},
    {"b=a+b", 0, "a+b"},
    {"b", 0, ""},
    {"b=", 0, ""},
    {"a=1", LOCATION_ABSENT, ""},
    {"", LOCATION_ABSENT, ""},
    {"B=1", LOCATION_ABSENT, ""},
    {"b=1&b=1", LOCATION_TWICE, ""},
    {"b=%4", LOCATION_BAD_ESCAPE, ""},
    {"b=%", LOCATION_BAD_ESCAPE, ""},
    {"b=%zz", LOCATION_BAD_ESCAPE, ""},
    {"b=%00", LOCATION_BAD_ESCAPE, ""},
};

START_TEST(finds_a_parameter)
{
    cleanup(buf_fini) struct buf value = {0};
    ck_assert_int_eq(location_find(str_from(queries[_i].query), "b", &value), queries[_i].outcome);
    if (queries[_i].outcome == 0) {
        expect(buf_str(&value), queries[_i].value);
    }
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("ctl location");
    TCase *tcase = tcase_create("location");
    tcase_add_test(tcase, escapes_all_but_what_is_unreserved);
    tcase_add_test(tcase, begins_a_query_once);
    tcase_add_loop_test(tcase, takes_the_host_off, 0, COUNT(urls));
    tcase_add_loop_test(tcase, finds_a_parameter, 0, COUNT(queries));
    suite_add_tcase(suite, tcase);
    return suite;
}

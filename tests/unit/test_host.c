/* SPDX-License-Identifier: MIT */
#include "suite.h"

#include "../../src/status/host.h"

static const struct {
    const char *host;
    bool is_allowed;
} cases[] = {
    {"localhost", true},
    {"LocalHost:8080", true},
    {"localhost:", true},
    {"127.0.0.1", true},
    {"192.0.2.7:8080", true},
    {"[::1]", true},
    {"[2001:db8::7]:8080", true},
    {"presence.example", true},
    {"PRESENCE.example:8080", true},
    {"other.example", true},

    {"", false},
    {":8080", false},
    {"evil.example", false},
    {"presence.example.evil.example", false},
    {"evil.presence.example", false},
    {"localhost.evil.example", false},
    {"presence.example:80a", false},
    {"presence.example:65536", false},
    {"presence.example:80:80", false},
    {"127.0.0.1.evil.example", false},
    {"127.1", false},
    {"256.0.0.1", false},
    {"::1", false},
    {"[::1", false},
    {"[]", false},
    {"[127.0.0.1]", false},
    {"[::1]evil.example", false},
    {"[::1]:80a", false},
    {"[evil.example]", false},
    {"localhost ", false},
    {"user@localhost", false},
};

START_TEST(host_says_whether_a_browser_may_ask)
{
    static const struct str names[] = {{"Presence.example", 16}, {"other.example", 13}};
    bool is_allowed = host_is_allowed(str_from(cases[_i].host), names, 2);
    ck_assert_msg(is_allowed == cases[_i].is_allowed, "\"%s\" is %s", cases[_i].host,
                  is_allowed ? "allowed" : "refused");
}
END_TEST

START_TEST(without_names_only_addresses_and_localhost_are_left)
{
    ck_assert(host_is_allowed(STR("localhost"), NULL, 0));
    ck_assert(host_is_allowed(STR("192.0.2.1"), NULL, 0));
    ck_assert(!host_is_allowed(STR("presence.example"), NULL, 0));
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("host");
    TCase *tcase = tcase_create("host");
    tcase_add_loop_test(tcase, host_says_whether_a_browser_may_ask, 0, sizeof(cases) / sizeof(cases[0]));
    tcase_add_test(tcase, without_names_only_addresses_and_localhost_are_left);
    suite_add_tcase(suite, tcase);
    return suite;
}

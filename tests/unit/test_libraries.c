/* SPDX-License-Identifier: MIT */
#include "../../src/daemon/libraries.h"
#include "suite.h"

#include <stddef.h>

static const struct {
    const char *version;
    bool is_tested;
} versions[] = {
    {"0.9.75", true},    {"0.9.74", false}, {"0.8.99", false}, {"0.10.0", true}, {"1.0.1", true},
    {"1.0.0-rc1", true}, {"1.0.2", false},  {"1.0.10", false}, {"2.0.0", false}, {"", false},
};

START_TEST(tells_what_was_tested)
{
    struct library_range range = {"0.9.75", "1.0.1"};
    ck_assert_msg(library_is_tested(versions[_i].version, range) == versions[_i].is_tested, "%s",
                  versions[_i].version);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("libraries");
    TCase *tcase = tcase_create("libraries");
    tcase_add_loop_test(tcase, tells_what_was_tested, 0, (int)(sizeof(versions) / sizeof(versions[0])));
    suite_add_tcase(suite, tcase);
    return suite;
}

/* SPDX-License-Identifier: MIT */
#include "suite.h"

#include "../../src/status/bearer.h"

static const struct {
    const char *authorization;
    bool shows;
} cases[] = {
    {"Bearer s3cret-token", true},
    {"bearer s3cret-token", true},
    {"BEARER   s3cret-token ", true},

    {"", false},
    {"Bearer", false},
    {"Bearer ", false},
    {"Bearers3cret-token", false},
    {"Basic s3cret-token", false},
    {"s3cret-token", false},
    {"Bearer s3cret-toke", false},
    {"Bearer s3cret-tokens", false},
    {"Bearer s3cret-tokem", false},
    {"Bearer S3cret-token", false},
    {"Bearer t3cret-token", false},
    {"Bearer s3cret-tokens3cret-token", false},
    {"Bearer s3cret-token, s3cret-token", false},
};

START_TEST(bearer_must_be_the_token_itself)
{
    ck_assert_int_eq(bearer_matches(str_from(cases[_i].authorization), STR("s3cret-token")), cases[_i].shows);
}
END_TEST

START_TEST(every_byte_of_the_token_counts)
{
    char authorization[] = "Bearer s3cret-token";
    authorization[7 + _i] ^= 1;
    ck_assert(!bearer_matches(str_from(authorization), STR("s3cret-token")));
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("bearer");
    TCase *tcase = tcase_create("bearer");
    tcase_add_loop_test(tcase, bearer_must_be_the_token_itself, 0, sizeof(cases) / sizeof(cases[0]));
    tcase_add_loop_test(tcase, every_byte_of_the_token_counts, 0, sizeof("s3cret-token") - 1);
    suite_add_tcase(suite, tcase);
    return suite;
}

/* SPDX-License-Identifier: MIT */
#include "presenced/signature.h"

#include "suite.h"

#include <pthread.h>

/* The vendor's vector. */
#define TIME_S UINT64_C(1669872112)
#define TIME_TEXT "1669872112"
#define SIGN "17773bc39a671d7b9aa835458704d2a6db81360a5940292b587d6d760d484061"
/* What a misprinted edition's token xxxyyy gives. */
#define MISPRINT_SIGN "e78a85473bed2cdc8d6fa8c4d5a4ba4735fd64156e15a99516b9890293e135de"
#define OTHER_TOKEN "another-token"

#define TOLERANCE_MS 60000

static const struct signature_key vendor_key = {{{"xxxxyyyy", 8}}, 1};
static const struct signature_key misprint_key = {{{"xxxyyy", 6}}, 1};
static const struct signature_key first_of_two = {{{"xxxxyyyy", 8}, {OTHER_TOKEN, 13}}, 2};
static const struct signature_key second_of_two = {{{OTHER_TOKEN, 13}, {"xxxxyyyy", 8}}, 2};
static const struct signature_key wrong_both = {{{OTHER_TOKEN, 13}, {"xxxyyy", 6}}, 2};
static const struct signature_key same_twice = {{{"xxxxyyyy", 8}, {"xxxxyyyy", 8}}, 2};
static const struct signature_key no_token = {.n_tokens = 0};

static const struct {
    const struct signature_key *key;
    const char *sign;
    int outcome;
} sign_cases[] = {
    {&vendor_key, SIGN, 0},
    {&vendor_key, "17773BC39A671D7B9AA835458704D2A6DB81360A5940292B587D6D760D484061", 0},
    {&vendor_key, "17773Bc39a671D7B9aa835458704d2A6db81360a5940292b587d6d760d484061", 0},
    {&first_of_two, SIGN, 0},
    {&second_of_two, SIGN, 0},
    {&same_twice, SIGN, 0},
    {&misprint_key, MISPRINT_SIGN, 0},
    {&misprint_key, SIGN, SIGNATURE_WRONG},
    {&vendor_key, MISPRINT_SIGN, SIGNATURE_WRONG},
    {&wrong_both, SIGN, SIGNATURE_WRONG},
    {&no_token, SIGN, SIGNATURE_WRONG},
    /* one bit off at either end */
    {&vendor_key, "07773bc39a671d7b9aa835458704d2a6db81360a5940292b587d6d760d484061", SIGNATURE_WRONG},
    {&vendor_key, "17773bc39a671d7b9aa835458704d2a6db81360a5940292b587d6d760d484060", SIGNATURE_WRONG},
    {&vendor_key, "0000000000000000000000000000000000000000000000000000000000000000", SIGNATURE_WRONG},
    {&vendor_key, "", SIGNATURE_BAD_SIGN},
    {&vendor_key, "17773bc39a671d7b9aa835458704d2a6db81360a5940292b587d6d760d48406", SIGNATURE_BAD_SIGN},
    {&vendor_key, SIGN "0", SIGNATURE_BAD_SIGN},
    {&vendor_key, SIGN "\n", SIGNATURE_BAD_SIGN},
    {&vendor_key, " 7773bc39a671d7b9aa835458704d2a6db81360a5940292b587d6d760d484061", SIGNATURE_BAD_SIGN},
    {&vendor_key, "g7773bc39a671d7b9aa835458704d2a6db81360a5940292b587d6d760d484061", SIGNATURE_BAD_SIGN},
    {&vendor_key, "17773bc39a671d7b9aa835458704d2a6db81360a5940292b587d6d760d48406g", SIGNATURE_BAD_SIGN},
    {&vendor_key, "0x773bc39a671d7b9aa835458704d2a6db81360a5940292b587d6d760d484061", SIGNATURE_BAD_SIGN},
    {&vendor_key,
     "\xff"
     "7773bc39a671d7b9aa835458704d2a6db81360a5940292b587d6d760d484061",
     SIGNATURE_BAD_SIGN},
};

START_TEST(makes_what_the_vendor_makes)
{
    char sign[SIGNATURE_TEXT_SIZE];
    ck_assert_int_eq(signature_make(STR("xxxxyyyy"), STR(TIME_TEXT), sign), 0);
    ck_assert_str_eq(sign, SIGN);
}
END_TEST

START_TEST(sign_against_key)
{
    unsigned token;
    ck_assert_int_eq(signature_check(sign_cases[_i].key, str_from(sign_cases[_i].sign), STR(TIME_TEXT),
                                     TOLERANCE_MS, TIME_S * 1000, &token),
                     sign_cases[_i].outcome);
}
END_TEST

START_TEST(tells_which_token_it_was_made_with)
{
    unsigned token = 7;
    ck_assert_int_eq(
        signature_check(&wrong_both, STR(SIGN), STR(TIME_TEXT), TOLERANCE_MS, TIME_S * 1000, &token),
        SIGNATURE_WRONG);
    ck_assert_uint_eq(token, 7);
    ck_assert_int_eq(
        signature_check(&second_of_two, STR(SIGN), STR(TIME_TEXT), TOLERANCE_MS, TIME_S * 1000, &token), 0);
    ck_assert_uint_eq(token, 1);
    ck_assert_int_eq(
        signature_check(&first_of_two, STR(SIGN), STR(TIME_TEXT), TOLERANCE_MS, TIME_S * 1000, &token), 0);
    ck_assert_uint_eq(token, 0);
    token = 7;
    ck_assert_int_eq(
        signature_check(&same_twice, STR(SIGN), STR(TIME_TEXT), TOLERANCE_MS, TIME_S * 1000, &token), 0);
    ck_assert_uint_eq(token, 0);
}
END_TEST

/* What stands behind it is none of its business. */
START_TEST(sign_is_as_long_as_it_says)
{
    unsigned token;
    struct str part = {SIGN, strlen(SIGN) - 1};
    ck_assert_int_eq(signature_check(&vendor_key, part, STR(TIME_TEXT), TOLERANCE_MS, TIME_S * 1000, &token),
                     SIGNATURE_BAD_SIGN);
    part.len = 0;
    ck_assert_int_eq(signature_check(&vendor_key, part, STR(TIME_TEXT), TOLERANCE_MS, TIME_S * 1000, &token),
                     SIGNATURE_BAD_SIGN);
}
END_TEST

static const struct {
    const char *request_time;
    int outcome;
} time_text_cases[] = {
    {TIME_TEXT, 0},
    {"", SIGNATURE_BAD_TIME},
    {"+1669872112", SIGNATURE_BAD_TIME},
    {"-1669872112", SIGNATURE_BAD_TIME},
    {" 1669872112", SIGNATURE_BAD_TIME},
    {"1669872112 ", SIGNATURE_BAD_TIME},
    {"1669872112.0", SIGNATURE_BAD_TIME},
    {"1669872112e0", SIGNATURE_BAD_TIME},
    {"0x63889170", SIGNATURE_BAD_TIME},
    {"000000000001669872112", SIGNATURE_BAD_TIME}, /* 21 digits */
    {"00000000001669872112", SIGNATURE_WRONG},     /* 20: in time, but other text than was signed */
    {"01669872112", SIGNATURE_WRONG},
    {"99999999999999999999", SIGNATURE_OUT_OF_TIME},
    {"18446744073709551615", SIGNATURE_OUT_OF_TIME},
    {"18446744073709552", SIGNATURE_OUT_OF_TIME}, /* as ms beyond 64 bits */
    {"0", SIGNATURE_OUT_OF_TIME},
};

START_TEST(request_time_text)
{
    unsigned token;
    ck_assert_int_eq(signature_check(&vendor_key, STR(SIGN), str_from(time_text_cases[_i].request_time),
                                     TOLERANCE_MS, TIME_S * 1000, &token),
                     time_text_cases[_i].outcome);
}
END_TEST

static const struct {
    int64_t now_offset_ms;
    uint64_t tolerance_ms;
    int outcome;
} tolerance_cases[] = {
    {0, 60000, 0},
    {60000, 60000, 0},
    {60999, 60000, 0}, /* the same second as the one before */
    {61000, 60000, SIGNATURE_OUT_OF_TIME},
    {-60000, 60000, 0},
    {-60001, 60000, SIGNATURE_OUT_OF_TIME},
    {999, 0, 0},
    {1000, 0, SIGNATURE_OUT_OF_TIME},
    {-1, 0, SIGNATURE_OUT_OF_TIME},
    {1000, 999, SIGNATURE_OUT_OF_TIME},
    {1000, 1000, 0},
    {-1669872112000, 60000, SIGNATURE_OUT_OF_TIME},
    {-1669872112000, UINT64_MAX, 0},
};

START_TEST(bounds_the_age)
{
    unsigned token;
    uint64_t now_ms = TIME_S * 1000 + (uint64_t)tolerance_cases[_i].now_offset_ms;
    ck_assert_int_eq(signature_check(&vendor_key, STR(SIGN), STR(TIME_TEXT), tolerance_cases[_i].tolerance_ms,
                                     now_ms, &token),
                     tolerance_cases[_i].outcome);
}
END_TEST

START_TEST(prepares_every_token)
{
    ck_assert_int_eq(signature_prepare(), 0);
    ck_assert_int_eq(signature_prepare(), 0);
}
END_TEST

static void *check_often(void *cls)
{
    unsigned *n_good = cls;
    unsigned token;
    for (unsigned i = 0; i < 1000; i++) {
        const char *sign = i % 2 == 0 ? SIGN : MISPRINT_SIGN;
        int r = signature_check(&second_of_two, str_from(sign), STR(TIME_TEXT), TOLERANCE_MS, TIME_S * 1000,
                                &token);
        *n_good += r == (i % 2 == 0 ? 0 : SIGNATURE_WRONG);
    }
    return NULL;
}

START_TEST(threads_do_not_mix)
{
    pthread_t threads[4];
    unsigned n_good[4] = {0};
    for (size_t i = 0; i < 4; i++) {
        ck_assert_int_eq(pthread_create(&threads[i], NULL, check_often, &n_good[i]), 0);
    }
    for (size_t i = 0; i < 4; i++) {
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
        ck_assert_uint_eq(n_good[i], 1000);
    }
}
END_TEST

#define N(cases) (int)(sizeof(cases) / sizeof((cases)[0]))

Suite *test_suite(void)
{
    Suite *suite = suite_create("signature");
    TCase *tcase = tcase_create("signature");
    tcase_add_test(tcase, makes_what_the_vendor_makes);
    tcase_add_loop_test(tcase, sign_against_key, 0, N(sign_cases));
    tcase_add_test(tcase, tells_which_token_it_was_made_with);
    tcase_add_test(tcase, sign_is_as_long_as_it_says);
    tcase_add_loop_test(tcase, request_time_text, 0, N(time_text_cases));
    tcase_add_loop_test(tcase, bounds_the_age, 0, N(tolerance_cases));
    tcase_add_test(tcase, prepares_every_token);
    tcase_add_test(tcase, threads_do_not_mix);
    suite_add_tcase(suite, tcase);
    return suite;
}

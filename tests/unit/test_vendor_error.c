/* SPDX-License-Identifier: MIT */
#include "presenced/vendor_error.h"

#include "suite.h"

/* What Tencent's manual has of each; a code that changes its class is asked about differently. */
static const struct {
    unsigned code;
    enum vendor_error_class class;
} codes[] = {
    {60004, VENDOR_ERROR_RETRY},         {60005, VENDOR_ERROR_RETRY},
    {60008, VENDOR_ERROR_RETRY},         {60014, VENDOR_ERROR_RETRY},
    {70169, VENDOR_ERROR_RETRY},         {70500, VENDOR_ERROR_RETRY},
    {90994, VENDOR_ERROR_RETRY},         {90995, VENDOR_ERROR_RETRY},
    {91000, VENDOR_ERROR_RETRY},         {60007, VENDOR_ERROR_RATE},
    {60018, VENDOR_ERROR_RATE},          {70001, VENDOR_ERROR_USERSIG},
    {60010, VENDOR_ERROR_CONFIGURATION}, {60021, VENDOR_ERROR_CONFIGURATION},
    {60026, VENDOR_ERROR_CONFIGURATION}, {70003, VENDOR_ERROR_CONFIGURATION},
    {70009, VENDOR_ERROR_CONFIGURATION}, {70013, VENDOR_ERROR_CONFIGURATION},
    {70014, VENDOR_ERROR_CONFIGURATION}, {70016, VENDOR_ERROR_CONFIGURATION},
    {70020, VENDOR_ERROR_CONFIGURATION}, {70050, VENDOR_ERROR_CONFIGURATION},
    {90009, VENDOR_ERROR_CONFIGURATION}, {60016, VENDOR_ERROR_PLAN},
    {60017, VENDOR_ERROR_PLAN},          {60020, VENDOR_ERROR_PLAN},
    {60028, VENDOR_ERROR_PLAN},          {70107, VENDOR_ERROR_USER},
    {90012, VENDOR_ERROR_USER},          {90048, VENDOR_ERROR_USER},
    {60002, VENDOR_ERROR_REQUEST},       {60003, VENDOR_ERROR_REQUEST},
    {60012, VENDOR_ERROR_REQUEST},       {60015, VENDOR_ERROR_REQUEST},
    {60025, VENDOR_ERROR_REQUEST},       {90001, VENDOR_ERROR_REQUEST},
    {90003, VENDOR_ERROR_REQUEST},       {90011, VENDOR_ERROR_REQUEST},
    {90028, VENDOR_ERROR_REQUEST},       {90029, VENDOR_ERROR_REQUEST},
};

START_TEST(a_known_code_says_what_to_do)
{
    const struct vendor_error *error = vendor_error_find(codes[_i].code);
    ck_assert_ptr_nonnull(error);
    ck_assert_uint_eq(error->code, codes[_i].code);
    ck_assert_int_eq(error->class, codes[_i].class);
    ck_assert_str_ne(error->meaning, "");
}
END_TEST

START_TEST(another_code_is_not_known)
{
    ck_assert_ptr_null(vendor_error_find(0));
    ck_assert_ptr_null(vendor_error_find(70106));
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("vendor_error");
    TCase *tcase = tcase_create("vendor_error");
    tcase_add_loop_test(tcase, a_known_code_says_what_to_do, 0, (int)(sizeof(codes) / sizeof(codes[0])));
    tcase_add_test(tcase, another_code_is_not_known);
    suite_add_tcase(suite, tcase);
    return suite;
}

/* SPDX-License-Identifier: MIT */
#include "presenced/row.h"
#include "suite.h"

/* Each is higher than those before it. */
static const struct row rising[] = {
    {.event_time_ms = 0, .action = ROW_LOGIN, .reason = ROW_REASON_OTHER},
    {.event_time_ms = 1, .action = ROW_LOGOUT, .reason = ROW_REASON_RECONCILED},
    {.event_time_ms = 1, .action = ROW_DISCONNECT, .reason = ROW_REASON_RECONCILED},
    {.event_time_ms = 1, .action = ROW_LOGIN, .reason = ROW_REASON_RECONCILED},
    {.event_time_ms = 1, .action = ROW_KICKED, .reason = ROW_REASON_OTHER, .client = {4, {255, 1, 1, 1}}},
    {.event_time_ms = 1, .action = ROW_LOGOUT, .reason = ROW_REASON_REGISTER},
    {.event_time_ms = 1, .action = ROW_LOGOUT, .reason = ROW_REASON_OTHER, .client = {4, {192, 0, 2, 9}}},
    {.event_time_ms = 1, .action = ROW_DISCONNECT, .reason = ROW_REASON_LINK_CLOSE},
    {.event_time_ms = 1, .action = ROW_DISCONNECT, .reason = ROW_REASON_TIMEOUT},
    {.event_time_ms = 1, .action = ROW_LOGIN, .reason = ROW_REASON_REGISTER},
    {.event_time_ms = 1, .action = ROW_LOGIN, .reason = ROW_REASON_REGISTER, .client = {4, {192, 0, 2, 1}}},
    {.event_time_ms = 1, .action = ROW_LOGIN, .reason = ROW_REASON_REGISTER, .client = {16, {192, 0, 2, 1}}},
    {.event_time_ms = 1, .action = ROW_LOGIN, .reason = ROW_REASON_REGISTER, .client = {4, {192, 0, 2, 2}}},
    {.event_time_ms = 1, .action = ROW_LOGIN, .reason = ROW_REASON_REGISTER, .client = {4, {200}}},
    {.event_time_ms = 1, .action = ROW_LOGIN, .reason = ROW_REASON_UNREGISTER},
    {.event_time_ms = 1, .action = ROW_LOGIN, .reason = ROW_REASON_LINK_CLOSE},
    {.event_time_ms = 1, .action = ROW_LOGIN, .reason = ROW_REASON_TIMEOUT},
    {.event_time_ms = 1, .action = ROW_LOGIN, .reason = ROW_REASON_KICKED},
    {.event_time_ms = 1, .action = ROW_LOGIN, .reason = ROW_REASON_OTHER},
    {.event_time_ms = 2, .action = ROW_KICKED, .reason = ROW_REASON_REGISTER},
    {.event_time_ms = EVENT_TIME_MAX_MS, .action = ROW_KICKED, .reason = ROW_REASON_REGISTER},
};

#define N_RISING ((int)(sizeof(rising) / sizeof(rising[0])))

static int sign(int value)
{
    return (value > 0) - (value < 0);
}

START_TEST(later_rows_compare_higher)
{
    for (int i = 0; i < N_RISING; i++) {
        ck_assert_int_eq(sign(row_compare(&rising[_i], &rising[i])), sign(_i - i));
    }
}
END_TEST

START_TEST(platform_and_receipt_take_no_part)
{
    struct row a = rising[10];
    struct row b = rising[10];
    a.platform = PLATFORM_IOS;
    a.received_unix_ms = 5;
    ck_assert_int_eq(row_compare(&a, &b), 0);
}
END_TEST

static const struct {
    uint8_t action;
    uint8_t reason;
    const char *words[2];
} worded[] = {
    {ROW_KICKED, ROW_REASON_KICKED, {"Kicked", "Kicked"}},
    {ROW_LOGOUT, ROW_REASON_UNREGISTER, {"Logout", "Unregister"}},
    {ROW_DISCONNECT, ROW_REASON_TIMEOUT, {"Disconnect", "TimeOut"}},
    {ROW_LOGIN, ROW_REASON_OTHER, {"Login", "Other"}},
    {ROW_LOGOUT, ROW_REASON_RECONCILED, {"Reconciled", "Offline"}},
    {ROW_DISCONNECT, ROW_REASON_RECONCILED, {"Reconciled", "PushOnline"}},
    {ROW_LOGIN, ROW_REASON_RECONCILED, {"Reconciled", "Online"}},
};

START_TEST(rows_have_words_that_lead_back)
{
    struct row row = {.action = worded[_i].action, .reason = worded[_i].reason};
    struct row read = {.action = 77, .reason = 77};
    struct row_words words = row_words(&row);
    ck_assert(str_equal(words.action, str_from(worded[_i].words[0])));
    ck_assert(str_equal(words.reason, str_from(worded[_i].words[1])));
    ck_assert(row_read_words(&words, &read));
    ck_assert_uint_eq(read.action, row.action);
    ck_assert_uint_eq(read.reason, row.reason);
}
END_TEST

static const char *const no_words[][2] = {
    {"Login", "Online"},     {"Reconciled", "Register"}, {"Reconciled", "Kicked"},
    {"Login", "Reconciled"}, {"login", "Other"},         {"", ""},
};

START_TEST(other_words_are_none)
{
    struct row read;
    struct row_words words = {str_from(no_words[_i][0]), str_from(no_words[_i][1])};
    ck_assert(!row_read_words(&words, &read));
}
END_TEST

START_TEST(actions_and_reasons_have_names)
{
    ck_assert(str_equal(row_reason_name(ROW_REASON_REGISTER), STR("Register")));
    ck_assert(str_equal(row_reason_name(ROW_REASON_UNREGISTER), STR("Unregister")));
    ck_assert(str_equal(row_reason_name(ROW_REASON_LINK_CLOSE), STR("LinkClose")));
    ck_assert(str_equal(row_reason_name(ROW_REASON_TIMEOUT), STR("TimeOut")));
    ck_assert(str_equal(row_reason_name(ROW_REASON_KICKED), STR("Kicked")));
    ck_assert(str_equal(row_reason_name(ROW_REASON_OTHER), STR("Other")));
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("row");
    TCase *tcase = tcase_create("row");
    tcase_add_loop_test(tcase, later_rows_compare_higher, 0, N_RISING);
    tcase_add_test(tcase, platform_and_receipt_take_no_part);
    tcase_add_loop_test(tcase, rows_have_words_that_lead_back, 0, sizeof(worded) / sizeof(worded[0]));
    tcase_add_loop_test(tcase, other_words_are_none, 0, sizeof(no_words) / sizeof(no_words[0]));
    tcase_add_test(tcase, actions_and_reasons_have_names);
    suite_add_tcase(suite, tcase);
    return suite;
}

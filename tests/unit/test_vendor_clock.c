/* SPDX-License-Identifier: MIT */
/* How far Tencent's clock is ahead of ours, and what an answer can know. */
#include "../../src/reconcile/vendor_clock.h"
#include "suite.h"

#define NOW_MS UINT64_C(1700000000000)

static struct vendor_clock vendor;

static void set_up(void)
{
    vendor = (struct vendor_clock){.is_known = false};
}

/* A question that took 40 ms, where Tencent's clock is ahead by so much and answers in the middle. */
static void ask(uint64_t sent_ms, int64_t ahead_ms)
{
    uint64_t answered_at_ms = (uint64_t)((int64_t)sent_ms + 20 + ahead_ms);
    vendor_clock_observe(&vendor, answered_at_ms / 1000, sent_ms, sent_ms + 40);
}

START_TEST(answers_narrow_the_bounds_around_the_truth)
{
    static const int64_t ahead_ms[] = {0, 1700, -1700, 3600000, -86400000};
    for (uint64_t i = 0; i < 100; i++) {
        ask(NOW_MS + i * 1010, ahead_ms[_i]);
        ck_assert_int_le(vendor.ahead_min_ms, ahead_ms[_i]);
        ck_assert_int_ge(vendor.ahead_max_ms, ahead_ms[_i]);
    }
    ck_assert_int_lt(vendor.ahead_max_ms - vendor.ahead_min_ms, 200);
}
END_TEST

START_TEST(a_clock_that_was_set_is_known_anew)
{
    for (uint64_t i = 0; i < 10; i++) {
        ask(NOW_MS + i * 1010, 0);
    }
    ask(NOW_MS + 20000, -60000);
    ck_assert_int_le(vendor.ahead_min_ms, -60000);
    ck_assert_int_ge(vendor.ahead_max_ms, -60000);
}
END_TEST

/* Whatever the second that Date leaves out: an event that happened after the question, stamped by a server
 * two seconds behind the one that answers, is later than the answer. */
START_TEST(an_answer_is_never_stamped_later_than_what_it_does_not_know)
{
    int64_t ahead_ms = _i * 137 - 3000;
    for (uint64_t i = 0; i < 50; i++) {
        uint64_t sent_ms = NOW_MS + i * 977;
        ask(sent_ms, ahead_ms);
        uint64_t earliest_stamp_ms = (uint64_t)((int64_t)sent_ms + ahead_ms - 2000);
        ck_assert_uint_le(vendor_clock_stamp_ms(&vendor, sent_ms), earliest_stamp_ms);
    }
    /* And not much earlier than that, or it would mend nothing. */
    ck_assert_uint_ge(vendor_clock_stamp_ms(&vendor, NOW_MS + 50 * 977),
                      (uint64_t)((int64_t)NOW_MS + 50 * 977 + ahead_ms - 2300));
}
END_TEST

START_TEST(time_widens_the_bounds)
{
    ask(NOW_MS, 0);
    int64_t min_ms = vendor.ahead_min_ms;
    ask(NOW_MS + 3600000, 0);
    ck_assert_int_le(vendor.ahead_min_ms, min_ms + 1000);
    ck_assert_int_ge(vendor.ahead_max_ms, 0);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("vendor_clock");
    TCase *tcase = tcase_create("vendor_clock");
    tcase_add_checked_fixture(tcase, set_up, NULL);
    tcase_add_loop_test(tcase, answers_narrow_the_bounds_around_the_truth, 0, 5);
    tcase_add_test(tcase, a_clock_that_was_set_is_known_anew);
    tcase_add_loop_test(tcase, an_answer_is_never_stamped_later_than_what_it_does_not_know, 0, 44);
    tcase_add_test(tcase, time_widens_the_bounds);
    suite_add_tcase(suite, tcase);
    return suite;
}

/* SPDX-License-Identifier: MIT */
#include "presenced/clock.h"
#include "suite.h"

#include <time.h>

START_TEST(counts_milliseconds_of_the_wall_clock)
{
    uint64_t before_s = (uint64_t)time(NULL);
    uint64_t now_ms = clock_unix_ms();
    uint64_t after_s = (uint64_t)time(NULL);
    /* time() may read a coarser clock that lags behind by a tick. */
    ck_assert_uint_ge(now_ms, before_s * 1000);
    ck_assert_uint_le(now_ms, (after_s + 2) * 1000);
}
END_TEST

START_TEST(never_goes_back)
{
    uint64_t last_ms = clock_monotonic_ms();
    for (unsigned i = 0; i < 1000; i++) {
        uint64_t now_ms = clock_monotonic_ms();
        ck_assert_uint_ge(now_ms, last_ms);
        last_ms = now_ms;
    }
}
END_TEST

START_TEST(counts_milliseconds_of_the_monotonic_clock)
{
    struct timespec before;
    struct timespec after;
    ck_assert_int_eq(clock_gettime(CLOCK_MONOTONIC, &before), 0);
    uint64_t now_ms = clock_monotonic_ms();
    uint64_t now_us = clock_monotonic_us();
    ck_assert_int_eq(clock_gettime(CLOCK_MONOTONIC, &after), 0);
    ck_assert_uint_ge(now_us, now_ms * 1000);
    ck_assert_uint_le(now_us, (uint64_t)after.tv_sec * 1000000 + (uint64_t)after.tv_nsec / 1000);
    ck_assert_uint_ge(now_ms, (uint64_t)before.tv_sec * 1000 + (uint64_t)before.tv_nsec / 1000000);
    ck_assert_uint_le(now_ms, (uint64_t)after.tv_sec * 1000 + (uint64_t)after.tv_nsec / 1000000);
}
END_TEST

START_TEST(coarse_clock_is_a_step_behind)
{
    uint64_t before_ms = clock_coarse_ms();
    uint64_t now_ms = clock_monotonic_ms();
    ck_assert_uint_gt(before_ms, 0);
    ck_assert_uint_le(before_ms, now_ms);
    while (clock_coarse_ms() < now_ms) {}
}
END_TEST

START_TEST(counts_from_the_boot)
{
    struct timespec after;
    uint64_t before_ms = clock_monotonic_ms(); /* which stands still while the machine sleeps */
    uint64_t now_ms = clock_since_boot_ms();
    ck_assert_int_eq(clock_gettime(CLOCK_BOOTTIME, &after), 0);
    ck_assert_uint_ge(now_ms, before_ms);
    ck_assert_uint_le(now_ms, (uint64_t)after.tv_sec * 1000 + (uint64_t)after.tv_nsec / 1000000);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("clock");
    TCase *tcase = tcase_create("clock");
    tcase_add_test(tcase, counts_milliseconds_of_the_wall_clock);
    tcase_add_test(tcase, never_goes_back);
    tcase_add_test(tcase, counts_milliseconds_of_the_monotonic_clock);
    tcase_add_test(tcase, coarse_clock_is_a_step_behind);
    tcase_add_test(tcase, counts_from_the_boot);
    suite_add_tcase(suite, tcase);
    return suite;
}

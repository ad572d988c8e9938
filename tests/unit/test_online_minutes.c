/* SPDX-License-Identifier: MIT */
#include "suite.h"

#include "presenced/online_minutes.h"

#define T0 UINT64_C(1699999980000) /* a whole minute */
#define MINUTE ONLINE_MINUTE_MS

static struct online_minutes *minutes;

static void setup(void)
{
    ck_assert_int_eq(online_minutes_new(&minutes), 0);
}

static void teardown(void)
{
    online_minutes_free(minutes);
}

static void expect(uint64_t start, const uint32_t *counts, size_t n)
{
    uint64_t got_start = 0;
    uint32_t got[ONLINE_N_MINUTES];
    ck_assert_uint_eq(online_minutes_read(minutes, &got_start, got), n);
    ck_assert_uint_eq(got_start, start);
    for (size_t i = 0; i < n; i++) {
        ck_assert_msg(got[i] == counts[i], "minute %zu is %u", i, got[i]);
    }
}

START_TEST(empty_before_the_first_minute)
{
    uint64_t start = 5;
    uint32_t counts[ONLINE_N_MINUTES];
    ck_assert_uint_eq(online_minutes_read(minutes, &start, counts), 0);
    ck_assert_uint_eq(start, 5);
}
END_TEST

START_TEST(last_count_of_a_minute_stays)
{
    online_minutes_record(minutes, T0, 1);
    online_minutes_record(minutes, T0 + 59999, 2);
    online_minutes_record(minutes, T0 + MINUTE, 3);
    expect(T0, (const uint32_t[]){2, 3}, 2);
}
END_TEST

START_TEST(minutes_left_out_are_missing)
{
    online_minutes_record(minutes, T0, 1);
    online_minutes_record(minutes, T0 + 3 * MINUTE, 4);
    expect(T0, (const uint32_t[]){1, ONLINE_MISSING, ONLINE_MISSING, 4}, 4);
}
END_TEST

START_TEST(a_day_is_held_and_no_more)
{
    uint32_t expected[ONLINE_N_MINUTES];
    for (uint32_t i = 0; i < ONLINE_N_MINUTES + 10; i++) {
        online_minutes_record(minutes, T0 + i * MINUTE, i);
    }
    for (uint32_t i = 0; i < ONLINE_N_MINUTES; i++) {
        expected[i] = i + 10;
    }
    expect(T0 + 10 * MINUTE, expected, ONLINE_N_MINUTES);
}
END_TEST

START_TEST(a_gap_of_nearly_a_day_keeps_the_oldest)
{
    uint64_t start;
    uint32_t counts[ONLINE_N_MINUTES];
    online_minutes_record(minutes, T0, 1);
    online_minutes_record(minutes, T0 + (ONLINE_N_MINUTES - 1) * MINUTE, 2);
    ck_assert_uint_eq(online_minutes_read(minutes, &start, counts), ONLINE_N_MINUTES);
    ck_assert_uint_eq(counts[0], 1);
    ck_assert_uint_eq(counts[1], ONLINE_MISSING);
    ck_assert_uint_eq(counts[ONLINE_N_MINUTES - 1], 2);
}
END_TEST

START_TEST(a_gap_of_a_day_begins_anew)
{
    online_minutes_record(minutes, T0, 1);
    online_minutes_record(minutes, T0 + MINUTE, 1);
    online_minutes_record(minutes, T0 + (ONLINE_N_MINUTES + 1) * MINUTE, 2);
    expect(T0 + (ONLINE_N_MINUTES + 1) * MINUTE, (const uint32_t[]){2}, 1);
}
END_TEST

START_TEST(a_clock_set_back_drops_what_lies_ahead)
{
    for (uint32_t i = 0; i < 5; i++) {
        online_minutes_record(minutes, T0 + i * MINUTE, i);
    }
    online_minutes_record(minutes, T0 + 2 * MINUTE, 20);
    online_minutes_record(minutes, T0 + 4 * MINUTE, 40);
    expect(T0, (const uint32_t[]){0, 1, 20, ONLINE_MISSING, 40}, 5);
}
END_TEST

START_TEST(a_clock_set_back_by_years_begins_anew)
{
    online_minutes_record(minutes, T0, 1);
    online_minutes_record(minutes, 0, 2);
    expect(0, (const uint32_t[]){2}, 1);
}
END_TEST

START_TEST(a_count_beyond_the_type_is_its_highest)
{
    online_minutes_record(minutes, T0, UINT64_MAX);
    expect(T0, (const uint32_t[]){ONLINE_MISSING - 1}, 1);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("online_minutes");
    TCase *tcase = tcase_create("online_minutes");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, empty_before_the_first_minute);
    tcase_add_test(tcase, last_count_of_a_minute_stays);
    tcase_add_test(tcase, minutes_left_out_are_missing);
    tcase_add_test(tcase, a_day_is_held_and_no_more);
    tcase_add_test(tcase, a_gap_of_nearly_a_day_keeps_the_oldest);
    tcase_add_test(tcase, a_gap_of_a_day_begins_anew);
    tcase_add_test(tcase, a_clock_set_back_drops_what_lies_ahead);
    tcase_add_test(tcase, a_clock_set_back_by_years_begins_anew);
    tcase_add_test(tcase, a_count_beyond_the_type_is_its_highest);
    suite_add_tcase(suite, tcase);
    return suite;
}

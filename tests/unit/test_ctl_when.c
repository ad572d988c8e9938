/* SPDX-License-Identifier: MIT */
#include "suite.h"
#include "when.h"

#include <time.h>

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))
#define NOW_MS UINT64_C(1700000000000) /* 2023-11-14T22:13:20Z */
#define MINUTE_MS UINT64_C(60000)

static void set_up(void)
{
    ck_assert_int_eq(setenv("TZ", "UTC-2", 1), 0); /* two hours ahead */
    tzset();
}

static void expect(const struct buf *out, const char *text)
{
    ck_assert_msg(str_equal(buf_str(out), str_from(text)), "%.*s", STR_FMT(buf_str(out)));
}

START_TEST(people_get_local_time_and_how_long_ago)
{
    cleanup(buf_fini) struct buf out = {0};
    when_append(&out, NOW_MS - 5 * MINUTE_MS, NOW_MS, true);
    expect(&out, "2023-11-15 00:08:20 (5 min ago)");
}
END_TEST

START_TEST(where_there_is_little_room_the_day_is_told_of_other_days)
{
    cleanup(buf_fini) struct buf out = {0};
    when_append_short(&out, NOW_MS - 5 * MINUTE_MS, NOW_MS);
    expect(&out, "00:08:20");
    buf_clear(&out);
    when_append_short(&out, NOW_MS - 15 * MINUTE_MS, NOW_MS);
    expect(&out, "2023-11-14 23:58:20");
}
END_TEST

START_TEST(programs_get_utc)
{
    cleanup(buf_fini) struct buf out = {0};
    when_append(&out, NOW_MS + 7, NOW_MS, false);
    expect(&out, "2023-11-14T22:13:20.007Z");
}
END_TEST

static const struct {
    uint64_t ms;
    const char *text;
} spans[] = {
    {0, "0 ms"},       {1999, "1999 ms"}, {2000, "2 s"},      {119999, "119 s"},
    {120000, "2 min"}, {7200000, "2 h"},  {172800000, "2 d"}, {UINT64_C(8640000000), "100 d"},
};

START_TEST(spans_have_the_largest_unit_that_fits_twice)
{
    cleanup(buf_fini) struct buf out = {0};
    when_append_span(&out, spans[_i].ms);
    expect(&out, spans[_i].text);
}
END_TEST

START_TEST(the_future_is_in_some_time)
{
    cleanup(buf_fini) struct buf out = {0};
    when_append_ago(&out, NOW_MS + 10000, NOW_MS);
    expect(&out, "in 10 s");
    buf_clear(&out);
    when_append_ago(&out, NOW_MS - 999, NOW_MS);
    expect(&out, "now");
}
END_TEST

static const struct {
    const char *text;
    bool is_good;
    uint64_t unix_ms;
} points[] = {
    {"2h", true, NOW_MS - 120 * MINUTE_MS},
    {"30m", true, NOW_MS - 30 * MINUTE_MS},
    {"1d", true, NOW_MS - 1440 * MINUTE_MS},
    {"1629883332497", true, UINT64_C(1629883332497)},
    {"100000d", true, 0},
    {"", false, 0},
    {"h", false, 0},
    {"2 h", false, 0},
    {"-2h", false, 0},
    {"2w", false, 0},
    {"99999999999999999999d", false, 0},
};

START_TEST(reads_what_people_write)
{
    uint64_t unix_ms = 1;
    ck_assert_msg(when_parse(str_from(points[_i].text), NOW_MS, &unix_ms) == points[_i].is_good, "%s",
                  points[_i].text);
    ck_assert_uint_eq(unix_ms, points[_i].is_good ? points[_i].unix_ms : 1);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("ctl when");
    TCase *tcase = tcase_create("when");
    tcase_add_checked_fixture(tcase, set_up, NULL);
    tcase_add_test(tcase, people_get_local_time_and_how_long_ago);
    tcase_add_test(tcase, where_there_is_little_room_the_day_is_told_of_other_days);
    tcase_add_test(tcase, programs_get_utc);
    tcase_add_loop_test(tcase, spans_have_the_largest_unit_that_fits_twice, 0, COUNT(spans));
    tcase_add_test(tcase, the_future_is_in_some_time);
    tcase_add_loop_test(tcase, reads_what_people_write, 0, COUNT(points));
    suite_add_tcase(suite, tcase);
    return suite;
}

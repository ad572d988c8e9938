/* SPDX-License-Identifier: MIT */
/* When events stop coming. */
#include "../../src/reconcile/silence.h"
#include "suite.h"

#define SECOND_MS 1000

static struct silence silence;
static uint64_t now_ms;
static uint64_t n_events;

static void set_up(void)
{
    now_ms = 1000000;
    n_events = 7;
    silence_init(&silence, n_events, now_ms);
}

/* Looks once a second, with an event each so many seconds (0: none). Whether it turned at any time. */
static bool pass(unsigned seconds, unsigned event_each)
{
    bool has_turned = false;
    for (unsigned i = 1; i <= seconds; i++) {
        now_ms += SECOND_MS;
        n_events += event_each != 0 && i % event_each == 0;
        has_turned |= silence_look(&silence, n_events, now_ms);
    }
    return has_turned;
}

START_TEST(begins_when_twenty_are_missing_and_ends_with_the_next)
{
    ck_assert(!pass(3600, 2));
    ck_assert(!pass(35, 0));
    ck_assert(!silence.is_silent);
    ck_assert(pass(10, 0));
    ck_assert(silence.is_silent);
    ck_assert(!pass(3600, 0));
    ck_assert(pass(1, 1));
    ck_assert(!silence.is_silent);
}
END_TEST

START_TEST(a_burst_is_no_rate)
{
    ck_assert(!pass(3600, 600));
    n_events += 100;
    ck_assert(!pass(9, 0));
}
END_TEST

START_TEST(where_nothing_ever_comes_nothing_is_missing)
{
    ck_assert(!pass(86400, 0));
}
END_TEST

START_TEST(a_few_an_hour_may_pause_for_an_hour)
{
    ck_assert(!pass(86400, 900));
    ck_assert(!pass(3600, 0));
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("silence");
    TCase *tcase = tcase_create("silence");
    tcase_add_checked_fixture(tcase, set_up, NULL);
    tcase_add_test(tcase, begins_when_twenty_are_missing_and_ends_with_the_next);
    tcase_add_test(tcase, a_burst_is_no_rate);
    tcase_add_test(tcase, where_nothing_ever_comes_nothing_is_missing);
    tcase_add_test(tcase, a_few_an_hour_may_pause_for_an_hour);
    suite_add_tcase(suite, tcase);
    return suite;
}

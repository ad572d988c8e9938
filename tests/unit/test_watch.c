/* SPDX-License-Identifier: MIT */
#include "../../src/daemon/watch.h"

#include "suite.h"

#define MINUTE_MS UINT64_C(60000)
#define START_MS UINT64_C(1000000)

START_TEST(all_refused_for_a_minute)
{
    struct refusal_watch watch = {0};
    ck_assert(!refusal_watch_look(&watch, 0, 0, 3, START_MS));
    ck_assert(!refusal_watch_look(&watch, 0, 2, 3, START_MS + 1000));
    ck_assert(!refusal_watch_look(&watch, 0, 2, 3, START_MS + 1000 + MINUTE_MS)); /* too few */
    ck_assert(refusal_watch_look(&watch, 0, 3, 3, START_MS + 1000 + MINUTE_MS));
    ck_assert(refusal_watch_look(&watch, 0, 3, 3, START_MS + 1000 + 2 * MINUTE_MS));
    ck_assert(!refusal_watch_look(&watch, 1, 3, 3, START_MS + 1001 + 2 * MINUTE_MS));
    ck_assert(!refusal_watch_look(&watch, 1, 9, 3, START_MS + 2000 + 2 * MINUTE_MS));
    ck_assert(!refusal_watch_look(&watch, 1, 9, 3, START_MS + 1999 + 3 * MINUTE_MS)); /* not yet a minute */
    ck_assert(refusal_watch_look(&watch, 1, 9, 3, START_MS + 2000 + 3 * MINUTE_MS));
}
END_TEST

START_TEST(one_ok_among_many_refused_is_enough)
{
    struct refusal_watch watch = {0};
    for (uint64_t i = 1; i < 100; i++) {
        ck_assert(!refusal_watch_look(&watch, i / 50, 100 * i, 3, START_MS + i * 1000));
    }
}
END_TEST

START_TEST(refusals_that_end_are_forgotten)
{
    struct refusal_watch watch = {0};
    (void)refusal_watch_look(&watch, 0, 10, 3, START_MS);
    ck_assert(refusal_watch_look(&watch, 0, 11, 3, START_MS + MINUTE_MS));
    ck_assert(refusal_watch_look(&watch, 0, 11, 3, START_MS + 11 * MINUTE_MS - 1));
    ck_assert(!refusal_watch_look(&watch, 0, 11, 3, START_MS + 11 * MINUTE_MS));
    ck_assert(!refusal_watch_look(&watch, 0, 20, 3, START_MS + 12 * MINUTE_MS)); /* a new minute begins */
    ck_assert(refusal_watch_look(&watch, 0, 21, 3, START_MS + 13 * MINUTE_MS));
}
END_TEST

START_TEST(most_handshakes_fail)
{
    struct handshake_watch watch = {0};
    ck_assert(!handshake_watch_look(&watch, 4, 5, START_MS)); /* nine */
    watch = (struct handshake_watch){.begin_ms = START_MS};
    ck_assert(!handshake_watch_look(&watch, 4, 5, START_MS + 1));
    ck_assert(handshake_watch_look(&watch, 4, 6, START_MS + 2));
    ck_assert(handshake_watch_look(&watch, 8, 6, START_MS + 3));   /* only four since */
    ck_assert(!handshake_watch_look(&watch, 9, 11, START_MS + 4)); /* half */
    ck_assert(handshake_watch_look(&watch, 9, 21, START_MS + 5));
    ck_assert(handshake_watch_look(&watch, 9, 21, START_MS + 4 + 10 * MINUTE_MS));
    ck_assert(!handshake_watch_look(&watch, 9, 21, START_MS + 5 + 10 * MINUTE_MS));
}
END_TEST

START_TEST(what_has_just_happened)
{
    struct recent_watch watch = {0};
    ck_assert(!recent_watch_look(&watch, 0, START_MS));
    ck_assert(recent_watch_look(&watch, 1, START_MS + 1));
    ck_assert(recent_watch_look(&watch, 1, START_MS + MINUTE_MS));
    ck_assert(recent_watch_look(&watch, 2, START_MS + MINUTE_MS));
    ck_assert(recent_watch_look(&watch, 2, START_MS + 2 * MINUTE_MS - 1));
    ck_assert(!recent_watch_look(&watch, 2, START_MS + 2 * MINUTE_MS));
}
END_TEST

START_TEST(a_quiet_app)
{
    struct quiet_watch watch = {0};
    ck_assert(!quiet_watch_look(&watch, 0, 5000, START_MS));
    ck_assert(!quiet_watch_look(&watch, 0, 5000, START_MS + 4999));
    ck_assert(quiet_watch_look(&watch, 0, 5000, START_MS + 5000));
    ck_assert(!quiet_watch_look(&watch, 7, 5000, START_MS + 6000));
    ck_assert(quiet_watch_look(&watch, 7, 5000, START_MS + 11000));
    ck_assert(!quiet_watch_look(&watch, 7, 6000, START_MS + 11000)); /* after a reload */
    ck_assert(!quiet_watch_look(&watch, 7, 0, START_MS + 1000000));
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("watch");
    TCase *tcase = tcase_create("watch");
    tcase_add_test(tcase, all_refused_for_a_minute);
    tcase_add_test(tcase, one_ok_among_many_refused_is_enough);
    tcase_add_test(tcase, refusals_that_end_are_forgotten);
    tcase_add_test(tcase, most_handshakes_fail);
    tcase_add_test(tcase, what_has_just_happened);
    tcase_add_test(tcase, a_quiet_app);
    suite_add_tcase(suite, tcase);
    return suite;
}

/* SPDX-License-Identifier: MIT */
#include "presenced/wait_queue.h"
#include "suite.h"

START_TEST(who_waits_longest_is_first)
{
    struct wait_queue queue;
    struct waiter waiters[4] = {0};
    wait_queue_init(&queue);
    ck_assert_ptr_null(wait_first(&queue));
    wait_join(&queue, &waiters[0], 10);
    wait_join(&queue, &waiters[1], 20);
    wait_join(&queue, &waiters[2], 20);
    wait_join(&queue, &waiters[3], 25);
    ck_assert_ptr_eq(wait_first(&queue), &waiters[0]);
    ck_assert_ptr_eq(wait_next(&queue, &waiters[0]), &waiters[1]);
    ck_assert_ptr_eq(wait_next(&queue, &waiters[1]), &waiters[2]);
    ck_assert_ptr_eq(wait_next(&queue, &waiters[2]), &waiters[3]);
    ck_assert_ptr_null(wait_next(&queue, &waiters[3]));
}
END_TEST

START_TEST(leave_and_move)
{
    struct wait_queue queue;
    struct wait_queue other;
    struct waiter waiters[3] = {0};
    wait_queue_init(&queue);
    wait_queue_init(&other);
    for (unsigned i = 0; i < 3; i++) {
        wait_join(&queue, &waiters[i], i);
    }
    ck_assert_ptr_eq(wait_last(&queue), &waiters[2]);
    ck_assert_ptr_eq(wait_previous(&queue, &waiters[2]), &waiters[1]);
    ck_assert_ptr_eq(wait_previous(&queue, &waiters[1]), &waiters[0]);
    ck_assert_ptr_null(wait_previous(&queue, &waiters[0]));
    wait_leave(&waiters[1]);
    wait_leave(&waiters[1]); /* stands in none: nothing happens */
    wait_join(&other, &waiters[0], 7);
    ck_assert_ptr_eq(wait_first(&queue), &waiters[2]);
    ck_assert_ptr_eq(wait_first(&other), &waiters[0]);
    ck_assert_uint_eq(wait_first(&other)->since_ms, 7);
    wait_leave(&waiters[2]);
    ck_assert_ptr_null(wait_first(&queue));
    ck_assert_ptr_null(wait_last(&queue));
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("wait_queue");
    TCase *tcase = tcase_create("wait_queue");
    tcase_add_test(tcase, who_waits_longest_is_first);
    tcase_add_test(tcase, leave_and_move);
    suite_add_tcase(suite, tcase);
    return suite;
}

/* SPDX-License-Identifier: MIT */
#include "presenced/histogram.h"
#include "suite.h"

#include <pthread.h>

static const uint64_t bounds[] = {10, 100, 1000};
#define N_BOUNDS 3

static struct histogram histogram;
static struct histogram_counts counts;

static void set_up(void)
{
    histogram_init(&histogram, bounds, N_BOUNDS);
}

static const struct {
    uint64_t value;
    size_t bucket;
} values[] = {{0, 0}, {10, 0}, {11, 1}, {100, 1}, {101, 2}, {1000, 2}, {1001, 3}, {UINT64_MAX, 3}};

START_TEST(a_bound_is_the_last_of_its_bucket)
{
    histogram_add(&histogram, values[_i].value);
    histogram_read(&histogram, &counts);
    ck_assert_uint_eq(counts.n_bounds, N_BOUNDS);
    ck_assert_ptr_eq(counts.bounds, bounds);
    for (size_t i = 0; i <= N_BOUNDS; i++) {
        ck_assert_uint_eq(counts.n[i], i == values[_i].bucket);
    }
    ck_assert_uint_eq(counts.sum, values[_i].value);
}
END_TEST

#define N_THREADS (2 * HISTOGRAM_N_STRIPES)
#define N_EACH 1000

static void *add(void *cls)
{
    (void)cls;
    for (unsigned i = 0; i < N_EACH; i++) {
        histogram_add(&histogram, 1);
        histogram_add(&histogram, 500);
    }
    return NULL;
}

START_TEST(nothing_is_lost_between_threads)
{
    pthread_t threads[N_THREADS];
    for (unsigned i = 0; i < N_THREADS; i++) {
        ck_assert_int_eq(pthread_create(&threads[i], NULL, add, NULL), 0);
    }
    for (unsigned i = 0; i < N_THREADS; i++) {
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    }
    histogram_read(&histogram, &counts);
    ck_assert_uint_eq(counts.n[0], N_THREADS * N_EACH);
    ck_assert_uint_eq(counts.n[1], 0);
    ck_assert_uint_eq(counts.n[2], N_THREADS * N_EACH);
    ck_assert_uint_eq(counts.sum, (uint64_t)N_THREADS * N_EACH * 501);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("histogram");
    TCase *tcase = tcase_create("histogram");
    tcase_add_checked_fixture(tcase, set_up, NULL);
    tcase_add_loop_test(tcase, a_bound_is_the_last_of_its_bucket, 0,
                        (int)(sizeof(values) / sizeof(values[0])));
    tcase_add_test(tcase, nothing_is_lost_between_threads);
    suite_add_tcase(suite, tcase);
    return suite;
}

/* SPDX-License-Identifier: MIT */
#include "presenced/metric.h"

#include "suite.h"

struct counters {
    char apart;
    uint64_t a;
    uint64_t b;
    uint64_t c;
};

static const struct metric metrics[] = {
    {.name = "of_c", .labels = {"x"}, .offset = offsetof(struct counters, c)},
    {.name = "of_a", .offset = offsetof(struct counters, a)},
    {.name = "of_b", .offset = offsetof(struct counters, b)},
};

static struct metric_sample seen[8];
static struct histogram_counts seen_counts;
static size_t n_seen;

static void see(void *cls, const struct metric_sample *sample)
{
    ck_assert_ptr_eq(cls, seen);
    seen[n_seen++] = *sample;
    if (sample->histogram != NULL) {
        seen_counts = *sample->histogram;
    }
}

static const struct metric_visitor visitor = {see, seen};

START_TEST(each_row_gets_the_number_that_it_names)
{
    const struct counters counters = {.a = 1, .b = METRIC_UNKNOWN, .c = 3};
    n_seen = 0;
    metrics_visit(metrics, 3, &counters, STR("label"), &visitor);
    ck_assert_uint_eq(n_seen, 2);
    ck_assert_ptr_eq(seen[0].metric, &metrics[0]);
    ck_assert_uint_eq(seen[0].value, 3);
    ck_assert(str_equal(seen[0].labels[0], STR("label")));
    ck_assert_ptr_eq(seen[1].metric, &metrics[1]);
    ck_assert_uint_eq(seen[1].value, 1);
    ck_assert_ptr_null(seen[1].histogram);
}
END_TEST

START_TEST(labels_are_handed_over_in_their_order)
{
    n_seen = 0;
    metric_visit(&visitor, &metrics[0], 7, STR("a"), STR("b"));
    ck_assert_uint_eq(n_seen, 1);
    ck_assert_uint_eq(seen[0].value, 7);
    ck_assert(str_equal(seen[0].labels[0], STR("a")) && str_equal(seen[0].labels[1], STR("b")));
    ck_assert_uint_eq(seen[0].labels[2].len, 0);
}
END_TEST

START_TEST(a_histogram_is_read)
{
    static const uint64_t bounds[] = {10};
    static struct histogram histogram;
    n_seen = 0;
    histogram_init(&histogram, bounds, 1);
    histogram_add(&histogram, 11);
    metric_visit_histogram(&visitor, &metrics[1], &histogram);
    ck_assert_uint_eq(n_seen, 1);
    ck_assert_uint_eq(seen_counts.n[1], 1);
    ck_assert_uint_eq(seen_counts.sum, 11);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("metric");
    TCase *tcase = tcase_create("metric");
    tcase_add_test(tcase, each_row_gets_the_number_that_it_names);
    tcase_add_test(tcase, labels_are_handed_over_in_their_order);
    tcase_add_test(tcase, a_histogram_is_read);
    suite_add_tcase(suite, tcase);
    return suite;
}

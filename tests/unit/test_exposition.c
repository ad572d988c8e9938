/* SPDX-License-Identifier: MIT */
#include "../../src/status/exposition.h"
#include "suite.h"

#include <stdio.h>

static struct exposition exposition;

static void set_up(void)
{
    exposition = (struct exposition){.families = NULL};
}

static void tear_down(void)
{
    exposition_fini(&exposition);
}

static void expect(const char *text)
{
    cleanup(buf_fini) struct buf out = {0};
    exposition_write(&exposition, &out);
    buf_append_char(&out, '\0');
    ck_assert(!out.failed);
    ck_assert_str_eq(out.ptr, text);
}

static void put(const struct metric *metric, struct str first, struct str second, uint64_t value)
{
    exposition_add(&exposition,
                   &(struct metric_sample){.metric = metric, .labels = {first, second}, .value = value});
}

START_TEST(a_metric_has_one_head_and_its_samples_stand_together)
{
    const struct metric first = {
        .name = "a_total", .type = METRIC_COUNTER, .labels = {"x", "y"}, .help = "What it is."};
    const struct metric second = {.name = "b", .type = METRIC_GAUGE, .labels = {"x"}, .help = "B."};
    put(&first, STR("1"), STR("2"), 3);
    put(&second, STR("1"), STR("no label has this"), 0);
    put(&first, STR("1"), STR(""), UINT64_MAX);
    expect("# HELP a_total What it is.\n# TYPE a_total counter\n"
           "a_total{x=\"1\",y=\"2\"} 3\na_total{x=\"1\",y=\"\"} 18446744073709551615\n"
           "# HELP b B.\n# TYPE b gauge\nb{x=\"1\"} 0\n");
}
END_TEST

START_TEST(there_may_be_any_number_of_metrics)
{
    static struct metric metrics[1000];
    cleanup(buf_fini) struct buf expected = {0};
    for (size_t i = 0; i < 1000; i++) {
        metrics[i] = (struct metric){.name = "a", .type = METRIC_GAUGE, .help = "A."};
        put(&metrics[i], STR(""), STR(""), i);
        buf_appendf(&expected, "# HELP a A.\n# TYPE a gauge\na %zu\n", i);
    }
    buf_append_char(&expected, '\0');
    expect(expected.ptr);
}
END_TEST

START_TEST(label_values_are_escaped)
{
    const struct metric metric = {.name = "a", .type = METRIC_GAUGE, .labels = {"x"}, .help = "A."};
    put(&metric, STR("\\ \" \n '{},= \xc3\xa9"), STR(""), 1);
    expect("# HELP a A.\n# TYPE a gauge\na{x=\"\\\\ \\\" \\n '{},= \xc3\xa9\"} 1\n");
}
END_TEST

static const struct {
    enum metric_unit unit;
    uint64_t value;
    const char *text;
} decimals[] = {
    {METRIC_ONE, 0, "0"},
    {METRIC_ONE, 1200, "1200"},
    {METRIC_MS, 0, "0"},
    {METRIC_MS, 1, "0.001"},
    {METRIC_MS, 20, "0.02"},
    {METRIC_MS, 1000, "1"},
    {METRIC_MS, 1629883332497, "1629883332.497"},
    {METRIC_US, 1, "0.000001"},
    {METRIC_US, 1000100, "1.0001"},
    {METRIC_US, 100500, "0.1005"},
    {METRIC_US, UINT64_MAX, "18446744073709.551615"},
};

START_TEST(times_are_shown_in_seconds)
{
    const struct metric metric = {.name = "a", .type = METRIC_GAUGE, .unit = decimals[_i].unit, .help = "A."};
    char text[64];
    put(&metric, STR(""), STR(""), decimals[_i].value);
    (void)snprintf(text, sizeof(text), "# HELP a A.\n# TYPE a gauge\na %s\n", decimals[_i].text);
    expect(text);
}
END_TEST

START_TEST(buckets_hold_those_before_them)
{
    static const uint64_t bounds[] = {500, 2000000};
    const struct metric metric = {
        .name = "a_seconds", .type = METRIC_HISTOGRAM, .unit = METRIC_US, .help = "A."};
    const struct histogram_counts counts = {bounds, 2, .n = {3, 4, 5}, .sum = 12000001};
    exposition_add(&exposition, &(struct metric_sample){.metric = &metric, .histogram = &counts});
    expect("# HELP a_seconds A.\n# TYPE a_seconds histogram\n"
           "a_seconds_bucket{le=\"0.0005\"} 3\na_seconds_bucket{le=\"2\"} 7\n"
           "a_seconds_bucket{le=\"+Inf\"} 12\na_seconds_sum 12.000001\na_seconds_count 12\n");
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("exposition");
    TCase *tcase = tcase_create("exposition");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, a_metric_has_one_head_and_its_samples_stand_together);
    tcase_add_test(tcase, there_may_be_any_number_of_metrics);
    tcase_add_test(tcase, label_values_are_escaped);
    tcase_add_loop_test(tcase, times_are_shown_in_seconds, 0, (int)(sizeof(decimals) / sizeof(decimals[0])));
    tcase_add_test(tcase, buckets_hold_those_before_them);
    suite_add_tcase(suite, tcase);
    return suite;
}

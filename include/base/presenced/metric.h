/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_METRIC_H
#define PRESENCED_METRIC_H

/* Numbers that a part counts or knows, and how they are shown. Beside its counters each part has a table of
 * struct metric and a function …_metrics(), which reads the counters once and hands them to a visitor; what
 * /metrics and /v1/stats show comes from these visits alone. So a new metric is a counter and a row, from
 * which the manual page has it too (conf/man/metrics.awk).
 *
 * Names begin with presenced_ or, of what Prometheus knows of any process, process_; times are in seconds,
 * counters end in _total. No label holds a user's id. */

#include "presenced/histogram.h"
#include "presenced/str.h"

#define METRIC_N_LABELS_MAX 3

enum metric_type {
    METRIC_COUNTER,
    METRIC_GAUGE,
    METRIC_HISTOGRAM,
};

/* What a number is counted in, as the decimals it is shown with: Prometheus has all times in seconds. */
enum metric_unit {
    METRIC_ONE = 0,
    METRIC_MS = 3,
    METRIC_US = 6,
};

/* Constant texts of ours, which are not escaped. */
struct metric {
    const char *name; /* NULL: /v1/stats alone shows it */
    enum metric_type type;
    enum metric_unit unit;
    const char *labels[METRIC_N_LABELS_MAX]; /* their names; the rest NULL */
    const char *help;
    /* In the part's object of /v1/stats, in the unit above; one that is empty or ends in '_' is completed by
     * the last label's value. NULL: not there, or in a form of its own. */
    const char *key;
    size_t offset; /* of a uint64_t in the part's struct of counters, for metrics_visit() */
};

/* The value of what could not be read, or does not exist here. */
#define METRIC_UNKNOWN UINT64_MAX

/* Borrowed until the visitor returns. */
struct metric_sample {
    const struct metric *metric;
    struct str labels[METRIC_N_LABELS_MAX]; /* their values: UTF-8; as many as have names */
    uint64_t value;
    const struct histogram_counts *histogram; /* in the place of a value; NULL: it is none */
};

struct metric_visitor {
    void (*visit)(void *cls, const struct metric_sample *sample);
    void *cls;
};

/* Hands each row of a table its number in `counters`, but those that are unknown. All have the same label, or
 * none: `label` is for those that name one. */
void metrics_visit(const struct metric *metrics, size_t n, const void *counters, struct str label,
                   const struct metric_visitor *visitor);

/* Hands over one number. */
#define metric_visit(visitor, metric_, value_, ...)           \
    (visitor)->visit((visitor)->cls, &(struct metric_sample){ \
                                         .metric = (metric_), .labels = {__VA_ARGS__}, .value = (value_)})

/* Hands over a histogram as it is now. */
void metric_visit_histogram(const struct metric_visitor *visitor, const struct metric *metric,
                            const struct histogram *histogram);

#endif

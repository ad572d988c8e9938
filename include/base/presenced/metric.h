/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_METRIC_H
#define PRESENCED_METRIC_H

/* Metrics. Each module has a table of struct metric beside its counters and a function …_metrics(), which
 * reads the counters once and passes them to a visitor. /metrics and /v1/stats show what these visits yield
 * and nothing else. So a new metric needs a counter and a row in the table; conf/man/metrics.awk extracts the
 * manual page from the same table.
 *
 * Names begin with presenced_, or with process_ for metrics that Prometheus defines for every process. Times
 * are in seconds, and names of counters end in _total. No label contains a user id. */

#include "presenced/histogram.h"
#include "presenced/str.h"

#define METRIC_N_LABELS_MAX 3

enum metric_type {
    METRIC_COUNTER,
    METRIC_GAUGE,
    METRIC_HISTOGRAM,
};

/* How a number is counted, given as the number of decimals it is shown with: Prometheus expects all times in
 * seconds. */
enum metric_unit {
    METRIC_ONE = 0,
    METRIC_MS = 3,
    METRIC_US = 6,
};

/* All texts are constants of the program and are not escaped. */
struct metric {
    const char *name; /* NULL: shown in /v1/stats only */
    enum metric_type type;
    enum metric_unit unit;
    const char *labels[METRIC_N_LABELS_MAX]; /* names of the labels; unused entries are NULL */
    const char *help;
    /* Key in the module's object of /v1/stats, in the unit above. If it is empty or ends in '_', the value of
     * the last label is appended. NULL: not shown there, or shown in another form. */
    const char *key;
    size_t offset; /* offset of a uint64_t in the module's struct of counters, for metrics_visit() */
};

/* The value of a metric that could not be read or does not exist here. */
#define METRIC_UNKNOWN UINT64_MAX

/* A value passed to a visitor; borrowed until the visitor returns. */
struct metric_sample {
    const struct metric *metric;
    struct str labels[METRIC_N_LABELS_MAX]; /* values of the labels, in UTF-8; one for each name */
    uint64_t value;
    const struct histogram_counts *histogram; /* set instead of `value` for a histogram, else NULL */
};

struct metric_visitor {
    void (*visit)(void *cls, const struct metric_sample *sample);
    void *cls;
};

/* Calls the visitor for each row of a table with its value in `counters`, except METRIC_UNKNOWN. `label` is
 * the value of the label of those rows that have one; a row has at most one. */
void metrics_visit(const struct metric *metrics, size_t n, const void *counters, struct str label,
                   const struct metric_visitor *visitor);

/* Calls the visitor with one value. */
#define metric_visit(visitor, metric_, value_, ...)           \
    (visitor)->visit((visitor)->cls, &(struct metric_sample){ \
                                         .metric = (metric_), .labels = {__VA_ARGS__}, .value = (value_)})

/* Calls the visitor with the current counts of a histogram. */
void metric_visit_histogram(const struct metric_visitor *visitor, const struct metric *metric,
                            const struct histogram *histogram);

#endif

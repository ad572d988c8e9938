/* SPDX-License-Identifier: MIT */
#include "presenced/metric.h"

void metrics_visit(const struct metric *metrics, size_t n, const void *counters, struct str label,
                   const struct metric_visitor *visitor)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t value;
        memcpy(&value, (const char *)counters + metrics[i].offset, sizeof(value));
        if (value != METRIC_UNKNOWN) {
            metric_visit(visitor, &metrics[i], value, label);
        }
    }
}

void metric_visit_histogram(const struct metric_visitor *visitor, const struct metric *metric,
                            const struct histogram *histogram)
{
    struct histogram_counts counts;
    histogram_read(histogram, &counts);
    visitor->visit(visitor->cls, &(struct metric_sample){.metric = metric, .histogram = &counts});
}

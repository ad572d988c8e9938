/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_STATUS_EXPOSITION_H
#define PRESENCED_STATUS_EXPOSITION_H

/* Writes the Prometheus text format, version 0.0.4. The format requires all samples of a metric to be
 * adjacent, but they are reported module by module. So the lines of each metric are collected separately and
 * joined at the end. Each exposition is used by one thread. */

#include "presenced/metric.h"

struct exposition_family;

/* All zero is an empty exposition. */
struct exposition {
    struct exposition_family *families; /* in the order of their first samples */
    size_t n;
    size_t n_allocated;
    bool failed; /* an allocation has failed */
};

void exposition_fini(struct exposition *exposition);

void exposition_add(struct exposition *exposition, const struct metric_sample *sample);

/* Appends all metrics that have samples to `out`. If an allocation has failed, `out->failed` is set. */
void exposition_write(const struct exposition *exposition, struct buf *out);

#endif

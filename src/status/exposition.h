/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_STATUS_EXPOSITION_H
#define PRESENCED_STATUS_EXPOSITION_H

/* Prometheus's text format, version 0.0.4. It wants all samples of a metric in one place, and they come part
 * by part: so each metric's lines are collected apart, and joined at the end. One thread an exposition. */

#include "presenced/metric.h"

struct exposition_family;

/* All zero is an empty one. */
struct exposition {
    struct exposition_family *families; /* in the order of their first samples */
    size_t n;
    size_t n_allocated;
    bool failed; /* memory is gone */
};

void exposition_fini(struct exposition *exposition);

void exposition_add(struct exposition *exposition, const struct metric_sample *sample);

/* Appends all of them to `out`, which has failed where the exposition has. A metric without a sample leaves
 * no trace. */
void exposition_write(const struct exposition *exposition, struct buf *out);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_STATUS_EXPOSITION_H
#define PRESENCED_STATUS_EXPOSITION_H

/* Writes Prometheus's text format, version 0.0.4, into a buf: families one after another, each with its
 * samples. One thread a writer. */

#include "presenced/histogram.h"
#include "presenced/str.h"

#define EXPOSITION_N_LABELS_MAX 2

enum metric_type {
    METRIC_COUNTER,
    METRIC_GAUGE,
    METRIC_HISTOGRAM,
};

/* What a number is handed over in, as the decimals it is shown with: all times are shown in seconds. */
enum metric_unit {
    METRIC_ONE = 0,
    METRIC_MS = 3,
    METRIC_US = 6,
};

/* Constants of ours, not escaped; samples have as many labels as there are names. */
struct metric_family {
    const char *name;
    enum metric_type type;
    enum metric_unit unit;
    const char *labels[EXPOSITION_N_LABELS_MAX];
    const char *help;
};

struct exposition {
    struct buf *out;
    const struct metric_family *family;
    bool has_head;
};

/* What follows belongs to `family`, which is borrowed. Its HELP and TYPE come with its first sample: one that
 * has none leaves no trace. */
void exposition_begin(struct exposition *exposition, const struct metric_family *family);

struct metric_sample {
    struct str labels[EXPOSITION_N_LABELS_MAX]; /* values, escaped; UTF-8 */
    uint64_t value;
};

void exposition_sample(struct exposition *exposition, const struct metric_sample *sample);

/* Of a family without labels. */
void exposition_histogram(struct exposition *exposition, const struct histogram_counts *counts);

#endif

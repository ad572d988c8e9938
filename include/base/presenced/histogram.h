/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_HISTOGRAM_H
#define PRESENCED_HISTOGRAM_H

/* A histogram of observed values. Any thread may add and read. Adding takes no lock, and threads usually
 * write different cache lines. */

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define HISTOGRAM_N_BOUNDS_MAX 20
#define HISTOGRAM_N_STRIPES 8

/* A copy of a histogram's counts. n[i] counts values that are greater than bounds[i - 1] and at most
 * bounds[i]; the last bucket counts values greater than every bound. */
struct histogram_counts {
    const uint64_t *bounds; /* in ascending order */
    size_t n_bounds;
    uint64_t n[HISTOGRAM_N_BOUNDS_MAX + 1];
    uint64_t sum;
};

struct histogram {
    const uint64_t *bounds;
    size_t n_bounds;
    struct {
        _Atomic uint64_t n[HISTOGRAM_N_BOUNDS_MAX + 1];
        _Atomic uint64_t sum;
        char padding[64];           /* keeps stripes in different cache lines */
    } stripes[HISTOGRAM_N_STRIPES]; /* each thread adds to one of them */
};

/* `n_bounds` is at most HISTOGRAM_N_BOUNDS_MAX. The bounds are borrowed and must outlive the histogram. */
void histogram_init(struct histogram *histogram, const uint64_t *bounds, size_t n_bounds);

void histogram_add(struct histogram *histogram, uint64_t value);

void histogram_read(const struct histogram *histogram, struct histogram_counts *ret_counts);

#endif

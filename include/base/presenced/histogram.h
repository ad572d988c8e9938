/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_HISTOGRAM_H
#define PRESENCED_HISTOGRAM_H

/* How often a number was how large. Any thread may add and read; adding takes no lock and, as a rule, no
 * cache line that another thread adds to. */

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define HISTOGRAM_N_BOUNDS_MAX 20
#define HISTOGRAM_N_STRIPES 8

/* A bucket holds what is above the bound before it and not above its own; the last what is above all. */
struct histogram_counts {
    const uint64_t *bounds; /* rising */
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
        char apart[64];
    } stripes[HISTOGRAM_N_STRIPES]; /* a thread adds to one of them */
};

/* At most HISTOGRAM_N_BOUNDS_MAX bounds, which outlive the histogram. */
void histogram_init(struct histogram *histogram, const uint64_t *bounds, size_t n_bounds);

void histogram_add(struct histogram *histogram, uint64_t value);

void histogram_read(const struct histogram *histogram, struct histogram_counts *ret_counts);

#endif

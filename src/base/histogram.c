/* SPDX-License-Identifier: MIT */
#include "presenced/histogram.h"

#include <assert.h>
#include <string.h>

void histogram_init(struct histogram *histogram, const uint64_t *bounds, size_t n_bounds)
{
    assert(n_bounds <= HISTOGRAM_N_BOUNDS_MAX);
    memset(histogram, 0, sizeof(*histogram));
    histogram->bounds = bounds;
    histogram->n_bounds = n_bounds;
}

/* Assigns stripes to threads in turn, so that few threads share one. */
static unsigned stripe_of_thread(void)
{
    static _Atomic unsigned n_threads;
    static _Thread_local unsigned number; /* 0: not assigned yet */
    if (number == 0) {
        number = 1 + atomic_fetch_add_explicit(&n_threads, 1, memory_order_relaxed) % HISTOGRAM_N_STRIPES;
    }
    return number - 1;
}

void histogram_add(struct histogram *histogram, uint64_t value)
{
    unsigned stripe = stripe_of_thread();
    size_t bucket = 0;
    while (bucket < histogram->n_bounds && value > histogram->bounds[bucket]) {
        bucket++;
    }
    atomic_fetch_add_explicit(&histogram->stripes[stripe].n[bucket], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&histogram->stripes[stripe].sum, value, memory_order_relaxed);
}

void histogram_read(const struct histogram *histogram, struct histogram_counts *ret_counts)
{
    *ret_counts = (struct histogram_counts){.bounds = histogram->bounds, .n_bounds = histogram->n_bounds};
    for (unsigned stripe = 0; stripe < HISTOGRAM_N_STRIPES; stripe++) {
        for (size_t i = 0; i <= histogram->n_bounds; i++) {
            ret_counts->n[i] += atomic_load_explicit(&histogram->stripes[stripe].n[i], memory_order_relaxed);
        }
        ret_counts->sum += atomic_load_explicit(&histogram->stripes[stripe].sum, memory_order_relaxed);
    }
}

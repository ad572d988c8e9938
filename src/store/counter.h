/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_STORE_COUNTER_H
#define PRESENCED_STORE_COUNTER_H

/* Counters for store_stats(). Any thread may call these; they impose no memory order. */

#include <stdatomic.h>
#include <stdint.h>

static inline void counter_add(_Atomic uint64_t *counter, uint64_t n)
{
    atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

static inline uint64_t counter_get(const _Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

#endif

/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_STORE_STORED_REVISION_H
#define PRESENCED_STORE_STORED_REVISION_H

/* The revision up to which the engine has all changes. Set by the writer thread only, read by any thread. */

#include <stdatomic.h>
#include <stdint.h>

struct stored_revision {
    _Atomic uint64_t value;
};

static inline uint64_t stored_revision_get(const struct stored_revision *stored)
{
    return atomic_load_explicit(&stored->value, memory_order_acquire);
}

static inline void stored_revision_set(struct stored_revision *stored, uint64_t revision)
{
    atomic_store_explicit(&stored->value, revision, memory_order_release);
}

#endif

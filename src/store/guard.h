/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_GUARD_H
#define PRESENCED_GUARD_H

/* Protects memory mapped from a file against failures of the file. If the file was truncated by another
 * process, or a page cannot be read or written (an I/O error, a file system that became read-only, or a
 * copy-on-write one that is full), the kernel answers an access with SIGBUS, which would end the process. For
 * guarded memory, a signal handler replaces the mapping by anonymous memory filled with zeros, and the access
 * continues there. A SIGBUS for any other address ends the process as before. Any thread may call these
 * functions, but only one at a time for the same guard. */

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct guard {
    uint8_t *memory;
    size_t size;
    _Atomic bool is_lost;
};

/* Begins guarding. Until guard_end(), `guard` must not move and the memory must stay mapped. Returns 0;
 * -ENOSPC if there are too many guards; or another -errno. */
int guard_begin(struct guard *guard, void *memory, size_t size);

/* Ends guarding. Accepts a guard that was never begun, or zeros. */
void guard_end(struct guard *guard);

/* Returns whether the memory is no longer backed by the file. Called after the accesses that must have
 * reached the file. */
static inline bool guard_is_lost(const struct guard *guard)
{
    /* The handler may run between any two instructions of this thread. */
    atomic_signal_fence(memory_order_seq_cst);
    return atomic_load_explicit(&guard->is_lost, memory_order_acquire);
}

/* Called after a file was mapped there again. */
static inline void guard_renew(struct guard *guard)
{
    atomic_store_explicit(&guard->is_lost, false, memory_order_release);
}

#endif

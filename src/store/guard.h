/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_GUARD_H
#define PRESENCED_GUARD_H

/* Memory that is mapped from a file, guarded against what happens to the file. Where it was cut from outside,
 * or a page can be neither read nor written (an I/O error, a file system that went read-only, or that copies
 * on write and is full), the kernel answers an access with SIGBUS, which would end the process. For guarded
 * memory a handler puts memory of no file in its place, all of it zeros, and the access goes on there. A
 * SIGBUS of any other address ends the process as before. Any thread, but one at a time for a guard. */

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct guard {
    uint8_t *memory;
    size_t size;
    _Atomic bool is_lost;
};

/* From here to guard_end(), `guard` must stay where it is, and the memory mapped. 0; -ENOSPC: as many are
 * guarded as can be; or another -errno. */
int guard_begin(struct guard *guard, void *memory, size_t size);

/* Takes one that was never begun, or zeros. */
void guard_end(struct guard *guard);

/* Whether the file is no longer behind it. Asked after the accesses that must have reached the file. */
static inline bool guard_is_lost(const struct guard *guard)
{
    atomic_signal_fence(memory_order_seq_cst); /* the handler runs between two instructions of the thread */
    return atomic_load_explicit(&guard->is_lost, memory_order_acquire);
}

/* After a file was mapped there again. */
static inline void guard_renew(struct guard *guard)
{
    atomic_store_explicit(&guard->is_lost, false, memory_order_release);
}

#endif

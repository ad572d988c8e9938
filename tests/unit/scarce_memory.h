/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_TESTS_SCARCE_MEMORY_H
#define PRESENCED_TESTS_SCARCE_MEMORY_H

/* Memory that ends when a test says so. The allocator is this file's, in the place of the C library's, for
 * every library of the program; sanitizers have their own there, and memory never ends. One thread at a time
 * between the two calls. */

#include <stdbool.h>

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define MEMORY_CAN_END true
#else
#define MEMORY_CAN_END false
#endif

struct scarcity {
    unsigned n_before;  /* allocations that succeed first */
    unsigned n_failing; /* those that fail then */
};

/* From now on. Libcheck's assertions allocate, too: none before memory_restore(). */
void memory_end(struct scarcity scarcity);

/* Returns how many have failed meanwhile. */
unsigned memory_restore(void);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_TESTS_SCARCE_MEMORY_H
#define PRESENCED_TESTS_SCARCE_MEMORY_H

/* Makes allocations fail when a test says so. Replaces the allocator of the C library for all libraries of
 * the program. Sanitizers have their own allocator; with them, no allocation fails. Between memory_end() and
 * memory_restore(), only one thread may allocate. */

#include <stdbool.h>

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define MEMORY_CAN_END true
#else
#define MEMORY_CAN_END false
#endif

struct scarcity {
    unsigned n_before;  /* how many allocations succeed before */
    unsigned n_failing; /* how many allocations fail */
};

/* Makes allocations fail. The test must not use libcheck's assertions before memory_restore(), because they
 * allocate too. */
void memory_end(struct scarcity scarcity);

/* Lets allocations succeed again. Returns how many have failed since memory_end(). */
unsigned memory_restore(void);

#endif

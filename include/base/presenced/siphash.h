/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_SIPHASH_H
#define PRESENCED_SIPHASH_H

/* SipHash-2-4 (Aumasson and Bernstein, 2012): a keyed hash for user ids, which come from outside. Without the
 * key nobody can produce collisions or recover the input. Any thread may call it. */

#include <stddef.h>
#include <stdint.h>

struct siphash_key {
    uint64_t k0;
    uint64_t k1;
};

uint64_t siphash(const struct siphash_key *key, const uint8_t *bytes, size_t n_bytes);

#endif

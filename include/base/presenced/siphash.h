/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_SIPHASH_H
#define PRESENCED_SIPHASH_H

/* SipHash-2-4 (Aumasson and Bernstein, 2012): a hash that one who does not know the key can't steer, for user
 * ids come from outside, nor turn back. Any thread. */

#include <stddef.h>
#include <stdint.h>

struct siphash_key {
    uint64_t k0;
    uint64_t k1;
};

uint64_t siphash(const struct siphash_key *key, const uint8_t *bytes, size_t n_bytes);

#endif

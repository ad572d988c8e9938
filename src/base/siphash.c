/* SPDX-License-Identifier: MIT */
#include "presenced/siphash.h"

#include <endian.h>
#include <string.h>

struct lanes {
    uint64_t v0, v1, v2, v3;
};

static uint64_t rotate_left(uint64_t value, unsigned bits)
{
    return value << bits | value >> (64 - bits);
}

static void sip_round(struct lanes *v)
{
    v->v0 += v->v1;
    v->v2 += v->v3;
    v->v1 = rotate_left(v->v1, 13) ^ v->v0;
    v->v3 = rotate_left(v->v3, 16) ^ v->v2;
    v->v0 = rotate_left(v->v0, 32);
    v->v2 += v->v1;
    v->v0 += v->v3;
    v->v1 = rotate_left(v->v1, 17) ^ v->v2;
    v->v3 = rotate_left(v->v3, 21) ^ v->v0;
    v->v2 = rotate_left(v->v2, 32);
}

static void absorb(struct lanes *v, uint64_t word)
{
    v->v3 ^= word;
    sip_round(v);
    sip_round(v);
    v->v0 ^= word;
}

static uint64_t load_word(const uint8_t *bytes, size_t n_bytes)
{
    uint64_t little = 0;
    memcpy(&little, bytes, n_bytes);
    return le64toh(little);
}

uint64_t siphash(const struct siphash_key *key, const uint8_t *bytes, size_t n_bytes)
{
    struct lanes v = {
        .v0 = key->k0 ^ UINT64_C(0x736f6d6570736575),
        .v1 = key->k1 ^ UINT64_C(0x646f72616e646f6d),
        .v2 = key->k0 ^ UINT64_C(0x6c7967656e657261),
        .v3 = key->k1 ^ UINT64_C(0x7465646279746573),
    };
    size_t whole = n_bytes & ~(size_t)7;
    for (size_t at = 0; at < whole; at += 8) {
        absorb(&v, load_word(bytes + at, 8));
    }
    absorb(&v, load_word(bytes + whole, n_bytes - whole) | (uint64_t)n_bytes << 56);
    v.v2 ^= 0xff;
    for (int i = 0; i < 4; i++) {
        sip_round(&v);
    }
    return v.v0 ^ v.v1 ^ v.v2 ^ v.v3;
}

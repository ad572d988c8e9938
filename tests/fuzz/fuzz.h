/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_TESTS_FUZZ_H
#define PRESENCED_TESTS_FUZZ_H

/* A fuzz target: libFuzzer calls it with bytes of its own making, replay.c with those of files. */

#include "presenced/str.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What must hold for any input. */
#define FUZZ_CHECK(condition)                                                                    \
    do {                                                                                         \
        if (!(condition)) {                                                                      \
            (void)fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition); \
            abort();                                                                             \
        }                                                                                        \
    } while (0)

/* A copy of just its size, so that the address sanitizer sees a byte read too many. */
static inline struct str fuzz_copy(const void *bytes, size_t len)
{
    char *copy = malloc(len + (len == 0));
    FUZZ_CHECK(copy != NULL);
    if (len > 0) {
        memcpy(copy, bytes, len);
    }
    return (struct str){copy, len};
}

static inline void fuzz_free(struct str *copy)
{
    free((char *)copy->ptr);
}

#endif

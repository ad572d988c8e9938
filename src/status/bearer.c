/* SPDX-License-Identifier: MIT */
#include "bearer.h"

/* The time taken depends on the length of `given` only. */
static bool equal_in_constant_time(struct str given, struct str token)
{
    volatile unsigned char difference = given.len != token.len;
    for (size_t i = 0, at = 0; i < given.len; i++, at = at + 1 < token.len ? at + 1 : 0) {
        difference = difference | (unsigned char)(given.ptr[i] ^ token.ptr[at]);
    }
    return difference == 0;
}

bool bearer_matches(struct str authorization, struct str token)
{
    static const struct str scheme = {"Bearer ", 7};
    if (authorization.len < scheme.len ||
        !str_equal_fold((struct str){authorization.ptr, scheme.len}, scheme)) {
        return false;
    }
    struct str given = {authorization.ptr + scheme.len, authorization.len - scheme.len};
    return equal_in_constant_time(str_trim(given), token);
}

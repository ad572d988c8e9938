/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_SIGNATURE_H
#define PRESENCED_SIGNATURE_H

/* Tencent's signature of a callback: Sign = hex of SHA-256(token ‖ RequestTime), where RequestTime is the
 * Unix time in seconds as written in the URL (protocol: a plain hash, no HMAC). It is the same for all events
 * within a second, so it authenticates the caller and the approximate time, not the content. Any thread may
 * call everything here. */

#include "presenced/str.h"

#define SIGNATURE_N_TOKENS_MAX 4

/* The tokens of one app; borrowed. There are several while a new token replaces an old one. */
struct signature_key {
    struct str tokens[SIGNATURE_N_TOKENS_MAX];
    size_t n_tokens;
};

enum signature_outcome {
    SIGNATURE_BAD_SIGN = 1,    /* not 64 hex digits of either case */
    SIGNATURE_BAD_TIME = 2,    /* not 1 to 20 decimal digits */
    SIGNATURE_OUT_OF_TIME = 3, /* differs from the current time by more than the tolerance */
    SIGNATURE_WRONG = 4,       /* not made with any of the tokens */
};

/* Checks that `sign` is the signature of `request_time` with one of the key's tokens, in a time that does not
 * depend on which token matches or how much of it. RequestTime is compared with the current time in whole
 * seconds; a difference equal to the tolerance is accepted. Returns 0, an outcome, -ENOMEM, or -ENOTSUP if
 * OpenSSL has no SHA-256. `*ret_token` is the index of the first token that matches. */
int signature_check(const struct signature_key *key, struct str sign, struct str request_time,
                    uint64_t tolerance_ms, uint64_t now_unix_ms, unsigned *ret_token);

/* Checks at the start whether this process can check signatures. Returns 0, -ENOMEM or -ENOTSUP. */
int signature_prepare(void);

#define SIGNATURE_TEXT_SIZE 65

/* Makes a Sign as Tencent does, in lower-case digits, NUL-terminated. Returns 0, -ENOMEM or -ENOTSUP. */
int signature_make(struct str token, struct str request_time, char ret_sign[static SIGNATURE_TEXT_SIZE]);

#endif

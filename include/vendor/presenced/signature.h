/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_SIGNATURE_H
#define PRESENCED_SIGNATURE_H

/* Tencent's signature of a callback: Sign = hex of SHA-256(token ‖ RequestTime), RequestTime being the Unix
 * seconds as they stand in the URL (protocol: a plain hash, no HMAC). It is the same for all events of one
 * second, so it says who calls and about when, not what. Any thread may call everything here. */

#include "presenced/str.h"

#define SIGNATURE_N_TOKENS_MAX 4

/* The tokens of one app: more than one while a new one takes an old one's place. Borrowed. */
struct signature_key {
    struct str tokens[SIGNATURE_N_TOKENS_MAX];
    size_t n_tokens;
};

enum signature_outcome {
    SIGNATURE_BAD_SIGN = 1,    /* not 64 hex digits; either case will do */
    SIGNATURE_BAD_TIME = 2,    /* not 1 to 20 decimal digits */
    SIGNATURE_OUT_OF_TIME = 3, /* further than the tolerance from now, before or after */
    SIGNATURE_WRONG = 4,       /* of none of the tokens */
};

/* Whether `sign` is the signature of `request_time` with one of the key's tokens. The time it takes does not
 * depend on which token matches or on how much of it does. RequestTime counts whole seconds and so is
 * compared with the second that `now_unix_ms` lies in: a difference of just the tolerance is within it. 0, an
 * outcome, -ENOMEM, or -ENOTSUP when OpenSSL has no SHA-256. `*ret_token` is the place in the key of the
 * first that matches. */
int signature_check(const struct signature_key *key, struct str sign, struct str request_time,
                    uint64_t tolerance_ms, uint64_t now_unix_ms, unsigned *ret_token);

/* Whether this process can check signatures at all, for the start: 0, -ENOMEM or -ENOTSUP. */
int signature_prepare(void);

#define SIGNATURE_TEXT_SIZE 65

/* Sign as Tencent makes it, in lower-case digits, NUL-terminated. 0, -ENOMEM or -ENOTSUP. */
int signature_make(struct str token, struct str request_time, char ret_sign[static SIGNATURE_TEXT_SIZE]);

#endif

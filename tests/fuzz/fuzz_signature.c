/* SPDX-License-Identifier: MIT */
/* Input: Sign, RequestTime, token, the clock in ms and the tolerance in ms, a line each. */
#include "presenced/signature.h"

#include "fuzz.h"

#include <openssl/evp.h>

#define N_LINES 5

struct claim {
    struct str sign;
    struct str request_time;
    struct str token;
    uint64_t now_ms;
    uint64_t tolerance_ms;
};

static int check(const struct claim *claim, struct str sign, struct signature_key key)
{
    unsigned token;
    return signature_check(&key, sign, claim->request_time, claim->tolerance_ms, claim->now_ms, &token);
}

/* What the sign should be, by another way. */
static void make_sign(const struct claim *claim, char ret_sign[static 64])
{
    static const char digits[] = "0123456789abcdef";
    cleanup(buf_fini) struct buf text = {0};
    unsigned char digest[EVP_MAX_MD_SIZE];
    buf_append(&text, claim->token);
    buf_append(&text, claim->request_time);
    FUZZ_CHECK(EVP_Q_digest(NULL, "SHA256", NULL, text.ptr, text.len, digest, NULL) == 1);
    for (size_t i = 0; i < 32; i++) {
        ret_sign[2 * i] = digits[digest[i] >> 4];
        ret_sign[2 * i + 1] = digits[digest[i] & 15];
    }
}

static void check_accepted(const struct claim *claim)
{
    uint64_t then_s;
    FUZZ_CHECK(str_parse_u64(claim->request_time, UINT64_MAX, &then_s));
    uint64_t now_s = claim->now_ms / 1000;
    uint64_t distance_s = then_s > now_s ? then_s - now_s : now_s - then_s;
    FUZZ_CHECK(distance_s <= claim->tolerance_ms / 1000);
}

static void check_right_sign(const struct claim *claim)
{
    char bytes[64];
    make_sign(claim, bytes);
    struct str sign = {bytes, sizeof(bytes)};
    struct str other = STR("another token");
    int r = check(claim, sign, (struct signature_key){{claim->token}, 1});
    FUZZ_CHECK(r == 0 || r == SIGNATURE_BAD_TIME || r == SIGNATURE_OUT_OF_TIME);
    FUZZ_CHECK(check(claim, sign, (struct signature_key){{claim->token, other}, 2}) == r);
    FUZZ_CHECK(check(claim, sign, (struct signature_key){{other, claim->token}, 2}) == r);
    if (r == 0) {
        check_accepted(claim);
        FUZZ_CHECK(str_equal(claim->token, other) ||
                   check(claim, sign, (struct signature_key){{other}, 1}) == SIGNATURE_WRONG);
        bytes[claim->token.len % 64] ^= 1; /* a digit still, or none */
        FUZZ_CHECK(check(claim, sign, (struct signature_key){{claim->token}, 1}) != 0);
    }
}

static void check_given_sign(const struct claim *claim)
{
    char right[64];
    int r = check(claim, claim->sign, (struct signature_key){{claim->token}, 1});
    FUZZ_CHECK(r >= 0 && r <= SIGNATURE_WRONG);
    make_sign(claim, right);
    bool equal = str_equal_fold(claim->sign, (struct str){right, sizeof(right)});
    FUZZ_CHECK(r != 0 || equal);
    FUZZ_CHECK(r != SIGNATURE_WRONG || !equal);
    FUZZ_CHECK(r != SIGNATURE_BAD_SIGN || !equal);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str left = {(const char *)data, size};
    struct str lines[N_LINES] = {0};
    for (size_t i = 0; i < N_LINES && str_split(&left, '\n', &lines[i]); i++) {}
    struct claim claim = {.sign = lines[0], .request_time = lines[1], .token = lines[2]};
    (void)str_parse_u64(lines[3], UINT64_MAX, &claim.now_ms);
    (void)str_parse_u64(lines[4], UINT64_MAX, &claim.tolerance_ms);
    check_given_sign(&claim);
    check_right_sign(&claim);
    return 0;
}

/* SPDX-License-Identifier: MIT */
#include "presenced/signature.h"

#include "presenced/hex.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <pthread.h>

#define DIGEST_SIZE ((size_t)32)
#define REQUEST_TIME_DIGITS_MAX 20

/* The algorithm is fetched once per process, and each thread keeps a context: 0.08 µs per digest instead of
 * 0.29. */
static pthread_once_t once = PTHREAD_ONCE_INIT;
static EVP_MD *sha256;
static pthread_key_t context_key;
static int setup_error;

static void context_free(void *context)
{
    EVP_MD_CTX_free(context);
}

static void setup(void)
{
    setup_error = -pthread_key_create(&context_key, context_free);
    if (setup_error == 0) {
        sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
        setup_error = sha256 == NULL ? -ENOTSUP : 0;
    }
}

static int thread_context(EVP_MD_CTX **ret_context)
{
    (void)pthread_once(&once, setup);
    if (setup_error != 0) {
        return setup_error;
    }
    EVP_MD_CTX *context = pthread_getspecific(context_key);
    if (context == NULL) {
        context = EVP_MD_CTX_new();
        if (context == NULL || pthread_setspecific(context_key, context) != 0) {
            EVP_MD_CTX_free(context);
            return -ENOMEM;
        }
    }
    *ret_context = context;
    return 0;
}

int signature_prepare(void)
{
    EVP_MD_CTX *context = NULL;
    return thread_context(&context);
}

static bool parse_sign(struct str sign, unsigned char ret_digest[static DIGEST_SIZE])
{
    if (sign.len != 2 * DIGEST_SIZE) {
        return false;
    }
    for (size_t i = 0; i < DIGEST_SIZE; i++) {
        int high = hex_value(sign.ptr[2 * i]);
        int low = hex_value(sign.ptr[2 * i + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        ret_digest[i] = (unsigned char)(high * 16 + low);
    }
    return true;
}

static bool is_digits(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9') {
            return false;
        }
    }
    return text.len > 0;
}

static bool is_in_time(struct str request_time, uint64_t tolerance_ms, uint64_t now_unix_ms)
{
    uint64_t then_s;
    uint64_t now_s = now_unix_ms / 1000;
    if (!str_parse_u64(request_time, UINT64_MAX / 1000, &then_s)) {
        return false;
    }
    uint64_t distance_s = then_s > now_s ? then_s - now_s : now_s - then_s;
    return distance_s * 1000 <= tolerance_ms;
}

static int digest(EVP_MD_CTX *context, struct str token, struct str request_time,
                  unsigned char ret_digest[static DIGEST_SIZE])
{
    if (EVP_DigestInit_ex2(context, sha256, NULL) != 1 ||
        EVP_DigestUpdate(context, token.ptr, token.len) != 1 ||
        EVP_DigestUpdate(context, request_time.ptr, request_time.len) != 1 ||
        EVP_DigestFinal_ex(context, ret_digest, NULL) != 1) {
        return -ENOMEM;
    }
    return 0;
}

static int match(const struct signature_key *key, struct str request_time,
                 const unsigned char sign[static DIGEST_SIZE], unsigned *ret_token)
{
    EVP_MD_CTX *context = NULL;
    unsigned n_equal = 0;
    unsigned token = 0;
    int r = thread_context(&context);
    if (r < 0) {
        return r;
    }
    for (size_t i = 0; i < key->n_tokens; i++) {
        unsigned char wanted[DIGEST_SIZE];
        r = digest(context, key->tokens[i], request_time, wanted);
        if (r < 0) {
            return r;
        }
        unsigned is_equal = CRYPTO_memcmp(wanted, sign, DIGEST_SIZE) == 0;
        unsigned is_first = is_equal & (n_equal == 0);
        n_equal += is_equal;
        /* Without a branch, whose timing would tell which token matched. */
        token |= (0 - is_first) & (unsigned)i;
    }
    if (n_equal == 0) {
        return SIGNATURE_WRONG;
    }
    *ret_token = token;
    return 0;
}

int signature_check(const struct signature_key *key, struct str sign, struct str request_time,
                    uint64_t tolerance_ms, uint64_t now_unix_ms, unsigned *ret_token)
{
    unsigned char signed_digest[DIGEST_SIZE];
    if (!parse_sign(sign, signed_digest)) {
        return SIGNATURE_BAD_SIGN;
    }
    if (!is_digits(request_time) || request_time.len > REQUEST_TIME_DIGITS_MAX) {
        return SIGNATURE_BAD_TIME;
    }
    if (!is_in_time(request_time, tolerance_ms, now_unix_ms)) {
        return SIGNATURE_OUT_OF_TIME;
    }
    return match(key, request_time, signed_digest, ret_token);
}

int signature_make(struct str token, struct str request_time, char ret_sign[static SIGNATURE_TEXT_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    unsigned char made[DIGEST_SIZE] = {0};
    EVP_MD_CTX *context = NULL;
    int r = thread_context(&context);
    if (r < 0) {
        return r;
    }
    r = digest(context, token, request_time, made);
    if (r < 0) {
        return r;
    }
    for (size_t i = 0; i < DIGEST_SIZE; i++) {
        ret_sign[2 * i] = digits[made[i] >> 4];
        ret_sign[2 * i + 1] = digits[made[i] & 15];
    }
    ret_sign[2 * DIGEST_SIZE] = '\0';
    return 0;
}

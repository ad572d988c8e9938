/* SPDX-License-Identifier: MIT */
#include "presenced/usersig.h"

#include "presenced/json.h"
#include "presenced/wipe.h"

#include <errno.h>
#include <limits.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <zlib.h>

#define DIGEST_SIZE 32
#define JSON_SIZE_MAX (256 + 6 * USERSIG_IDENTIFIER_MAX) /* each byte may become \u00xx */
#define BASE64_SIZE(n) (4 * (((n) + 2) / 3) + 1)         /* with a NUL */

static bool is_identifier(struct str identifier)
{
    for (size_t i = 0; i < identifier.len; i++) {
        unsigned char c = (unsigned char)identifier.ptr[i];
        if (c < ' ' || c == 0x7f) {
            return false;
        }
    }
    return identifier.len > 0 && identifier.len <= USERSIG_IDENTIFIER_MAX && str_is_utf8(identifier);
}

static int sign(const struct usersig_claim *claim, struct str key,
                char ret_sig[static BASE64_SIZE(DIGEST_SIZE)])
{
    cleanup(buf_fini) struct buf text = {0};
    unsigned char digest[EVP_MAX_MD_SIZE];
    buf_append(&text, STR("TLS.identifier:"));
    buf_append(&text, claim->identifier);
    buf_append(&text, STR("\nTLS.sdkappid:"));
    buf_append_u64(&text, claim->sdkappid);
    buf_append(&text, STR("\nTLS.time:"));
    buf_append_u64(&text, claim->time_s);
    buf_append(&text, STR("\nTLS.expire:"));
    buf_append_u64(&text, claim->expire_s);
    buf_append_char(&text, '\n');
    if (text.failed) {
        return -ENOMEM;
    }
    if (key.len > INT_MAX || HMAC(EVP_sha256(), key.ptr, (int)key.len, (const unsigned char *)text.ptr,
                                  text.len, digest, NULL) == NULL) {
        return -ENOTSUP;
    }
    (void)EVP_EncodeBlock((unsigned char *)ret_sig, digest, DIGEST_SIZE);
    return 0;
}

static void write_claim(struct buf *out, const struct usersig_claim *claim, const char *sig)
{
    struct json_writer json = {.out = out};
    json_begin_object(&json, NULL);
    json_str(&json, "TLS.ver", STR("2.0"));
    json_str(&json, "TLS.identifier", claim->identifier);
    json_u64(&json, "TLS.sdkappid", claim->sdkappid);
    json_u64(&json, "TLS.expire", claim->expire_s);
    json_u64(&json, "TLS.time", claim->time_s);
    json_str(&json, "TLS.sig", str_from(sig));
    json_end_object(&json);
}

static void append_base64(struct buf *out, const unsigned char *bytes, size_t n)
{
    char *text = buf_reserve(out, BASE64_SIZE(n));
    if (text == NULL) {
        return;
    }
    size_t len = (size_t)EVP_EncodeBlock((unsigned char *)text, bytes, (int)n);
    for (size_t i = 0; i < len; i++) {
        text[i] = text[i] == '+' ? '*' : text[i] == '/' ? '-' : text[i] == '=' ? '_' : text[i];
    }
    out->len += len;
}

int usersig_make(const struct usersig_claim *claim, struct str key, struct buf *out)
{
    cleanup(wipe_buf) struct buf json = {0};
    cleanup(wipe_buf) struct buf deflated = {0};
    char sig[BASE64_SIZE(DIGEST_SIZE)];
    uLongf size;
    if (!is_identifier(claim->identifier)) {
        return -EINVAL;
    }
    int r = sign(claim, key, sig);
    if (r < 0) {
        return r;
    }
    /* Reserved at once, because growing would leave copies in freed memory. */
    (void)buf_reserve(&json, JSON_SIZE_MAX);
    write_claim(&json, claim, sig);
    explicit_bzero(sig, sizeof(sig));
    size = compressBound(json.len);
    if (json.failed || buf_reserve(&deflated, size) == NULL ||
        compress((Bytef *)deflated.ptr, &size, (const Bytef *)json.ptr, json.len) != Z_OK) {
        return -ENOMEM;
    }
    deflated.len = size;
    append_base64(out, (const unsigned char *)deflated.ptr, deflated.len);
    return out->failed ? -ENOMEM : 0;
}

/* SPDX-License-Identifier: MIT */
#include "tls_key.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

DEFINE_CLEANUP(BIO *, BIO_free)
DEFINE_CLEANUP(EVP_PKEY *, EVP_PKEY_free)
DEFINE_CLEANUP(EVP_PKEY_CTX *, EVP_PKEY_CTX_free)

/* Returns the digest of an RSA-PSS signature; NULL for other algorithms. */
static const EVP_MD *pss_digest(gnutls_sign_algorithm_t algorithm)
{
    switch (algorithm) {
    case GNUTLS_SIGN_RSA_PSS_RSAE_SHA256:
        return EVP_sha256();
    case GNUTLS_SIGN_RSA_PSS_RSAE_SHA384:
        return EVP_sha384();
    case GNUTLS_SIGN_RSA_PSS_RSAE_SHA512:
        return EVP_sha512();
    default:
        return NULL;
    }
}

/* Covers the signature algorithms in tls_priorities. */
static bool can_sign(const EVP_PKEY *key, gnutls_sign_algorithm_t algorithm)
{
    gnutls_pk_algorithm_t wanted = gnutls_sign_get_pk_algorithm(algorithm);
    if (EVP_PKEY_get_base_id(key) == EVP_PKEY_EC) {
        return wanted == GNUTLS_PK_ECDSA;
    }
    return wanted == GNUTLS_PK_RSA || pss_digest(algorithm) != NULL;
}

static int describe(gnutls_privkey_t gnutls_key, unsigned flags, void *cls)
{
    const EVP_PKEY *key = cls;
    (void)gnutls_key;
    if ((flags & GNUTLS_PRIVKEY_INFO_PK_ALGO) != 0) {
        return EVP_PKEY_get_base_id(key) == EVP_PKEY_EC ? GNUTLS_PK_ECDSA : GNUTLS_PK_RSA;
    }
    if ((flags & GNUTLS_PRIVKEY_INFO_PK_ALGO_BITS) != 0) {
        return EVP_PKEY_get_bits(key);
    }
    if ((flags & GNUTLS_PRIVKEY_INFO_HAVE_SIGN_ALGO) != 0) {
        return can_sign(key, GNUTLS_FLAGS_TO_SIGN_ALGO(flags));
    }
    return -1;
}

/* For RSA without PSS, GnuTLS passes the digest wrapped in a DigestInfo, so only padding is needed. */
static bool set_rsa_padding(EVP_PKEY_CTX *context, gnutls_sign_algorithm_t algorithm)
{
    const EVP_MD *digest = pss_digest(algorithm);
    if (digest == NULL) {
        return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1;
    }
    return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1 &&
           EVP_PKEY_CTX_set_signature_md(context, digest) == 1 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) == 1;
}

static int sign(gnutls_privkey_t gnutls_key, gnutls_sign_algorithm_t algorithm, void *cls, unsigned flags,
                const gnutls_datum_t *digest, gnutls_datum_t *signature)
{
    EVP_PKEY *key = cls;
    cleanup(EVP_PKEY_CTX_freep) EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    size_t size = (size_t)EVP_PKEY_get_size(key);
    (void)gnutls_key;
    (void)flags;
    if (context == NULL || EVP_PKEY_sign_init(context) != 1 ||
        (EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA && !set_rsa_padding(context, algorithm))) {
        return GNUTLS_E_PK_SIGN_FAILED;
    }
    unsigned char *bytes = gnutls_malloc(size);
    if (bytes == NULL) {
        return GNUTLS_E_MEMORY_ERROR;
    }
    if (EVP_PKEY_sign(context, bytes, &size, digest->data, digest->size) != 1) {
        gnutls_free(bytes);
        return GNUTLS_E_PK_SIGN_FAILED;
    }
    *signature = (gnutls_datum_t){.data = bytes, .size = (unsigned)size};
    return 0;
}

static void release(gnutls_privkey_t gnutls_key, void *cls)
{
    (void)gnutls_key;
    EVP_PKEY_free(cls);
}

static int no_passphrase(char *buffer, int size, int rwflag, void *cls)
{
    (void)buffer;
    (void)size;
    (void)rwflag;
    (void)cls;
    return -1;
}

static EVP_PKEY *read_pem(struct str pem)
{
    cleanup(BIO_freep) BIO *bio = BIO_new_mem_buf(pem.ptr, (int)pem.len);
    return bio == NULL ? NULL : PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
}

/* Keys of other types (Ed25519) are left to GnuTLS. */
static int import(struct str key_pem, gnutls_privkey_t gnutls_key)
{
    const gnutls_datum_t pem = {.data = (unsigned char *)(uintptr_t)key_pem.ptr,
                                .size = (unsigned)key_pem.len};
    cleanup(EVP_PKEY_freep) EVP_PKEY *key = read_pem(key_pem);
    int kind = key == NULL ? EVP_PKEY_NONE : EVP_PKEY_get_base_id(key);
    if (kind != EVP_PKEY_EC && kind != EVP_PKEY_RSA) {
        return gnutls_privkey_import_x509_raw(gnutls_key, &pem, GNUTLS_X509_FMT_PEM, NULL, 0);
    }
    int r = gnutls_privkey_import_ext4(gnutls_key, key, NULL, sign, NULL, release, describe, 0);
    if (r >= 0) {
        (void)take_pointer(key);
    }
    return r;
}

int tls_key_new(struct str key_pem, gnutls_privkey_t *ret_key)
{
    gnutls_privkey_t key = NULL;
    int r = gnutls_privkey_init(&key);
    if (r >= 0) {
        r = import(key_pem, key);
    }
    if (r < 0) {
        gnutls_privkey_deinit(key);
        return r;
    }
    *ret_key = key;
    return 0;
}

/* SPDX-License-Identifier: MIT */
#include "presenced/certificate.h"

#include "presenced/read_file.h"
#include "presenced/wipe.h"

#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

/* More than any chain or bundle has, so that a file given by mistake (a log, a device) is not read
 * completely. */
#define FILE_MAX_BYTES 1048576

#define CHAIN_MAX 16

/* The minimum of OpenSSL's security level 1, the lowest that its clients use, and the shortest that can sign
 * with RSA-PSS. */
#define RSA_BITS_MIN 1024

DEFINE_CLEANUP(BIO *, BIO_free_all)
DEFINE_CLEANUP(X509 *, X509_free)
DEFINE_CLEANUP(EVP_PKEY *, EVP_PKEY_free)

__attribute__((format(printf, 2, 3))) static int fail(struct certificate_error *ret_error, const char *format,
                                                      ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(ret_error->text, sizeof(ret_error->text), format, arguments);
    va_end(arguments);
    return -EINVAL;
}

/* `ret_bytes` must be empty. */
static int read_pem(const char *path, struct buf *ret_bytes, struct certificate_error *ret_error)
{
    mode_t mode;
    int r = read_file(path, FILE_MAX_BYTES, ret_bytes, &mode);
    if (r < 0 && r != -ENOMEM) {
        return fail(ret_error, "%s: cannot be read: %s", path, read_file_error(r));
    }
    return r;
}

/* Returns 0 and the next certificate, NULL after the last; or -EINVAL if it is damaged, in which case the
 * rest is not read. */
static int next_certificate(BIO *bio, X509 **ret_certificate)
{
    X509 *certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    bool is_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
    ERR_clear_error();
    if (certificate == NULL && !is_end) {
        return -EINVAL;
    }
    *ret_certificate = certificate;
    return 0;
}

static int damaged(const char *path, unsigned number, struct certificate_error *ret_error)
{
    return fail(ret_error, "%s: certificate %u in it is damaged", path, number);
}

/* Called for a key with a passphrase, which a daemon cannot ask for. */
static int no_passphrase(char *buffer, int size, int writing, void *cls)
{
    (void)buffer;
    (void)size;
    (void)writing;
    *(bool *)cls = true;
    return -1;
}

static int read_key(const struct certificate *certificate, const char *path, EVP_PKEY **ret_key,
                    struct certificate_error *ret_error)
{
    bool is_encrypted = false;
    cleanup(BIO_free_allp)
        BIO *bio = BIO_new_mem_buf(certificate->key_pem.ptr, (int)certificate->key_pem.len);
    if (bio == NULL) {
        return -ENOMEM;
    }
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, &is_encrypted);
    ERR_clear_error();
    if (key == NULL && is_encrypted) {
        return fail(ret_error, "%s: the private key is protected by a passphrase; remove it first", path);
    }
    if (key == NULL) {
        return fail(ret_error, "%s: holds no private key in PEM form", path);
    }
    *ret_key = key;
    return 0;
}

static int unix_seconds(const ASN1_TIME *time, uint64_t *ret_seconds)
{
    struct tm tm;
    if (ASN1_TIME_to_tm(time, &tm) != 1) {
        return -EINVAL;
    }
    time_t seconds = timegm(&tm);
    *ret_seconds = seconds < 0 ? 0 : (uint64_t)seconds;
    return 0;
}

static int read_dates(X509 *leaf, struct certificate *certificate, struct certificate_error *ret_error)
{
    if (unix_seconds(X509_get0_notBefore(leaf), &certificate->not_before_unix_s) < 0 ||
        unix_seconds(X509_get0_notAfter(leaf), &certificate->not_after_unix_s) < 0) {
        return fail(ret_error, "%s: the certificate's dates cannot be read", certificate->path);
    }
    return 0;
}

static bool is_explicit(const EVP_PKEY *key)
{
    int is_so = 0;
    return EVP_PKEY_get_int_param(key, OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS, &is_so) == 1 &&
           is_so != 0;
}

static bool is_usual_curve(const char *name)
{
    return strcmp(name, SN_X9_62_prime256v1) == 0 || strcmp(name, SN_secp384r1) == 0 ||
           strcmp(name, SN_secp521r1) == 0;
}

static void find_ec_flaw(const EVP_PKEY *key, char *ret_text, size_t size)
{
    char curve[64] = "";
    (void)EVP_PKEY_get_group_name(key, curve, sizeof(curve), NULL);
    if (is_explicit(key)) {
        (void)snprintf(ret_text, size,
                       "its key spells out its curve's parameters instead of naming the curve");
    } else if (!is_usual_curve(curve)) {
        (void)snprintf(ret_text, size, "its key's curve is %s; P-256 is one that every caller knows", curve);
    }
}

static void find_key_flaw(const EVP_PKEY *key, char *ret_text, size_t size)
{
    switch (EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_EC:
        find_ec_flaw(key, ret_text, size);
        break;
    case EVP_PKEY_RSA:
    case EVP_PKEY_RSA_PSS:
        if (EVP_PKEY_get_bits(key) < RSA_BITS_MIN) {
            (void)snprintf(ret_text, size, "its RSA key has %d bits; 2048 are usual", EVP_PKEY_get_bits(key));
        }
        break;
    case EVP_PKEY_ED25519:
    case EVP_PKEY_ED448:
        break;
    default:
        (void)snprintf(ret_text, size, "its key is of a kind (%s) that TLS does not sign with",
                       EVP_PKEY_get0_type_name(key));
        break;
    }
}

/* Finds properties of the certificate that make handshakes fail, described so that its creator can correct
 * them. */
static void find_flaw(X509 *leaf, struct certificate *certificate)
{
    const EVP_PKEY *key = X509_get0_pubkey(leaf);
    if (key != NULL) {
        find_key_flaw(key, certificate->flaw, sizeof(certificate->flaw));
    }
    if (certificate->flaw[0] == '\0' && (X509_get_key_usage(leaf) & KU_DIGITAL_SIGNATURE) == 0) {
        (void)snprintf(certificate->flaw, sizeof(certificate->flaw), "its keyUsage lacks digitalSignature");
    }
    ERR_clear_error();
}

/* Checks the certificates after the first: at most CHAIN_MAX, and the second must have issued the first;
 * otherwise clients that do not know the issuer fail. */
static int check_chain(BIO *bio, X509 *leaf, const char *path, struct certificate_error *ret_error)
{
    for (unsigned n = 1;; n++) {
        cleanup(X509_freep) X509 *issuer = NULL;
        if (next_certificate(bio, &issuer) < 0) {
            return damaged(path, n + 1, ret_error);
        }
        if (issuer == NULL) {
            return 0;
        }
        if (n == CHAIN_MAX) {
            return fail(ret_error, "%s: holds more than %d certificates", path, CHAIN_MAX);
        }
        if (n == 1 && X509_check_issued(issuer, leaf) != X509_V_OK) {
            return fail(ret_error,
                        "%s: the second certificate did not issue the first; the server's own comes "
                        "first, then its issuer's",
                        path);
        }
    }
}

static int check(struct certificate *certificate, const char *key_path, struct certificate_error *ret_error)
{
    const char *path = certificate->path;
    cleanup(EVP_PKEY_freep) EVP_PKEY *key = NULL;
    cleanup(X509_freep) X509 *leaf = NULL;
    cleanup(BIO_free_allp)
        BIO *bio = BIO_new_mem_buf(certificate->chain_pem.ptr, (int)certificate->chain_pem.len);
    if (bio == NULL) {
        return -ENOMEM;
    }
    if (next_certificate(bio, &leaf) < 0) {
        return damaged(path, 1, ret_error);
    }
    if (leaf == NULL) {
        return fail(ret_error, "%s: holds no certificate in PEM form", path);
    }
    int r = check_chain(bio, leaf, path, ret_error);
    if (r < 0) {
        return r;
    }
    r = read_key(certificate, key_path, &key, ret_error);
    if (r < 0) {
        return r;
    }
    if (X509_check_private_key(leaf, key) != 1) {
        ERR_clear_error();
        return fail(ret_error, "%s: is not the private key of the first certificate in %s", key_path, path);
    }
    find_flaw(leaf, certificate);
    return read_dates(leaf, certificate, ret_error);
}

int certificate_read(const char *chain_path, const char *key_path, struct certificate *ret_certificate,
                     struct certificate_error *ret_error)
{
    cleanup(certificate_fini) struct certificate certificate = {.path = chain_path};
    int r = read_pem(chain_path, &certificate.chain_pem, ret_error);
    if (r < 0) {
        return r;
    }
    r = read_pem(key_path, &certificate.key_pem, ret_error);
    if (r < 0) {
        return r;
    }
    r = check(&certificate, key_path, ret_error);
    if (r < 0) {
        return r;
    }
    *ret_certificate = certificate;
    certificate = (struct certificate){.path = NULL};
    return 0;
}

void certificate_fini(struct certificate *certificate)
{
    buf_fini(&certificate->chain_pem);
    wipe_buf(&certificate->key_pem);
}

static int check_cas(BIO *bio, const char *path, struct certificate_error *ret_error)
{
    for (unsigned n = 1;; n++) {
        cleanup(X509_freep) X509 *ca = NULL;
        if (next_certificate(bio, &ca) < 0) {
            return damaged(path, n, ret_error);
        }
        if (ca == NULL) {
            return n > 1 ? 0 : fail(ret_error, "%s: holds no certificate in PEM form", path);
        }
        if (X509_check_ca(ca) == 0) {
            return fail(ret_error, "%s: certificate %u in it is not one of a certificate authority", path, n);
        }
    }
}

int certificate_read_ca(const char *path, struct buf *ret_pem, struct certificate_error *ret_error)
{
    cleanup(buf_fini) struct buf pem = {0};
    int r = read_pem(path, &pem, ret_error);
    if (r < 0) {
        return r;
    }
    cleanup(BIO_free_allp) BIO *bio = BIO_new_mem_buf(pem.ptr, (int)pem.len);
    if (bio == NULL) {
        return -ENOMEM;
    }
    r = check_cas(bio, path, ret_error);
    if (r < 0) {
        return r;
    }
    *ret_pem = pem;
    pem = (struct buf){0};
    return 0;
}

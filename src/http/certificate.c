/* SPDX-License-Identifier: MIT */
#include "presenced/certificate.h"

#include "presenced/read_file.h"
#include "presenced/wipe.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

/* More than any chain or bundle has, so that a wrong path (a log, a device) is not swallowed whole. */
#define FILE_MAX_BYTES 1048576

#define CHAIN_MAX 16

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

/* Into `ret_bytes`, which is empty. */
static int read_pem(const char *path, struct buf *ret_bytes, struct certificate_error *ret_error)
{
    mode_t mode;
    int r = read_file(path, FILE_MAX_BYTES, ret_bytes, &mode);
    if (r < 0 && r != -ENOMEM) {
        return fail(ret_error, "%s: cannot be read: %s", path, read_file_error(r));
    }
    return r;
}

static X509 *next_certificate(BIO *bio)
{
    X509 *certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    ERR_clear_error(); /* the end of the file is an error to OpenSSL */
    return certificate;
}

/* A key with a passphrase: a daemon has nobody to ask. */
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

static int check_dates(X509 *leaf, const char *path, uint64_t *ret_not_after,
                       struct certificate_error *ret_error)
{
    uint64_t not_before = 0;
    uint64_t not_after = 0;
    if (unix_seconds(X509_get0_notBefore(leaf), &not_before) < 0 ||
        unix_seconds(X509_get0_notAfter(leaf), &not_after) < 0) {
        return fail(ret_error, "%s: the certificate's dates cannot be read", path);
    }
    uint64_t now = (uint64_t)time(NULL);
    char date[32];
    time_t shown = (time_t)(now < not_before ? not_before : not_after);
    struct tm tm;
    (void)strftime(date, sizeof(date), "%Y-%m-%d %H:%M:%S UTC", gmtime_r(&shown, &tm));
    if (now < not_before) {
        return fail(ret_error, "%s: the certificate is not valid before %s", path, date);
    }
    if (now >= not_after) {
        return fail(ret_error, "%s: the certificate has expired on %s", path, date);
    }
    *ret_not_after = not_after;
    return 0;
}

/* The certificates behind the first: at most CHAIN_MAX, and the second must have issued the first, or
 * clients that do not know it already fail. */
static int check_chain(BIO *bio, X509 *leaf, const char *path, struct certificate_error *ret_error)
{
    for (unsigned n = 1;; n++) {
        cleanup(X509_freep) X509 *issuer = next_certificate(bio);
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

static int check(struct certificate *certificate, const char *chain_path, const char *key_path,
                 struct certificate_error *ret_error)
{
    cleanup(EVP_PKEY_freep) EVP_PKEY *key = NULL;
    cleanup(BIO_free_allp)
        BIO *bio = BIO_new_mem_buf(certificate->chain_pem.ptr, (int)certificate->chain_pem.len);
    if (bio == NULL) {
        return -ENOMEM;
    }
    cleanup(X509_freep) X509 *leaf = next_certificate(bio);
    if (leaf == NULL) {
        return fail(ret_error, "%s: holds no certificate in PEM form", chain_path);
    }
    int r = check_chain(bio, leaf, chain_path, ret_error);
    if (r == 0) {
        r = read_key(certificate, key_path, &key, ret_error);
    }
    if (r == 0 && X509_check_private_key(leaf, key) != 1) {
        ERR_clear_error();
        r = fail(ret_error, "%s: is not the private key of the first certificate in %s", key_path,
                 chain_path);
    }
    return r < 0 ? r : check_dates(leaf, chain_path, &certificate->not_after_unix_s, ret_error);
}

int certificate_read(const char *chain_path, const char *key_path, struct certificate *ret_certificate,
                     struct certificate_error *ret_error)
{
    struct certificate certificate = {0};
    int r = read_pem(chain_path, &certificate.chain_pem, ret_error);
    if (r == 0) {
        r = read_pem(key_path, &certificate.key_pem, ret_error);
    }
    if (r == 0) {
        r = check(&certificate, chain_path, key_path, ret_error);
    }
    if (r < 0) {
        certificate_fini(&certificate);
        return r;
    }
    *ret_certificate = certificate;
    return 0;
}

void certificate_fini(struct certificate *certificate)
{
    buf_fini(&certificate->chain_pem);
    wipe_buf(&certificate->key_pem);
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
    cleanup(X509_freep) X509 *first = next_certificate(bio);
    if (first == NULL) {
        return fail(ret_error, "%s: holds no certificate in PEM form", path);
    }
    if (X509_check_ca(first) == 0) {
        return fail(ret_error, "%s: the first certificate is not one of a certificate authority", path);
    }
    *ret_pem = pem;
    pem = (struct buf){0};
    return 0;
}

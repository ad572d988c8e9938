/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_TESTS_PKI_H
#define PRESENCED_TESTS_PKI_H

#include <openssl/evp.h>

/* A throw-away PKI with P-256 keys, created for each sandbox. NAME.pem is a certificate, NAME.key its key:
 *
 *   ca            signs  server    localhost, 127.0.0.1, ::1
 *                        client    for a client
 *                        expired   like server, expired yesterday; its key is server.key
 *                        future    like server, valid from tomorrow; its key is server.key
 *   other-ca      signs  stranger  for a client
 *
 * bundle.pem is server.pem and server.key in one file, for HAProxy. Every function fails the running test if
 * it cannot do its work. */
void pki_write(const char *directory);

struct pki_plan {
    const char *name;
    const char *usage; /* extendedKeyUsage; NULL: a CA */
    long begins_s;     /* begin and end of validity, in seconds from now */
    long ends_s;
    const char *key_usage; /* keyUsage, unless it is a CA; NULL: no such extension, so any usage */
};

/* Writes NAME.pem, signed by ca, and NAME.key. `key` is the key, or NULL for a new one. */
void pki_issue(const char *directory, const struct pki_plan *plan, EVP_PKEY *key);

/* Replaces server.pem and server.key by ones with this key, and ca.pem by a new CA that signed it. */
void pki_write_server(const char *directory, EVP_PKEY *key);

#endif

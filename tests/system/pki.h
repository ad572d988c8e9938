/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_TESTS_PKI_H
#define PRESENCED_TESTS_PKI_H

#include <openssl/evp.h>

/* A throw-away PKI of P-256 keys, made anew for each sandbox. NAME.pem is a certificate, NAME.key its key:
 *
 *   ca            signs  server    localhost, 127.0.0.1, ::1
 *                        client    for a client
 *                        expired   as server, ended yesterday; its key is server.key
 *                        future    as server, begins tomorrow; its key is server.key
 *   other-ca      signs  stranger  for a client
 *
 * bundle.pem is server.pem and server.key in one file, as HAProxy wants it. Fails the test when it cannot. */
void pki_write(const char *directory);

struct pki_plan {
    const char *name;
    const char *usage; /* extendedKeyUsage; NULL: a CA */
    long begins_s;     /* from now */
    long ends_s;
    const char *key_usage; /* of what is no CA; NULL: it has none, so any */
};

/* Writes one more NAME.pem that ca signs, and NAME.key: `key`, or with NULL a new one. */
void pki_issue(const char *directory, const struct pki_plan *plan, EVP_PKEY *key);

/* Puts a server.pem and server.key of this key in the place of those, and a ca.pem that signed it. */
void pki_write_server(const char *directory, EVP_PKEY *key);

#endif

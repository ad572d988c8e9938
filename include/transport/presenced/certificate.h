/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_CERTIFICATE_H
#define PRESENCED_CERTIFICATE_H

/* Reads a certificate chain and its private key and says in words what is wrong with them, with OpenSSL:
 * at start and reload, before a handshake could fail. Any thread. */

#include "presenced/str.h"

struct certificate {
    const char *path;     /* of the chain; borrowed */
    struct buf chain_pem; /* the server's own certificate first */
    struct buf key_pem;   /* wiped by certificate_fini() */
    uint64_t not_before_unix_s;
    uint64_t not_after_unix_s;
    char flaw[128]; /* why no handshake may succeed, as far as the certificate tells; "": nothing is known */
};

struct certificate_error {
    char text[320]; /* "FILE: what is wrong" */
};

/* Reads both files and checks: PEM, all of it, the second certificate the issuer of the first, the key that
 * of the first. Dates are not checked: one that has ended is better than none. 0; -EINVAL with the reason in
 * `ret_error`; -ENOMEM. `ret_certificate` is for certificate_fini() after success only. */
int certificate_read(const char *chain_path, const char *key_path, struct certificate *ret_certificate,
                     struct certificate_error *ret_error);
void certificate_fini(struct certificate *certificate);

/* Reads a PEM file of one or more certificates, each of a CA. As above. */
int certificate_read_ca(const char *path, struct buf *ret_pem, struct certificate_error *ret_error);

#endif

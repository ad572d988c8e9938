/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_CERTIFICATE_H
#define PRESENCED_CERTIFICATE_H

/* Reads a certificate chain and its private key with OpenSSL and describes problems in words: at start and
 * reload, before a handshake could fail. Any thread may call everything here. */

#include "presenced/str.h"

struct certificate {
    const char *path;     /* path of the chain; borrowed */
    struct buf chain_pem; /* the server's own certificate first */
    struct buf key_pem;   /* wiped by certificate_fini() */
    uint64_t not_before_unix_s;
    uint64_t not_after_unix_s;
    char flaw[128]; /* a possible reason why no handshake succeeds, as far as the certificate shows; "": none
                       known */
};

struct certificate_error {
    char text[320]; /* "FILE: what is wrong" */
};

/* Reads both files and checks that all of their content is valid PEM, that the second certificate issued the
 * first, and that the key belongs to the first. Dates are not checked, because an expired certificate is
 * better than none. Returns 0; -EINVAL with the reason in `ret_error`; or -ENOMEM. After 0, the caller
 * releases `ret_certificate` with certificate_fini(). */
int certificate_read(const char *chain_path, const char *key_path, struct certificate *ret_certificate,
                     struct certificate_error *ret_error);
void certificate_fini(struct certificate *certificate);

/* Reads a PEM file of one or more CA certificates. Returns as certificate_read(). The caller frees `ret_pem`.
 */
int certificate_read_ca(const char *path, struct buf *ret_pem, struct certificate_error *ret_error);

#endif

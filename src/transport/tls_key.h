/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_HTTP_TLS_KEY_H
#define PRESENCED_HTTP_TLS_KEY_H

/* A server's private key for GnuTLS that signs with OpenSSL: 15 µs instead of 36 for P-256, and half the time
 * for RSA. Any thread may sign. */

#include "presenced/str.h"

#include <gnutls/abstract.h>

/* The caller releases `ret_key` with gnutls_privkey_deinit(). Returns 0 or a GnuTLS error. */
int tls_key_new(struct str key_pem, gnutls_privkey_t *ret_key);

#endif

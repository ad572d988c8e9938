/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_HTTP_TLS_CHECK_H
#define PRESENCED_HTTP_TLS_CHECK_H

/* Tests whether handshakes succeed with a server's certificate and key. There is no other way to find out:
 * GnuTLS also loads keys for which it never finds a cipher suite. A client and a server in this process shake
 * hands in memory. Any thread may call this. */

#include <gnutls/gnutls.h>

enum { TLS_CHECK_1_2, TLS_CHECK_1_3, TLS_CHECK_N_VERSIONS };

/* Performs one handshake with each version of TLS, with `priorities` on both sides except for the version.
 * For each version `ret_errors` is 0 on success, else the GnuTLS error of the side that failed. Returns 0 or
 * -ENOMEM. */
int tls_check(gnutls_certificate_credentials_t credentials, const char *priorities,
              int ret_errors[static TLS_CHECK_N_VERSIONS]);

#endif

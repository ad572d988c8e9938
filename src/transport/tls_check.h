/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_HTTP_TLS_CHECK_H
#define PRESENCED_HTTP_TLS_CHECK_H

/* Whether handshakes succeed with a server's certificate and key, which GnuTLS tells of nothing else: it
 * loads keys with which it never finds a cipher suite. So a client of ours shakes hands with them, in memory.
 * Any thread. */

#include <gnutls/gnutls.h>

enum { TLS_CHECK_1_2, TLS_CHECK_1_3, TLS_CHECK_N_VERSIONS };

/* Shakes hands once with each version of TLS; both sides have `priorities`, but for the version. `ret_errors`
 * is 0 for one that works, else what GnuTLS says to the side that gave up. 0, or -ENOMEM. */
int tls_check(gnutls_certificate_credentials_t credentials, const char *priorities,
              int ret_errors[static TLS_CHECK_N_VERSIONS]);

#endif

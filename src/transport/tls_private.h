/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_TRANSPORT_TLS_PRIVATE_H
#define PRESENCED_TRANSPORT_TLS_PRIVATE_H

/* What tls.c, tls_generation.c and tls_session.c share. */

#include "presenced/tls.h"

#include <gnutls/gnutls.h>
#include <pthread.h>
#include <stdatomic.h>

/* A generation is never changed. It goes when nobody holds it any more: the sessions that began with it, and
 * struct tls or else its maker. */
struct tls_generation {
    gnutls_certificate_credentials_t credentials;
    bool wants_client_certificate;
    struct tls_certificate certificate;
    _Atomic unsigned n_holders;
};

struct tls {
    pthread_mutex_t lock;                    /* from reading `newest` until what it points to is held */
    _Atomic(struct tls_generation *) newest; /* without the lock: to compare with, not to follow */
    _Atomic bool wants_client_certificate;   /* as the newest does */
    _Atomic uint64_t certificate_end_unix_s; /* of the newest */
    gnutls_datum_t ticket_key;               /* GnuTLS rotates what it derives from it */
    _Atomic uint64_t n_full;
    _Atomic uint64_t n_resumed;
    _Atomic uint64_t n_failed;
    _Atomic uint64_t n_failed_by[TLS_N_FAILURES];
};

/* The generation that handshakes use now, for tls_generation_free(); NULL where there is none. Any thread. */
struct tls_generation *tls_hold_newest(struct tls *tls);

#endif

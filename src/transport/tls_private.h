/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_TRANSPORT_TLS_PRIVATE_H
#define PRESENCED_TRANSPORT_TLS_PRIVATE_H

/* Shared by tls.c, tls_generation.c and tls_session.c. */

#include "presenced/tls.h"

#include <gnutls/gnutls.h>
#include <pthread.h>
#include <stdatomic.h>

/* A generation is immutable and reference-counted: by the sessions that began with it, and by struct tls or,
 * before tls_adopt(), by its creator. */
struct tls_generation {
    gnutls_certificate_credentials_t credentials;
    bool wants_client_certificate;
    struct tls_certificate certificate;
    _Atomic unsigned n_references;
};

struct tls {
    pthread_mutex_t lock; /* held from reading `newest` until its reference is counted */
    _Atomic(struct tls_generation *)
        newest;                            /* may be read without the lock for comparison, not dereferenced */
    _Atomic bool wants_client_certificate; /* copied from the newest generation */
    _Atomic uint64_t certificate_end_unix_s; /* copied from the newest generation */
    gnutls_datum_t ticket_key;               /* GnuTLS derives and rotates the actual keys */
    _Atomic uint64_t n_full;
    _Atomic uint64_t n_resumed;
    _Atomic uint64_t n_failed;
    _Atomic uint64_t n_failed_by[TLS_N_FAILURES];
};

/* Returns a reference to the current generation, which the caller releases with tls_generation_free(); NULL
 * if there is none. Any thread may call this. */
struct tls_generation *tls_get_newest(struct tls *tls);

#endif

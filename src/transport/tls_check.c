/* SPDX-License-Identifier: MIT */
#include "tls_check.h"

#include "presenced/str.h"

#include <errno.h>
#include <gnutls/x509.h>
#include <stdio.h>

/* Turns of both sides; a handshake with a HelloRetryRequest takes four. */
#define N_TURNS 16

static const char *const versions[TLS_CHECK_N_VERSIONS] = {
    [TLS_CHECK_1_2] = "VERS-TLS1.2",
    [TLS_CHECK_1_3] = "VERS-TLS1.3",
};

struct side {
    gnutls_session_t session;
    struct side *peer;
    struct buf received; /* bytes from the peer */
    size_t n_taken;      /* bytes of `received` that were consumed */
    int result;          /* last result of gnutls_handshake() */
};

static ssize_t push(gnutls_transport_ptr_t transport, const void *bytes, size_t n)
{
    struct side *side = transport;
    buf_append(&side->peer->received, (struct str){bytes, n});
    return side->peer->received.failed ? -1 : (ssize_t)n;
}

static ssize_t pull(gnutls_transport_ptr_t transport, void *bytes, size_t size)
{
    struct side *side = transport;
    size_t n = side->received.len - side->n_taken;
    if (n == 0 || side->received.failed) {
        gnutls_transport_set_errno(side->session, EAGAIN);
        return -1;
    }
    n = n < size ? n : size;
    memcpy(bytes, side->received.ptr + side->n_taken, n);
    side->n_taken += n;
    return (ssize_t)n;
}

static void side_fini(struct side *side)
{
    gnutls_deinit(side->session);
    buf_fini(&side->received);
}

static int side_init(struct side *side, unsigned flags, const char *priorities,
                     gnutls_certificate_credentials_t credentials, struct side *peer)
{
    int r = gnutls_init(&side->session, flags | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL);
    if (r < 0) {
        return r;
    }
    side->peer = peer;
    side->result = GNUTLS_E_AGAIN;
    gnutls_transport_set_ptr(side->session, side);
    gnutls_transport_set_push_function(side->session, push);
    gnutls_transport_set_pull_function(side->session, pull);
    r = gnutls_priority_set_direct(side->session, priorities, NULL);
    return r < 0 ? r : gnutls_credentials_set(side->session, GNUTLS_CRD_CERTIFICATE, credentials);
}

static void take_turn(struct side *side)
{
    if (side->result != 0) {
        side->result = gnutls_handshake(side->session);
    }
}

/* Returns 0, or the error of the side that gave up. */
static int shake_hands(struct side *server, struct side *client)
{
    for (unsigned i = 0; i < N_TURNS; i++) {
        take_turn(client);
        take_turn(server);
        if (server->result < 0 && gnutls_error_is_fatal(server->result) != 0) {
            return server->result;
        }
        if (client->result < 0 && gnutls_error_is_fatal(client->result) != 0) {
            return client->result;
        }
        if (client->result == 0 && server->result == 0) {
            return 0;
        }
    }
    return server->received.failed || client->received.failed ? GNUTLS_E_MEMORY_ERROR : GNUTLS_E_TIMEDOUT;
}

/* GnuTLS completes handshakes with keys that are too short for peers that verify them; LOW is an RSA key of
 * 1024 bits. */
static int check_strength(gnutls_session_t client)
{
    unsigned n = 0;
    unsigned bits = 0;
    gnutls_x509_crt_t certificate = NULL;
    const gnutls_datum_t *chain = gnutls_certificate_get_peers(client, &n);
    if (n == 0) {
        return GNUTLS_E_NO_CERTIFICATE_FOUND;
    }
    int r = gnutls_x509_crt_init(&certificate);
    if (r < 0) {
        return r;
    }
    r = gnutls_x509_crt_import(certificate, &chain[0], GNUTLS_X509_FMT_DER);
    if (r >= 0) {
        r = gnutls_x509_crt_get_pk_algorithm(certificate, &bits);
    }
    gnutls_x509_crt_deinit(certificate);
    if (r < 0) {
        return r;
    }
    return gnutls_pk_bits_to_sec_param((gnutls_pk_algorithm_t)r, bits) < GNUTLS_SEC_PARAM_LOW
               ? GNUTLS_E_INSUFFICIENT_SECURITY
               : 0;
}

/* The server also requests the client's certificate, as it does if there is a client CA. */
static int check_version(gnutls_certificate_credentials_t of_server,
                         gnutls_certificate_credentials_t of_client, const char *priorities)
{
    cleanup(side_fini) struct side server = {0};
    cleanup(side_fini) struct side client = {0};
    int r = side_init(&server, GNUTLS_SERVER, priorities, of_server, &client);
    if (r < 0) {
        return r;
    }
    gnutls_certificate_server_set_request(server.session, GNUTLS_CERT_REQUEST);
    r = side_init(&client, GNUTLS_CLIENT, priorities, of_client, &server);
    if (r >= 0) {
        r = shake_hands(&server, &client);
    }
    return r < 0 ? r : check_strength(client.session);
}

static void credentials_freep(const gnutls_certificate_credentials_t *credentials)
{
    if (*credentials != NULL) {
        gnutls_certificate_free_credentials(*credentials);
    }
}

int tls_check(gnutls_certificate_credentials_t credentials, const char *priorities,
              int ret_errors[static TLS_CHECK_N_VERSIONS])
{
    cleanup(credentials_freep) gnutls_certificate_credentials_t of_client = NULL;
    int errors[TLS_CHECK_N_VERSIONS];
    if (gnutls_certificate_allocate_credentials(&of_client) < 0) {
        return -ENOMEM;
    }
    for (unsigned i = 0; i < TLS_CHECK_N_VERSIONS; i++) {
        char of_version[512];
        int n = snprintf(of_version, sizeof(of_version), "%s:-VERS-ALL:+%s", priorities, versions[i]);
        errors[i] = n < 0 || (size_t)n >= sizeof(of_version)
                        ? GNUTLS_E_INVALID_REQUEST
                        : check_version(credentials, of_client, of_version);
        if (errors[i] == GNUTLS_E_MEMORY_ERROR) {
            return -ENOMEM;
        }
    }
    memcpy(ret_errors, errors, sizeof(errors));
    return 0;
}

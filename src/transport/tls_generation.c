/* SPDX-License-Identifier: MIT */
#include "tls_check.h"
#include "tls_key.h"
#include "tls_private.h"

#include <errno.h>
#include <gnutls/abstract.h>
#include <gnutls/x509.h>
#include <stdio.h>

/* TLS 1.2 and 1.3 with forward secrecy and authenticated encryption only. X25519 comes first: a client that
 * offers it (practically all do) needs no HelloRetryRequest. AES-128-GCM comes before AES-256-GCM because
 * that avoids SHA-384 in the handshake, a tenth of its cost. */
const char tls_priorities[] = "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"
                              ":-KX-ALL:+ECDHE-ECDSA:+ECDHE-RSA"
                              ":-CIPHER-ALL:+AES-128-GCM:+CHACHA20-POLY1305:+AES-256-GCM:-MAC-ALL:+AEAD"
                              ":-GROUP-ALL:+GROUP-X25519:+GROUP-SECP256R1:+GROUP-SECP384R1"
                              ":-SIGN-RSA-SHA1:-SIGN-ECDSA-SHA1:-SIGN-DSA-SHA1:%SERVER_PRECEDENCE";

/* Maximum number of certificates from the server's own up to its root. */
#define CHAIN_MAX 16

void tls_generation_free(struct tls_generation *generation)
{
    if (generation == NULL || atomic_fetch_sub(&generation->n_references, 1) > 1) {
        return;
    }
    if (generation->credentials != NULL) {
        gnutls_certificate_free_credentials(generation->credentials);
    }
    free(generation);
}

static gnutls_datum_t datum(struct str bytes)
{
    return (gnutls_datum_t){.data = (unsigned char *)(uintptr_t)bytes.ptr, .size = (unsigned)bytes.len};
}

static int refuse(const char *file, const char *what, const char *why, struct certificate_error *ret_error)
{
    (void)snprintf(ret_error->text, sizeof(ret_error->text), "%s: %s: %s", file, what, why);
    return -EINVAL;
}

static int refuse_certificate(const struct certificate *certificate, int gnutls_error,
                              struct certificate_error *ret_error)
{
    const char *why = certificate->flaw[0] != '\0' ? certificate->flaw : gnutls_strerror(gnutls_error);
    return gnutls_error == GNUTLS_E_MEMORY_ERROR
               ? -ENOMEM
               : refuse(certificate->path, "no TLS handshake succeeds with this certificate", why, ret_error);
}

/* Passes chain and key to the credentials. Returns 0 or a GnuTLS error. */
static int set_certificate(gnutls_certificate_credentials_t credentials,
                           const struct certificate *certificate)
{
    gnutls_pcert_st chain[CHAIN_MAX];
    unsigned n_chain = CHAIN_MAX;
    gnutls_privkey_t key = NULL;
    gnutls_datum_t chain_pem = datum(buf_str(&certificate->chain_pem));
    int r = gnutls_pcert_list_import_x509_raw(chain, &n_chain, &chain_pem, GNUTLS_X509_FMT_PEM, 0);
    if (r < 0) {
        return r;
    }
    r = tls_key_new(buf_str(&certificate->key_pem), &key);
    if (r >= 0) {
        r = gnutls_certificate_set_key(credentials, NULL, 0, chain, (int)n_chain, key);
    }
    if (r < 0) {
        for (unsigned i = 0; i < n_chain; i++) {
            gnutls_pcert_deinit(&chain[i]);
        }
        gnutls_privkey_deinit(key);
    }
    return r;
}

/* Returns 0 or a GnuTLS error. */
static int set_client_ca(gnutls_certificate_credentials_t credentials, struct str pem)
{
    gnutls_datum_t ca = datum(pem);
    int r = gnutls_certificate_set_x509_trust_mem(credentials, &ca, GNUTLS_X509_FMT_PEM);
    return r == 0 ? GNUTLS_E_NO_CERTIFICATE_FOUND : r < 0 ? r : 0;
}

/* TLS 1.3 must work, because nearly all clients negotiate it; so a key that works with 1.2 only (RSA with 512
 * bits, P-224) is rejected. A key that works with 1.3 only is accepted: it fails for clients limited to 1.2,
 * of which there may be none. */
static int check(struct tls_generation *generation, const struct certificate *certificate,
                 struct certificate_error *ret_error)
{
    int errors[TLS_CHECK_N_VERSIONS];
    int r = tls_check(generation->credentials, tls_priorities, errors);
    if (r < 0) {
        return r;
    }
    if (errors[TLS_CHECK_1_3] != 0) {
        return refuse_certificate(certificate, errors[TLS_CHECK_1_3], ret_error);
    }
    generation->certificate = (struct tls_certificate){
        .not_before_unix_s = certificate->not_before_unix_s,
        .not_after_unix_s = certificate->not_after_unix_s,
        .works_with_1_2 = errors[TLS_CHECK_1_2] == 0,
    };
    return 0;
}

int tls_generation_new(const struct certificate *certificate, struct str client_ca_pem,
                       struct tls_generation **ret_generation, struct certificate_error *ret_error)
{
    cleanup(tls_generation_freep) struct tls_generation *generation = calloc(1, sizeof(*generation));
    if (generation == NULL) {
        return -ENOMEM;
    }
    atomic_init(&generation->n_references, 1);
    if (gnutls_certificate_allocate_credentials(&generation->credentials) < 0) {
        return -ENOMEM;
    }
    int r = set_certificate(generation->credentials, certificate);
    if (r < 0) {
        return refuse_certificate(certificate, r, ret_error);
    }
    if (client_ca_pem.len > 0) {
        r = set_client_ca(generation->credentials, client_ca_pem);
        if (r < 0) {
            return refuse("client_ca", "cannot be used", gnutls_strerror(r), ret_error);
        }
        generation->wants_client_certificate = true;
    }
    r = check(generation, certificate, ret_error);
    if (r < 0) {
        return r;
    }
    *ret_generation = take_pointer(generation);
    return 0;
}

int tls_generation_read(const char *certificate_path, const char *private_key_path, struct str client_ca_pem,
                        struct tls_generation **ret_generation, struct certificate_error *ret_error)
{
    struct certificate certificate;
    int r = certificate_read(certificate_path, private_key_path, &certificate, ret_error);
    if (r < 0) {
        return r;
    }
    r = tls_generation_new(&certificate, client_ca_pem, ret_generation, ret_error);
    certificate_fini(&certificate);
    return r;
}

struct tls_certificate tls_generation_certificate(const struct tls_generation *generation)
{
    return generation->certificate;
}

int tls_check_client_ca(const char *path, struct str pem, struct certificate_error *ret_error)
{
    gnutls_certificate_credentials_t credentials = NULL;
    if (gnutls_certificate_allocate_credentials(&credentials) < 0) {
        return -ENOMEM;
    }
    int r = set_client_ca(credentials, pem);
    gnutls_certificate_free_credentials(credentials);
    if (r == GNUTLS_E_MEMORY_ERROR) {
        return -ENOMEM;
    }
    return r < 0 ? refuse(path, "cannot be used", gnutls_strerror(r), ret_error) : 0;
}

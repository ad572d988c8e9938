/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_TESTS_WIRE_H
#define PRESENCED_TESTS_WIRE_H

/* A connection to 127.0.0.1 that sends arbitrary bytes, plain or over TLS (OpenSSL). */

#include "harness.h"

#include <openssl/ssl.h>

struct wire;

/* Connects and sends nothing. */
struct wire *wire_open(uint16_t port);

/* Closes the connection without ending the TLS session first. */
void wire_free(struct wire *wire);
DEFINE_CLEANUP(struct wire *, wire_free)

int wire_fd(const struct wire *wire);

struct wire_tls {
    const char *certificate; /* NAME of the certificate to present (pki.h); NULL: none */
    int min_version;         /* such as TLS1_2_VERSION; 0: OpenSSL's default */
    int max_version;
    const char *algorithms; /* accepted signature algorithms; NULL: OpenSSL's default */
    const char *groups;     /* groups for the key exchange, the first is tried; NULL: OpenSSL's default */
    const char *server_name;
    SSL_SESSION *session; /* session to resume; borrowed; NULL: none */
};

/* Creates a TLS session that trusts the sandbox's CA, and sends nothing yet. */
void wire_prepare_tls(struct wire *wire, const struct sandbox *sandbox, const struct wire_tls *options);

/* Performs the rest of the handshake. Returns false if it fails. With TLS 1.3, the first read, not the
 * handshake, fails if the server rejects the client's certificate. */
bool wire_shake_hands(struct wire *wire);

/* wire_prepare_tls() and wire_shake_hands(). */
bool wire_start_tls(struct wire *wire, const struct sandbox *sandbox, const struct wire_tls *options);

/* To be called after wire_prepare_tls(). */
SSL *wire_ssl(const struct wire *wire);

/* Send all bytes. Return false if the peer has closed the connection. */
bool wire_send(struct wire *wire, struct str bytes);
bool wire_send_text(struct wire *wire, const char *text);

enum wire_end {
    WIRE_OPEN,   /* the time-out has expired */
    WIRE_CLOSED, /* regularly or not */
};

/* Reads until the peer closes the connection or `timeout_ms` have passed. */
enum wire_end wire_read_to_end(struct wire *wire, uint64_t timeout_ms, struct buf *out);

/* Waits for some bytes and appends them. Returns false if the peer has closed the connection. */
bool wire_receive(struct wire *wire, struct buf *out);

/* Reads until `out` contains `text`. Fails the test if the peer closes the connection before. */
void wire_await(struct wire *wire, const char *text, struct buf *out);

#endif

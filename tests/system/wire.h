/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_TESTS_WIRE_H
#define PRESENCED_TESTS_WIRE_H

/* A connection to 127.0.0.1 that sends whatever bytes it is given, plain or over TLS (OpenSSL). */

#include "harness.h"

#include <openssl/ssl.h>

struct wire;

/* Connects, without a word. */
struct wire *wire_open(uint16_t port);

/* Closes without ceremony. */
void wire_free(struct wire *wire);
DEFINE_CLEANUP(struct wire *, wire_free)

int wire_fd(const struct wire *wire);

struct wire_tls {
    const char *certificate; /* NAME of pki.h to show; NULL: none */
    int min_version;         /* TLS1_2_VERSION; 0: as OpenSSL likes */
    int max_version;
    const char *algorithms; /* of signatures, that are taken; NULL: as OpenSSL likes */
    const char *groups;     /* of key exchange, the first of which is tried; NULL: as OpenSSL likes */
    const char *server_name;
    SSL_SESSION *session; /* to resume; borrowed; NULL: a new one */
};

/* Makes a session that has sent nothing yet, trusting the sandbox's CA. */
void wire_prepare_tls(struct wire *wire, const struct sandbox *sandbox, const struct wire_tls *options);

/* Does the rest of the handshake. False when it fails; with TLS 1.3 a server that refuses the client's
 * certificate shows only in the first read. */
bool wire_shake_hands(struct wire *wire);

/* Both. */
bool wire_start_tls(struct wire *wire, const struct sandbox *sandbox, const struct wire_tls *options);

/* After wire_prepare_tls(). */
SSL *wire_ssl(const struct wire *wire);

/* Whether all of it was taken; false once the other side has closed. */
bool wire_send(struct wire *wire, struct str bytes);
bool wire_send_text(struct wire *wire, const char *text);

enum wire_end {
    WIRE_OPEN,   /* the time is up */
    WIRE_CLOSED, /* in order or not */
};

/* Takes what comes until the other side closes or `timeout_ms` have passed. */
enum wire_end wire_read_to_end(struct wire *wire, uint64_t timeout_ms, struct buf *out);

/* Takes some of what comes, waiting for it. False: the other side has closed. */
bool wire_receive(struct wire *wire, struct buf *out);

/* The same until `out` holds `text`; fails the test when the other side closes before. */
void wire_await(struct wire *wire, const char *text, struct buf *out);

#endif

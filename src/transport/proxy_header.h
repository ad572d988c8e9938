/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_TRANSPORT_PROXY_HEADER_H
#define PRESENCED_TRANSPORT_PROXY_HEADER_H

/* The PROXY protocol header, version 2 (HAProxy's proxy-protocol.txt, section 2.2), with which a proxy begins
 * a connection to name its client. */

#include "worker.h"

/* Maximum size including additional fields (TLVs), which are skipped. There is room for a cipher, a host name
 * or a certificate. */
#define PROXY_HEADER_MAX 4096

/* The part that is evaluated: the fixed part and two IPv6 addresses with their ports. */
#define PROXY_HEADER_EVALUATED 52

enum proxy_header_outcome {
    PROXY_HEADER_INCOMPLETE = 1, /* valid so far */
    PROXY_HEADER_REFUSED,
};

struct proxy_header {
    size_t n_bytes;  /* size of the whole header */
    bool names_peer; /* false: the proxy connects on its own behalf, or for a client without an IP address */
    struct address peer;                  /* address of the proxy's client */
    enum transport_proxy_refusal refusal; /* set with PROXY_HEADER_REFUSED */
};

/* Parses the first bytes of a connection; bytes beyond PROXY_HEADER_EVALUATED are ignored. Returns 0 or an
 * outcome. PROXY_HEADER_INCOMPLETE sets `n_bytes` to the number of bytes that may be read without reading
 * past the header. */
int proxy_header_parse(struct str bytes, struct proxy_header *ret_header);

/* Returns whether a new connection must begin with a header: it comes from a trusted proxy, and the listener
 * is configured for it. */
bool proxy_header_is_expected(const struct transport_connection *connection);

/* Makes the connection wait for its header. Returns 0 or -ENOMEM. */
int proxy_header_expect(struct transport_connection *connection);

/* Reads more of the header. Once it is complete, the connection gets the peer named in it. A connection with
 * an invalid header is closed. */
void proxy_header_is_ready(struct transport_connection *connection);

/* Called when the header has not arrived in time, before the connection is cut. */
void proxy_header_give_up(struct transport_connection *connection);

#endif

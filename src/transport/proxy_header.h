/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_TRANSPORT_PROXY_HEADER_H
#define PRESENCED_TRANSPORT_PROXY_HEADER_H

/* The header with which a proxy begins a connection to say whose it is: PROXY protocol, version 2 (HAProxy's
 * proxy-protocol.txt, section 2.2). */

#include "worker.h"

/* With what else it carries (TLVs), which is passed over. A cipher, a host name or a certificate has room. */
#define PROXY_HEADER_MAX 4096

/* What of it is looked at: the fixed part and two IPv6 addresses with their ports. */
#define PROXY_HEADER_LOOKED_AT 52

enum proxy_header_outcome {
    PROXY_HEADER_INCOMPLETE = 1, /* right so far */
    PROXY_HEADER_REFUSED,
};

struct proxy_header {
    size_t n_bytes;                       /* of all of it */
    bool names_peer;                      /* else the proxy speaks for itself, or for who has no IP address */
    struct address peer;                  /* of whoever connected to the proxy */
    enum transport_proxy_refusal refusal; /* of REFUSED */
};

/* Looks at the first bytes of a connection, of which those beyond PROXY_HEADER_LOOKED_AT do not matter. 0 or
 * an outcome. INCOMPLETE sets `n_bytes` to as far as may be read without taking a byte behind the header. */
int proxy_header_parse(struct str bytes, struct proxy_header *ret_header);

/* Whether a new connection is to begin with one: that of a trusted proxy, where the listener takes them. */
bool proxy_header_is_expected(const struct transport_connection *connection);

/* From now on the connection waits for its header. 0 or -ENOMEM. */
int proxy_header_expect(struct transport_connection *connection);

/* Reads on. When all of it is there the connection has the peer that it names and waits for it no longer; one
 * that is refused is closed. */
void proxy_header_is_ready(struct transport_connection *connection);

/* It has not come in time: the connection is about to be cut. */
void proxy_header_give_up(struct transport_connection *connection);

#endif

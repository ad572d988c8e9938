/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_ADDRESS_H
#define PRESENCED_ADDRESS_H

/* IP addresses and networks as bytes. Any thread may call everything here. */

#include "presenced/str.h"

#include <sys/socket.h>

#define ADDRESS_TEXT_SIZE 46 /* INET6_ADDRSTRLEN */

/* An IP address in network order. len: 4, 16, or 0 for none (also a Unix socket's peer). An IPv4 address
 * mapped into IPv6 (::ffff:192.0.2.1) is held as the IPv4 address it is. */
struct address {
    uint8_t len;
    uint8_t bytes[16];
};

/* Dotted IPv4 or RFC 4291 IPv6, without port, zone or brackets; false for anything else. */
bool address_parse(struct str text, struct address *ret_address);

/* The peer or local address of a socket; none for another family than IPv4 and IPv6. */
struct address address_from_sockaddr(const struct sockaddr *sockaddr);

/* Writes the usual text, NUL-terminated; "" for none. Returns its length. */
size_t address_format(const struct address *address, char ret_text[static ADDRESS_TEXT_SIZE]);

bool address_equal(const struct address *a, const struct address *b);

/* 127.0.0.0/8 or ::1. */
bool address_is_loopback(const struct address *address);

struct network {
    struct address base;
    uint8_t prefix_bits;
};

/* ADDRESS or ADDRESS/BITS; false where a bit beyond the prefix is set (a likely mistake) or BITS is too high.
 */
bool network_parse(struct str text, struct network *ret_network);

bool network_contains(const struct network *network, const struct address *address);

#endif

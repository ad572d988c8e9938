/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_ADDRESS_H
#define PRESENCED_ADDRESS_H

/* IP addresses and networks as bytes. Any thread may call everything here. */

#include "presenced/str.h"

#include <sys/socket.h>

#define ADDRESS_TEXT_SIZE 46 /* INET6_ADDRSTRLEN */

/* An IP address in network byte order. `len` is 4 or 16, or 0 for no address (for example the peer of a Unix
 * socket). An IPv4 address mapped into IPv6 (::ffff:192.0.2.1) is stored as the IPv4 address. */
struct address {
    uint8_t len;
    uint8_t bytes[16];
};

/* Parses a dotted IPv4 or an RFC 4291 IPv6 address, without port, zone or brackets. Returns false for any
 * other text. */
bool address_parse(struct str text, struct address *ret_address);

/* Returns the IP address in a socket address, or no address if the family is neither IPv4 nor IPv6. */
struct address address_from_sockaddr(const struct sockaddr *sockaddr);

/* Writes the address as NUL-terminated text, "" for no address. Returns the length of the text. */
size_t address_format(const struct address *address, char ret_text[static ADDRESS_TEXT_SIZE]);

bool address_equal(const struct address *a, const struct address *b);

/* Returns whether the address is in 127.0.0.0/8 or is ::1. */
bool address_is_loopback(const struct address *address);

struct network {
    struct address base;
    uint8_t prefix_bits;
};

/* Parses ADDRESS or ADDRESS/BITS. Returns false if BITS is too large, or if a bit beyond the prefix is set,
 * because that is probably a mistake. */
bool network_parse(struct str text, struct network *ret_network);

bool network_contains(const struct network *network, const struct address *address);

#endif

/* SPDX-License-Identifier: MIT */
#include "presenced/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

static struct address from_ipv4(const void *bytes)
{
    struct address address = {.len = 4};
    memcpy(address.bytes, bytes, 4);
    return address;
}

static struct address from_ipv6(const struct in6_addr *in6)
{
    if (IN6_IS_ADDR_V4MAPPED(in6)) {
        return from_ipv4(in6->s6_addr + 12);
    }
    struct address address = {.len = 16};
    memcpy(address.bytes, in6->s6_addr, 16);
    return address;
}

bool address_parse(struct str text, struct address *ret_address)
{
    char terminated[ADDRESS_TEXT_SIZE];
    struct in_addr in4;
    struct in6_addr in6;
    if (text.len == 0 || text.len >= sizeof(terminated) || memchr(text.ptr, '\0', text.len) != NULL) {
        return false;
    }
    memcpy(terminated, text.ptr, text.len);
    terminated[text.len] = '\0';
    if (inet_pton(AF_INET, terminated, &in4) == 1) {
        *ret_address = from_ipv4(&in4);
        return true;
    }
    if (inet_pton(AF_INET6, terminated, &in6) == 1) {
        *ret_address = from_ipv6(&in6);
        return true;
    }
    return false;
}

struct address address_from_sockaddr(const struct sockaddr *sockaddr)
{
    if (sockaddr->sa_family == AF_INET) {
        return from_ipv4(&((const struct sockaddr_in *)(const void *)sockaddr)->sin_addr);
    }
    if (sockaddr->sa_family == AF_INET6) {
        return from_ipv6(&((const struct sockaddr_in6 *)(const void *)sockaddr)->sin6_addr);
    }
    return (struct address){0};
}

size_t address_format(const struct address *address, char ret_text[static ADDRESS_TEXT_SIZE])
{
    int family = address->len == 4 ? AF_INET : AF_INET6;
    if (address->len == 0 || inet_ntop(family, address->bytes, ret_text, ADDRESS_TEXT_SIZE) == NULL) {
        ret_text[0] = '\0';
    }
    return strlen(ret_text);
}

bool address_equal(const struct address *a, const struct address *b)
{
    return a->len == b->len && memcmp(a->bytes, b->bytes, a->len) == 0;
}

bool address_is_loopback(const struct address *address)
{
    static const uint8_t ipv6_loopback[16] = {[15] = 1};
    if (address->len == 4) {
        return address->bytes[0] == 127;
    }
    return address->len == 16 && memcmp(address->bytes, ipv6_loopback, 16) == 0;
}

/* Compares the first `bits` bits of two addresses, each of which is at least that long. */
static bool same_prefix(const uint8_t *a, const uint8_t *b, unsigned bits)
{
    unsigned whole = bits / 8;
    unsigned mask = bits % 8 == 0 ? 0 : (0xffU << (8 - bits % 8)) & 0xffU;
    return memcmp(a, b, whole) == 0 && (mask == 0 || ((a[whole] ^ b[whole]) & mask) == 0);
}

bool network_parse(struct str text, struct network *ret_network)
{
    struct network network;
    struct str base = {NULL, 0};
    struct address masked = {0};
    (void)str_split(&text, '/', &base);
    if (!address_parse(base, &network.base)) {
        return false;
    }
    uint64_t bits = network.base.len * UINT64_C(8);
    if (text.ptr != NULL && !str_parse_u64(text, bits, &bits)) {
        return false;
    }
    network.prefix_bits = (uint8_t)bits;
    masked.len = network.base.len;
    for (unsigned i = 0; i < bits; i++) {
        masked.bytes[i / 8] |= (uint8_t)(network.base.bytes[i / 8] & (0x80U >> (i % 8)));
    }
    if (!address_equal(&masked, &network.base)) {
        return false;
    }
    *ret_network = network;
    return true;
}

bool network_contains(const struct network *network, const struct address *address)
{
    return network->base.len == address->len &&
           same_prefix(network->base.bytes, address->bytes, network->prefix_bits);
}

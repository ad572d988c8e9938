/* SPDX-License-Identifier: MIT */
#include "presenced/endpoint.h"

#include "presenced/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>

static bool parse_unix(struct str path, struct endpoint *ret_endpoint)
{
    struct endpoint endpoint = {.kind = ENDPOINT_UNIX};
    struct sockaddr_un *sun = (struct sockaddr_un *)(void *)&endpoint.sockaddr;
    if (path.len == 0 || path.ptr[0] != '/' || path.len >= sizeof(sun->sun_path) ||
        memchr(path.ptr, '\0', path.len) != NULL) {
        return false;
    }
    sun->sun_family = AF_UNIX;
    memcpy(sun->sun_path, path.ptr, path.len);
    endpoint.sockaddr_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + path.len + 1);
    *ret_endpoint = endpoint;
    return true;
}

/* An IPv6 address must be in brackets, so that its last colon cannot be taken for the one before the port. An
 * IPv4 address mapped into IPv6 is rejected, because our IPv6 sockets do not accept IPv4. */
static bool parse_host(struct str host, struct address *ret_address)
{
    if (str_equal(host, STR("localhost"))) {
        return address_parse(STR("127.0.0.1"), ret_address);
    }
    size_t len = 4;
    if (host.len >= 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']') {
        host = (struct str){host.ptr + 1, host.len - 2};
        len = 16;
    }
    struct address address;
    if (!address_parse(host, &address) || address.len != len) {
        return false;
    }
    *ret_address = address;
    return true;
}

static void fill_sockaddr(struct endpoint *endpoint, const struct address *address, uint16_t port)
{
    if (address->len == 4) {
        struct sockaddr_in *sin = (struct sockaddr_in *)(void *)&endpoint->sockaddr;
        sin->sin_family = AF_INET;
        sin->sin_port = htons(port);
        memcpy(&sin->sin_addr, address->bytes, 4);
        endpoint->sockaddr_len = sizeof(*sin);
    } else {
        struct sockaddr_in6 *sin6 = (struct sockaddr_in6 *)(void *)&endpoint->sockaddr;
        sin6->sin6_family = AF_INET6;
        sin6->sin6_port = htons(port);
        memcpy(&sin6->sin6_addr, address->bytes, 16);
        endpoint->sockaddr_len = sizeof(*sin6);
    }
}

static bool parse_tcp(struct str text, struct endpoint *ret_endpoint)
{
    struct endpoint endpoint = {.kind = ENDPOINT_TCP};
    struct address address;
    uint64_t port;
    const char *colon = text.len == 0 ? NULL : memrchr(text.ptr, ':', text.len);
    if (colon == NULL) {
        return false;
    }
    struct str host = {text.ptr, (size_t)(colon - text.ptr)};
    struct str digits = {colon + 1, text.len - host.len - 1};
    if (!parse_host(host, &address) || !str_parse_u64(digits, UINT16_MAX, &port)) {
        return false;
    }
    fill_sockaddr(&endpoint, &address, (uint16_t)port);
    *ret_endpoint = endpoint;
    return true;
}

bool endpoint_parse(struct str text, struct endpoint *ret_endpoint)
{
    const struct str unix_prefix = STR("unix:");
    if (str_equal(text, STR("systemd"))) {
        *ret_endpoint = (struct endpoint){.kind = ENDPOINT_SYSTEMD};
        return true;
    }
    if (str_starts_with(text, unix_prefix)) {
        return parse_unix((struct str){text.ptr + unix_prefix.len, text.len - unix_prefix.len}, ret_endpoint);
    }
    return parse_tcp(text, ret_endpoint);
}

static void format_tcp(const struct endpoint *endpoint, char *text)
{
    const struct sockaddr *sockaddr = (const struct sockaddr *)(const void *)&endpoint->sockaddr;
    struct address address = address_from_sockaddr(sockaddr);
    char host[ADDRESS_TEXT_SIZE];
    (void)address_format(&address, host);
    if (sockaddr->sa_family == AF_INET6) {
        in_port_t port = ((const struct sockaddr_in6 *)(const void *)sockaddr)->sin6_port;
        (void)snprintf(text, ENDPOINT_TEXT_SIZE, "[%s]:%u", host, ntohs(port));
    } else {
        in_port_t port = ((const struct sockaddr_in *)(const void *)sockaddr)->sin_port;
        (void)snprintf(text, ENDPOINT_TEXT_SIZE, "%s:%u", host, ntohs(port));
    }
}

void endpoint_format(const struct endpoint *endpoint, char ret_text[static ENDPOINT_TEXT_SIZE])
{
    const struct sockaddr_un *sun = (const struct sockaddr_un *)(const void *)&endpoint->sockaddr;
    switch (endpoint->kind) {
    case ENDPOINT_TCP:
        format_tcp(endpoint, ret_text);
        break;
    case ENDPOINT_UNIX:
        /* The path returned by getsockname() may lack a terminating NUL. */
        (void)snprintf(ret_text, ENDPOINT_TEXT_SIZE, "unix:%.*s", (int)sizeof(sun->sun_path), sun->sun_path);
        break;
    case ENDPOINT_SYSTEMD:
        memcpy(ret_text, "systemd", sizeof("systemd"));
        break;
    }
}

static in_port_t port_of(const struct sockaddr *sockaddr)
{
    return sockaddr->sa_family == AF_INET6 ? ((const struct sockaddr_in6 *)(const void *)sockaddr)->sin6_port
                                           : ((const struct sockaddr_in *)(const void *)sockaddr)->sin_port;
}

static bool is_any(const struct address *address)
{
    static const uint8_t zeros[sizeof(address->bytes)];
    return memcmp(address->bytes, zeros, address->len) == 0;
}

/* Families never conflict, because our IPv6 sockets set IPV6_V6ONLY. */
static bool tcp_conflicts(const struct sockaddr *a, const struct sockaddr *b)
{
    if (a->sa_family != b->sa_family || port_of(a) != port_of(b) || port_of(a) == 0) {
        return false;
    }
    struct address address_a = address_from_sockaddr(a);
    struct address address_b = address_from_sockaddr(b);
    return is_any(&address_a) || is_any(&address_b) || address_equal(&address_a, &address_b);
}

/* Returns the next component of a path other than "."; false at its end. */
static bool next_name(struct str *path, struct str *ret_name)
{
    while (str_split(path, '/', ret_name)) {
        if (ret_name->len > 0 && !str_equal(*ret_name, STR("."))) {
            return true;
        }
    }
    return false;
}

static bool paths_equal(const struct endpoint *a, const struct endpoint *b)
{
    char texts[2][ENDPOINT_TEXT_SIZE];
    endpoint_format(a, texts[0]);
    endpoint_format(b, texts[1]);
    struct str paths[2] = {str_from(texts[0]), str_from(texts[1])};
    struct str names[2];
    for (;;) {
        bool goes_on = next_name(&paths[0], &names[0]);
        if (next_name(&paths[1], &names[1]) != goes_on) {
            return false;
        }
        if (!goes_on || !str_equal(names[0], names[1])) {
            return !goes_on;
        }
    }
}

bool endpoint_conflicts(const struct endpoint *a, const struct endpoint *b)
{
    if (a->kind != b->kind || (a->is_passed && b->is_passed)) {
        return false;
    }
    switch (a->kind) {
    case ENDPOINT_TCP:
        return tcp_conflicts((const struct sockaddr *)(const void *)&a->sockaddr,
                             (const struct sockaddr *)(const void *)&b->sockaddr);
    case ENDPOINT_UNIX:
        return paths_equal(a, b);
    case ENDPOINT_SYSTEMD:
        break;
    }
    return false;
}

bool endpoint_is_local(const struct endpoint *endpoint)
{
    if (endpoint->kind != ENDPOINT_TCP) {
        return endpoint->kind == ENDPOINT_UNIX;
    }
    struct address address = address_from_sockaddr(
        (const struct sockaddr *)(const void *)&endpoint->sockaddr);
    return address_is_loopback(&address);
}

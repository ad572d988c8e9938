/* SPDX-License-Identifier: MIT */
#include "host.h"

#include "presenced/address.h"

#define PORT_MAX 65535

/* Returns whether `text` is "" or ":port", where the digits may be missing (RFC 9110, section 7.2). */
static bool is_port_suffix(struct str text)
{
    uint64_t port;
    if (text.len == 0) {
        return true;
    }
    struct str digits = {text.ptr + 1, text.len - 1};
    return text.ptr[0] == ':' && (digits.len == 0 || str_parse_u64(digits, PORT_MAX, &port));
}

static bool is_ipv6_literal(struct str host)
{
    struct address address;
    const char *end = memchr(host.ptr, ']', host.len);
    if (end == NULL) {
        return false;
    }
    size_t literal_len = (size_t)(end - host.ptr) + 1;
    struct str inner = {host.ptr + 1, literal_len - 2};
    return is_port_suffix((struct str){host.ptr + literal_len, host.len - literal_len}) &&
           memchr(inner.ptr, ':', inner.len) != NULL && address_parse(inner, &address);
}

static bool name_is_allowed(struct str name, const struct str *names, size_t n_names)
{
    struct address address;
    if (str_equal_fold(name, STR("localhost")) || address_parse(name, &address)) {
        return true;
    }
    for (size_t i = 0; i < n_names; i++) {
        if (str_equal_fold(name, names[i])) {
            return true;
        }
    }
    return false;
}

bool host_is_allowed(struct str host, const struct str *names, size_t n_names)
{
    if (host.len == 0) {
        return false;
    }
    if (host.ptr[0] == '[') {
        return is_ipv6_literal(host);
    }
    const char *colon = memchr(host.ptr, ':', host.len);
    size_t name_len = colon == NULL ? host.len : (size_t)(colon - host.ptr);
    return is_port_suffix((struct str){host.ptr + name_len, host.len - name_len}) &&
           name_is_allowed((struct str){host.ptr, name_len}, names, n_names);
}

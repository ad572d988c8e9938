/* SPDX-License-Identifier: MIT */
#include "forwarded.h"

static bool is_trusted(const struct address *address, const struct network *trusted, size_t n_trusted)
{
    if (address->len == 0) {
        return n_trusted > 0;
    }
    for (size_t i = 0; i < n_trusted; i++) {
        if (network_contains(&trusted[i], address)) {
            return true;
        }
    }
    return false;
}

/* Removes the last element of a list; the list's ptr becomes NULL with the first element. */
static bool take_last(struct str *list, struct str *ret_element)
{
    if (list->ptr == NULL) {
        return false;
    }
    const char *comma = memrchr(list->ptr, ',', list->len);
    if (comma == NULL) {
        *ret_element = str_trim(*list);
        *list = (struct str){NULL, 0};
        return true;
    }
    size_t before = (size_t)(comma - list->ptr);
    *ret_element = str_trim((struct str){comma + 1, list->len - before - 1});
    list->len = before;
    return true;
}

/* Returns whether `text` is "" or ":PORT". */
static bool is_port_or_nothing(struct str text)
{
    uint64_t port;
    return text.len == 0 ||
           (text.ptr[0] == ':' && str_parse_u64((struct str){text.ptr + 1, text.len - 1}, UINT16_MAX, &port));
}

/* Parses [IPv6] or [IPv6]:PORT. */
static bool parse_bracketed(struct str text, struct address *ret_address)
{
    const char *end = memchr(text.ptr, ']', text.len);
    if (end == NULL) {
        return false;
    }
    struct str inside = {text.ptr + 1, (size_t)(end - text.ptr) - 1};
    struct str behind = {end + 1, text.len - inside.len - 2};
    return inside.len > 0 && memchr(inside.ptr, ':', inside.len) != NULL && is_port_or_nothing(behind) &&
           address_parse(inside, ret_address);
}

static bool parse_hop(struct str text, struct address *ret_address)
{
    if (text.ptr[0] == '[') {
        return parse_bracketed(text, ret_address);
    }
    const char *colon = memchr(text.ptr, ':', text.len);
    if (colon != NULL && colon == memrchr(text.ptr, ':', text.len)) {
        struct str ipv4 = {text.ptr, (size_t)(colon - text.ptr)};
        struct str port = {colon, text.len - ipv4.len};
        return is_port_or_nothing(port) && address_parse(ipv4, ret_address);
    }
    return address_parse(text, ret_address);
}

struct address forwarded_client(const struct address *peer, const struct str *values, size_t n_values,
                                const struct network *trusted, size_t n_trusted)
{
    struct address client = *peer;
    struct str list = {NULL, 0};
    struct str element;
    for (unsigned n_hops = 0; n_hops < FORWARDED_HOPS_MAX && is_trusted(&client, trusted, n_trusted);
         n_hops++) {
        while (!take_last(&list, &element)) {
            if (n_values == 0) {
                return client;
            }
            list = values[--n_values];
        }
        if (element.len > 0 && !parse_hop(element, &client)) {
            return client;
        }
    }
    return client;
}

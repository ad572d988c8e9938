/* SPDX-License-Identifier: MIT */
#include "presenced/query.h"

#include "presenced/hex.h"

bool query_next(struct str *query, struct query_parameter *ret_parameter)
{
    struct str piece;
    while (str_split(query, '&', &piece)) {
        if (piece.len == 0) {
            continue;
        }
        (void)str_split(&piece, '=', &ret_parameter->name);
        ret_parameter->value = piece.ptr != NULL ? piece : (struct str){"", 0};
        return true;
    }
    return false;
}

/* Removes one decoded byte from `encoded`, which is not empty; -1 for an invalid escape or a NUL. */
static int next_byte(struct str *encoded)
{
    size_t n = 1;
    int byte = (unsigned char)encoded->ptr[0];
    if (byte == '%') {
        int high = encoded->len < 3 ? -1 : hex_value(encoded->ptr[1]);
        int low = encoded->len < 3 ? -1 : hex_value(encoded->ptr[2]);
        if (high < 0 || low < 0) {
            return -1;
        }
        n = 3;
        byte = high * 16 + low;
    }
    if (byte == 0) {
        return -1;
    }
    encoded->ptr += n;
    encoded->len -= n;
    return byte;
}

/* Returns whether there is nothing to decode, which is much faster to find out than decoding. */
static bool is_plain(struct str text)
{
    return text.len == 0 ||
           (memchr(text.ptr, '%', text.len) == NULL && memchr(text.ptr, '\0', text.len) == NULL);
}

static int decode_escapes(struct str encoded, size_t size, char *storage, struct str *ret_text)
{
    size_t len = 0;
    struct str left = encoded;
    while (left.len > 0) {
        int byte = next_byte(&left);
        if (byte < 0) {
            return QUERY_BAD_ESCAPE;
        }
        if (len < size) {
            storage[len] = (char)byte;
        }
        len++;
    }
    if (len > size) {
        return QUERY_TOO_LONG;
    }
    *ret_text = (struct str){storage, len};
    return 0;
}

int query_decode(struct str encoded, size_t size, char *storage, struct str *ret_text)
{
    if (!is_plain(encoded)) {
        return decode_escapes(encoded, size, storage, ret_text);
    }
    if (encoded.len > size) {
        return QUERY_TOO_LONG;
    }
    *ret_text = encoded;
    return 0;
}

static bool equal_decoded(struct str encoded, struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (encoded.len == 0 || next_byte(&encoded) != (unsigned char)text.ptr[i]) {
            return false;
        }
    }
    return encoded.len == 0;
}

bool query_equal(struct str encoded, struct str text)
{
    return is_plain(encoded) ? str_equal(encoded, text) : equal_decoded(encoded, text);
}

/* Returns the index in `names`, or `n_names`. A name without escapes is compared without decoding. */
static size_t find_name(struct str encoded, const struct str *names, size_t n_names)
{
    size_t i = 0;
    while (i < n_names && !str_equal(encoded, names[i])) {
        i++;
    }
    if (i < n_names || is_plain(encoded)) {
        return i;
    }
    i = 0;
    while (i < n_names && !equal_decoded(encoded, names[i])) {
        i++;
    }
    return i;
}

void query_find(struct str query, const struct str *names, size_t n_names, struct query_value *ret_values)
{
    struct query_parameter parameter;
    memset(ret_values, 0, n_names * sizeof(*ret_values));
    while (query_next(&query, &parameter)) {
        size_t i = find_name(parameter.name, names, n_names);
        if (i < n_names) {
            ret_values[i].encoded = parameter.value;
            ret_values[i].n++;
        }
    }
}

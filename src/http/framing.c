/* SPDX-License-Identifier: MIT */
#include "framing.h"

enum byte_class {
    BYTE_OTHER,   /* allowed in values only */
    BYTE_TOKEN,   /* allowed in names too: RFC 9110, section 5.6.2 */
    BYTE_CONTROL, /* allowed in neither: left of a folded line, or meant to split one */
};

static const uint8_t byte_classes[256] = {
    [0x00 ... 0x08] = BYTE_CONTROL, /* a tab may stand in a value */
    [0x0a ... 0x1f] = BYTE_CONTROL,
    [0x7f] = BYTE_CONTROL,
    ['0' ... '9'] = BYTE_TOKEN,
    ['A' ... 'Z'] = BYTE_TOKEN,
    ['a' ... 'z'] = BYTE_TOKEN,
    ['!'] = BYTE_TOKEN,
    ['#' ... '\''] = BYTE_TOKEN,
    ['*'] = BYTE_TOKEN,
    ['+'] = BYTE_TOKEN,
    ['-'] = BYTE_TOKEN,
    ['.'] = BYTE_TOKEN,
    ['^' ... '`'] = BYTE_TOKEN,
    ['|'] = BYTE_TOKEN,
    ['~'] = BYTE_TOKEN,
};

static bool is_name(struct str name)
{
    for (size_t i = 0; i < name.len; i++) {
        if (byte_classes[(unsigned char)name.ptr[i]] != BYTE_TOKEN) {
            return false;
        }
    }
    return name.len > 0;
}

static bool is_value(struct str value)
{
    for (size_t i = 0; i < value.len; i++) {
        if (byte_classes[(unsigned char)value.ptr[i]] == BYTE_CONTROL) {
            return false;
        }
    }
    return true;
}

static bool has_token(struct str list, struct str token)
{
    struct str one;
    while (str_split(&list, ',', &one)) {
        if (str_equal_fold(str_trim(one), token)) {
            return true;
        }
    }
    return false;
}

void framing_add(struct framing *framing, struct str name, struct str value)
{
    framing->bad_header |= !is_name(name) || !is_value(value);
    if (str_equal_fold(name, STR("host"))) {
        framing->n_host++;
    } else if (str_equal_fold(name, STR("connection"))) {
        framing->says_close |= has_token(value, STR("close"));
        framing->says_keep_alive |= has_token(value, STR("keep-alive"));
    } else if (str_equal_fold(name, STR("content-length"))) {
        framing->n_content_length++;
        framing->bad_content_length |= !str_parse_u64(str_trim(value), UINT64_MAX / 2,
                                                      &framing->content_length);
    } else if (str_equal_fold(name, STR("transfer-encoding"))) {
        framing->n_transfer_encoding++;
        /* libmicrohttpd knows chunked only if nothing else is in the value; of any other coding it does not
         * find the end. */
        framing->bad_transfer_encoding |= !str_equal_fold(value, STR("chunked"));
    }
}

#define EACH_BYTE UINT64_C(0x0101010101010101)

/* Returns whether one of eight bytes is a space, a control character or DEL. One subtraction tests all eight:
 * a byte that is too low borrows, which sets its highest bit. */
static bool has_blank_or_control(uint64_t bytes)
{
    uint64_t without_del = bytes ^ 0x7f * EACH_BYTE;
    uint64_t is_low = (bytes - (' ' + 1) * EACH_BYTE) & ~bytes;
    uint64_t is_del = (without_del - EACH_BYTE) & ~without_del;
    return ((is_low | is_del) & 0x80 * EACH_BYTE) != 0;
}

/* RFC 9112, section 3.2, but bytes outside of ASCII are allowed. */
static bool is_target(struct str target)
{
    uint64_t bytes;
    size_t i = 0;
    for (; i + sizeof(bytes) <= target.len; i += sizeof(bytes)) {
        memcpy(&bytes, target.ptr + i, sizeof(bytes));
        if (has_blank_or_control(bytes)) {
            return false;
        }
    }
    bytes = 'a' * EACH_BYTE;
    memcpy(&bytes, target.ptr + i, target.len - i);
    return target.len > 0 && !has_blank_or_control(bytes);
}

const char *framing_check(const struct framing *framing, struct str target, bool is_http_1_0)
{
    if (framing->bad_request_line || !is_target(target)) {
        return "the request line is malformed";
    }
    if (framing->bad_header) {
        return "a header's name or value has bytes that are not allowed";
    }
    if (framing->n_content_length > 1) {
        return "Content-Length is given more than once";
    }
    if (framing->bad_content_length) {
        return "Content-Length is no number";
    }
    if (framing->n_transfer_encoding > 1 || framing->bad_transfer_encoding) {
        return "Transfer-Encoding is other than chunked";
    }
    if (framing->n_transfer_encoding > 0 && framing->n_content_length > 0) {
        return "Content-Length is given beside Transfer-Encoding";
    }
    if (framing->n_transfer_encoding > 0 && is_http_1_0) {
        return "Transfer-Encoding is given in HTTP/1.0";
    }
    if (framing->n_host > 1) {
        return "Host is given more than once";
    }
    if (framing->n_host == 0 && !is_http_1_0) {
        return "Host is missing";
    }
    return NULL;
}

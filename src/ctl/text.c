/* SPDX-License-Identifier: MIT */
#include "text.h"

#include "presenced/utf8.h"

#include <wchar.h>

void text_append_safe(struct buf *out, struct str text)
{
    while (text.len > 0) {
        uint32_t code_point = 0;
        size_t n = utf8_decode(text, &code_point);
        if (n == 0) {
            buf_appendf(out, "\\x%02x", (unsigned char)text.ptr[0]);
            n = 1;
        } else if (utf8_is_unsafe(code_point)) {
            buf_appendf(out, "\\u{%x}", (unsigned)code_point);
        } else {
            buf_append(out, (struct str){text.ptr, n});
        }
        text.ptr += n;
        text.len -= n;
    }
}

/* Removes the first character. Returns its width in columns. */
static size_t next_width(struct str *safe, size_t *ret_n_bytes)
{
    uint32_t code_point = 0;
    size_t n = utf8_decode(*safe, &code_point);
    int width = n == 0 ? 1 : wcwidth((wchar_t)code_point);
    n = n == 0 ? 1 : n;
    safe->ptr += n;
    safe->len -= n;
    *ret_n_bytes = n;
    return width < 0 ? 1 : (size_t)width; /* below 0: the C library does not know the character */
}

size_t text_width(struct str safe)
{
    size_t n_bytes;
    size_t width = 0;
    while (safe.len > 0) {
        width += next_width(&safe, &n_bytes);
    }
    return width;
}

size_t text_fit(struct str safe, size_t width)
{
    size_t fitting = 0;
    while (safe.len > 0) {
        size_t n_bytes;
        size_t n = next_width(&safe, &n_bytes);
        if (n > width) {
            break;
        }
        width -= n;
        fitting += n_bytes;
    }
    return fitting;
}

/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_UTF8_H
#define PRESENCED_UTF8_H

/* Decodes single characters of UTF-8. Inline because it is used in inner loops. */

#include "presenced/str.h"

/* Decodes the character that `text`, which is not empty, begins with. Returns the length of its sequence in
 * bytes, or 0 if the bytes are not valid according to RFC 3629: overlong, a surrogate, above U+10FFFF, or
 * truncated. */
static inline size_t utf8_decode(struct str text, uint32_t *ret_code_point)
{
    static const uint32_t lowest[] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char *p = (const unsigned char *)text.ptr;
    if (p[0] < 0x80) {
        *ret_code_point = p[0];
        return 1;
    }
    size_t n = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
    if (p[0] < 0xc2 || p[0] > 0xf4 || text.len < n) {
        return 0;
    }
    uint32_t code_point = p[0] & (0x7fU >> n);
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80) {
            return 0;
        }
        code_point = code_point << 6 | (p[i] & 0x3fU);
    }
    bool surrogate = code_point >= 0xd800 && code_point <= 0xdfff;
    if (code_point < lowest[n] || surrogate || code_point > 0x10ffff) {
        return 0;
    }
    *ret_code_point = code_point;
    return n;
}

/* Returns whether a character may control a terminal, or may hide or reorder the text beside it: control,
 * zero-width and bidirectional characters. */
static inline bool utf8_is_unsafe(uint32_t code_point)
{
    return code_point < 0x20 || (code_point >= 0x7f && code_point <= 0x9f) ||
           (code_point >= 0x200b && code_point <= 0x200f) || (code_point >= 0x2028 && code_point <= 0x202e) ||
           (code_point >= 0x2060 && code_point <= 0x206f) || code_point == 0xfeff;
}

#endif

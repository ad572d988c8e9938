/* SPDX-License-Identifier: MIT */
#include "escape.h"
#include "presenced/utf8.h"

/* Escapes more than RFC 8259 requires, because output may end up in a terminal, a log or a script. */
static bool needs_escape(uint32_t code_point)
{
    return code_point == '"' || code_point == '\\' || utf8_is_unsafe(code_point);
}

static void append_bytes(struct buf *out, struct str bytes)
{
    for (size_t i = 0; i < bytes.len; i++) {
        buf_appendf(out, "\\x%02x", (unsigned char)bytes.ptr[i]);
    }
}

static void append_character(struct buf *out, uint32_t code_point, struct str bytes, enum escape_style style)
{
    switch (code_point) {
    case '"':
        buf_append(out, STR("\\\""));
        break;
    case '\\':
        buf_append(out, STR("\\\\"));
        break;
    case '\n':
        buf_append(out, STR("\\n"));
        break;
    case '\r':
        buf_append(out, STR("\\r"));
        break;
    case '\t':
        buf_append(out, STR("\\t"));
        break;
    default:
        if (style == ESCAPE_JSON) {
            buf_appendf(out, "\\u%04x", (unsigned)code_point);
        } else {
            append_bytes(out, bytes);
        }
    }
}

static void append_bad_byte(struct buf *out, struct str byte, enum escape_style style)
{
    if (style == ESCAPE_JSON) {
        buf_append(out, STR("\xef\xbf\xbd"));
    } else {
        append_bytes(out, byte);
    }
}

void escape_append(struct buf *out, struct str text, enum escape_style style)
{
    struct str plain = {text.ptr, 0};
    while (text.len > 0) {
        uint32_t code_point;
        size_t n = utf8_decode(text, &code_point);
        if (n > 0 && !needs_escape(code_point)) {
            plain.len += n;
        } else {
            struct str bytes = {text.ptr, n > 0 ? n : 1};
            buf_append(out, plain);
            if (n > 0) {
                append_character(out, code_point, bytes, style);
            } else {
                append_bad_byte(out, bytes, style);
            }
            n = bytes.len;
            plain = (struct str){text.ptr + n, 0};
        }
        text.ptr += n;
        text.len -= n;
    }
    buf_append(out, plain);
}

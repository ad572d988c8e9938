/* SPDX-License-Identifier: MIT */
#include "location.h"

#include "presenced/hex.h"

#include <errno.h>

static bool is_unreserved(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

void location_append_escaped(struct buf *out, struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (is_unreserved(text.ptr[i])) {
            buf_append_char(out, text.ptr[i]);
        } else {
            buf_appendf(out, "%%%02X", (unsigned char)text.ptr[i]);
        }
    }
}

void location_append_parameter(struct buf *out, const char *name, struct str value)
{
    bool has_query = out->len > 0 && memchr(out->ptr, '?', out->len) != NULL;
    buf_appendf(out, "%c%s=", has_query ? '&' : '?', name);
    location_append_escaped(out, value);
}

void location_append_number(struct buf *out, const char *name, uint64_t value)
{
    cleanup(buf_fini) struct buf text = {0};
    buf_append_u64(&text, value);
    location_append_parameter(out, name, buf_str(&text));
}

struct str location_target(struct str url)
{
    const char *host = url.len == 0 ? NULL : memmem(url.ptr, url.len, "://", 3);
    struct str rest;
    if (host == NULL) {
        return url;
    }
    rest.ptr = host + 3;
    rest.len = url.len - (size_t)(rest.ptr - url.ptr);
    while (rest.len > 0 && rest.ptr[0] != '/' && rest.ptr[0] != '?') {
        rest.ptr++;
        rest.len--;
    }
    return rest.len == 0 ? STR("/") : rest;
}

void location_split(struct str target, struct str *ret_path, struct str *ret_query)
{
    (void)str_split(&target, '?', ret_path);
    *ret_query = target.ptr == NULL ? STR("") : target;
}

static int decode(struct str encoded, struct buf *out)
{
    for (size_t i = 0; i < encoded.len; i++) {
        char c = encoded.ptr[i];
        if (c == '%') {
            int high = i + 2 < encoded.len ? hex_value(encoded.ptr[i + 1]) : -1;
            int low = high < 0 ? -1 : hex_value(encoded.ptr[i + 2]);
            if (low < 0) {
                return LOCATION_BAD_ESCAPE;
            }
            c = (char)(high * 16 + low);
            i += 2;
        }
        if (c == '\0') {
            return LOCATION_BAD_ESCAPE;
        }
        buf_append_char(out, c);
    }
    return out->failed ? -ENOMEM : 0;
}

int location_find(struct str query, const char *name, struct buf *ret_value)
{
    struct str pair;
    struct str value = {NULL, 0};
    while (str_split(&query, '&', &pair)) {
        struct str key;
        (void)str_split(&pair, '=', &key);
        if (!str_equal(key, str_from(name))) {
            continue;
        }
        if (value.ptr != NULL) {
            return LOCATION_TWICE;
        }
        value = pair.ptr == NULL ? STR("") : pair;
    }
    return value.ptr == NULL ? LOCATION_ABSENT : decode(value, ret_value);
}

/* SPDX-License-Identifier: MIT */
#include "presenced/str.h"
#include "presenced/utf8.h"

#include <stdarg.h>
#include <stdio.h>

static char fold(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool str_equal_fold(struct str a, struct str b)
{
    if (a.len != b.len) {
        return false;
    }
    for (size_t i = 0; i < a.len; i++) {
        if (a.ptr[i] != b.ptr[i] && fold(a.ptr[i]) != fold(b.ptr[i])) {
            return false;
        }
    }
    return true;
}

int str_compare(struct str a, struct str b)
{
    size_t shorter = a.len < b.len ? a.len : b.len;
    int order = shorter == 0 ? 0 : memcmp(a.ptr, b.ptr, shorter);
    if (order != 0) {
        return order;
    }
    return (a.len > b.len) - (a.len < b.len);
}

bool str_starts_with(struct str text, struct str prefix)
{
    return text.len >= prefix.len && str_equal((struct str){text.ptr, prefix.len}, prefix);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

struct str str_trim(struct str text)
{
    while (text.len > 0 && is_blank(text.ptr[0])) {
        text.ptr++;
        text.len--;
    }
    while (text.len > 0 && is_blank(text.ptr[text.len - 1])) {
        text.len--;
    }
    return text;
}

bool str_split(struct str *text, char separator, struct str *ret_head)
{
    if (text->ptr == NULL) {
        return false;
    }
    const char *at = text->len == 0 ? NULL : memchr(text->ptr, separator, text->len);
    if (at == NULL) {
        *ret_head = *text;
        *text = (struct str){NULL, 0};
        return true;
    }
    size_t head_len = (size_t)(at - text->ptr);
    *ret_head = (struct str){text->ptr, head_len};
    *text = (struct str){at + 1, text->len - head_len - 1};
    return true;
}

bool str_parse_u64(struct str text, uint64_t max, uint64_t *ret_value)
{
    uint64_t value = 0;
    if (text.len == 0) {
        return false;
    }
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9') {
            return false;
        }
        unsigned digit = (unsigned)(text.ptr[i] - '0');
        if (value > (max - digit) / 10 || digit > max) {
            return false;
        }
        value = value * 10 + digit;
    }
    *ret_value = value;
    return true;
}

bool str_is_utf8(struct str text)
{
    uint32_t code_point;
    while (text.len > 0) {
        size_t n = utf8_decode(text, &code_point);
        if (n == 0) {
            return false;
        }
        text.ptr += n;
        text.len -= n;
    }
    return true;
}

void buf_fini(struct buf *buf)
{
    free(buf->ptr);
    *buf = (struct buf){0};
}

void buf_clear(struct buf *buf)
{
    buf->len = 0;
    buf->failed = false;
}

char *buf_reserve(struct buf *buf, size_t n)
{
    if (buf->failed) {
        return NULL;
    }
    if (buf->ptr != NULL && n <= buf->capacity - buf->len) {
        return buf->ptr + buf->len;
    }
    size_t capacity = buf->capacity == 0 ? 256 : buf->capacity;
    while (capacity - buf->len < n) {
        if (capacity > SIZE_MAX / 2) {
            buf->failed = true;
            return NULL;
        }
        capacity *= 2;
    }
    char *ptr = realloc(buf->ptr, capacity);
    if (ptr == NULL) {
        buf->failed = true;
        return NULL;
    }
    buf->ptr = ptr;
    buf->capacity = capacity;
    return ptr + buf->len;
}

void buf_append(struct buf *buf, struct str bytes)
{
    if (bytes.len == 0) {
        return;
    }
    char *to = buf_reserve(buf, bytes.len);
    if (to != NULL) {
        memcpy(to, bytes.ptr, bytes.len);
        buf->len += bytes.len;
    }
}

void buf_append_char(struct buf *buf, char c)
{
    char *to = buf_reserve(buf, 1);
    if (to != NULL) {
        *to = c;
        buf->len++;
    }
}

void buf_append_u64(struct buf *buf, uint64_t value)
{
    char digits[20];
    size_t at = sizeof(digits);
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    buf_append(buf, (struct str){digits + at, sizeof(digits) - at});
}

void buf_append_i64(struct buf *buf, int64_t value)
{
    if (value < 0) {
        buf_append_char(buf, '-');
        buf_append_u64(buf, 0 - (uint64_t)value);
    } else {
        buf_append_u64(buf, (uint64_t)value);
    }
}

void buf_appendf(struct buf *buf, const char *format, ...)
{
    va_list arguments;
    char *text = NULL;
    va_start(arguments, format);
    int len = vasprintf(&text, format, arguments);
    va_end(arguments);
    if (len < 0) {
        buf->failed = true;
        return;
    }
    buf_append(buf, (struct str){text, (size_t)len});
    free(text);
}

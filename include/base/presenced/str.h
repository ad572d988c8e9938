/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_STR_H
#define PRESENCED_STR_H

/* Strings with a length: `struct str` borrows bytes, `struct buf` owns a growing buffer. Any thread may call
 * everything here on objects of its own. */

#include "presenced/cleanup.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Borrowed bytes, not NUL-terminated. Whoever returns one documents how long it is valid. */
struct str {
    const char *ptr;
    size_t len;
};

#define STR(literal) ((struct str){.ptr = ("" literal), .len = sizeof(literal) - 1})
#define STR_FMT(s) (int)(s).len, (s).ptr /* for "%.*s" */

static inline struct str str_from(const char *text)
{
    return (struct str){.ptr = text, .len = strlen(text)};
}

static inline bool str_equal(struct str a, struct str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

/* Compares without regard to the case of ASCII letters. */
bool str_equal_fold(struct str a, struct str b);

/* Compares byte by byte; a prefix sorts before the longer text. Returns a value below, equal to or above 0.
 */
int str_compare(struct str a, struct str b);

bool str_starts_with(struct str text, struct str prefix);

/* Returns the text without spaces and tabs at both ends. */
struct str str_trim(struct str text);

/* Splits at the first `separator`: `*ret_head` becomes the part before it and `*text` the part after it.
 * Returns false when nothing is left (the ptr of `*text` is NULL). "a,,b" yields "a", "", "b". */
bool str_split(struct str *text, char separator, struct str *ret_head);

/* Parses decimal digits, without sign or spaces. Returns false if the text is empty, not a number, or above
 * `max`. */
bool str_parse_u64(struct str text, uint64_t max, uint64_t *ret_value);

/* Returns whether the bytes are UTF-8 according to RFC 3629: no overlong form, no surrogate, nothing above
 * U+10FFFF. */
bool str_is_utf8(struct str text);

/* A growing buffer. All zero is an empty one. After a failed allocation `failed` stays set, appends do
 * nothing, and the content must not be used: so a writer needs to check only once, at the end. */
struct buf {
    char *ptr;
    size_t len;
    size_t capacity;
    bool failed;
};

/* Frees the memory and leaves an empty buf. */
void buf_fini(struct buf *buf);

/* Sets the length to 0 and keeps the memory. */
void buf_clear(struct buf *buf);

/* Makes room for `n` more bytes and returns where they go, or NULL when out of memory. The caller adds the
 * number of bytes it wrote to `len`. */
char *buf_reserve(struct buf *buf, size_t n);

void buf_append(struct buf *buf, struct str bytes);
void buf_append_char(struct buf *buf, char c);
void buf_append_u64(struct buf *buf, uint64_t value);
void buf_append_i64(struct buf *buf, int64_t value);
void buf_appendf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));

static inline struct str buf_str(const struct buf *buf)
{
    return (struct str){.ptr = buf->ptr, .len = buf->len};
}

#endif

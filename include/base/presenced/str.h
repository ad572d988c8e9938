/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_STR_H
#define PRESENCED_STR_H

/* Bytes with a length: `struct str` borrows them, `struct buf` owns and grows them.
 * Any thread may call everything here on objects of its own. */

#include "presenced/cleanup.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Borrowed bytes, not NUL-terminated; whoever hands one out says how long it is valid. */
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

/* Equal when the case of ASCII letters is left aside. */
bool str_equal_fold(struct str a, struct str b);

/* Bytewise order, a prefix before what it begins: below, equal to or above 0. */
int str_compare(struct str a, struct str b);

bool str_starts_with(struct str text, struct str prefix);

/* Without the blanks (space, tab) at both ends. */
struct str str_trim(struct str text);

/* Splits at the first `separator`: `*ret_head` is what stands before it and `*text` what is left behind it.
 * Returns false when `*text` was empty and used up (its ptr NULL). "a,,b" gives "a", "", "b". */
bool str_split(struct str *text, char separator, struct str *ret_head);

/* Decimal digits only, without sign or blanks; false when empty, not a number, or above `max`. */
bool str_parse_u64(struct str text, uint64_t max, uint64_t *ret_value);

/* Whether the bytes are UTF-8 as RFC 3629 has it: no overlong form, no surrogate, nothing above U+10FFFF. */
bool str_is_utf8(struct str text);

/* Growing bytes. All zero is an empty one. After a failed allocation it stays `failed`, takes nothing more,
 * and what it holds must not be used: so a writer checks once, at its end. */
struct buf {
    char *ptr;
    size_t len;
    size_t capacity;
    bool failed;
};

/* Frees the bytes and leaves an empty buf. */
void buf_fini(struct buf *buf);

/* Forgets the content, keeps the memory. */
void buf_clear(struct buf *buf);

/* Room for `n` more bytes; NULL when memory is gone. The caller adds what it wrote to `len`. */
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

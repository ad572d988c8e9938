/* SPDX-License-Identifier: MIT */
#include "presenced/json_check.h"

#include "presenced/hex.h"

#include <endian.h>

/* Open arrays and objects are kept in a bit stack instead of on the call stack, so that deep nesting costs no
 * memory. */
struct checker {
    const unsigned char *at;
    const unsigned char *end;
    uint64_t is_object; /* one bit per open level, the innermost in the lowest bit */
    unsigned depth;
    enum { EXPECT_VALUE, EXPECT_KEY, EXPECT_COMMA_OR_END } expected;
};

static bool is_at(const struct checker *c, unsigned char byte)
{
    return c->at < c->end && *c->at == byte;
}

static bool is_at_digit(const struct checker *c)
{
    return c->at < c->end && *c->at >= '0' && *c->at <= '9';
}

static void skip_blanks(struct checker *c)
{
    while (c->at < c->end && (*c->at == ' ' || *c->at == '\n' || *c->at == '\r' || *c->at == '\t')) {
        c->at++;
    }
}

static void close_level(struct checker *c)
{
    c->at++;
    c->is_object >>= 1;
    c->depth--;
    c->expected = EXPECT_COMMA_OR_END;
}

static int open_level(struct checker *c, bool is_object)
{
    if (c->depth == JSON_CHECK_DEPTH_MAX) {
        return JSON_CHECK_DEPTH;
    }
    c->at++;
    c->is_object = c->is_object << 1 | is_object;
    c->depth++;
    c->expected = is_object ? EXPECT_KEY : EXPECT_VALUE;
    skip_blanks(c);
    if (is_at(c, is_object ? '}' : ']')) {
        close_level(c);
    }
    return 0;
}

static int check_literal(struct checker *c, struct str literal)
{
    if ((size_t)(c->end - c->at) < literal.len || memcmp(c->at, literal.ptr, literal.len) != 0) {
        return JSON_CHECK_SYNTAX;
    }
    c->at += literal.len;
    c->expected = EXPECT_COMMA_OR_END;
    return 0;
}

/* Returns whether there was at least one digit. */
static bool skip_digits(struct checker *c)
{
    const unsigned char *begin = c->at;
    while (is_at_digit(c)) {
        c->at++;
    }
    return c->at > begin;
}

static bool skip_fraction_and_exponent(struct checker *c)
{
    if (is_at(c, '.')) {
        c->at++;
        if (!skip_digits(c)) {
            return false;
        }
    }
    if (is_at(c, 'e') || is_at(c, 'E')) {
        c->at++;
        if (is_at(c, '+') || is_at(c, '-')) {
            c->at++;
        }
        return skip_digits(c);
    }
    return true;
}

static int check_number(struct checker *c)
{
    const unsigned char *begin = c->at;
    if (*c->at == '-') {
        c->at++;
    }
    if (is_at(c, '0')) {
        c->at++;
        if (is_at_digit(c)) {
            return JSON_CHECK_NUMBER;
        }
    } else if (!skip_digits(c)) {
        return JSON_CHECK_NUMBER;
    }
    if (!skip_fraction_and_exponent(c)) {
        return JSON_CHECK_NUMBER;
    }
    c->expected = EXPECT_COMMA_OR_END;
    return c->at - begin > JSON_CHECK_NUMBER_MAX ? JSON_CHECK_NUMBER_LENGTH : 0;
}

/* Reads the four hex digits of a \u escape; -1 if they are not valid. */
static int take_hex4(struct checker *c)
{
    int value = 0;
    if (c->end - c->at < 4) {
        return -1;
    }
    for (unsigned i = 0; i < 4; i++) {
        int digit = hex_value((char)*c->at++);
        if (digit < 0) {
            return -1;
        }
        value = value * 16 + digit;
    }
    return value;
}

static bool is_high_surrogate(int unit)
{
    return unit >= 0xd800 && unit <= 0xdbff;
}

static bool is_low_surrogate(int unit)
{
    return unit >= 0xdc00 && unit <= 0xdfff;
}

/* Checks the rest of an escape after \u: one UTF-16 unit, or two for a surrogate pair. */
static int check_utf16(struct checker *c)
{
    int unit = take_hex4(c);
    if (unit < 0) {
        return JSON_CHECK_ESCAPE;
    }
    if (unit == 0) {
        return JSON_CHECK_NUL;
    }
    if (is_low_surrogate(unit)) {
        return JSON_CHECK_SURROGATE;
    }
    if (!is_high_surrogate(unit)) {
        return 0;
    }
    if (c->end - c->at < 2 || c->at[0] != '\\' || c->at[1] != 'u') {
        return JSON_CHECK_SURROGATE;
    }
    c->at += 2;
    unit = take_hex4(c);
    if (unit < 0) {
        return JSON_CHECK_ESCAPE;
    }
    return is_low_surrogate(unit) ? 0 : JSON_CHECK_SURROGATE;
}

static int check_escape(struct checker *c)
{
    c->at++;
    if (c->at == c->end) {
        return JSON_CHECK_TRUNCATED;
    }
    unsigned char kind = *c->at++;
    if (kind == 'u') {
        return check_utf16(c);
    }
    return kind != '\0' && strchr("\"\\/bfnrt", kind) != NULL ? 0 : JSON_CHECK_ESCAPE;
}

/* A run of non-ASCII bytes consists of whole characters, so it can be checked on its own. */
static int check_utf8(struct checker *c)
{
    const unsigned char *begin = c->at;
    while (c->at < c->end && *c->at >= 0x80) {
        c->at++;
    }
    struct str run = {(const char *)begin, (size_t)(c->at - begin)};
    return str_is_utf8(run) ? 0 : JSON_CHECK_UTF8;
}

/* Finds bytes that cannot be skipped within a string: those below 0x20, '"', '\\' and those from 0x80 on. The
 * lowest byte of the result that is not zero is the first of them, with its highest bit set. Bytes after it
 * are undefined, because of the borrow in the subtractions. */
static uint64_t find_special(uint64_t word)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    uint64_t quotes = word ^ (ones * '"');
    uint64_t backslashes = word ^ (ones * '\\');
    return (word | (word - ones * 0x20) | (quotes - ones) | (backslashes - ones)) & (ones * 0x80);
}

static bool is_plain(unsigned char byte)
{
    return byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\';
}

static void skip_plain(struct checker *c)
{
    while (c->end - c->at >= (ptrdiff_t)sizeof(uint64_t)) {
        uint64_t word;
        memcpy(&word, c->at, sizeof(word));
        uint64_t special = find_special(le64toh(word));
        if (special != 0) {
            c->at += __builtin_ctzll(special) / 8;
            return;
        }
        c->at += sizeof(word);
    }
    while (c->at < c->end && is_plain(*c->at)) {
        c->at++;
    }
}

static int check_string(struct checker *c)
{
    int r = 0;
    c->at++;
    while (r == 0) {
        skip_plain(c);
        if (c->at == c->end) {
            return JSON_CHECK_TRUNCATED;
        }
        if (*c->at == '"') {
            c->at++;
            c->expected = EXPECT_COMMA_OR_END;
            return 0;
        }
        if (*c->at == '\\') {
            r = check_escape(c);
        } else if (*c->at >= 0x80) {
            r = check_utf8(c);
        } else {
            r = JSON_CHECK_CONTROL;
        }
    }
    return r;
}

static int check_value(struct checker *c)
{
    switch (*c->at) {
    case '{':
        return open_level(c, true);
    case '[':
        return open_level(c, false);
    case '"':
        return check_string(c);
    case 't':
        return check_literal(c, STR("true"));
    case 'f':
        return check_literal(c, STR("false"));
    case 'n':
        return check_literal(c, STR("null"));
    case '-':
    case '0' ... '9':
        return check_number(c);
    default:
        return JSON_CHECK_SYNTAX;
    }
}

static int check_key(struct checker *c)
{
    if (*c->at != '"') {
        return JSON_CHECK_SYNTAX;
    }
    int r = check_string(c);
    if (r != 0) {
        return r;
    }
    skip_blanks(c);
    if (c->at == c->end) {
        return JSON_CHECK_TRUNCATED;
    }
    if (*c->at != ':') {
        return JSON_CHECK_SYNTAX;
    }
    c->at++;
    c->expected = EXPECT_VALUE;
    return 0;
}

static int check_comma_or_end(struct checker *c)
{
    bool in_object = (c->is_object & 1) != 0;
    if (c->depth == 0) {
        return JSON_CHECK_TRAILING;
    }
    if (*c->at == (in_object ? '}' : ']')) {
        close_level(c);
        return 0;
    }
    if (*c->at != ',') {
        return JSON_CHECK_SYNTAX;
    }
    c->at++;
    c->expected = in_object ? EXPECT_KEY : EXPECT_VALUE;
    return 0;
}

static int check_next(struct checker *c)
{
    switch (c->expected) {
    case EXPECT_VALUE:
        return check_value(c);
    case EXPECT_KEY:
        return check_key(c);
    default:
        return check_comma_or_end(c);
    }
}

int json_check(struct str text)
{
    const unsigned char *begin = (const unsigned char *)text.ptr;
    struct checker c = {.at = begin, .end = begin + text.len, .expected = EXPECT_VALUE};
    if (text.len == 0) {
        return JSON_CHECK_EMPTY;
    }
    if (str_starts_with(text, STR("\xef\xbb\xbf"))) {
        return JSON_CHECK_BOM;
    }
    for (;;) {
        skip_blanks(&c);
        if (c.at == c.end) {
            return c.depth == 0 && c.expected == EXPECT_COMMA_OR_END ? 0 : JSON_CHECK_TRUNCATED;
        }
        int r = check_next(&c);
        if (r != 0) {
            return r;
        }
    }
}

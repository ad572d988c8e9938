/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_QUERY_H
#define PRESENCED_QUERY_H

/* Parses the query of a request target in place: parameters as sent, and their percent-decoded values. Any
 * thread may call everything here.
 *
 * A '+' is not decoded (RFC 3986). It means a space only in form-encoded data. Neither Tencent's parameters
 * nor those of the status API are form-encoded, and a user id may contain a '+'. */

#include "presenced/str.h"

struct query_parameter {
    struct str name;  /* as sent, percent-encoded */
    struct str value; /* as sent, percent-encoded; empty if there is no '=' */
};

/* Removes the next parameter from `query`, skipping empty ones ("a=1&&b=2"). Returns false at the end. */
bool query_next(struct str *query, struct query_parameter *ret_parameter);

enum query_outcome {
    QUERY_BAD_ESCAPE = 1, /* a '%' without two hex digits, or a NUL */
    QUERY_TOO_LONG = 2,   /* valid, but longer than `size` bytes */
};

/* Decodes `%HH`. `ret_text` is `encoded` itself if there is nothing to decode; otherwise it is in `storage`,
 * which has `size` bytes. Returns 0 or an outcome. */
int query_decode(struct str encoded, size_t size, char *storage, struct str *ret_text);

/* Returns whether `encoded` decodes to `text`, case-sensitively; false if it has an invalid escape. */
bool query_equal(struct str encoded, struct str text);

struct query_value {
    struct str encoded; /* value of the last occurrence; ptr NULL if there is none */
    unsigned n;         /* number of occurrences */
};

/* Finds the values of several parameters in one pass: one value per name, in the order of `names`. Names
 * contain no '%' and no NUL. */
void query_find(struct str query, const struct str *names, size_t n_names, struct query_value *ret_values);

#endif

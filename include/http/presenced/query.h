/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_QUERY_H
#define PRESENCED_QUERY_H

/* The query of a request target, read in place: parameters as they were sent, and what they mean once
 * percent-decoded. Any thread may call everything here.
 *
 * A '+' stands for itself (RFC 3986). It is a space only in form-encoded data, which neither Tencent's
 * parameters nor the status API's are, and a user id may hold one. */

#include "presenced/str.h"

struct query_parameter {
    struct str name;  /* as sent, still percent-encoded */
    struct str value; /* likewise; empty where there is no '=' */
};

/* Takes the next parameter off `query`; empty ones ("a=1&&b=2") are passed over. False at the end. */
bool query_next(struct str *query, struct query_parameter *ret_parameter);

enum query_outcome {
    QUERY_BAD_ESCAPE = 1, /* a '%' without two hex digits, or a NUL */
    QUERY_TOO_LONG = 2,   /* well formed, but of more than `size` bytes */
};

/* Decodes `%HH`. `ret_text` is `encoded` itself where there is nothing to decode, else it lies in `storage`
 * of `size` bytes. 0, or an outcome. */
int query_decode(struct str encoded, size_t size, char *storage, struct str *ret_text);

/* Whether `encoded` means `text`, case and all; what has a bad escape means nothing. */
bool query_equal(struct str encoded, struct str text);

struct query_value {
    struct str encoded; /* of the last one; ptr NULL where there is none */
    unsigned n;         /* how often the parameter came */
};

/* Looks for the parameters of these names, which hold no '%' and no NUL, in one go: one value a name, in the
 * order of `names`. */
void query_find(struct str query, const struct str *names, size_t n_names, struct query_value *ret_values);

#endif

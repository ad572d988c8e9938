/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_CTL_LOCATION_H
#define PRESENCED_CTL_LOCATION_H

/* Writes the path and query of requests, and parses those of captured requests. */

#include "presenced/str.h"

/* Appends `text`, in which all but the unreserved characters of RFC 3986 are percent-encoded. */
void location_append_escaped(struct buf *out, struct str text);

/* Append "?name=value", or "&name=value" if there is a query already. */
void location_append_parameter(struct buf *out, const char *name, struct str value);
void location_append_number(struct buf *out, const char *name, uint64_t value);

/* Returns the path and query of an absolute URL ("https://host/path?query"), or "/" if it has neither;
 * another text is returned as it is. */
struct str location_target(struct str url);

/* Splits a target at its first '?'. */
void location_split(struct str target, struct str *ret_path, struct str *ret_query);

enum location_outcome {
    LOCATION_ABSENT = 1,
    LOCATION_TWICE,
    LOCATION_BAD_ESCAPE, /* a '%' without two hexadecimal digits, or a NUL */
};

/* Finds a parameter in a query and decodes its value into `ret_value`, which is empty. Returns 0, an outcome
 * or -ENOMEM. */
int location_find(struct str query, const char *name, struct buf *ret_value);

#endif

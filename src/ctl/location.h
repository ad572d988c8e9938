/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_CTL_LOCATION_H
#define PRESENCED_CTL_LOCATION_H

/* Paths with their queries: made for requests, and read in captured ones. */

#include "presenced/str.h"

/* Percent-encodes all but RFC 3986's unreserved characters. */
void location_append_escaped(struct buf *out, struct str text);

/* "?name=value", or with '&' where there is a query already. */
void location_append_parameter(struct buf *out, const char *name, struct str value);
void location_append_number(struct buf *out, const char *name, uint64_t value);

/* Takes the host off an absolute URL ("https://host/path?query"); the path of one without is "/". */
struct str location_target(struct str url);

/* Parts a target at its first '?'. */
void location_split(struct str target, struct str *ret_path, struct str *ret_query);

enum location_outcome {
    LOCATION_ABSENT = 1,
    LOCATION_TWICE,
    LOCATION_BAD_ESCAPE, /* a '%' without two hexadecimal digits, or a NUL */
};

/* Finds a parameter in a query and decodes it into `ret_value`, which is empty. 0 or an outcome; -ENOMEM. */
int location_find(struct str query, const char *name, struct buf *ret_value);

#endif

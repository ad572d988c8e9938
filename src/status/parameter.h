/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_STATUS_PARAMETER_H
#define PRESENCED_STATUS_PARAMETER_H

/* Reads query parameters that may be given once, and the user id in a path. Any thread may call everything
 * here. */

#include "presenced/query.h"
#include "presenced/user.h"

enum parameter_outcome {
    PARAMETER_ABSENT = 1, /* or empty, as an HTML form sends it */
    PARAMETER_BAD,        /* given twice, an invalid escape, too long, or not a valid value */
};

/* Percent-decodes a value of at most `size` bytes. `ret_text` may point into `storage`, which has `size`
 * bytes. Returns 0 or an outcome. */
int parameter_text(const struct query_value *value, size_t size, char *storage, struct str *ret_text);

/* Percent-decodes the user id in a segment of a path. `ret_id` may point into `storage`. Returns false if it
 * is not a valid user id. */
bool parameter_user_id(struct str encoded, char storage[static USER_ID_MAX], struct str *ret_id);
#define PARAMETER_USER_ID_PROBLEM \
    "the user in the path must be 1 to 256 bytes of percent-encoded UTF-8 without NUL"

/* Parses a decimal number of at most `max`. Returns 0 or an outcome. */
int parameter_u64(const struct query_value *value, uint64_t max, uint64_t *ret_number);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_STATUS_PARAMETER_H
#define PRESENCED_STATUS_PARAMETER_H

/* The value of a query parameter that may be given once. Any thread. */

#include "presenced/query.h"
#include "presenced/user.h"

enum parameter_outcome {
    PARAMETER_ABSENT = 1, /* or empty, as a form sends it */
    PARAMETER_BAD,        /* given twice, a bad escape, too long, or not what is asked for */
};

/* Percent-decoded, at most `size` bytes; may lie in `storage` of that size. 0 or an outcome. */
int parameter_text(const struct query_value *value, size_t size, char *storage, struct str *ret_text);

/* The user that a segment of a path names: percent-decoded, it may lie in `storage`. False where it is none.
 */
bool parameter_user_id(struct str encoded, char storage[static USER_ID_MAX], struct str *ret_id);
#define PARAMETER_USER_ID_PROBLEM \
    "the user in the path must be 1 to 256 bytes of percent-encoded UTF-8 without NUL"

/* A decimal number of at most `max`. 0 or an outcome. */
int parameter_u64(const struct query_value *value, uint64_t max, uint64_t *ret_number);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_JSON_STRICT_H
#define PRESENCED_JSON_STRICT_H

/* Reads objects written by presenced itself: every key must be present and none may be unknown. Errors are
 * described in words. Works on trees of json_read(). Any thread may call everything here. */

#include "presenced/str.h"

struct cJSON;

#define JSON_STRICT_PROBLEM_SIZE 256

/* Returned by all functions here on a problem, with its description in `ret_problem`; 0 otherwise. */
#define JSON_STRICT_WRONG 1

/* Finds the values of `n` keys, at least 2. The object must have exactly these keys, in any order. A value
 * may be null. */
int json_strict_members(const struct cJSON *object, const char *const *keys, size_t n,
                        const struct cJSON **ret_values, char ret_problem[static JSON_STRICT_PROBLEM_SIZE]);

/* Reads a member that must be a whole number from 0 to `max`. */
int json_strict_u64(const struct cJSON *member, uint64_t max, uint64_t *ret_number,
                    char ret_problem[static JSON_STRICT_PROBLEM_SIZE]);

/* Reads a member that must be a string of `min` to `max` bytes. The text belongs to the tree. */
int json_strict_text(const struct cJSON *member, size_t min, size_t max, struct str *ret_text,
                     char ret_problem[static JSON_STRICT_PROBLEM_SIZE]);

/* Formats a problem description. The value of the expression is JSON_STRICT_WRONG. */
#define json_strict_wrong(problem, ...) \
    ((void)snprintf(problem, JSON_STRICT_PROBLEM_SIZE, __VA_ARGS__), JSON_STRICT_WRONG)

#endif

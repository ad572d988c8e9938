/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_JSON_STRICT_H
#define PRESENCED_JSON_STRICT_H

/* Reads objects that were written by presenced itself: every key is there, none is unknown, and where one is
 * not as it should be that is said in words. Over the trees of json_read(). Any thread. */

#include "presenced/str.h"

struct cJSON;

#define JSON_STRICT_PROBLEM_SIZE 256

/* What is returned where something is wrong, with words in `ret_problem`; 0 where nothing is. */
#define JSON_STRICT_WRONG 1

/* Finds the value of each of `n` keys, 2 at least; an object has these keys and no other, in any order. A
 * value may be null. */
int json_strict_members(const struct cJSON *object, const char *const *keys, size_t n,
                        const struct cJSON **ret_values, char ret_problem[static JSON_STRICT_PROBLEM_SIZE]);

/* A member that is a whole number from 0 to `max`. */
int json_strict_u64(const struct cJSON *member, uint64_t max, uint64_t *ret_number,
                    char ret_problem[static JSON_STRICT_PROBLEM_SIZE]);

/* A member that is a string of `min` to `max` bytes; the tree's. */
int json_strict_text(const struct cJSON *member, size_t min, size_t max, struct str *ret_text,
                     char ret_problem[static JSON_STRICT_PROBLEM_SIZE]);

/* Formats words into a problem; its value is JSON_STRICT_WRONG. */
#define json_strict_wrong(problem, ...) \
    ((void)snprintf(problem, JSON_STRICT_PROBLEM_SIZE, __VA_ARGS__), JSON_STRICT_WRONG)

#endif

/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_JSON_READ_H
#define PRESENCED_JSON_READ_H

/* Reads JSON that comes from outside, as a tree of cJSON's. Keys are case-sensitive, and one that comes twice
 * in an object is refused: readers of JSON differ in which of the two they take. Any thread; a tree belongs
 * to the one that made it. */

#include "presenced/json_check.h"

struct cJSON;

#define JSON_READ_DUPLICATE_KEY JSON_CHECK_N_OUTCOMES

/* 0, an outcome of json_check(), JSON_READ_DUPLICATE_KEY, or -ENOMEM. */
int json_read(struct str text, struct cJSON **ret_tree);
void json_read_free(struct cJSON *tree);
DEFINE_CLEANUP(struct cJSON *, json_read_free)

/* Whether a key comes twice in an object of `tree`, whose text json_check() has passed: 0,
 * JSON_READ_DUPLICATE_KEY, or -ENOMEM. json_read() does this itself. */
int json_read_check_keys(const struct cJSON *tree);

/* What an object has under that key; NULL where there is nothing, or null. */
const struct cJSON *json_read_member(const struct cJSON *object, const char *key);

/* False where `item` is none: NULL, or of another type. The text is the tree's, and holds no NUL. */
bool json_read_text(const struct cJSON *item, struct str *ret_text);

/* The same of a whole number from 0 to `max`, at most 2^53 - 1; by value: 1e3 and 1.0 are whole. */
bool json_read_u64(const struct cJSON *item, uint64_t max, uint64_t *ret_number);

#endif

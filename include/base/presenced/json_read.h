/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_JSON_READ_H
#define PRESENCED_JSON_READ_H

/* Parses JSON from outside into a cJSON tree. Keys are case-sensitive. An object with a duplicate key is
 * rejected, because parsers differ in which of the two values they use. Any thread may call these functions;
 * a tree is used by one thread at a time. */

#include "presenced/json_check.h"

struct cJSON;

#define JSON_READ_DUPLICATE_KEY JSON_CHECK_N_OUTCOMES

/* Parses `text`. Returns 0, an outcome of json_check(), JSON_READ_DUPLICATE_KEY, or -ENOMEM. The caller frees
 * the tree with json_read_free(), which accepts NULL. */
int json_read(struct str text, struct cJSON **ret_tree);
void json_read_free(struct cJSON *tree);
DEFINE_CLEANUP(struct cJSON *, json_read_free)

/* Checks a tree, whose text has passed json_check(), for objects with duplicate keys. Returns 0,
 * JSON_READ_DUPLICATE_KEY, or -ENOMEM. json_read() calls this itself. */
int json_read_check_keys(const struct cJSON *tree);

/* Returns the value of a key of an object, or NULL if there is none or it is null. */
const struct cJSON *json_read_member(const struct cJSON *object, const char *key);

/* Returns the text of a string. Returns false if `item` is NULL or has another type. The text belongs to the
 * tree and contains no NUL. */
bool json_read_text(const struct cJSON *item, struct str *ret_text);

/* Returns the value of a whole number from 0 to `max`, which is at most 2^53 - 1. The value counts, not the
 * spelling: 1e3 and 1.0 are whole numbers. Returns false for anything else. */
bool json_read_u64(const struct cJSON *item, uint64_t max, uint64_t *ret_number);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_STATUS_QUERY_BODY_H
#define PRESENCED_STATUS_QUERY_BODY_H

/* The JSON body of a query for many users, for the two that take one. Any thread. */

#include "presenced/str.h"

struct cJSON;

/* The body as a tree for query_body_freep(); NULL where it is not a JSON object in UTF-8, or holds \u0000,
 * which no user id may. */
struct cJSON *query_body_parse(struct str body);
void query_body_freep(struct cJSON **root);

enum query_body_outcome {
    QUERY_BODY_ABSENT = 1, /* not there, or null */
    QUERY_BODY_BAD,        /* not of the type asked for, or there twice */
};

/* A whole number from 0 to `max`, at most 2^53 - 1. 0 or an outcome. */
int query_body_u64(const struct cJSON *root, const char *key, uint64_t max, uint64_t *ret_number);

/* An array of strings, and how many they are. 0 or an outcome. */
int query_body_strings(const struct cJSON *root, const char *key, const struct cJSON **ret_array,
                       size_t *ret_n);

/* Whether it can be a user's id: 1 to 256 bytes. */
bool query_body_is_user_id(struct str text);

#endif

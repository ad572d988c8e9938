/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_STATUS_USER_JSON_H
#define PRESENCED_STATUS_USER_JSON_H

/* A user as the status API shows one. Any thread. */

#include "presenced/json.h"
#include "presenced/table.h"

/* Writes `user`, a copy out of `table`, with the state it has at `now_ms`, as a value in an array or on its
 * own. */
void user_json_write(struct json_writer *json, struct table *table, const struct user *user, uint64_t now_ms);

/* The same for a user never heard of. */
void user_json_write_unknown(struct json_writer *json, uint64_t app_id, struct str user_id);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_STATUS_USER_JSON_H
#define PRESENCED_STATUS_USER_JSON_H

/* The JSON form of a user in the status API. Any thread may call everything here. */

#include "presenced/json.h"
#include "presenced/table.h"

/* Writes `user`, a copy from `table`, with its state at `now_ms`, as a value without a key. */
void user_json_write(struct json_writer *json, struct table *table, const struct user *user, uint64_t now_ms);

/* The same for a user that is not in the table. */
void user_json_write_unknown(struct json_writer *json, uint64_t app_id, struct str user_id);

#endif

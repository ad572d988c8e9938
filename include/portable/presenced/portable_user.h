/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_PORTABLE_USER_H
#define PRESENCED_PORTABLE_USER_H

/* A user in a form that is independent of the process: with names instead of the table's numbers for apps and
 * platforms. It is one JSON object. Keys are written in this order and read in any order; each must be
 * present exactly once, and no others are allowed:
 *
 *   {"app":1400000000,"user":"alice","rows":[…],"custom_status":"away","custom_status_time":1629883332497}
 *
 * The rows are in the order in which their platforms were first seen:
 *
 *   {"platform":"iOS","action":"Login","reason":"Register","event_time":1629883332497,
 *    "received_time":1629883332600,"client_ip":"192.0.2.4"}
 *
 * custom_status and custom_status_time are null if none was received; client_ip is null if it is unknown. For
 * a row from Tencent's answer to a query, action is Reconciled and reason is Online, PushOnline or Offline.
 * Any thread may call everything here. */

#include "presenced/json.h"
#include "presenced/json_strict.h"
#include "presenced/user.h"

struct cJSON;

/* Highest app id: the largest integer that a JSON number carries exactly. */
#define PORTABLE_APP_MAX EVENT_TIME_MAX_MS

/* Writes the user as a JSON value. */
void portable_write_user(struct json_writer *json, uint64_t app_id, const struct platform_names *names,
                         const struct user *user);

/* Writes the members of a row into the current object. If `state` is given (ptr not NULL), it is written
 * after the platform, so that readers need not derive it. */
void portable_write_row(struct json_writer *json, const struct platform_names *names, const struct row *row,
                        struct str state);

/* Reads a user from an object in a tree of json_read(); its `app` is set to 0. Platforms get their numbers
 * from `names`; new names are added only if everything is valid. Returns 0, or JSON_STRICT_WRONG with a
 * description in `ret_problem`. */
int portable_read_user(const struct cJSON *object, struct platform_names *names, uint64_t *ret_app_id,
                       struct user *ret_user, char ret_problem[static JSON_STRICT_PROBLEM_SIZE]);

#endif

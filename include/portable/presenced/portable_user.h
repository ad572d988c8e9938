/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_PORTABLE_USER_H
#define PRESENCED_PORTABLE_USER_H

/* A user as one process tells another: with names, where the table has numbers of its own for apps and
 * platforms. One JSON object; keys are written in this order, and read in any, each of them once and no
 * other:
 *
 *   {"app":1400000000,"user":"alice","rows":[…],"custom_status":"away","custom_status_time":1629883332497}
 *
 * and of each row, in the order in which the platforms were first heard of:
 *
 *   {"platform":"iOS","action":"Login","reason":"Register","event_time":1629883332497,
 *    "received_time":1629883332600,"client_ip":"192.0.2.4"}
 *
 * A custom status and its time are null where none was heard; client_ip where none was named. Of an answer of
 * Tencent's, action is Reconciled and reason Online, PushOnline or Offline. Any thread. */

#include "presenced/json.h"
#include "presenced/json_strict.h"
#include "presenced/user.h"

struct cJSON;

#define PORTABLE_APP_MAX EVENT_TIME_MAX_MS /* of an id: what a JSON number carries exactly */

/* Writes the user as a value. */
void portable_write_user(struct json_writer *json, uint64_t app_id, const struct platform_names *names,
                         const struct user *user);

/* Writes the members of a row into the object that is open; with `state` (ptr NULL: without) behind the
 * platform, for people who are not to work it out. */
void portable_write_row(struct json_writer *json, const struct platform_names *names, const struct row *row,
                        struct str state);

/* Reads a user from an object of a tree of json_read()'s; its `app` is 0. Platforms get their numbers from
 * `names`, which hears new ones when nothing is wrong. 0, or JSON_STRICT_WRONG with words. */
int portable_read_user(const struct cJSON *object, struct platform_names *names, uint64_t *ret_app_id,
                       struct user *ret_user, char ret_problem[static JSON_STRICT_PROBLEM_SIZE]);

#endif

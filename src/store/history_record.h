/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_HISTORY_RECORD_H
#define PRESENCED_HISTORY_RECORD_H

/* Encodes an event of the history as a key and a value of the engine. Numbers are big-endian:
 *
 *   key    app 8 · length 2 · user · ~received 8 · ~number 8      so that a user's newest comes first
 *   value  1 · flags 1 · origin 1 · received 8 · event time 8 · client · peer · action · reason · platform ·
 *          outcome · request id · count 1 · kicked platforms
 *
 * An address or text is preceded by a byte with its length. Any thread. */

#include "presenced/user.h"
#include "presenced/user_event.h"

#define HISTORY_KEY_MAX (8 + 2 + USER_ID_MAX + 8 + 8)
#define HISTORY_VALUE_MAX (19 + 2 * 17 + (5 + PLATFORM_N_MAX) * (1 + USER_EVENT_TEXT_MAX) + 1)

/* `number` distinguishes and orders events of the same millisecond. Returns the length. */
size_t history_key_encode(uint64_t app_id, struct str user_id, uint64_t received_unix_ms, uint64_t number,
                          char ret_key[static HISTORY_KEY_MAX]);

/* Sets the number of a key. */
void history_key_set_number(char *key, size_t len, uint64_t number);

size_t history_value_encode(const struct user_event *event, char ret_value[static HISTORY_VALUE_MAX]);

/* The texts of `ret_event` point into `value`. Returns false if the value is malformed. */
bool history_value_decode(struct str value, struct user_event *ret_event);

#endif

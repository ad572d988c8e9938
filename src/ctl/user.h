/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_CTL_USER_H
#define PRESENCED_CTL_USER_H

/* Writes users in the form of the status API as text for people. */

#include "ask.h"

enum tint user_state_tint(struct str state);

/* Appends the platforms that are online, such as "Web, iOS". */
void user_append_platforms(const cJSON *user, struct buf *out);

/* Appends a sentence about the user and a table of the user's devices. */
void user_append(const struct ask *ask, const cJSON *user, struct buf *out);

/* Begin a table of users, and add a user to it. */
void users_begin(struct table *table);
void users_add(const struct ask *ask, struct table *table, const cJSON *user);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_CTL_USER_H
#define PRESENCED_CTL_USER_H

/* A user as the status API tells of one, for people. */

#include "ask.h"

enum tint user_state_tint(struct str state);

/* The platforms that are online, "Web, iOS"; where none is, nothing. */
void user_append_platforms(const cJSON *user, struct buf *out);

/* A sentence and a table of the devices. */
void user_append(const struct ask *ask, const cJSON *user, struct buf *out);

/* A table of users, a line each. */
void users_begin(struct table *table);
void users_add(const struct ask *ask, struct table *table, const cJSON *user);

#endif

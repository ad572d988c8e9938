/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_REPLICA_USER_ROWS_H
#define PRESENCED_REPLICA_USER_ROWS_H

/* Converts a user of the table to rows of the engine. Any thread. */

#include "codec.h"
#include "layout.h"
#include "presenced/table.h"

struct user_rows_visitor {
    void (*visit)(void *cls, struct str field, struct str value);
    void *cls;
};

/* Returns the place of all rows of the user. */
struct layout_place user_rows_place(const struct table *table, const struct user *user);

/* Calls the visitor for each row and the custom status. If `received_unix_ms` is not 0, only for rows
 * received at that time, and for the custom status, whose time of receipt is unknown. */
void user_rows_each(struct table *table, const struct user *user, uint64_t received_unix_ms,
                    const struct user_rows_visitor *visitor);

#endif

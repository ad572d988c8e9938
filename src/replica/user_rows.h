/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_REPLICA_USER_ROWS_H
#define PRESENCED_REPLICA_USER_ROWS_H

/* A user of the table as rows of the engine. Any thread. */

#include "codec.h"
#include "layout.h"
#include "presenced/table.h"

struct user_rows_visitor {
    void (*visit)(void *cls, struct str field, struct str value);
    void *cls;
};

/* Where all rows of the user lie. */
struct layout_place user_rows_place(const struct table *table, const struct user *user);

/* Hands its rows and custom status to the visitor. `received_unix_ms` above 0: only the rows that were
 * received then, and the custom status, of which that is not known. */
void user_rows_each(struct table *table, const struct user *user, uint64_t received_unix_ms,
                    const struct user_rows_visitor *visitor);

#endif

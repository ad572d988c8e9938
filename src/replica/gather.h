/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_REPLICA_GATHER_H
#define PRESENCED_REPLICA_GATHER_H

/* Collects rows from the engine by user and merges each user into the table in one step, so that no reader
 * sees a login without its kicks. For one thread. */

#include "presenced/table.h"

/* Initially all zero except for the table and the callbacks. */
struct gather {
    struct table *table;
    /* Called for a user that another node has forgotten but that is kept here, because it is online or more
     * is known about it. */
    void (*on_kept)(void *cls, uint16_t app, struct str user_id);
    /* Called for a user that an entry of a log has changed here, with the rows of that entry. */
    void (*on_changed)(void *cls, const struct user *user);
    void *cls;

    uint64_t n_users_changed;
    uint64_t n_malformed; /* malformed rows, or rows of a platform for which there is no room */
    uint64_t n_full;      /* users for whom max_users left no room */
    bool has_stamps;
    uint64_t stamps_ms[TABLE_N_APPS_MAX]; /* received forgotten_before; 0: none */

    bool in_entry;
    bool forgets;
    bool has_user;
    struct user user;
};

#define GATHER_NO_ROW 1 /* not a user's row, malformed, or of an app that is not in the table */

/* Adds a row of the same user as the one before, or of another. With `forgets`, the user was forgotten
 * elsewhere, where this row was known. Returns 0, GATHER_NO_ROW or -ENOMEM. */
int gather_add(struct gather *gather, struct str field, struct str value, bool forgets);

/* Adds all rows of a log's entry (format: layout.c) and ends with gather_end(). Returns 0 or -ENOMEM. */
int gather_add_entry(struct gather *gather, struct str rows, bool forgets);

/* Merges the last user, of whom there are no more rows. Returns 0 or -ENOMEM. */
int gather_end(struct gather *gather);

/* Raises forgotten_before of apps as received. Returns whether any was received. */
bool gather_tell_stamps(struct gather *gather);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_REPLICA_GATHER_H
#define PRESENCED_REPLICA_GATHER_H

/* Puts rows that come from the engine together, a user at a time, and tells the table of each in one step, so
 * that no reader sees a login without its kicks. One thread. */

#include "presenced/table.h"

/* Begins all zero but for the table and the callbacks. */
struct gather {
    struct table *table;
    /* A user whom another node has forgotten, of whom more is known here. */
    void (*on_kept)(void *cls, uint16_t app, struct str user_id);
    /* A user whom an entry of a log has changed here, with what the entry says of it. */
    void (*on_changed)(void *cls, const struct user *user);
    void *cls;

    uint64_t n_users_changed;
    uint64_t n_malformed; /* rows that no presenced wrote, or of a platform that there is no room for */
    uint64_t n_full;      /* users that max_users had no room for */
    bool has_stamps;
    uint64_t stamps_ms[TABLE_N_APPS_MAX]; /* forgotten_before as heard; 0: nothing was */

    bool in_entry;
    bool forgets;
    bool has_user;
    struct user user;
};

#define GATHER_NO_ROW 1 /* malformed, of an app that the table does not have, or a forgotten_before */

/* A row, of the user of the one before or of another. With `forgets` it is one of a user who was forgotten
 * elsewhere, as it was known there. 0, GATHER_NO_ROW or -ENOMEM. */
int gather_add(struct gather *gather, struct str field, struct str value, bool forgets);

/* All rows of a log's entry (layout.c), to the end of the last user. 0 or -ENOMEM. */
int gather_add_entry(struct gather *gather, struct str rows, bool forgets);

/* There are no more rows of the last user. 0 or -ENOMEM. */
int gather_end(struct gather *gather);

/* Tells the table what was heard of forgotten_before. Whether there was something to tell. */
bool gather_tell_stamps(struct gather *gather);

#endif

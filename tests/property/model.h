/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_TESTS_MODEL_H
#define PRESENCED_TESTS_MODEL_H

/* What the presence table has to be, written the plain way: arrays, linear search, everything worked out
 * anew. It shares the structs of the table's headers and none of its code, so that a mistake would have to be
 * made twice. One thread. */

#include "presenced/table.h"

#define MODEL_N_APPS_MAX 4

struct model_user {
    struct user user;
    enum user_state state; /* as counted: an ended window may not have been noted yet */
};

struct model_app {
    uint64_t forgotten_before_ms;
    uint64_t n_dropped_for_room;
    uint64_t n_dropped_for_age;
};

/* Begins all zero but for its config and was_dropped. */
struct model {
    struct table_config config;
    size_t n_users;
    size_t capacity;
    struct model_user *users;
    struct model_app apps[MODEL_N_APPS_MAX];

    /* Of users that have been offline equally long any may be dropped: asks whether the table dropped this
     * one. */
    bool (*was_dropped)(void *cls, const struct user *user);
    void *cls;
};

/* What an event or a tick did; each number is one of the change log's entries. */
struct model_effect {
    bool restamped;
    unsigned n_updated;
    unsigned n_reopened; /* of a tick */
    unsigned n_dropped;
};

void model_fini(struct model *model);

/* Both fill `*ret_effect` whatever the outcome. */
enum table_outcome model_apply(struct model *model, const struct table_event *event, uint64_t now_ms,
                               struct model_effect *ret_effect);
void model_tick(struct model *model, uint64_t now_ms, struct model_effect *ret_effect);

/* The table may note that a window has ended before a tick comes by: this follows it there. Whether it was
 * right to: the user was counted as push_online, and is so no longer. */
bool model_settle(struct model *model, uint16_t app, struct str id, uint64_t now_ms);

/* A user as the table holds it, for a model that begins in the middle. */
void model_adopt(struct model *model, const struct user *user, uint64_t now_ms);

/* NULL for a user who is absent. */
const struct model_user *model_find(const struct model *model, uint16_t app, struct str id);

void model_counts(const struct model *model, uint16_t app, struct table_counts *ret_counts);
bool model_matches(const struct model_user *user, const struct table_filter *filter);

/* As the functions of row.h and user.h that are named so. */
int model_row_compare(const struct row *a, const struct row *b);
const struct row *model_user_row(const struct user *user, uint8_t platform);
struct row model_effective_row(const struct user *user, const struct row *row);
void model_summarise(const struct user *user, uint64_t window_ms, uint64_t now_ms,
                     struct user_summary *ret_summary);
uint64_t model_last_stamp_ms(const struct user *user);
uint64_t model_forgotten_stamp_ms(const struct user *user, uint64_t now_ms);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_TESTS_VIEW_H
#define PRESENCED_TESTS_VIEW_H

/* What the table shows of itself, gathered so that it can be compared: its users, its lists page by page, its
 * log followed to the end. */

#include "history.h"

bool rows_equal(const struct row *a, const struct row *b);
bool counts_equal(const struct table_counts *a, const struct table_counts *b);
bool summaries_equal(const struct user_summary *a, const struct user_summary *b);

/* Rows as a set: those that one event makes come in no promised order. */
bool users_equal(const struct user *a, const struct user *b);

/* In words that belong to `text`; a user's end in NUL. */
const char *describe_user(const struct user *user, struct buf *text);
void describe_counts(const struct table_counts *counts, struct buf *text);

/* Users by linear search; begins all zero. */
struct users {
    size_t n;
    size_t capacity;
    struct user *users;
};

void users_fini(struct users *users);

/* The user of the same app and id, or NULL. */
struct user *users_find(const struct users *users, const struct user *user);

/* The table as a follower of its log sees it; begins all zero. */
struct replica {
    uint64_t revision;
    struct users users;
    uint64_t forgotten_before_ms[HISTORY_N_APPS_MAX];
};

#define REPLICA_PAGE_MAX 8

void replica_fini(struct replica *replica);

/* Follows the log to its end, in pages of up to `max_changes`. NULL, or what is wrong. */
const char *replica_follow(struct replica *replica, struct changes *log, size_t max_changes);

/* What a list gave; begins all zero. */
struct listed {
    struct users users;
    size_t n_in_page;
    bool repeats;
};

/* Pages through the whole list. NULL, or what is wrong. */
const char *listed_read(struct listed *listed, struct table *table, const struct table_filter *filter,
                        size_t limit, size_t max_visited);

#endif

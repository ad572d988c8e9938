/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_TESTS_TABLE_FIXTURE_H
#define PRESENCED_TESTS_TABLE_FIXTURE_H

/* A table with two apps and a clock that a test sets; and users as short as a test wants to say them. */

#include "presenced/table.h"

#include <check.h>

#define NOW_MS UINT64_C(1700000000000)

struct table_fixture {
    struct table *table;
    uint16_t app;
    uint16_t other_app;
    uint64_t now_ms;              /* NOW_MS at first */
    struct table_applied applied; /* of the last apply() */
};

extern struct table_fixture fixture;

void table_fixture_open(struct table_config config);
void table_fixture_close(void);

/* Events of the first app with stamps of their own; the client is 192.0.2.4, the reason the usual one. */
struct table_event login(const char *user, uint8_t platform, uint64_t event_time_ms);
struct table_event logout(const char *user, uint8_t platform, uint64_t event_time_ms);
struct table_event disconnect(const char *user, uint8_t platform, uint64_t event_time_ms);
struct table_event custom_status(const char *user, const char *text, uint64_t event_time_ms);

/* The same that kicks another platform, or that has no stamp. */
struct table_event kicking(struct table_event event, uint8_t platform);
struct table_event unstamped(struct table_event event);

/* table_apply() now. */
int apply(struct table_event event);

bool is_held(const char *user);
struct user get(const char *user); /* who must be held */

/* Fails unless the user has such a row. */
void check_row(const char *user, uint8_t platform, enum row_action action, uint64_t event_time_ms);

/* Fails unless the first app has so many users in each state. */
void check_counts(uint64_t n_online, uint64_t n_push_online, uint64_t n_offline, uint64_t n_unknown);

struct table_counts counts(void);

/* Reads the changes after a revision; fails when they are lost. */
size_t changes_after(uint64_t revision, struct buf *storage, struct change *ret_changes, size_t max);

uint64_t last_revision(void);

/* Rows in any order, and all else. `received` is compared too. */
void check_users_equal(const struct user *a, const struct user *b);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_TESTS_TABLE_FIXTURE_H
#define PRESENCED_TESTS_TABLE_FIXTURE_H

/* A table with two apps and a clock that the test sets, and short functions for events and checks. */

#include "presenced/table.h"

#include <check.h>

#define NOW_MS UINT64_C(1700000000000)

struct table_fixture {
    struct table *table;
    uint16_t app;
    uint16_t other_app;
    uint64_t now_ms;              /* NOW_MS at first */
    struct table_applied applied; /* set by the last apply() */
};

extern struct table_fixture fixture;

void table_fixture_open(struct table_config config);
void table_fixture_close(void);

/* Return an event of the first app with an EventTime, the client 192.0.2.4 and the usual reason. */
struct table_event login(const char *user, uint8_t platform, uint64_t event_time_ms);
struct table_event logout(const char *user, uint8_t platform, uint64_t event_time_ms);
struct table_event disconnect(const char *user, uint8_t platform, uint64_t event_time_ms);
struct table_event custom_status(const char *user, const char *text, uint64_t event_time_ms);

/* Return the event with a kicked platform, or without an EventTime. */
struct table_event kicking(struct table_event event, uint8_t platform);
struct table_event unstamped(struct table_event event);

/* Calls table_apply() at fixture.now_ms. */
int apply(struct table_event event);

/* Returns whether the table contains the user of the first app. */
bool is_held(const char *user);
/* Returns the user, who must be in the table. */
struct user get(const char *user);

/* Fails unless the user has a row with this platform, action and time. */
void check_row(const char *user, uint8_t platform, enum row_action action, uint64_t event_time_ms);

/* Fails unless the first app has these numbers of users by state. */
void check_counts(uint64_t n_online, uint64_t n_push_online, uint64_t n_offline, uint64_t n_unknown);

struct table_counts counts(void);

/* Reads up to `max` changes after a revision and returns how many. Fails if they are no longer available. */
size_t changes_after(uint64_t revision, struct buf *storage, struct change *ret_changes, size_t max);

uint64_t last_revision(void);

/* Fails unless both users are equal, including the times of receipt. The order of the rows is ignored. */
void check_users_equal(const struct user *a, const struct user *b);

#endif

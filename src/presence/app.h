/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_APP_H
#define PRESENCED_APP_H

/* What is counted of one app, as it happens. Any thread may call everything here. Each thread counts in a
 * stripe of its own, for a cache line that two threads write costs each of them more than the rest of an
 * event; what is read is the sum. It is exact when nothing changes meanwhile, else as of some moment between
 * the begin and the end of the reading, one number as the other. */

#include "presenced/table.h"

#include <stdalign.h>

#define APP_N_STRIPES 8 /* threads beyond it share them */

/* One may be below zero: a user who was counted up here may be counted down elsewhere. */
struct app_stripe {
    alignas(64) _Atomic int64_t n_users[USER_N_STATES];
    _Atomic int64_t n_online_rows[PLATFORM_N_MAX];
};

struct app {
    struct app_stripe stripes[APP_N_STRIPES];
    alignas(64) uint64_t id;
    _Atomic uint64_t forgotten_before_ms;
    _Atomic uint64_t n_dropped_for_room;
    _Atomic uint64_t n_dropped_for_age;
    _Atomic bool marks_doubts;
    _Atomic uint64_t n_marked;
    _Atomic uint64_t n_events; /* while it marks doubts */
};

/* A user as far as it is counted. */
struct counted {
    enum user_state state;
    struct platform_set online;
};

void app_count_added(struct app *app, const struct counted *user);
void app_count_changed(struct app *app, const struct counted *before, const struct counted *after);

/* Of users that are not online. */
void app_count_moved(struct app *app, enum user_state before, enum user_state after);
void app_count_removed(struct app *app, enum user_state before);

void app_raise_forgotten(struct app *app, uint64_t stamp_ms);

/* The stamp up to which an event that is received at `now_ms` brings nobody back; 0: none. A forgotten_before
 * ahead of the clock, of an older version's store or because the clock was set back, is none: it would
 * swallow users who come now. */
uint64_t app_forgotten_stamp_ms(const struct app *app, uint64_t now_ms);

void app_counts(const struct app *app, struct table_counts *ret_counts);

#endif

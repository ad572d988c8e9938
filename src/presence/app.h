/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_APP_H
#define PRESENCED_APP_H

/* Counters of one app, maintained as events are applied. Any thread may call everything here. Each thread
 * writes a stripe of its own, because a cache line written by two threads costs each of them more than the
 * rest of an event; readers add up the stripes. The sum is exact if nothing changes meanwhile. Otherwise each
 * number is that of some moment during the read. */

#include "presenced/table.h"

#include <stdalign.h>

#define APP_N_STRIPES 8 /* more threads than this share stripes */

/* A count may be negative: a user counted up in one stripe may be counted down in another. */
struct app_stripe {
    alignas(64) _Atomic int64_t n_users[USER_N_STATES];
    _Atomic int64_t n_online_rows[PLATFORM_N_MAX];
    _Atomic int64_t n_events; /* counted only while marks_doubts is set */
};

struct app {
    struct app_stripe stripes[APP_N_STRIPES];
    alignas(64) uint64_t id;
    _Atomic uint64_t forgotten_before_ms;
    _Atomic uint64_t n_dropped_for_room;
    _Atomic uint64_t n_dropped_for_age;
    _Atomic bool marks_doubts;
    _Atomic uint64_t n_marked;
};

/* The part of a user that the counters depend on. */
struct counted_user {
    enum user_state state;
    struct platform_set online;
};

void app_count_event(struct app *app);
void app_count_added(struct app *app, const struct counted_user *user);
void app_count_changed(struct app *app, const struct counted_user *before, const struct counted_user *after);

/* For users that are not online before and after. */
void app_count_moved(struct app *app, enum user_state before, enum user_state after);
void app_count_removed(struct app *app, enum user_state before);

void app_raise_forgotten(struct app *app, uint64_t stamp_ms);

/* Returns the stamp up to which an event received at `now_ms` does not bring a user back; 0: none. A
 * forgotten_before ahead of the clock (written by an older version, or because the clock was set back) is
 * ignored, because it would discard events that arrive now. */
uint64_t app_forgotten_stamp_ms(const struct app *app, uint64_t now_ms);

void app_counts(const struct app *app, struct table_counts *ret_counts);
uint64_t app_n_events(const struct app *app);

#endif

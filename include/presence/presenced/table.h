/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_TABLE_H
#define PRESENCED_TABLE_H

/* The presence table: (app, user) → rows a platform, custom status; who is online, by count, by state and in
 * a stable order. Any thread may call everything here but table_new() and table_free(); one at a
 * time table_add_app(). Readers get copies. The caller passes the time, so that tests can say what it is. */

#include "presenced/changes.h"
#include "presenced/metric.h"
#include "presenced/user.h"

struct table;

#define TABLE_N_APPS_MAX 1024

struct table_config {
    uint64_t push_online_window_ms;   /* 0: no push_online */
    uint64_t max_users;               /* 0: no bound */
    uint64_t forget_after_ms;         /* 0: never */
    uint64_t assume_offline_after_ms; /* 0: never */
    size_t changes_max_entries;       /* a power of two; 0: 65536 */
    size_t changes_max_bytes;         /* 0: 16 MiB */
};

/* 0, or -errno. */
int table_new(const struct table_config *config, struct table **ret_table);
void table_free(struct table *table);
DEFINE_CLEANUP(struct table *, table_free)

/* An app that the table knows from now on. 0, -ENOSPC beyond TABLE_N_APPS_MAX, -EEXIST or -ENOMEM. */
int table_add_app(struct table *table, uint64_t app_id, uint16_t *ret_app);
unsigned table_n_apps(const struct table *table);
uint64_t table_app_id(const struct table *table, uint16_t app);
/* The index of an app's id, or -1. */
int table_find_app(const struct table *table, uint64_t app_id);

struct platform_names *table_platform_names(struct table *table);
struct changes *table_changes(struct table *table);

/* Loading: before any event, from several threads at once. */

/* Holds a user as it was stored, whatever max_users says, without a change in the log; the record's bytes are
 * copied, and the caller has checked them. 0, -EEXIST or -ENOMEM. */
int table_restore_user(struct table *table, const uint8_t *record, uint64_t now_ms);

/* What table_counts() says of users dropped. */
void table_restore_dropped(struct table *table, uint16_t app, uint64_t forgotten_before_ms,
                           uint64_t n_dropped_for_room, uint64_t n_dropped_for_age);

enum table_event_kind {
    TABLE_LOGIN,
    TABLE_LOGOUT,     /* of RESTAPI: ends every row that is not newer */
    TABLE_DISCONNECT, /* as Logout; a phone or tablet turns push_online */
    TABLE_CUSTOM_STATUS,
};

/* One event as the table takes it; borrowed for the call. */
struct table_event {
    enum table_event_kind kind;
    enum change_origin origin;
    uint8_t reason; /* enum row_reason; not of TABLE_CUSTOM_STATUS */
    uint8_t platform;
    uint16_t app;
    struct str user_id; /* 1 … USER_ID_MAX bytes of UTF-8 without NUL: the caller has checked */
    struct address client;
    bool has_event_time;
    uint64_t event_time_ms;     /* 0 … EVENT_TIME_MAX_MS */
    struct platform_set kicked; /* of TABLE_LOGIN */
    struct str custom_status;   /* of TABLE_CUSTOM_STATUS: 0 … USER_CUSTOM_STATUS_MAX bytes of UTF-8 */
};

enum table_outcome {
    TABLE_CHANGED = 0,
    TABLE_UNCHANGED = 1, /* a repeat, or older than what is known */
    TABLE_FORGOTTEN =
        2,          /* unchanged: of a user who is absent, and not newer than the app's forgotten_before */
    TABLE_FULL = 3, /* max_users are held and none of them can be dropped */
};

struct table_applied {
    uint64_t revision; /* TABLE_CHANGED: the change's; else 0 */
    /* What the outcome rests on: where changes up to this one are stored, so is what the event came to. Of a
     * repeat it is its shard's newest change, so it may be later than need be, never earlier. */
    uint64_t rests_on_revision;
    bool is_repeat; /* TABLE_UNCHANGED: it is what is known already; else it is older */
    bool restamped; /* EventTime was missing or too far ahead, so the time received stands for it */
};

/* How far ahead of the clock an EventTime may be and still be believed. */
#define TABLE_MAX_AHEAD_MS UINT64_C(300000)

/* Applies one event, received at `now_ms`, in one step that no reader sees half done. An outcome, or -ENOMEM.
 */
int table_apply(struct table *table, const struct table_event *event, uint64_t now_ms,
                struct table_applied *ret_applied);

/* What Tencent says of one user at a moment; borrowed for the call. */
struct table_answer {
    uint16_t app;
    struct str user_id;
    uint64_t stamp_ms;             /* of that moment: what was stamped earlier is in it */
    struct platform_set platforms; /* that it speaks of; the others are left alone */
    struct platform_set online;    /* of these; what is in neither is offline */
    struct platform_set push_online;
};

/* Rows of a user, by what became of them. */
struct table_corrections {
    unsigned n_ended;     /* read as online, and were not */
    unsigned n_begun;     /* did not, and were */
    unsigned n_others;    /* push_online for offline, or the other way round */
    unsigned n_older;     /* say otherwise, but are newer than the answer: stayed */
    uint64_t older_by_ms; /* the answer than the newest of these */
    struct platform_set changed;
};

/* Takes over an answer that came at `now_ms`: rows that say otherwise and are not newer become those of the
 * answer (ROW_REASON_RECONCILED), in one step. TABLE_CHANGED; TABLE_UNCHANGED, also for a user who is absent;
 * or -ENOMEM. */
int table_reconcile(struct table *table, const struct table_answer *answer, uint64_t now_ms,
                    struct table_corrections *ret_corrections);

/* Merges a whole user as it was known elsewhere, its app and platforms being this table's: each row and the
 * custom status stay or are replaced as by events. An outcome (TABLE_FORGOTTEN: it is absent, and nothing of
 * it is newer than the app's forgotten_before; not of CHANGE_BY_REPLICA, for nodes forget together), or
 * -ENOMEM. */
int table_merge_user(struct table *table, const struct user *user, enum change_origin origin, uint64_t now_ms,
                     struct table_applied *ret_applied);

/* Raises an app's forgotten_before to what was known elsewhere, or to `now_ms` where that is ahead of the
 * clock, unless it is as high; without a change in the log, and users who are held stay. */
void table_raise_forgotten(struct table *table, uint16_t app, uint64_t stamp_ms, uint64_t now_ms);

#define TABLE_ABSENT 1 /* never heard of, or forgotten */
#define TABLE_KEPT 2   /* more is known of it here, or it is online */

/* Forgets a user whom another node has forgotten, who was known there as `as_known`, which is changed; so its
 * stamp is left in forgotten_before, and the change is CHANGE_BY_REPLICA. 0, TABLE_ABSENT or TABLE_KEPT. */
int table_forget_user(struct table *table, struct user *as_known, uint64_t now_ms);

/* A copy of one user. 0 or TABLE_ABSENT. */
int table_get(struct table *table, uint16_t app, struct str user_id, struct user *ret_user);

/* Moves the users whose push_online window has ended by `now_ms`, or who have a Login that was received
 * longer ago than assume_offline_after, and back again those of whom that was so by a clock that was set back
 * by more than a second since; drops those offline for longer than forget_after, and where more than
 * max_users were restored, those longest offline; in bounded steps. Returns when it should be called next, at
 * most a second later. */
uint64_t table_tick(struct table *table, uint64_t now_ms);

struct table_counts {
    uint64_t n_users[USER_N_STATES];
    uint64_t n_online_rows[PLATFORM_N_MAX]; /* rows that read as online, by platform */
    uint64_t forgotten_before_ms;           /* 0: nobody of this app was dropped; ahead of the clock it does
                                             * not count until that has reached it */
    uint64_t n_dropped_for_room;            /* max_users */
    uint64_t n_dropped_for_age;             /* forget_after */
};

/* What is kept as events happen: costs nothing to ask. */
void table_counts(const struct table *table, uint16_t app, struct table_counts *ret_counts);

/* Users in doubt: a bit each, that whoever reconciles sets and takes back. An app whose users nobody asks for
 * marks none. */

/* Whether users of the app are marked when a Logout or Disconnect of theirs is applied, or a Login that kicks
 * its own platform: where several devices of a platform are online, such events do not say of which. */
void table_mark_doubts(struct table *table, uint16_t app, bool is_on);

/* Marks a user, who may be absent. */
void table_mark(struct table *table, uint16_t app, struct str user_id);

/* Takes back the marks of up to `limit` users of the app of whom nothing was received since `until_ms`, and
 * hands them to `visit`, as table_list() does. Returns how many. */
size_t table_take_marked(struct table *table, uint16_t app, uint64_t until_ms, size_t limit,
                         void (*visit)(void *cls, const struct user *user), void *cls);

/* Users of the app that are marked. */
uint64_t table_n_marked(const struct table *table, uint16_t app);

/* Events of the app that were applied so far, whatever they came to. */
uint64_t table_n_events(const struct table *table, uint16_t app);

/* Users of all apps that are online now. */
uint64_t table_n_online(const struct table *table);

/* Of all apps, and of the change log. */
void table_metrics(struct table *table, const struct metric_visitor *visitor);

struct table_filter {
    int app;      /* -1: any */
    int state;    /* enum user_state, -1: any */
    int platform; /* users with a row of it (one that reads as online where state is USER_ONLINE), -1: any */
};

/* Where a list stands; all zero is its beginning. */
struct table_cursor {
    uint64_t position;
};

/* Hands up to `limit` users to `visit` from `cursor` on, in an order that does not depend on what changes
 * meanwhile: a user that does not change is neither missed nor repeated over the pages. At most
 * `max_visited` users are looked at, so a page may be short though more follow. Moves the cursor; returns
 * false when the end is reached. `visit` is called without a lock held. */
bool table_list(struct table *table, const struct table_filter *filter, size_t limit, size_t max_visited,
                struct table_cursor *cursor, void (*visit)(void *cls, const struct user *user), void *cls);

/* For a watchdog: returns when each of the table's locks was free for a moment, which is soon, unless one is
 * held for good. */
void table_pass_locks(struct table *table);

/* How users of the table are to be read at `now_ms`. */
struct user_view table_view(const struct table *table, uint64_t now_ms);

#endif

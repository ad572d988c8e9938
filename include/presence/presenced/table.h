/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_TABLE_H
#define PRESENCED_TABLE_H

/* The presence table: for each (app, user) one row per platform and a custom status; and, over all users, who
 * is online, with counts and stable listings by state. Any thread may call everything here except table_new()
 * and table_free(); table_add_app() may be called by one thread at a time. Readers get copies. The caller
 * passes the current time (clock_unix_ms()), so that tests can choose it. */

#include "presenced/changes.h"
#include "presenced/metric.h"
#include "presenced/user.h"

struct table;

#define TABLE_N_APPS_MAX 1024

struct table_config {
    uint64_t push_online_window_ms;   /* 0: users are never push_online */
    uint64_t max_users;               /* 0: unlimited */
    uint64_t forget_after_ms;         /* 0: never */
    uint64_t assume_offline_after_ms; /* 0: never */
    size_t changes_max_entries;       /* a power of two; 0: 65536 */
    size_t changes_max_bytes;         /* 0: 16 MiB */
};

/* Returns 0 or -errno. */
int table_new(const struct table_config *config, struct table **ret_table);
void table_free(struct table *table);
DEFINE_CLEANUP(struct table *, table_free)

/* Adds an app. Returns 0, -ENOSPC beyond TABLE_N_APPS_MAX, -EEXIST or -ENOMEM. Apps cannot be removed. */
int table_add_app(struct table *table, uint64_t app_id, uint16_t *ret_app);
unsigned table_n_apps(const struct table *table);
uint64_t table_app_id(const struct table *table, uint16_t app);
/* Returns the index of an app, or -1. */
int table_find_app(const struct table *table, uint64_t app_id);

struct platform_names *table_platform_names(struct table *table);
struct changes *table_changes(struct table *table);

/* For loading a store. Called before any event; several threads may call table_restore_user() at once. */

/* Adds a stored user, regardless of max_users and without an entry in the change log. The record must have
 * been validated and is copied. Returns 0, -EEXIST or -ENOMEM. */
int table_restore_user(struct table *table, const uint8_t *record, uint64_t now_ms);

/* Sets what table_counts() returns about dropped users. */
void table_restore_dropped(struct table *table, uint16_t app, uint64_t forgotten_before_ms,
                           uint64_t n_dropped_for_room, uint64_t n_dropped_for_age);

enum table_event_kind {
    TABLE_LOGIN,
    TABLE_LOGOUT,     /* of platform RESTAPI: ends every row that is not newer */
    TABLE_DISCONNECT, /* like Logout, but a phone or tablet becomes push_online */
    TABLE_CUSTOM_STATUS,
};

/* One event; borrowed for the call. */
struct table_event {
    enum table_event_kind kind;
    enum change_origin origin;
    uint8_t reason; /* enum row_reason; unused for TABLE_CUSTOM_STATUS */
    uint8_t platform;
    uint16_t app;
    struct str user_id; /* 1 … USER_ID_MAX bytes of UTF-8 without NUL; validated by the caller */
    struct address client;
    bool has_event_time;
    uint64_t event_time_ms;     /* 0 … EVENT_TIME_MAX_MS */
    struct platform_set kicked; /* for TABLE_LOGIN */
    struct str custom_status;   /* for TABLE_CUSTOM_STATUS: 0 … USER_CUSTOM_STATUS_MAX bytes of UTF-8 */
};

enum table_outcome {
    TABLE_CHANGED = 0,
    TABLE_UNCHANGED = 1, /* a duplicate, or older than what is known */
    TABLE_FORGOTTEN = 2, /* the user is absent, and the event is not newer than the app's forgotten_before */
    TABLE_FULL = 3,      /* max_users is reached and no user can be dropped */
};

struct table_applied {
    uint64_t revision; /* revision of the change for TABLE_CHANGED, else 0 */
    /* The revision that must be durable before the outcome of the event is. For an event without a change it
     * is the newest change of the user's shard, which may be later than necessary, but never earlier. */
    uint64_t rests_on_revision;
    bool is_repeat; /* for TABLE_UNCHANGED: the event is a duplicate (true) or older than what is known
                       (false) */
    bool restamped; /* EventTime was missing or too far in the future, so the time of receipt is used */
};

/* How far an EventTime may be ahead of the clock and still be accepted. */
#define TABLE_MAX_AHEAD_MS UINT64_C(300000)

/* Applies one event, received at `now_ms`, atomically for readers. Returns an outcome or -ENOMEM. */
int table_apply(struct table *table, const struct table_event *event, uint64_t now_ms,
                struct table_applied *ret_applied);

/* What Tencent answered about one user; borrowed for the call. */
struct table_answer {
    uint16_t app;
    struct str user_id;
    uint64_t stamp_ms;             /* moment of the answer: it includes all events with an earlier stamp */
    struct platform_set platforms; /* the platforms that the answer covers; others are not changed */
    struct platform_set online;    /* subsets of `platforms`; those in neither set are offline */
    struct platform_set push_online;
};

/* What table_reconcile() did with the rows of a user. */
struct table_corrections {
    unsigned n_ended;     /* rows that were online here and are not at Tencent */
    unsigned n_begun;     /* rows that were not online here and are at Tencent */
    unsigned n_others;    /* rows that changed between push_online and offline */
    unsigned n_older;     /* rows that differ from the answer but are newer, and were kept */
    uint64_t older_by_ms; /* by how much the answer is older than the newest of these rows */
    struct platform_set changed;
};

/* Applies an answer received at `now_ms`: rows that differ from it and are not newer are replaced by rows
 * with ROW_REASON_RECONCILED, atomically for readers. Returns TABLE_CHANGED; TABLE_UNCHANGED, also if the
 * user is absent; or -ENOMEM. */
int table_reconcile(struct table *table, const struct table_answer *answer, uint64_t now_ms,
                    struct table_corrections *ret_corrections);

/* Merges a user known elsewhere; its app index and platform numbers are those of this table. Each row and the
 * custom status are kept or replaced by the same rules as for events. Returns an outcome or -ENOMEM.
 * TABLE_FORGOTTEN: the user is absent here, and nothing of it is newer than the app's forgotten_before; not
 * returned for CHANGE_BY_REPLICA, because nodes forget users together. */
int table_merge_user(struct table *table, const struct user *user, enum change_origin origin, uint64_t now_ms,
                     struct table_applied *ret_applied);

/* Raises an app's forgotten_before to `stamp_ms`, or to `now_ms` if that is lower. It is never lowered. There
 * is no entry in the change log, and users in the table stay. */
void table_raise_forgotten(struct table *table, uint16_t app, uint64_t stamp_ms, uint64_t now_ms);

#define TABLE_ABSENT 1 /* unknown, or forgotten */
#define TABLE_KEPT 2   /* it is online here, or there is newer information about it here */

/* Drops a user that another node has dropped, whose last state there was `as_known`, which is modified. As
 * for any drop, its stamp raises forgotten_before; the change has the origin CHANGE_BY_REPLICA. Returns 0,
 * TABLE_ABSENT or TABLE_KEPT. */
int table_forget_user(struct table *table, struct user *as_known, uint64_t now_ms);

/* Copies one user. Returns 0 or TABLE_ABSENT. */
int table_get(struct table *table, uint16_t app, struct str user_id, struct user *ret_user);

/* Does what is due at `now_ms`, in bounded steps: ends push_online windows; treats users as offline whose
 * Login was received longer ago than assume_offline_after; reverts either if it happened because the clock
 * was wrong and has been set back by more than a second; drops users that have been offline for longer than
 * forget_after; and if more than max_users were restored, drops those longest offline. Returns when it should
 * be called next, at most a second later. */
uint64_t table_tick(struct table *table, uint64_t now_ms);

struct table_counts {
    uint64_t n_users[USER_N_STATES];
    uint64_t n_online_rows[PLATFORM_N_MAX]; /* rows that count as online, by platform */
    /* An event of an absent user has no effect unless it is newer. 0: no user of the app was dropped. Ignored
     * while it is ahead of the clock. */
    uint64_t forgotten_before_ms;
    uint64_t n_dropped_for_room; /* users dropped because of max_users */
    uint64_t n_dropped_for_age;  /* users dropped because of forget_after */
};

/* Returns counters that are maintained as events happen, so reading them is cheap. */
void table_counts(const struct table *table, uint16_t app, struct table_counts *ret_counts);

/* Marked users: one bit per user for reconciliation, which sets and clears it. Apps that are not reconciled
 * have no marked users. */

/* Sets whether a user of the app is marked when a Logout or Disconnect is applied, or a Login that kicks its
 * own platform. When several devices of one platform are online, such events do not tell which of them they
 * concern. */
void table_mark_doubts(struct table *table, uint16_t app, bool is_on);

/* Marks a user. Does nothing if the user is absent. */
void table_mark(struct table *table, uint16_t app, struct str user_id);

/* Clears the marks of up to `limit` users of the app about whom nothing was received after `until_ms`, and
 * passes these users to `visit`, as table_list() does. Returns how many. */
size_t table_take_marked(struct table *table, uint16_t app, uint64_t until_ms, size_t limit,
                         void (*visit)(void *cls, const struct user *user), void *cls);

/* Returns the number of marked users of the app. */
uint64_t table_n_marked(const struct table *table, uint16_t app);

/* Returns the number of events of the app applied so far, whatever the outcome, while marking was on. */
uint64_t table_n_events(const struct table *table, uint16_t app);

/* Returns the number of users of all apps that are online now. */
uint64_t table_n_online(const struct table *table);

/* Reports the metrics of all apps and of the change log. */
void table_metrics(struct table *table, const struct metric_visitor *visitor);

struct table_filter {
    int app;      /* -1: any */
    int state;    /* enum user_state, -1: any */
    int platform; /* users that have a row of it (an online row if state is USER_ONLINE), -1: any */
};

/* The position of a listing; all zero is the beginning. */
struct table_cursor {
    uint64_t position;
};

/* Passes up to `limit` users to `visit`, starting at `cursor`, in an order that changes of other users do not
 * affect: over all pages, a user that does not change is returned exactly once. At most `max_visited` users
 * are examined, so a page may be short although more users follow. Advances the cursor; returns false at the
 * end. `visit` is called without a lock held. */
bool table_list(struct table *table, const struct table_filter *filter, size_t limit, size_t max_visited,
                struct table_cursor *cursor, void (*visit)(void *cls, const struct user *user), void *cls);

/* For a watchdog: takes and releases each of the table's locks. Returns soon, unless a lock is never
 * released. */
void table_pass_locks(struct table *table);

/* Returns the view with which users of the table are evaluated at `now_ms`. */
struct user_view table_view(const struct table *table, uint64_t now_ms);

#endif

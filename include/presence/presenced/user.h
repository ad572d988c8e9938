/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_USER_H
#define PRESENCED_USER_H

/* A decoded user, as copied out of the table, and how its state follows from its rows. Nothing here is shared
 * between threads: each works on its own copy. */

#include "presenced/row.h"

#define USER_ID_MAX 256            /* bytes of UTF-8 */
#define USER_CUSTOM_STATUS_MAX 256 /* bytes of UTF-8 */

enum user_state {
    USER_ONLINE,
    USER_PUSH_ONLINE, /* disconnected, but can still receive push messages */
    USER_OFFLINE,
    USER_UNKNOWN, /* only a custom status is known, no row */
    USER_N_STATES,
};

struct user {
    uint16_t app; /* index of the app in the table */
    uint16_t id_len;
    uint16_t n_rows;
    uint16_t custom_status_len;
    bool has_custom_status; /* a custom status was received, possibly an empty one */
    uint64_t custom_status_time_ms;
    char id[USER_ID_MAX];
    char custom_status[USER_CUSTOM_STATUS_MAX];
    struct row
        rows[PLATFORM_N_MAX]; /* at most one per platform, in the order in which platforms were first seen */
};

/* What the state of a user depends on besides the user itself. */
struct user_view {
    uint64_t now_ms;
    uint64_t push_online_window_ms;   /* 0: no push_online */
    uint64_t assume_offline_after_ms; /* 0: never */
    uint64_t assumed_ms;              /* a Login received before this time counts as offline; 0: none */
};

struct user_summary {
    enum user_state state;
    bool has_since;
    uint64_t since_ms;
    /* USER_PUSH_ONLINE: when the user becomes offline unless an event arrives. USER_OFFLINE: when its last
     * window ended, 0 if there was none. Otherwise 0. */
    uint64_t window_end_ms;
    struct platform_set online; /* the platforms whose rows count as online */
    uint64_t oldest_login_ms;   /* earliest receipt of a Login that counts as online; UINT64_MAX: none */
    uint64_t newest_assumed_ms; /* latest receipt of a Login that is assumed to be offline; 0: none */
};

/* Returns whether UTF-8 text without NUL has a valid length for a user id. */
static inline bool user_is_id(struct str text)
{
    return text.len >= 1 && text.len <= USER_ID_MAX;
}

static inline struct str user_id(const struct user *user)
{
    return (struct str){user->id, user->id_len};
}

static inline struct str user_custom_status(const struct user *user)
{
    return (struct str){user->custom_status, user->custom_status_len};
}

/* Initializes a user with this id (user_is_id()), of which nothing is known yet. */
void user_begin(struct user *user, uint16_t app, struct str id);

/* Returns the row of a platform, or NULL. */
const struct row *user_row(const struct user *user, uint8_t platform);

/* Returns the row as it counts. A Logout or Disconnect of platform RESTAPI ends every row that is not newer:
 * such a row counts as the row of RESTAPI, with its own platform. Evaluating this when reading makes the
 * order of arrival irrelevant. */
struct row user_effective_row(const struct user *user, const struct row *row);

/* Returns whether an effective row counts as online. */
static inline bool user_row_is_online(const struct row *effective_row, const struct user_view *view)
{
    return effective_row->action == ROW_LOGIN && effective_row->received_unix_ms >= view->assumed_ms;
}

/* Returns whether an effective row has a push_online window: a Disconnect of a phone or tablet, or an answer
 * of Tencent that said PushOnline. */
bool user_row_has_window(const struct row *effective_row);

/* Returns the platforms whose rows count as online. */
struct platform_set user_online_platforms(const struct user *user, const struct user_view *view);

/* Computes the state of a user and since when it holds. */
void user_summarise(const struct user *user, const struct user_view *view, struct user_summary *ret_summary);

/* Returns the highest stamp of all rows and of the custom status; 0 if there is none. */
uint64_t user_last_stamp_ms(const struct user *user);

/* Returns the stamp with which a user dropped at `now_ms` raises forgotten_before: the highest of all its
 * stamps, where a row's stamp counts as the time received if that is earlier. Never above `now_ms`, because
 * events that arrive later must count as newer. */
uint64_t user_forgotten_stamp_ms(const struct user *user, uint64_t now_ms);

struct str user_state_name(enum user_state state); /* "push_online" */

#endif

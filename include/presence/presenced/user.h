/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_USER_H
#define PRESENCED_USER_H

/* One user unpacked: what a reader of the table gets a copy of, and what its state follows from. Nothing here
 * is shared: a thread works on its own copy. */

#include "presenced/row.h"

#define USER_ID_MAX 256            /* bytes of UTF-8 */
#define USER_CUSTOM_STATUS_MAX 256 /* bytes of UTF-8 */

enum user_state {
    USER_ONLINE,
    USER_PUSH_ONLINE, /* Tencent's third state: a phone that was disconnected and can still be pushed to */
    USER_OFFLINE,
    USER_UNKNOWN, /* no row: a custom status alone */
    USER_N_STATES,
};

struct user {
    uint16_t app; /* index of the app in its table */
    uint16_t id_len;
    uint16_t n_rows;
    uint16_t custom_status_len;
    bool has_custom_status; /* one was heard, empty or not */
    uint64_t custom_status_time_ms;
    char id[USER_ID_MAX];
    char custom_status[USER_CUSTOM_STATUS_MAX];
    struct row rows[PLATFORM_N_MAX]; /* a platform at most once; in the order they were first heard of */
};

/* What a state depends on beside what is known of the user. */
struct user_view {
    uint64_t now_ms;
    uint64_t push_online_window_ms;   /* 0: no push_online */
    uint64_t assume_offline_after_ms; /* 0: never */
    uint64_t assumed_ms;              /* a Login that was received before it reads as offline; 0: none */
};

struct user_summary {
    enum user_state state;
    bool has_since;
    uint64_t since_ms;
    /* USER_PUSH_ONLINE: when it turns offline, unless something happens; USER_OFFLINE: when its last window
     * ended, 0 where it had none; else 0. */
    uint64_t window_end_ms;
    struct platform_set online; /* the platforms whose rows read as online */
    uint64_t oldest_login_ms;   /* the earliest that one of these was received; UINT64_MAX: there is none */
    uint64_t newest_assumed_ms; /* the latest that one which is assumed to be offline was; 0: there is none */
};

/* Whether text in UTF-8 without NUL can be a user's id. */
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

/* Makes it a user of that id (user_is_id()) of whom nothing is known. */
void user_begin(struct user *user, uint16_t app, struct str id);

/* The row of a platform, or NULL. */
const struct row *user_row(const struct user *user, uint8_t platform);

/* A row as it counts. A Logout or Disconnect of RESTAPI ends every row that is not newer than it: such a row
 * reads as that one does, but for its platform. So no order of arrival matters. */
struct row user_effective_row(const struct user *user, const struct row *row);

/* Whether a row, as it counts, reads as online. */
static inline bool user_row_is_online(const struct row *effective_row, const struct user_view *view)
{
    return effective_row->action == ROW_LOGIN && effective_row->received_unix_ms >= view->assumed_ms;
}

/* Whether a row, as it counts, has a push_online window: a phone's or a tablet's Disconnect, and what Tencent
 * said to be PushOnline. */
bool user_row_has_window(const struct row *effective_row);

/* The platforms whose rows read as online. */
struct platform_set user_online_platforms(const struct user *user, const struct user_view *view);

/* State and since. */
void user_summarise(const struct user *user, const struct user_view *view, struct user_summary *ret_summary);

/* The highest stamp of all: of its rows and of its custom status; 0 for none. */
uint64_t user_last_stamp_ms(const struct user *user);

/* The stamp that the user leaves behind when it is dropped at `now_ms`: the highest of all, where one that
 * was ahead of the clock counts as the time received. Never above `now_ms`, for what comes later must be
 * newer. */
uint64_t user_forgotten_stamp_ms(const struct user *user, uint64_t now_ms);

struct str user_state_name(enum user_state state); /* "push_online" */

#endif

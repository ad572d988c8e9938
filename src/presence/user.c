/* SPDX-License-Identifier: MIT */
#include "presenced/user.h"

const struct row *user_row(const struct user *user, uint8_t platform)
{
    for (unsigned i = 0; i < user->n_rows; i++) {
        if (user->rows[i].platform == platform) {
            return &user->rows[i];
        }
    }
    return NULL;
}

/* The row that ends all those that are not newer, or NULL. */
static const struct row *ending_row(const struct user *user)
{
    const struct row *row = user_row(user, PLATFORM_RESTAPI);
    bool ends = row != NULL && (row->action == ROW_LOGOUT || row->action == ROW_DISCONNECT);
    return ends ? row : NULL;
}

/* The row whose content `row` reads as. */
static const struct row *reads_as(const struct row *row, const struct row *ending)
{
    return ending != NULL && row_compare(row, ending) <= 0 ? ending : row;
}

struct row user_effective_row(const struct user *user, const struct row *row)
{
    struct row effective = *reads_as(row, ending_row(user));
    effective.platform = row->platform;
    return effective;
}

struct platform_set user_online_platforms(const struct user *user)
{
    struct platform_set online = {0};
    const struct row *ending = ending_row(user);
    for (unsigned i = 0; i < user->n_rows; i++) {
        if (reads_as(&user->rows[i], ending)->action == ROW_LOGIN) {
            platform_set_add(&online, user->rows[i].platform);
        }
    }
    return online;
}

static bool is_mobile(uint8_t platform)
{
    return platform == PLATFORM_IOS || platform == PLATFORM_ANDROID || platform == PLATFORM_IPAD;
}

static uint64_t max_u64(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static uint64_t min_u64(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* A window may be configured as long as one likes; beyond what stamps can say it makes no difference. */
static uint64_t window_end(uint64_t event_time_ms, uint64_t window_ms)
{
    return event_time_ms + (window_ms < EVENT_TIME_MAX_MS ? window_ms : EVENT_TIME_MAX_MS);
}

struct span {
    uint64_t online_since_ms; /* UINT64_MAX: not online */
    uint64_t latest_ms;
    uint64_t window_end_ms; /* 0: no row has a window */
};

static struct span span_of(const struct user *user, uint64_t window_ms)
{
    struct span span = {.online_since_ms = UINT64_MAX};
    const struct row *ending = ending_row(user);
    for (unsigned i = 0; i < user->n_rows; i++) {
        const struct row *row = reads_as(&user->rows[i], ending);
        span.latest_ms = max_u64(span.latest_ms, row->event_time_ms);
        if (row->action == ROW_LOGIN && row->event_time_ms < span.online_since_ms) {
            span.online_since_ms = row->event_time_ms;
        }
        if (row->action == ROW_DISCONNECT && is_mobile(user->rows[i].platform) && window_ms > 0) {
            span.window_end_ms = max_u64(span.window_end_ms, window_end(row->event_time_ms, window_ms));
        }
    }
    return span;
}

void user_summarise(const struct user *user, uint64_t window_ms, uint64_t now_ms,
                    struct user_summary *ret_summary)
{
    struct span span = span_of(user, window_ms);
    struct user_summary summary = {.has_since = true};
    if (user->n_rows == 0) {
        summary.state = USER_UNKNOWN;
        summary.has_since = false;
    } else if (span.online_since_ms != UINT64_MAX) {
        summary.state = USER_ONLINE;
        summary.since_ms = span.online_since_ms;
    } else if (span.window_end_ms > now_ms) {
        summary.state = USER_PUSH_ONLINE;
        summary.since_ms = span.latest_ms;
        summary.window_end_ms = span.window_end_ms;
    } else {
        summary.state = USER_OFFLINE;
        summary.since_ms = max_u64(span.latest_ms, span.window_end_ms);
        summary.window_end_ms = span.window_end_ms;
    }
    *ret_summary = summary;
}

uint64_t user_last_stamp_ms(const struct user *user)
{
    uint64_t last = user->has_custom_status ? user->custom_status_time_ms : 0;
    for (unsigned i = 0; i < user->n_rows; i++) {
        last = max_u64(last, user->rows[i].event_time_ms);
    }
    return last;
}

uint64_t user_forgotten_stamp_ms(const struct user *user, uint64_t now_ms)
{
    /* When a custom status was received is not kept. */
    uint64_t last = user->has_custom_status ? user->custom_status_time_ms : 0;
    for (unsigned i = 0; i < user->n_rows; i++) {
        const struct row *row = &user->rows[i];
        last = max_u64(last, min_u64(row->event_time_ms, row->received_unix_ms));
    }
    return min_u64(last, now_ms);
}

struct str user_state_name(enum user_state state)
{
    static const char *const names[USER_N_STATES] = {
        [USER_ONLINE] = "online",
        [USER_PUSH_ONLINE] = "push_online",
        [USER_OFFLINE] = "offline",
        [USER_UNKNOWN] = "unknown",
    };
    return str_from(names[state]);
}

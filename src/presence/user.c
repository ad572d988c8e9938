/* SPDX-License-Identifier: MIT */
#include "presenced/user.h"

void user_begin(struct user *user, uint16_t app, struct str id)
{
    user->app = app;
    user->id_len = (uint16_t)id.len;
    memcpy(user->id, id.ptr, id.len);
    user->n_rows = 0;
    user->has_custom_status = false;
    user->custom_status_len = 0;
    user->custom_status_time_ms = 0;
}

const struct row *user_row(const struct user *user, uint8_t platform)
{
    for (unsigned i = 0; i < user->n_rows; i++) {
        if (user->rows[i].platform == platform) {
            return &user->rows[i];
        }
    }
    return NULL;
}

/* Returns the row that ends all rows that are not newer, or NULL. */
static const struct row *ending_row(const struct user *user)
{
    const struct row *row = user_row(user, PLATFORM_RESTAPI);
    bool ends = row != NULL && (row->action == ROW_LOGOUT || row->action == ROW_DISCONNECT);
    return ends ? row : NULL;
}

/* Returns the row as which `row` counts. */
static const struct row *effective_of(const struct row *row, const struct row *ending)
{
    return ending != NULL && row_compare(row, ending) <= 0 ? ending : row;
}

struct row user_effective_row(const struct user *user, const struct row *row)
{
    struct row effective = *effective_of(row, ending_row(user));
    effective.platform = row->platform;
    return effective;
}

static bool is_mobile(uint8_t platform)
{
    return platform == PLATFORM_IOS || platform == PLATFORM_ANDROID || platform == PLATFORM_IPAD;
}

static bool has_window(const struct row *row, uint8_t platform)
{
    return row->action == ROW_DISCONNECT && (is_mobile(platform) || row->reason == ROW_REASON_RECONCILED);
}

bool user_row_has_window(const struct row *effective_row)
{
    return has_window(effective_row, effective_row->platform);
}

static uint64_t max_u64(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static uint64_t min_u64(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

struct platform_set user_online_platforms(const struct user *user, const struct user_view *view)
{
    struct platform_set online = {0};
    const struct row *ending = ending_row(user);
    for (unsigned i = 0; i < user->n_rows; i++) {
        if (user_row_is_online(effective_of(&user->rows[i], ending), view)) {
            platform_set_add(&online, user->rows[i].platform);
        }
    }
    return online;
}

/* Configured durations are unbounded; capping them at the highest stamp avoids overflow and changes nothing.
 */
static uint64_t end_of(uint64_t begin_ms, uint64_t length_ms)
{
    return begin_ms + (length_ms < EVENT_TIME_MAX_MS ? length_ms : EVENT_TIME_MAX_MS);
}

struct span {
    uint64_t online_since_ms;
    uint64_t latest_ms;
    uint64_t window_end_ms;  /* latest end of a window; 0: no row has one */
    uint64_t assumed_end_ms; /* when the last Login that is assumed to be offline became so; 0: none */
};

static void add_login(const struct row *row, uint8_t platform, const struct user_view *view,
                      struct span *span, struct user_summary *summary)
{
    if (!user_row_is_online(row, view)) {
        span->assumed_end_ms = max_u64(span->assumed_end_ms,
                                       end_of(row->received_unix_ms, view->assume_offline_after_ms));
        summary->newest_assumed_ms = max_u64(summary->newest_assumed_ms, row->received_unix_ms);
        return;
    }
    span->online_since_ms = min_u64(span->online_since_ms, row->event_time_ms);
    summary->oldest_login_ms = min_u64(summary->oldest_login_ms, row->received_unix_ms);
    platform_set_add(&summary->online, platform);
}

static struct span measure_span(const struct user *user, const struct user_view *view,
                                struct user_summary *summary)
{
    struct span span = {.online_since_ms = UINT64_MAX};
    const struct row *ending = ending_row(user);
    for (unsigned i = 0; i < user->n_rows; i++) {
        uint8_t platform = user->rows[i].platform;
        const struct row *row = effective_of(&user->rows[i], ending);
        span.latest_ms = max_u64(span.latest_ms, row->event_time_ms);
        if (row->action == ROW_LOGIN) {
            add_login(row, platform, view, &span, summary);
        } else if (view->push_online_window_ms > 0 && has_window(row, platform)) {
            span.window_end_ms = max_u64(span.window_end_ms,
                                         end_of(row->event_time_ms, view->push_online_window_ms));
        }
    }
    return span;
}

void user_summarise(const struct user *user, const struct user_view *view, struct user_summary *ret_summary)
{
    struct user_summary summary = {.has_since = true, .oldest_login_ms = UINT64_MAX};
    struct span span = measure_span(user, view, &summary);
    if (user->n_rows == 0) {
        summary.state = USER_UNKNOWN;
        summary.has_since = false;
    } else if (summary.oldest_login_ms != UINT64_MAX) {
        summary.state = USER_ONLINE;
        summary.since_ms = span.online_since_ms;
    } else if (span.window_end_ms > view->now_ms) {
        summary.state = USER_PUSH_ONLINE;
        summary.since_ms = max_u64(span.latest_ms, span.assumed_end_ms);
        summary.window_end_ms = span.window_end_ms;
    } else {
        summary.state = USER_OFFLINE;
        summary.since_ms = max_u64(max_u64(span.latest_ms, span.window_end_ms), span.assumed_end_ms);
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
    /* The time at which a custom status was received is not stored. */
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

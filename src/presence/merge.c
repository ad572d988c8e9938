/* SPDX-License-Identifier: MIT */
#include "merge.h"

bool merge_accepts_event_time(const struct table_event *event, uint64_t now_ms)
{
    return event->has_event_time &&
           (event->event_time_ms <= now_ms || event->event_time_ms - now_ms <= TABLE_MAX_AHEAD_MS);
}

static bool ends_all_rows(const struct table_event *event)
{
    return event->platform == PLATFORM_RESTAPI && event->kind != TABLE_LOGIN;
}

/* Returns whether the event replaces the row or, if it ends all rows, must be newer than it. */
static bool affects(const struct table_event *event, const struct row *row)
{
    return row->platform == event->platform || ends_all_rows(event) ||
           (event->kind == TABLE_LOGIN && platform_set_has(&event->kicked, row->platform));
}

static uint64_t at_least_after(uint64_t stamp_ms, uint64_t than_ms)
{
    return stamp_ms > than_ms ? stamp_ms : than_ms + 1;
}

uint64_t merge_stamp(const struct user *user, const struct table_event *event, uint64_t now_ms)
{
    uint64_t stamp = now_ms;
    if (merge_accepts_event_time(event, now_ms)) {
        return event->event_time_ms;
    }
    if (event->kind == TABLE_CUSTOM_STATUS) {
        stamp = user->has_custom_status ? at_least_after(stamp, user->custom_status_time_ms) : stamp;
    } else {
        for (unsigned i = 0; i < user->n_rows; i++) {
            stamp = affects(event, &user->rows[i]) ? at_least_after(stamp, user->rows[i].event_time_ms)
                                                   : stamp;
        }
    }
    return stamp < EVENT_TIME_MAX_MS ? stamp : EVENT_TIME_MAX_MS;
}

/* Returns whether a repeated Login renews a known one that is assumed to be offline. */
static bool renews_login(const struct row *row, const struct row *known, const struct user_view *view)
{
    return known->action == ROW_LOGIN && !user_row_is_online(known, view) && user_row_is_online(row, view);
}

static bool merge_row(struct user *user, const struct row *row, const struct user_view *view)
{
    const struct row *known = user_row(user, row->platform);
    if (known == NULL) {
        user->rows[user->n_rows++] = *row;
        return true;
    }
    int order = row_compare(row, known);
    if (order < 0 || (order == 0 && !renews_login(row, known, view))) {
        return false;
    }
    user->rows[known - user->rows] = *row;
    return true;
}

static bool merge_kicked(struct user *user, const struct table_event *event, struct row row,
                         const struct user_view *view)
{
    bool changed = false;
    row.action = ROW_KICKED;
    row.reason = ROW_REASON_KICKED;
    for (unsigned platform = 0; platform < PLATFORM_N_MAX; platform++) {
        if (platform != event->platform && platform_set_has(&event->kicked, (uint8_t)platform)) {
            row.platform = (uint8_t)platform;
            changed |= merge_row(user, &row, view);
        }
    }
    return changed;
}

static struct row row_of(const struct table_event *event, uint64_t stamp_ms, uint64_t now_ms)
{
    static const uint8_t actions[] = {
        [TABLE_LOGIN] = ROW_LOGIN,
        [TABLE_LOGOUT] = ROW_LOGOUT,
        [TABLE_DISCONNECT] = ROW_DISCONNECT,
    };
    return (struct row){
        .event_time_ms = stamp_ms,
        .received_unix_ms = now_ms,
        .client = event->client,
        .platform = event->platform,
        .action = actions[event->kind],
        .reason = event->reason,
    };
}

static bool merge_rows(struct user *user, const struct table_event *event, uint64_t stamp_ms,
                       const struct user_view *view)
{
    struct row row = row_of(event, stamp_ms, view->now_ms);
    bool changed = merge_row(user, &row, view);
    if (event->kind == TABLE_LOGIN) {
        changed |= merge_kicked(user, event, row, view);
    }
    return changed;
}

static bool merge_custom_status(struct user *user, struct str text, uint64_t stamp_ms)
{
    if (user->has_custom_status &&
        (stamp_ms < user->custom_status_time_ms ||
         (stamp_ms == user->custom_status_time_ms && str_compare(text, user_custom_status(user)) <= 0))) {
        return false;
    }
    user->has_custom_status = true;
    user->custom_status_time_ms = stamp_ms;
    user->custom_status_len = (uint16_t)text.len;
    if (text.len > 0) {
        memcpy(user->custom_status, text.ptr, text.len);
    }
    return true;
}

bool merge_event(struct user *user, const struct table_event *event, uint64_t stamp_ms,
                 const struct user_view *view)
{
    return event->kind == TABLE_CUSTOM_STATUS ? merge_custom_status(user, event->custom_status, stamp_ms)
                                              : merge_rows(user, event, stamp_ms, view);
}

bool merge_is_repeat(const struct user *user, const struct table_event *event, uint64_t stamp_ms)
{
    if (event->kind == TABLE_CUSTOM_STATUS) {
        return user->has_custom_status && stamp_ms == user->custom_status_time_ms &&
               str_equal(event->custom_status, user_custom_status(user));
    }
    const struct row row = row_of(event, stamp_ms, 0);
    const struct row *known = user_row(user, event->platform);
    return known != NULL && row_compare(&row, known) == 0;
}

bool merge_user(struct user *user, const struct user *other, const struct user_view *view)
{
    bool changed = false;
    for (unsigned i = 0; i < other->n_rows; i++) {
        changed |= merge_row(user, &other->rows[i], view);
    }
    if (other->has_custom_status) {
        changed |= merge_custom_status(user, user_custom_status(other), other->custom_status_time_ms);
    }
    return changed;
}

/* Returns the action that corresponds to the status in the answer. */
static uint8_t answered_action(const struct table_answer *answer, uint8_t platform)
{
    return platform_set_has(&answer->online, platform)        ? ROW_LOGIN
           : platform_set_has(&answer->push_online, platform) ? ROW_DISCONNECT
                                                              : ROW_LOGOUT;
}

/* Returns whether a row has the status of the answer. If the push_online window ends earlier here than at
 * Tencent, that is no difference. A Login in the second half of its assume_offline_after time is not treated
 * as equal, so that the answer renews it. */
static bool matches_answer(const struct row *effective, uint8_t action, const struct user_view *view)
{
    bool has_window = user_row_has_window(effective);
    switch (action) {
    case ROW_LOGIN:
        return effective->action == ROW_LOGIN &&
               (view->assume_offline_after_ms == 0 ||
                effective->received_unix_ms + view->assume_offline_after_ms / 2 > view->now_ms);
    case ROW_DISCONNECT:
        return has_window;
    default:
        return effective->action != ROW_LOGIN &&
               !(has_window && effective->event_time_ms + view->push_online_window_ms > view->now_ms);
    }
}

/* Applies the answer for one platform, which may have no row. */
static bool correct_row(struct user *user, uint8_t platform, const struct table_answer *answer,
                        const struct user_view *view, struct table_corrections *corrections)
{
    struct row row = {
        .event_time_ms = answer->stamp_ms,
        .received_unix_ms = view->now_ms,
        .platform = platform,
        .action = answered_action(answer, platform),
        .reason = ROW_REASON_RECONCILED,
    };
    const struct row *known = user_row(user, platform);
    if (known == NULL) {
        if (row.action == ROW_LOGOUT) {
            return false;
        }
        corrections->n_begun += row.action == ROW_LOGIN;
        corrections->n_others += row.action != ROW_LOGIN;
        platform_set_add(&corrections->changed, platform);
        user->rows[user->n_rows++] = row;
        return true;
    }
    struct row effective = user_effective_row(user, known);
    if (matches_answer(&effective, row.action, view)) {
        return false;
    }
    if (row_compare(&row, &effective) <= 0) {
        uint64_t by_ms = effective.event_time_ms - row.event_time_ms;
        corrections->n_older++;
        corrections->older_by_ms = by_ms > corrections->older_by_ms ? by_ms : corrections->older_by_ms;
        return false;
    }
    bool was_online = user_row_is_online(&effective, view);
    corrections->n_begun += row.action == ROW_LOGIN && !was_online;
    corrections->n_ended += row.action != ROW_LOGIN && was_online;
    corrections->n_others += row.action != ROW_LOGIN && !was_online;
    platform_set_add(&corrections->changed, platform);
    user->rows[known - user->rows] = row;
    return true;
}

bool merge_answer(struct user *user, const struct table_answer *answer, const struct user_view *view,
                  struct table_corrections *ret_corrections)
{
    struct table_corrections corrections = {0};
    bool changed = false;
    for (unsigned platform = 0; platform < PLATFORM_N_MAX; platform++) {
        if (platform_set_has(&answer->platforms, (uint8_t)platform)) {
            changed |= correct_row(user, (uint8_t)platform, answer, view, &corrections);
        }
    }
    *ret_corrections = corrections;
    return changed;
}

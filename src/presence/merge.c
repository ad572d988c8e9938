/* SPDX-License-Identifier: MIT */
#include "merge.h"

bool merge_believes(const struct table_event *event, uint64_t now_ms)
{
    return event->has_event_time &&
           (event->event_time_ms <= now_ms || event->event_time_ms - now_ms <= TABLE_MAX_AHEAD_MS);
}

static bool ends_all_rows(const struct table_event *event)
{
    return event->platform == PLATFORM_RESTAPI && event->kind != TABLE_LOGIN;
}

/* Whether the event is to replace the row, or, ending all by how they read, to outdo it. */
static bool concerns(const struct table_event *event, const struct row *row)
{
    return row->platform == event->platform || ends_all_rows(event) ||
           (event->kind == TABLE_LOGIN && platform_set_has(&event->kicked, row->platform));
}

static uint64_t later(uint64_t stamp_ms, uint64_t than_ms)
{
    return stamp_ms > than_ms ? stamp_ms : than_ms + 1;
}

uint64_t merge_stamp(const struct user *user, const struct table_event *event, uint64_t now_ms)
{
    uint64_t stamp = now_ms;
    if (merge_believes(event, now_ms)) {
        return event->event_time_ms;
    }
    if (event->kind == TABLE_CUSTOM_STATUS) {
        stamp = user->has_custom_status ? later(stamp, user->custom_status_time_ms) : stamp;
    } else {
        for (unsigned i = 0; i < user->n_rows; i++) {
            stamp = concerns(event, &user->rows[i]) ? later(stamp, user->rows[i].event_time_ms) : stamp;
        }
    }
    return stamp < EVENT_TIME_MAX_MS ? stamp : EVENT_TIME_MAX_MS;
}

static bool merge_row(struct user *user, const struct row *row)
{
    const struct row *known = user_row(user, row->platform);
    if (known == NULL) {
        user->rows[user->n_rows++] = *row;
        return true;
    }
    if (row_compare(row, known) <= 0) {
        return false;
    }
    user->rows[known - user->rows] = *row;
    return true;
}

static bool merge_kicked(struct user *user, const struct table_event *event, struct row row)
{
    bool changed = false;
    row.action = ROW_KICKED;
    row.reason = ROW_REASON_KICKED;
    for (unsigned platform = 0; platform < PLATFORM_N_MAX; platform++) {
        if (platform != event->platform && platform_set_has(&event->kicked, (uint8_t)platform)) {
            row.platform = (uint8_t)platform;
            changed |= merge_row(user, &row);
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

static bool merge_rows(struct user *user, const struct table_event *event, uint64_t stamp_ms, uint64_t now_ms)
{
    struct row row = row_of(event, stamp_ms, now_ms);
    bool changed = merge_row(user, &row);
    if (event->kind == TABLE_LOGIN) {
        changed |= merge_kicked(user, event, row);
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

bool merge_event(struct user *user, const struct table_event *event, uint64_t stamp_ms, uint64_t now_ms)
{
    return event->kind == TABLE_CUSTOM_STATUS ? merge_custom_status(user, event->custom_status, stamp_ms)
                                              : merge_rows(user, event, stamp_ms, now_ms);
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

bool merge_user(struct user *user, const struct user *other)
{
    bool changed = false;
    for (unsigned i = 0; i < other->n_rows; i++) {
        changed |= merge_row(user, &other->rows[i]);
    }
    if (other->has_custom_status) {
        changed |= merge_custom_status(user, user_custom_status(other), other->custom_status_time_ms);
    }
    return changed;
}

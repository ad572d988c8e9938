/* SPDX-License-Identifier: MIT */
#include "model.h"

static uint64_t max_u64(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static int compare_u64(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

static int compare_bytes(const void *a, size_t a_len, const void *b, size_t b_len)
{
    for (size_t i = 0; i < a_len && i < b_len; i++) {
        int order = compare_u64(((const uint8_t *)a)[i], ((const uint8_t *)b)[i]);
        if (order != 0) {
            return order;
        }
    }
    return compare_u64(a_len, b_len);
}

int model_row_compare(const struct row *a, const struct row *b)
{
    if (a->event_time_ms != b->event_time_ms) {
        return compare_u64(a->event_time_ms, b->event_time_ms);
    }
    if (a->action != b->action) {
        return compare_u64(a->action, b->action);
    }
    if (a->reason != b->reason) {
        return compare_u64(a->reason, b->reason);
    }
    return compare_bytes(a->client.bytes, a->client.len, b->client.bytes, b->client.len);
}

const struct row *model_user_row(const struct user *user, uint8_t platform)
{
    for (unsigned i = 0; i < user->n_rows; i++) {
        if (user->rows[i].platform == platform) {
            return &user->rows[i];
        }
    }
    return NULL;
}

struct row model_effective_row(const struct user *user, const struct row *row)
{
    const struct row *ending = model_user_row(user, PLATFORM_RESTAPI);
    struct row effective = *row;

    if (ending != NULL && (ending->action == ROW_LOGOUT || ending->action == ROW_DISCONNECT) &&
        model_row_compare(row, ending) <= 0) {
        effective = *ending;
        effective.platform = row->platform;
    }
    return effective;
}

/* What user_summarise() decides from, gathered over all rows. */
struct evidence {
    bool is_online;
    uint64_t first_online_ms; /* where is_online */
    uint64_t last_event_ms;
    uint64_t window_end_ms; /* 0: no phone or tablet was disconnected, or there are no windows */
};

static bool has_window(const struct row *effective)
{
    return effective->action == ROW_DISCONNECT &&
           (effective->platform == PLATFORM_IOS || effective->platform == PLATFORM_ANDROID ||
            effective->platform == PLATFORM_IPAD);
}

static struct evidence gather(const struct user *user, uint64_t window_ms)
{
    struct evidence evidence = {.first_online_ms = UINT64_MAX};

    for (unsigned i = 0; i < user->n_rows; i++) {
        struct row row = model_effective_row(user, &user->rows[i]);
        evidence.last_event_ms = max_u64(evidence.last_event_ms, user->rows[i].event_time_ms);
        if (row.action == ROW_LOGIN) {
            evidence.is_online = true;
            if (row.event_time_ms < evidence.first_online_ms) {
                evidence.first_online_ms = row.event_time_ms;
            }
        }
        if (window_ms > 0 && has_window(&row)) {
            evidence.window_end_ms = max_u64(evidence.window_end_ms, row.event_time_ms + window_ms);
        }
    }
    return evidence;
}

void model_summarise(const struct user *user, uint64_t window_ms, uint64_t now_ms,
                     struct user_summary *ret_summary)
{
    struct evidence evidence = gather(user, window_ms);

    if (user->n_rows == 0) {
        *ret_summary = (struct user_summary){.state = USER_UNKNOWN};
    } else if (evidence.is_online) {
        *ret_summary = (struct user_summary){
            .state = USER_ONLINE, .has_since = true, .since_ms = evidence.first_online_ms};
    } else if (evidence.window_end_ms > now_ms) {
        *ret_summary = (struct user_summary){.state = USER_PUSH_ONLINE,
                                             .has_since = true,
                                             .since_ms = evidence.last_event_ms,
                                             .window_end_ms = evidence.window_end_ms};
    } else {
        uint64_t since_ms = max_u64(evidence.last_event_ms, evidence.window_end_ms);
        *ret_summary = (struct user_summary){.state = USER_OFFLINE,
                                             .has_since = true,
                                             .since_ms = since_ms,
                                             .window_end_ms = evidence.window_end_ms};
    }
}

uint64_t model_last_stamp_ms(const struct user *user)
{
    uint64_t last_ms = user->has_custom_status ? user->custom_status_time_ms : 0;

    for (unsigned i = 0; i < user->n_rows; i++) {
        last_ms = max_u64(last_ms, user->rows[i].event_time_ms);
    }
    return last_ms;
}

uint64_t model_forgotten_stamp_ms(const struct user *user, uint64_t now_ms)
{
    uint64_t stamp_ms = 0;

    if (user->has_custom_status) {
        stamp_ms = user->custom_status_time_ms > now_ms ? now_ms : user->custom_status_time_ms;
    }
    for (unsigned i = 0; i < user->n_rows; i++) {
        const struct row *row = &user->rows[i];
        bool was_ahead = row->event_time_ms > row->received_unix_ms;
        uint64_t counts_as_ms = was_ahead ? row->received_unix_ms : row->event_time_ms;
        stamp_ms = max_u64(stamp_ms, counts_as_ms > now_ms ? now_ms : counts_as_ms);
    }
    return stamp_ms;
}

static struct model_user *find(struct model *model, uint16_t app, struct str id)
{
    for (size_t i = 0; i < model->n_users; i++) {
        const struct user *user = &model->users[i].user;
        if (user->app == app && user->id_len == id.len && memcmp(user->id, id.ptr, id.len) == 0) {
            return &model->users[i];
        }
    }
    return NULL;
}

const struct model_user *model_find(const struct model *model, uint16_t app, struct str id)
{
    return find((struct model *)model, app, id);
}

static enum user_state state_at(const struct model *model, const struct user *user, uint64_t now_ms)
{
    struct user_summary summary;
    model_summarise(user, model->config.push_online_window_ms, now_ms, &summary);
    return summary.state;
}

/* When an offline or unknown user began to be so. */
static uint64_t idle_since_ms(const struct model *model, const struct user *user)
{
    struct evidence evidence = gather(user, model->config.push_online_window_ms);
    return user->n_rows == 0 ? user->custom_status_time_ms
                             : max_u64(evidence.last_event_ms, evidence.window_end_ms);
}

static bool is_idle(const struct model_user *user)
{
    return user->state == USER_OFFLINE || user->state == USER_UNKNOWN;
}

static void drop(struct model *model, struct model_user *user, uint64_t now_ms)
{
    struct model_app *app = &model->apps[user->user.app];

    app->forgotten_before_ms = max_u64(app->forgotten_before_ms,
                                       model_forgotten_stamp_ms(&user->user, now_ms));
    *user = model->users[--model->n_users];
}

/* Whether the event names `platform`'s row as one that it is to replace. */
static bool aims_at(const struct table_event *event, uint8_t platform)
{
    switch (event->kind) {
    case TABLE_LOGIN:
        return platform == event->platform || platform_set_has(&event->kicked, platform);
    case TABLE_LOGOUT:
    case TABLE_DISCONNECT:
        return platform == event->platform || event->platform == PLATFORM_RESTAPI;
    case TABLE_CUSTOM_STATUS:
        return false;
    }
    return false;
}

/* What events for absent users have to be newer than; one that the clock has not reached is nothing. */
static uint64_t forgotten_at(const struct model *model, uint16_t app, uint64_t now_ms)
{
    uint64_t forgotten_before_ms = model->apps[app].forgotten_before_ms;
    return forgotten_before_ms > now_ms ? 0 : forgotten_before_ms;
}

/* The stamp of an event that has none of its own that can be believed. */
static uint64_t received_stamp_ms(const struct model *model, const struct table_event *event,
                                  const struct model_user *user, uint64_t now_ms)
{
    uint64_t stamp_ms = now_ms;

    if (user == NULL) {
        stamp_ms = max_u64(stamp_ms, forgotten_at(model, event->app, now_ms) + 1);
    } else if (event->kind == TABLE_CUSTOM_STATUS) {
        if (user->user.has_custom_status) {
            stamp_ms = max_u64(stamp_ms, user->user.custom_status_time_ms + 1);
        }
    } else {
        for (unsigned i = 0; i < user->user.n_rows; i++) {
            if (aims_at(event, user->user.rows[i].platform)) {
                stamp_ms = max_u64(stamp_ms, user->user.rows[i].event_time_ms + 1);
            }
        }
    }
    return stamp_ms > EVENT_TIME_MAX_MS ? EVENT_TIME_MAX_MS : stamp_ms;
}

/* The higher of the row that is there and `row` stays. Returns whether that is `row`. */
static bool put_row(struct user *user, const struct row *row)
{
    struct row *known = (struct row *)model_user_row(user, row->platform);

    if (known == NULL) {
        known = &user->rows[user->n_rows++];
    } else if (model_row_compare(row, known) <= 0) {
        return false;
    }
    *known = *row;
    return true;
}

static bool put_custom_status(struct user *user, struct str status, uint64_t stamp_ms)
{
    if (user->has_custom_status) {
        int order = compare_u64(stamp_ms, user->custom_status_time_ms);
        if (order == 0) {
            order = compare_bytes(status.ptr, status.len, user->custom_status, user->custom_status_len);
        }
        if (order <= 0) {
            return false;
        }
    }
    user->has_custom_status = true;
    user->custom_status_time_ms = stamp_ms;
    user->custom_status_len = (uint16_t)status.len;
    memcpy(user->custom_status, status.ptr, status.len);
    return true;
}

static bool put_login(struct user *user, const struct table_event *event, const struct row *row)
{
    bool changed = put_row(user, row);

    for (unsigned platform = 0; platform < PLATFORM_N_MAX; platform++) {
        if (platform != event->platform && platform_set_has(&event->kicked, (uint8_t)platform)) {
            struct row kicked = *row;
            kicked.platform = (uint8_t)platform;
            kicked.action = ROW_KICKED;
            kicked.reason = ROW_REASON_KICKED;
            changed |= put_row(user, &kicked);
        }
    }
    return changed;
}

static bool put_event(struct user *user, const struct table_event *event, uint64_t stamp_ms, uint64_t now_ms)
{
    struct row row = {
        .event_time_ms = stamp_ms,
        .received_unix_ms = now_ms,
        .client = event->client,
        .platform = event->platform,
        .reason = event->reason,
    };

    switch (event->kind) {
    case TABLE_LOGIN:
        row.action = ROW_LOGIN;
        return put_login(user, event, &row);
    case TABLE_LOGOUT:
        row.action = ROW_LOGOUT;
        return put_row(user, &row);
    case TABLE_DISCONNECT:
        row.action = ROW_DISCONNECT;
        return put_row(user, &row);
    case TABLE_CUSTOM_STATUS:
        return put_custom_status(user, event->custom_status, stamp_ms);
    }
    return false;
}

static bool window_has_ended(const struct model *model, const struct model_user *user, uint64_t now_ms)
{
    return user->state == USER_PUSH_ONLINE && state_at(model, &user->user, now_ms) == USER_OFFLINE;
}

/* What may be dropped first has the lowest key; UINT64_MAX is never. Push online comes after all idle ones.
 */
static uint64_t drop_key(const struct model *model, const struct model_user *user, uint64_t now_ms)
{
    if (is_idle(user) || window_has_ended(model, user, now_ms)) {
        return idle_since_ms(model, &user->user);
    }
    if (user->state == USER_PUSH_ONLINE) {
        return (UINT64_C(1) << 62) + gather(&user->user, model->config.push_online_window_ms).window_end_ms;
    }
    return UINT64_MAX;
}

static bool drop_for_room(struct model *model, uint64_t now_ms)
{
    uint64_t lowest = UINT64_MAX;
    struct model_user *first = NULL;

    for (size_t i = 0; i < model->n_users; i++) {
        uint64_t key = drop_key(model, &model->users[i], now_ms);
        if (key < lowest) {
            lowest = key;
            first = &model->users[i];
        }
    }
    if (first == NULL) {
        return false;
    }
    for (size_t i = 0; i < model->n_users; i++) {
        if (drop_key(model, &model->users[i], now_ms) == lowest &&
            model->was_dropped(model->cls, &model->users[i].user)) {
            first = &model->users[i];
        }
    }
    model->apps[first->user.app].n_dropped_for_room++;
    drop(model, first, now_ms);
    return true;
}

static struct model_user *add_user(struct model *model, const struct user *user)
{
    if (model->n_users == model->capacity) {
        model->capacity = 2 * model->capacity + 16;
        model->users = reallocarray(model->users, model->capacity, sizeof(*model->users));
        if (model->users == NULL) {
            abort();
        }
    }
    model->users[model->n_users] = (struct model_user){.user = *user};
    return &model->users[model->n_users++];
}

static struct model_user *add_new_user(struct model *model, uint16_t app, struct str id)
{
    struct user user = {.app = app, .id_len = (uint16_t)id.len};

    memcpy(user.id, id.ptr, id.len);
    return add_user(model, &user);
}

void model_adopt(struct model *model, const struct user *user, uint64_t now_ms)
{
    add_user(model, user)->state = state_at(model, user, now_ms);
}

void model_fini(struct model *model)
{
    free(model->users);
}

enum table_outcome model_apply(struct model *model, const struct table_event *event, uint64_t now_ms,
                               struct model_effect *ret_effect)
{
    struct model_user *user = find(model, event->app, event->user_id);
    bool believed = event->has_event_time && event->event_time_ms <= now_ms + TABLE_MAX_AHEAD_MS;
    uint64_t stamp_ms = believed ? event->event_time_ms : received_stamp_ms(model, event, user, now_ms);
    uint64_t forgotten_before_ms = forgotten_at(model, event->app, now_ms);

    *ret_effect = (struct model_effect){.restamped = !believed};
    if (user == NULL) {
        if (forgotten_before_ms > 0 && stamp_ms <= forgotten_before_ms) {
            return TABLE_FORGOTTEN;
        }
        if (model->config.max_users > 0 && model->n_users >= model->config.max_users) {
            if (!drop_for_room(model, now_ms)) {
                return TABLE_FULL;
            }
            ret_effect->n_dropped = 1;
        }
        user = add_new_user(model, event->app, event->user_id);
    }
    if (!put_event(&user->user, event, stamp_ms, now_ms)) {
        return TABLE_UNCHANGED;
    }
    user->state = state_at(model, &user->user, now_ms);
    ret_effect->n_updated = 1;
    return TABLE_CHANGED;
}

static void end_windows(struct model *model, uint64_t now_ms, struct model_effect *effect)
{
    for (size_t i = 0; i < model->n_users; i++) {
        struct model_user *user = &model->users[i];
        if (window_has_ended(model, user, now_ms)) {
            user->state = USER_OFFLINE;
            effect->n_updated++;
        }
    }
}

/* A clock that was set back by more than a second makes windows open again that had ended. */
static void reopen_windows(struct model *model, uint64_t now_ms, struct model_effect *effect)
{
    for (size_t i = 0; i < model->n_users; i++) {
        struct model_user *user = &model->users[i];
        uint64_t end_ms = gather(&user->user, model->config.push_online_window_ms).window_end_ms;
        if (user->state == USER_OFFLINE && end_ms > now_ms + 1000) {
            user->state = USER_PUSH_ONLINE;
            effect->n_reopened++;
        }
    }
}

bool model_settle(struct model *model, uint16_t app, struct str id, uint64_t now_ms)
{
    struct model_user *user = find(model, app, id);

    if (user == NULL || !window_has_ended(model, user, now_ms)) {
        return false;
    }
    user->state = USER_OFFLINE;
    return true;
}

static void drop_for_age(struct model *model, uint64_t now_ms, struct model_effect *effect)
{
    for (size_t i = model->n_users; i-- > 0;) {
        struct model_user *user = &model->users[i];
        if (is_idle(user) && idle_since_ms(model, &user->user) + model->config.forget_after_ms <= now_ms) {
            model->apps[user->user.app].n_dropped_for_age++;
            drop(model, user, now_ms);
            effect->n_dropped++;
        }
    }
}

void model_tick(struct model *model, uint64_t now_ms, struct model_effect *ret_effect)
{
    *ret_effect = (struct model_effect){0};
    reopen_windows(model, now_ms, ret_effect);
    end_windows(model, now_ms, ret_effect);
    if (model->config.forget_after_ms > 0) {
        drop_for_age(model, now_ms, ret_effect);
    }
}

static void count_user(const struct model_user *user, struct table_counts *counts)
{
    counts->n_users[user->state]++;
    for (unsigned i = 0; i < user->user.n_rows; i++) {
        struct row row = model_effective_row(&user->user, &user->user.rows[i]);
        if (row.action == ROW_LOGIN) {
            counts->n_online_rows[row.platform]++;
        }
    }
}

void model_counts(const struct model *model, uint16_t app, struct table_counts *ret_counts)
{
    *ret_counts = (struct table_counts){
        .forgotten_before_ms = model->apps[app].forgotten_before_ms,
        .n_dropped_for_room = model->apps[app].n_dropped_for_room,
        .n_dropped_for_age = model->apps[app].n_dropped_for_age,
    };
    for (size_t i = 0; i < model->n_users; i++) {
        if (model->users[i].user.app == app) {
            count_user(&model->users[i], ret_counts);
        }
    }
}

bool model_matches(const struct model_user *user, const struct table_filter *filter)
{
    if ((filter->app >= 0 && user->user.app != filter->app) ||
        (filter->state >= 0 && (int)user->state != filter->state)) {
        return false;
    }
    if (filter->platform < 0) {
        return true;
    }
    const struct row *row = model_user_row(&user->user, (uint8_t)filter->platform);
    return row != NULL &&
           (filter->state != USER_ONLINE || model_effective_row(&user->user, row).action == ROW_LOGIN);
}

/* SPDX-License-Identifier: MIT */
#include "gather.h"

#include "codec.h"
#include "presenced/clock.h"

#include <errno.h>

static bool is_of_user(const struct gather *gather, uint16_t app, const struct codec_item *item, bool forgets)
{
    return gather->has_user && gather->user.app == app && gather->forgets == forgets &&
           str_equal(user_id(&gather->user), item->user_id);
}

static void begin_user(struct gather *gather, uint16_t app, const struct codec_item *item, bool forgets)
{
    gather->has_user = true;
    gather->forgets = forgets;
    user_begin(&gather->user, app, item->user_id);
}

/* Finds or adds the platform. Returns false if the table has no room for its name: the row is then dropped,
 * because rows of PLATFORM_UNKNOWN are those of events without a platform, which must be the same on all
 * nodes. */
static bool find_platform(struct gather *gather, struct str name, uint8_t *ret_platform)
{
    uint8_t platform = platform_intern(table_platform_names(gather->table), name);
    *ret_platform = platform;
    return platform != PLATFORM_UNKNOWN || str_equal_fold(name, STR("unknown"));
}

int gather_end(struct gather *gather)
{
    struct table_applied applied;
    uint64_t now_ms = clock_unix_ms();
    if (!gather->has_user) {
        return 0;
    }
    gather->has_user = false;
    if (gather->forgets) {
        if (table_forget_user(gather->table, &gather->user, now_ms) == TABLE_KEPT) {
            gather->on_kept(gather->cls, gather->user.app, user_id(&gather->user));
        }
        return 0;
    }
    int r = table_merge_user(gather->table, &gather->user, CHANGE_BY_REPLICA, now_ms, &applied);
    gather->n_users_changed += r == TABLE_CHANGED;
    gather->n_full += r == TABLE_FULL;
    if (r == TABLE_CHANGED && gather->in_entry) {
        gather->on_changed(gather->cls, &gather->user);
    }
    return r < 0 ? r : 0;
}

/* An entry may contain several changes of one user in succession: a second row of the same platform belongs
 * to the next change. */
static int select_user(struct gather *gather, uint16_t app, const struct codec_item *item, int platform,
                       bool forgets)
{
    bool is_same = is_of_user(gather, app, item, forgets) &&
                   (platform < 0 || user_row(&gather->user, (uint8_t)platform) == NULL);
    if (is_same) {
        return 0;
    }
    int r = gather_end(gather);
    if (r == 0) {
        begin_user(gather, app, item, forgets);
    }
    return r;
}

static int add_row(struct gather *gather, uint16_t app, const struct codec_item *item, bool forgets)
{
    struct row row = item->row;
    if (!find_platform(gather, item->platform_name, &row.platform)) {
        gather->n_malformed++;
        return GATHER_NO_ROW;
    }
    int r = select_user(gather, app, item, row.platform, forgets);
    if (r == 0) {
        gather->user.rows[gather->user.n_rows++] = row;
    }
    return r;
}

static int add_custom_status(struct gather *gather, uint16_t app, const struct codec_item *item, bool forgets)
{
    struct user *user = &gather->user;
    int r = select_user(gather, app, item, -1, forgets);
    if (r < 0) {
        return r;
    }
    user->has_custom_status = true;
    user->custom_status_time_ms = item->stamp_ms;
    user->custom_status_len = (uint16_t)item->text.len;
    memcpy(user->custom_status, item->text.ptr, item->text.len);
    return 0;
}

int gather_add(struct gather *gather, struct str field, struct str value, bool forgets)
{
    struct codec_item item;
    if (!codec_parse(field, value, &item)) {
        gather->n_malformed++;
        return GATHER_NO_ROW;
    }
    int app = table_find_app(gather->table, item.app_id);
    if (app < 0) {
        return GATHER_NO_ROW;
    }
    if (item.kind == CODEC_FORGOTTEN) {
        uint64_t *stamp = &gather->stamps_ms[app];
        *stamp = item.stamp_ms > *stamp ? item.stamp_ms : *stamp;
        gather->has_stamps = true;
        return GATHER_NO_ROW;
    }
    return item.kind == CODEC_ROW ? add_row(gather, (uint16_t)app, &item, forgets)
                                  : add_custom_status(gather, (uint16_t)app, &item, forgets);
}

/* Takes a text from the beginning of `rows`: a u16 length, then the bytes. */
static bool take(struct str *rows, struct str *ret_text)
{
    if (rows->len < 2) {
        return false;
    }
    size_t len = (size_t)(unsigned char)rows->ptr[0] << 8 | (unsigned char)rows->ptr[1];
    if (rows->len - 2 < len) {
        return false;
    }
    *ret_text = (struct str){rows->ptr + 2, len};
    *rows = (struct str){rows->ptr + 2 + len, rows->len - 2 - len};
    return true;
}

static int add_all(struct gather *gather, struct str rows, bool forgets)
{
    struct str field, value;
    while (rows.len > 0) {
        if (!take(&rows, &field) || !take(&rows, &value)) {
            gather->n_malformed++;
            break;
        }
        int r = gather_add(gather, field, value, forgets);
        if (r < 0) {
            return r;
        }
    }
    return gather_end(gather);
}

int gather_add_entry(struct gather *gather, struct str rows, bool forgets)
{
    gather->in_entry = true;
    int r = add_all(gather, rows, forgets);
    gather->in_entry = false;
    return r;
}

bool gather_tell_stamps(struct gather *gather)
{
    bool had_stamps = gather->has_stamps;
    for (unsigned app = 0; had_stamps && app < table_n_apps(gather->table); app++) {
        if (gather->stamps_ms[app] != 0) {
            table_raise_forgotten(gather->table, (uint16_t)app, gather->stamps_ms[app], clock_unix_ms());
            gather->stamps_ms[app] = 0;
        }
    }
    gather->has_stamps = false;
    return had_stamps;
}

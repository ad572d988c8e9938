/* SPDX-License-Identifier: MIT */
#include "user_json.h"

#include "presenced/portable_user.h"

static void write_optional_u64(struct json_writer *json, const char *key, bool is_known, uint64_t value)
{
    if (is_known) {
        json_u64(json, key, value);
    } else {
        json_null(json, key);
    }
}

/* A custom status is shown only while the user is online. */
static void write_custom_status(struct json_writer *json, const struct user *user, enum user_state state)
{
    bool is_shown = state == USER_ONLINE && user->has_custom_status && user->custom_status_len > 0;
    if (is_shown) {
        json_str(json, "custom_status", user_custom_status(user));
    } else {
        json_null(json, "custom_status");
    }
    write_optional_u64(json, "custom_status_time", is_shown, user->custom_status_time_ms);
}

void user_json_write(struct json_writer *json, struct table *table, const struct user *user, uint64_t now_ms)
{
    struct user_summary summary;
    struct user_view view = table_view(table, now_ms);
    user_summarise(user, &view, &summary);
    json_begin_object(json, NULL);
    json_u64(json, "app", table_app_id(table, user->app));
    json_str(json, "user", user_id(user));
    json_str(json, "state", user_state_name(summary.state));
    write_optional_u64(json, "since", summary.has_since, summary.since_ms);
    write_custom_status(json, user, summary.state);
    json_begin_array(json, "devices");
    for (size_t i = 0; i < user->n_rows; i++) {
        struct row row = user_effective_row(user, &user->rows[i]);
        json_begin_object(json, NULL);
        portable_write_row(json, table_platform_names(table), &row,
                           user_row_is_online(&row, &view) ? STR("online") : STR("offline"));
        json_end_object(json);
    }
    json_end_array(json);
    json_end_object(json);
}

void user_json_write_unknown(struct json_writer *json, uint64_t app_id, struct str user_id)
{
    json_begin_object(json, NULL);
    json_u64(json, "app", app_id);
    json_str(json, "user", user_id);
    json_str(json, "state", user_state_name(USER_UNKNOWN));
    json_null(json, "since");
    json_null(json, "custom_status");
    json_null(json, "custom_status_time");
    json_begin_array(json, "devices");
    json_end_array(json);
    json_end_object(json);
}

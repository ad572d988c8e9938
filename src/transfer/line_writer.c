/* SPDX-License-Identifier: MIT */
#include "line.h"

#include "presenced/json.h"

void line_write_header(struct buf *out)
{
    struct json_writer json = {.out = out};
    json_begin_object(&json, NULL);
    json_str(&json, "format", STR("presenced"));
    json_u64(&json, "version", LINE_FORMAT_VERSION);
    json_end_object(&json);
    buf_append_char(out, '\n');
}

static void write_two_numbers(struct buf *out, const char *key, uint64_t value, const char *next_key,
                              uint64_t next_value)
{
    struct json_writer json = {.out = out};
    json_begin_object(&json, NULL);
    json_u64(&json, key, value);
    json_u64(&json, next_key, next_value);
    json_end_object(&json);
    buf_append_char(out, '\n');
}

void line_write_app(struct buf *out, uint64_t app_id, uint64_t forgotten_before_ms)
{
    write_two_numbers(out, "app", app_id, "forgotten_before", forgotten_before_ms);
}

void line_write_end(struct buf *out, uint64_t n_apps, uint64_t n_users)
{
    write_two_numbers(out, "apps", n_apps, "users", n_users);
}

static void write_row(struct json_writer *json, const struct platform_names *names, const struct row *row)
{
    char client[ADDRESS_TEXT_SIZE];
    size_t client_len = address_format(&row->client, client);
    struct row_words words = row_words(row);
    json_begin_object(json, NULL);
    json_str(json, "platform", platform_name(names, row->platform));
    json_str(json, "action", words.action);
    json_str(json, "reason", words.reason);
    json_u64(json, "event_time", row->event_time_ms);
    json_u64(json, "received_time", row->received_unix_ms);
    if (client_len == 0) {
        json_null(json, "client_ip");
    } else {
        json_str(json, "client_ip", (struct str){client, client_len});
    }
    json_end_object(json);
}

static void write_custom_status(struct json_writer *json, const struct user *user)
{
    if (user->has_custom_status) {
        json_str(json, "custom_status", user_custom_status(user));
        json_u64(json, "custom_status_time", user->custom_status_time_ms);
    } else {
        json_null(json, "custom_status");
        json_null(json, "custom_status_time");
    }
}

void line_write_user(struct buf *out, uint64_t app_id, const struct platform_names *names,
                     const struct user *user)
{
    struct json_writer json = {.out = out};
    json_begin_object(&json, NULL);
    json_u64(&json, "app", app_id);
    json_str(&json, "user", user_id(user));
    json_begin_array(&json, "rows");
    for (unsigned i = 0; i < user->n_rows; i++) {
        write_row(&json, names, &user->rows[i]);
    }
    json_end_array(&json);
    write_custom_status(&json, user);
    json_end_object(&json);
    buf_append_char(out, '\n');
}

/* SPDX-License-Identifier: MIT */
#include "line.h"

#include "presenced/portable_user.h"

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

void line_write_user(struct buf *out, uint64_t app_id, const struct platform_names *names,
                     const struct user *user)
{
    struct json_writer json = {.out = out};
    portable_write_user(&json, app_id, names, user);
    buf_append_char(out, '\n');
}

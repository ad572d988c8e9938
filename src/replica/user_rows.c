/* SPDX-License-Identifier: MIT */
#include "user_rows.h"

struct layout_place user_rows_place(const struct table *table, const struct user *user)
{
    char field[CODEC_FIELD_MAX];
    size_t len = codec_user(table_app_id(table, user->app), user_id(user), field);
    return layout_place((struct str){field, len});
}

void user_rows_each(struct table *table, const struct user *user, uint64_t received_unix_ms,
                    const struct user_rows_visitor *visitor)
{
    uint64_t app_id = table_app_id(table, user->app);
    char field[CODEC_FIELD_MAX];
    char value[CODEC_VALUE_MAX];
    for (unsigned i = 0; i < user->n_rows; i++) {
        const struct row *row = &user->rows[i];
        if (received_unix_ms == 0 || row->received_unix_ms == received_unix_ms) {
            struct str name = platform_name(table_platform_names(table), row->platform);
            size_t field_len = codec_field(app_id, user_id(user), name, field);
            size_t value_len = codec_row(row, name, value);
            visitor->visit(visitor->cls, (struct str){field, field_len}, (struct str){value, value_len});
        }
    }
    if (user->has_custom_status) {
        size_t field_len = codec_field(app_id, user_id(user), STR(""), field);
        size_t value_len = codec_custom_status(user->custom_status_time_ms, user_custom_status(user), value);
        visitor->visit(visitor->cls, (struct str){field, field_len}, (struct str){value, value_len});
    }
}

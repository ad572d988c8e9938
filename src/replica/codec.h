/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_REPLICA_CODEC_H
#define PRESENCED_REPLICA_CODEC_H

/* Rows as the engine holds them: a field that says whose they are, and a value of which, of two, the one
 * whose bytes are higher behind a head stays. Drawn in codec.c. Any thread. */

#include "presenced/user.h"

#define CODEC_FIELD_MAX (16 + 1 + USER_ID_MAX + 1 + PLATFORM_NAME_MAX)
#define CODEC_VALUE_MAX (1 + PLATFORM_NAME_MAX + 6 + 8 + USER_CUSTOM_STATUS_MAX)

/* Each writes at most CODEC_FIELD_MAX, or CODEC_VALUE_MAX, bytes and returns how many. */

/* "APP" NUL "USER" NUL, with which the fields of all of a user's rows begin. */
size_t codec_user(uint64_t app_id, struct str user_id, char ret_field[static CODEC_FIELD_MAX]);

/* The same, and the platform behind it; an empty name: the custom status. */
size_t codec_field(uint64_t app_id, struct str user_id, struct str platform_name,
                   char ret_field[static CODEC_FIELD_MAX]);

/* The field of an app's forgotten_before. */
size_t codec_app(uint64_t app_id, char ret_field[static CODEC_FIELD_MAX]);

size_t codec_row(const struct row *row, struct str platform_name, char ret_value[static CODEC_VALUE_MAX]);
size_t codec_custom_status(uint64_t stamp_ms, struct str text, char ret_value[static CODEC_VALUE_MAX]);
size_t codec_stamp(uint64_t stamp_ms, char ret_value[static CODEC_VALUE_MAX]);

/* The part of a value that is compared: without its head. Empty where there is none. */
struct str codec_order(struct str value);

enum codec_kind {
    CODEC_ROW,
    CODEC_CUSTOM_STATUS,
    CODEC_FORGOTTEN, /* an app's forgotten_before */
};

/* A field and its value, unpacked; points into both. */
struct codec_item {
    enum codec_kind kind;
    uint64_t app_id;
    struct str user_id;
    struct str platform_name; /* of CODEC_ROW, as it is shown */
    struct row row;           /* of CODEC_ROW, but for its platform */
    uint64_t stamp_ms;        /* of the others */
    struct str text;          /* of CODEC_CUSTOM_STATUS */
};

/* False for what no presenced has written. */
bool codec_parse(struct str field, struct str value, struct codec_item *ret_item);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_REPLICA_CODEC_H
#define PRESENCED_REPLICA_CODEC_H

/* Encodes rows as fields and values of the engine. A field says which row it is. Of two values the newer one
 * is the one whose bytes behind a header are greater. The format is described in codec.c. Any thread. */

#include "presenced/user.h"

#define CODEC_FIELD_MAX (16 + 1 + USER_ID_MAX + 1 + PLATFORM_NAME_MAX)
#define CODEC_VALUE_MAX (1 + PLATFORM_NAME_MAX + 6 + 8 + USER_CUSTOM_STATUS_MAX)

/* Each of these writes at most CODEC_FIELD_MAX or CODEC_VALUE_MAX bytes and returns how many. */

/* "APP" NUL "USER" NUL, the common prefix of the fields of all of a user's rows. */
size_t codec_user(uint64_t app_id, struct str user_id, char ret_field[static CODEC_FIELD_MAX]);

/* The same with the platform appended. An empty name stands for the custom status. */
size_t codec_field(uint64_t app_id, struct str user_id, struct str platform_name,
                   char ret_field[static CODEC_FIELD_MAX]);

/* The field of an app's forgotten_before. */
size_t codec_app(uint64_t app_id, char ret_field[static CODEC_FIELD_MAX]);

size_t codec_row(const struct row *row, struct str platform_name, char ret_value[static CODEC_VALUE_MAX]);
size_t codec_custom_status(uint64_t stamp_ms, struct str text, char ret_value[static CODEC_VALUE_MAX]);
size_t codec_stamp(uint64_t stamp_ms, char ret_value[static CODEC_VALUE_MAX]);

/* Returns the part of a value that is compared, without the header; empty if there is none. */
struct str codec_order(struct str value);

enum codec_kind {
    CODEC_ROW,
    CODEC_CUSTOM_STATUS,
    CODEC_FORGOTTEN, /* an app's forgotten_before */
};

/* A decoded field and value; points into both. */
struct codec_item {
    enum codec_kind kind;
    uint64_t app_id;
    struct str user_id;
    struct str platform_name; /* for CODEC_ROW, in the spelling to be shown */
    struct row row;           /* for CODEC_ROW; its platform is not set */
    uint64_t stamp_ms;        /* for the other kinds */
    struct str text;          /* for CODEC_CUSTOM_STATUS */
};

/* Decodes a field and its value. Returns false if they are malformed. */
bool codec_parse(struct str field, struct str value, struct codec_item *ret_item);

#endif

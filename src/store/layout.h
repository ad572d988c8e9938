/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_LAYOUT_H
#define PRESENCED_LAYOUT_H

/* Encodes and decodes the store's keys and values; layout.c documents the format. Any thread may call
 * everything here. */

#include "presenced/record.h"

#define LAYOUT_VERSION 2

/* The first byte of a key. */
enum layout_kind {
    LAYOUT_META = 1,
    LAYOUT_PLATFORM,
    LAYOUT_APP,
    LAYOUT_MINUTE,
    LAYOUT_USER,
    LAYOUT_POSITION,
    LAYOUT_END, /* after all kinds of this version */
};

#define LAYOUT_KEY_MAX (1 + 8 + USER_ID_MAX)
#define LAYOUT_VALUE_MAX RECORD_SIZE_MAX

struct layout_pair {
    size_t key_len;
    size_t value_len;
    uint8_t key[LAYOUT_KEY_MAX];
    uint8_t value[LAYOUT_VALUE_MAX];
};

static inline struct str layout_key(const struct layout_pair *pair)
{
    return (struct str){(const char *)pair->key, pair->key_len};
}

static inline struct str layout_value(const struct layout_pair *pair)
{
    return (struct str){(const char *)pair->value, pair->value_len};
}

struct layout_app {
    uint64_t id;
    uint64_t forgotten_before_ms;
    uint64_t n_dropped_for_room;
    uint64_t n_dropped_for_age;
};

struct layout_minute {
    uint64_t unix_ms; /* beginning of the minute */
    uint64_t n_online;
};

/* How much of the journal of a run is in the engine. */
struct layout_position {
    uint64_t run; /* 0: there is no journal */
    uint64_t revision;
};

void layout_write_meta(struct layout_pair *ret_pair);
void layout_write_platform(uint8_t platform, struct str name, struct layout_pair *ret_pair);
void layout_write_app(const struct layout_app *app, struct layout_pair *ret_pair);
void layout_write_minute(const struct layout_minute *minute, struct layout_pair *ret_pair);
void layout_write_position(const struct layout_position *position, struct layout_pair *ret_pair);
void layout_write_user(uint64_t app_id, const uint8_t *record, struct layout_pair *ret_pair);

/* Writes the key only. */
void layout_write_user_key(uint64_t app_id, struct str user_id, struct layout_pair *ret_pair);

/* These return 0 for a valid pair of their kind in this version, else -EBADMSG. */
int layout_read_meta(struct str key, struct str value, uint32_t *ret_version);
int layout_read_platform(struct str key, struct str value, uint8_t *ret_platform, struct str *ret_name);
int layout_read_app(struct str key, struct str value, struct layout_app *ret_app);
int layout_read_minute(struct str key, struct str value, struct layout_minute *ret_minute);

int layout_read_position(struct str key, struct str value, struct layout_position *ret_position);

/* Returns app and id of a user's key; the id points into the key. */
int layout_read_user_key(struct str key, uint64_t *ret_app_id, struct str *ret_user_id);

/* Makes the record of a user whose app has the given index in this process. Platform numbers must be below
 * `n_platforms`. */
int layout_read_user(struct str key, struct str value, uint16_t app, unsigned n_platforms,
                     uint8_t ret_record[static RECORD_SIZE_MAX]);

#endif

/* SPDX-License-Identifier: MIT */
/* The store's pairs, layout 2. In keys numbers are big-endian, so that keys sort numerically; in values they
 * are little-endian.
 *
 *   key                                 value
 *   01                                  u32 version of the layout; the same in every version
 *   02 u8 platform                      its name, for numbers from PLATFORM_N_KNOWN on
 *   03 u64 app id                       u64 forgotten_before, u64 dropped for room, u64 dropped for age
 *   04 u64 minute since 1970            u64 users online
 *   05 u64 app id, user id              u8  form: 1
 *                                       u8  number of rows; bit 7: a custom status follows them
 *                                       rows, each:
 *                                         u64  EventTime << 7 | action << 5 | reason << 2 | address kind
 *                                         u8   platform
 *                                         u48  time received
 *                                         client address, by kind 0, 4 or 16 bytes
 *                                       custom status:
 *                                         u64  its EventTime
 *                                         u16  length
 *                                         text
 *
 *   06                                  u64 run of the daemon, u64 revision of it up to which all is here
 *
 * Layout 1 had no rows of reason ROW_REASON_RECONCILED, which its readers treat as damage, and is otherwise
 * the same; opening a store of layout 1 makes it one of layout 2.
 *
 * A user is one value, so a login and the rows it kicked are written together. The bytes of rows and custom
 * status are those of record.c; if that format changes, a form 2 is needed here. A store without the key 01
 * was never completely created. */
#include "layout.h"

#include <endian.h>
#include <errno.h>

#define USER_FORM 1
#define HAS_CUSTOM_STATUS 0x80U
#define MINUTE_MS 60000

enum {
    RECORD_HEADER_SIZE = 4,
    ROW_SIZE = 8 + 1 + 6, /* without the client address */
    USER_KEY_SIZE = 1 + 8,
    USER_HEADER_SIZE = 2,
    APP_VALUE_SIZE = 3 * 8,
    CUSTOM_STATUS_SIZE = 8 + 2,
};

static void put_big(uint8_t *to, uint64_t value)
{
    uint64_t big = htobe64(value);
    memcpy(to, &big, sizeof(big));
}

static uint64_t get_big(const void *from)
{
    uint64_t big;
    memcpy(&big, from, sizeof(big));
    return be64toh(big);
}

static void put_little(uint8_t *to, uint64_t value, size_t n_bytes)
{
    uint64_t little = htole64(value);
    memcpy(to, &little, n_bytes);
}

static uint64_t get_little(const void *from, size_t n_bytes)
{
    uint64_t little = 0;
    memcpy(&little, from, n_bytes);
    return le64toh(little);
}

static void write_numbered_key(enum layout_kind kind, uint64_t number, struct layout_pair *ret_pair)
{
    ret_pair->key[0] = (uint8_t)kind;
    put_big(ret_pair->key + 1, number);
    ret_pair->key_len = 1 + 8;
    ret_pair->value_len = 0;
}

/* Reads a key that consists of its kind and a number. */
static int read_numbered_key(enum layout_kind kind, struct str key, uint64_t *ret_number)
{
    if (key.len != 1 + 8 || key.ptr[0] != (char)kind) {
        return -EBADMSG;
    }
    *ret_number = get_big(key.ptr + 1);
    return 0;
}

void layout_write_meta(struct layout_pair *ret_pair)
{
    ret_pair->key[0] = LAYOUT_META;
    ret_pair->key_len = 1;
    put_little(ret_pair->value, LAYOUT_VERSION, 4);
    ret_pair->value_len = 4;
}

int layout_read_meta(struct str key, struct str value, uint32_t *ret_version)
{
    if (key.len != 1 || key.ptr[0] != LAYOUT_META || value.len < 4) {
        return -EBADMSG;
    }
    *ret_version = (uint32_t)get_little(value.ptr, 4);
    return 0;
}

void layout_write_platform(uint8_t platform, struct str name, struct layout_pair *ret_pair)
{
    ret_pair->key[0] = LAYOUT_PLATFORM;
    ret_pair->key[1] = platform;
    ret_pair->key_len = 2;
    memcpy(ret_pair->value, name.ptr, name.len);
    ret_pair->value_len = name.len;
}

int layout_read_platform(struct str key, struct str value, uint8_t *ret_platform, struct str *ret_name)
{
    if (key.len != 2 || key.ptr[0] != LAYOUT_PLATFORM || value.len == 0 || value.len > PLATFORM_NAME_MAX) {
        return -EBADMSG;
    }
    uint8_t platform = (uint8_t)key.ptr[1];
    if (platform < PLATFORM_N_KNOWN || platform >= PLATFORM_N_MAX) {
        return -EBADMSG;
    }
    *ret_platform = platform;
    *ret_name = value;
    return 0;
}

void layout_write_app(const struct layout_app *app, struct layout_pair *ret_pair)
{
    write_numbered_key(LAYOUT_APP, app->id, ret_pair);
    put_little(ret_pair->value, app->forgotten_before_ms, 8);
    put_little(ret_pair->value + 8, app->n_dropped_for_room, 8);
    put_little(ret_pair->value + 16, app->n_dropped_for_age, 8);
    ret_pair->value_len = APP_VALUE_SIZE;
}

int layout_read_app(struct str key, struct str value, struct layout_app *ret_app)
{
    struct layout_app app;
    int r = read_numbered_key(LAYOUT_APP, key, &app.id);
    if (r < 0 || value.len != APP_VALUE_SIZE) {
        return -EBADMSG;
    }
    app.forgotten_before_ms = get_little(value.ptr, 8);
    app.n_dropped_for_room = get_little(value.ptr + 8, 8);
    app.n_dropped_for_age = get_little(value.ptr + 16, 8);
    if (app.forgotten_before_ms > EVENT_TIME_MAX_MS) {
        return -EBADMSG;
    }
    *ret_app = app;
    return 0;
}

void layout_write_minute(const struct layout_minute *minute, struct layout_pair *ret_pair)
{
    write_numbered_key(LAYOUT_MINUTE, minute->unix_ms / MINUTE_MS, ret_pair);
    put_little(ret_pair->value, minute->n_online, 8);
    ret_pair->value_len = 8;
}

int layout_read_minute(struct str key, struct str value, struct layout_minute *ret_minute)
{
    uint64_t minute;
    int r = read_numbered_key(LAYOUT_MINUTE, key, &minute);
    if (r < 0 || value.len != 8 || minute > UINT64_MAX / MINUTE_MS) {
        return -EBADMSG;
    }
    ret_minute->unix_ms = minute * MINUTE_MS;
    ret_minute->n_online = get_little(value.ptr, 8);
    return 0;
}

void layout_write_position(const struct layout_position *position, struct layout_pair *ret_pair)
{
    ret_pair->key[0] = LAYOUT_POSITION;
    ret_pair->key_len = 1;
    put_little(ret_pair->value, position->run, 8);
    put_little(ret_pair->value + 8, position->revision, 8);
    ret_pair->value_len = 16;
}

int layout_read_position(struct str key, struct str value, struct layout_position *ret_position)
{
    if (key.len != 1 || key.ptr[0] != LAYOUT_POSITION || value.len != 16) {
        return -EBADMSG;
    }
    ret_position->run = get_little(value.ptr, 8);
    ret_position->revision = get_little(value.ptr + 8, 8);
    return 0;
}

void layout_write_user_key(uint64_t app_id, struct str user_id, struct layout_pair *ret_pair)
{
    write_numbered_key(LAYOUT_USER, app_id, ret_pair);
    memcpy(ret_pair->key + USER_KEY_SIZE, user_id.ptr, user_id.len);
    ret_pair->key_len = USER_KEY_SIZE + user_id.len;
}

void layout_write_user(uint64_t app_id, const uint8_t *record, struct layout_pair *ret_pair)
{
    struct str id = record_id(record);
    size_t head_size = RECORD_HEADER_SIZE + id.len;
    size_t rest_size = record_size(record) - head_size;
    layout_write_user_key(app_id, id, ret_pair);
    ret_pair->value[0] = USER_FORM;
    ret_pair->value[1] = record[1];
    memcpy(ret_pair->value + USER_HEADER_SIZE, record + head_size, rest_size);
    ret_pair->value_len = USER_HEADER_SIZE + rest_size;
}

int layout_read_user_key(struct str key, uint64_t *ret_app_id, struct str *ret_user_id)
{
    if (key.len <= USER_KEY_SIZE || key.len > LAYOUT_KEY_MAX || key.ptr[0] != LAYOUT_USER) {
        return -EBADMSG;
    }
    *ret_app_id = get_big(key.ptr + 1);
    *ret_user_id = (struct str){key.ptr + USER_KEY_SIZE, key.len - USER_KEY_SIZE};
    return 0;
}

/* Checks a row and removes it from the front of `rest`. */
static bool check_row(struct str *rest, unsigned n_platforms, struct platform_set *seen)
{
    static const uint8_t address_lengths[4] = {0, 4, 16, 0};
    if (rest->len < ROW_SIZE) {
        return false;
    }
    uint64_t packed = get_little(rest->ptr, 8);
    uint8_t platform = (uint8_t)rest->ptr[8];
    bool is_answer = (packed >> 2 & 7) == ROW_REASON_RECONCILED;
    size_t size = ROW_SIZE + (size_t)address_lengths[packed & 3];
    if ((packed & 3) == 3 || (is_answer && (packed >> 5 & 3) == ROW_KICKED) ||
        (packed >> 2 & 7) >= ROW_N_REASONS || packed >> 7 > EVENT_TIME_MAX_MS || platform >= n_platforms ||
        platform_set_has(seen, platform) || rest->len < size) {
        return false;
    }
    platform_set_add(seen, platform);
    *rest = (struct str){rest->ptr + size, rest->len - size};
    return true;
}

static bool check_custom_status(struct str rest)
{
    return rest.len >= CUSTOM_STATUS_SIZE && get_little(rest.ptr, 8) <= EVENT_TIME_MAX_MS &&
           get_little(rest.ptr + 8, 2) == rest.len - CUSTOM_STATUS_SIZE &&
           rest.len - CUSTOM_STATUS_SIZE <= USER_CUSTOM_STATUS_MAX;
}

/* Validates a value for record_decode(), whose asserts would otherwise end the process. */
static bool check_user(struct str value, unsigned n_platforms)
{
    struct platform_set seen = {0};
    if (value.len < USER_HEADER_SIZE || value.ptr[0] != USER_FORM) {
        return false;
    }
    struct str rest = {value.ptr + USER_HEADER_SIZE, value.len - USER_HEADER_SIZE};
    unsigned flags = (uint8_t)value.ptr[1];
    for (unsigned left = flags & ~HAS_CUSTOM_STATUS; left > 0; left--) {
        if (!check_row(&rest, n_platforms, &seen)) {
            return false;
        }
    }
    return (flags & HAS_CUSTOM_STATUS) != 0 ? check_custom_status(rest) : rest.len == 0;
}

int layout_read_user(struct str key, struct str value, uint16_t app, unsigned n_platforms,
                     uint8_t ret_record[static RECORD_SIZE_MAX])
{
    uint64_t app_id;
    struct str id;
    int r = layout_read_user_key(key, &app_id, &id);
    if (r < 0 || !check_user(value, n_platforms)) {
        return -EBADMSG;
    }
    ret_record[0] = (uint8_t)(id.len - 1);
    ret_record[1] = (uint8_t)value.ptr[1];
    put_little(ret_record + 2, app, 2);
    memcpy(ret_record + RECORD_HEADER_SIZE, id.ptr, id.len);
    memcpy(ret_record + RECORD_HEADER_SIZE + id.len, value.ptr + USER_HEADER_SIZE,
           value.len - USER_HEADER_SIZE);
    return 0;
}

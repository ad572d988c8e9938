/* SPDX-License-Identifier: MIT */
/* The format of a row in the engine:
 *
 *   field:  app id in decimal  NUL  user id  NUL  platform
 *
 *     The platform is in lower case, because names are compared without case; if it is empty, the row is the
 *     user's custom status. A field of only the app id, without NUL, is the app's forgotten_before.
 *
 *   value, with big-endian numbers:
 *     u8   length of the spelling
 *          the spelling of the platform, if it is neither a known one nor in lower case
 *     u48  time of receipt; 0: none
 *     u64  for a row: EventTime << 6 | is_event << 5 | action << 3 | reason, in which is_event is 0 for a row
 *          from an answer of Tencent; for the others: their stamp << 6
 *          the client's address, of 0, 4 or 16 bytes; or the text of the custom status
 *
 * From the u64 on, bytes compare as row_compare() compares rows, so the engine can keep the newer of two
 * values without interpreting them. */
#include "codec.h"

#include <assert.h>
#include <endian.h>

enum {
    RECEIVED_SIZE = 6,
    ORDER_SIZE = 8, /* without the bytes that follow */
};

enum {
    STAMP_SHIFT = 6,
    EVENT_SHIFT = 5,
    ACTION_SHIFT = 3,
};

#define RECEIVED_MAX_MS ((UINT64_C(1) << 48) - 1)
#define APP_ID_MAX ((UINT64_C(1) << 53) - 1)

static char *put(char *to, struct str bytes)
{
    if (bytes.len > 0) {
        memcpy(to, bytes.ptr, bytes.len);
    }
    return to + bytes.len;
}

static char *put_big(char *to, uint64_t value, size_t n_bytes)
{
    uint64_t big = htobe64(value << (64 - 8 * n_bytes));
    memcpy(to, &big, n_bytes);
    return to + n_bytes;
}

static uint64_t get_big(const char *from, size_t n_bytes)
{
    uint64_t big = 0;
    memcpy(&big, from, n_bytes);
    return be64toh(big) >> (64 - 8 * n_bytes);
}

static char *put_decimal(char *to, uint64_t value)
{
    char digits[20];
    size_t n = 0;
    do {
        digits[n++] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    while (n > 0) {
        *to++ = digits[--n];
    }
    return to;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool is_lower(struct str text)
{
    bool yes = true;
    for (size_t i = 0; i < text.len; i++) {
        yes &= lower(text.ptr[i]) == text.ptr[i];
    }
    return yes;
}

size_t codec_app(uint64_t app_id, char ret_field[static CODEC_FIELD_MAX])
{
    assert(app_id <= APP_ID_MAX);
    return (size_t)(put_decimal(ret_field, app_id) - ret_field);
}

size_t codec_user(uint64_t app_id, struct str user_id, char ret_field[static CODEC_FIELD_MAX])
{
    char *to = ret_field + codec_app(app_id, ret_field);
    *to++ = '\0';
    to = put(to, user_id);
    *to++ = '\0';
    return (size_t)(to - ret_field);
}

size_t codec_field(uint64_t app_id, struct str user_id, struct str platform_name,
                   char ret_field[static CODEC_FIELD_MAX])
{
    char *to = ret_field + codec_user(app_id, user_id, ret_field);
    for (size_t i = 0; i < platform_name.len; i++) {
        *to++ = lower(platform_name.ptr[i]);
    }
    return (size_t)(to - ret_field);
}

static uint64_t pack_order(const struct row *row)
{
    uint64_t is_event = row->reason != ROW_REASON_RECONCILED;
    return row->event_time_ms << STAMP_SHIFT | is_event << EVENT_SHIFT |
           (uint64_t)row->action << ACTION_SHIFT | row->reason;
}

size_t codec_row(const struct row *row, struct str platform_name, char ret_value[static CODEC_VALUE_MAX])
{
    char *to = ret_value;
    bool follows = row->platform < PLATFORM_N_KNOWN || is_lower(platform_name);
    struct str spelling = follows ? STR("") : platform_name;
    uint64_t received = row->received_unix_ms < RECEIVED_MAX_MS ? row->received_unix_ms : RECEIVED_MAX_MS;
    *to++ = (char)spelling.len;
    to = put(to, spelling);
    to = put_big(to, received, RECEIVED_SIZE);
    to = put_big(to, pack_order(row), ORDER_SIZE);
    to = put(to, (struct str){(const char *)row->client.bytes, row->client.len});
    return (size_t)(to - ret_value);
}

size_t codec_custom_status(uint64_t stamp_ms, struct str text, char ret_value[static CODEC_VALUE_MAX])
{
    char *to = ret_value + codec_stamp(stamp_ms, ret_value);
    return (size_t)(put(to, text) - ret_value);
}

size_t codec_stamp(uint64_t stamp_ms, char ret_value[static CODEC_VALUE_MAX])
{
    char *to = ret_value;
    *to++ = 0;
    to = put_big(to, 0, RECEIVED_SIZE);
    to = put_big(to, stamp_ms << STAMP_SHIFT, ORDER_SIZE);
    return (size_t)(to - ret_value);
}

struct str codec_order(struct str value)
{
    size_t head = 1 + RECEIVED_SIZE + (value.len > 0 ? (size_t)(unsigned char)value.ptr[0] : 0);
    return value.len < head ? (struct str){value.ptr, 0} : (struct str){value.ptr + head, value.len - head};
}

/* A row from an answer of Tencent is never a kick. */
static bool is_known(const struct row *row)
{
    return row->reason < ROW_N_REASONS && (row->reason != ROW_REASON_RECONCILED || row->action != ROW_KICKED);
}

static bool parse_row(struct str value, struct str order, struct codec_item *item)
{
    uint64_t packed = get_big(order.ptr, ORDER_SIZE);
    size_t spelling_len = (unsigned char)value.ptr[0];
    size_t n_address = order.len - ORDER_SIZE;
    item->row = (struct row){
        .event_time_ms = packed >> STAMP_SHIFT,
        .received_unix_ms = get_big(value.ptr + 1 + spelling_len, RECEIVED_SIZE),
        .client.len = (uint8_t)n_address,
        .action = packed >> ACTION_SHIFT & 3,
        .reason = packed & 7,
    };
    if (spelling_len > 0) {
        struct str spelling = {value.ptr + 1, spelling_len};
        if (!str_equal_fold(spelling, item->platform_name)) {
            return false;
        }
        item->platform_name = spelling;
    }
    if (n_address != 0 && n_address != 4 && n_address != 16) {
        return false;
    }
    memcpy(item->row.client.bytes, order.ptr + ORDER_SIZE, n_address);
    return item->row.event_time_ms <= EVENT_TIME_MAX_MS && is_known(&item->row) &&
           pack_order(&item->row) == packed && platform_is_name(item->platform_name);
}

static bool parse_stamp(struct str order, struct codec_item *item)
{
    item->stamp_ms = get_big(order.ptr, ORDER_SIZE) >> STAMP_SHIFT;
    item->text = (struct str){order.ptr + ORDER_SIZE, order.len - ORDER_SIZE};
    return item->stamp_ms <= EVENT_TIME_MAX_MS;
}

static bool parse_custom_status(struct str order, struct codec_item *item)
{
    return parse_stamp(order, item) && item->text.len <= USER_CUSTOM_STATUS_MAX && str_is_utf8(item->text);
}

/* Parses a field. Its number of parts determines the kind. */
static bool parse_field(struct str field, struct codec_item *item)
{
    struct str app;
    if (!str_split(&field, '\0', &app) || !str_parse_u64(app, APP_ID_MAX, &item->app_id)) {
        return false;
    }
    if (field.ptr == NULL) {
        item->kind = CODEC_FORGOTTEN;
        return true;
    }
    (void)str_split(&field, '\0', &item->user_id);
    item->platform_name = field;
    item->kind = field.len == 0 ? CODEC_CUSTOM_STATUS : CODEC_ROW;
    return field.ptr != NULL && item->user_id.len >= 1 && item->user_id.len <= USER_ID_MAX &&
           str_is_utf8(item->user_id);
}

bool codec_parse(struct str field, struct str value, struct codec_item *ret_item)
{
    struct codec_item item = {.kind = CODEC_ROW};
    struct str order = codec_order(value);
    if (order.len < ORDER_SIZE || !parse_field(field, &item)) {
        return false;
    }
    bool good = item.kind == CODEC_ROW             ? parse_row(value, order, &item)
                : item.kind == CODEC_CUSTOM_STATUS ? parse_custom_status(order, &item)
                                                   : parse_stamp(order, &item);
    if (good) {
        *ret_item = item;
    }
    return good;
}

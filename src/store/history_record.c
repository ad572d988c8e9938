/* SPDX-License-Identifier: MIT */
#include "history_record.h"

#include <endian.h>

#define FORMAT 1
#define FLAG_EVENT_TIME 1

static size_t put_u64(char *to, uint64_t value)
{
    value = htobe64(value);
    memcpy(to, &value, sizeof(value));
    return sizeof(value);
}

static size_t put_bytes(char *to, const void *bytes, size_t len)
{
    to[0] = (char)len;
    if (len > 0) {
        memcpy(to + 1, bytes, len);
    }
    return 1 + len;
}

/* Truncates a text that is too long, but not within a UTF-8 character. */
static size_t put_text(char *to, struct str text)
{
    size_t len = text.len;
    if (len > USER_EVENT_TEXT_MAX) {
        len = USER_EVENT_TEXT_MAX;
        while (len > 0 && (text.ptr[len] & 0xc0) == 0x80) {
            len--;
        }
    }
    return put_bytes(to, text.ptr, len);
}

size_t history_key_encode(uint64_t app_id, struct str user_id, uint64_t received_unix_ms, uint64_t number,
                          char ret_key[static HISTORY_KEY_MAX])
{
    size_t n = put_u64(ret_key, app_id);
    ret_key[n++] = (char)(user_id.len >> 8);
    ret_key[n++] = (char)user_id.len;
    memcpy(ret_key + n, user_id.ptr, user_id.len);
    n += user_id.len;
    n += put_u64(ret_key + n, ~received_unix_ms);
    return n + put_u64(ret_key + n, ~number);
}

void history_key_set_number(char *key, size_t len, uint64_t number)
{
    (void)put_u64(key + len - 8, ~number);
}

size_t history_value_encode(const struct user_event *event, char ret_value[static HISTORY_VALUE_MAX])
{
    size_t n = 0;
    ret_value[n++] = FORMAT;
    ret_value[n++] = event->has_event_time ? FLAG_EVENT_TIME : 0;
    ret_value[n++] = (char)event->origin;
    n += put_u64(ret_value + n, event->received_unix_ms);
    n += put_u64(ret_value + n, event->event_time_ms);
    n += put_bytes(ret_value + n, event->client.bytes, event->client.len);
    n += put_bytes(ret_value + n, event->peer.bytes, event->peer.len);
    n += put_text(ret_value + n, event->action);
    n += put_text(ret_value + n, event->reason);
    n += put_text(ret_value + n, event->platform);
    n += put_text(ret_value + n, event->outcome);
    n += put_text(ret_value + n, event->request_id);
    ret_value[n++] = (char)event->n_kicked;
    for (size_t i = 0; i < event->n_kicked; i++) {
        n += put_text(ret_value + n, event->kicked[i]);
    }
    return n;
}

static bool take(struct str *left, size_t n, const char **ret_bytes)
{
    if (left->len < n) {
        return false;
    }
    *ret_bytes = left->ptr;
    left->ptr += n;
    left->len -= n;
    return true;
}

static bool take_byte(struct str *left, uint8_t *ret_byte)
{
    const char *bytes;
    if (!take(left, 1, &bytes)) {
        return false;
    }
    *ret_byte = (uint8_t)bytes[0];
    return true;
}

static bool take_u64(struct str *left, uint64_t *ret_value)
{
    const char *bytes;
    uint64_t value;
    if (!take(left, sizeof(value), &bytes)) {
        return false;
    }
    memcpy(&value, bytes, sizeof(value));
    *ret_value = be64toh(value);
    return true;
}

static bool take_text(struct str *left, struct str *ret_text)
{
    uint8_t len;
    return take_byte(left, &len) && take(left, len, &ret_text->ptr) && (ret_text->len = len, true);
}

static bool take_address(struct str *left, struct address *ret_address)
{
    struct str bytes;
    if (!take_text(left, &bytes) || (bytes.len != 0 && bytes.len != 4 && bytes.len != 16)) {
        return false;
    }
    ret_address->len = (uint8_t)bytes.len;
    memcpy(ret_address->bytes, bytes.ptr, bytes.len);
    return true;
}

static bool take_kicked(struct str *left, struct user_event *event)
{
    uint8_t n;
    if (!take_byte(left, &n) || n > PLATFORM_N_MAX) {
        return false;
    }
    event->n_kicked = n;
    for (size_t i = 0; i < n; i++) {
        if (!take_text(left, &event->kicked[i])) {
            return false;
        }
    }
    return left->len == 0;
}

bool history_value_decode(struct str value, struct user_event *ret_event)
{
    uint8_t format;
    uint8_t flags;
    uint8_t origin;
    if (!take_byte(&value, &format) || format != FORMAT || !take_byte(&value, &flags) ||
        !take_byte(&value, &origin) || origin > CHANGE_BY_RECONCILE ||
        !take_u64(&value, &ret_event->received_unix_ms) || !take_u64(&value, &ret_event->event_time_ms)) {
        return false;
    }
    ret_event->has_event_time = (flags & FLAG_EVENT_TIME) != 0;
    ret_event->origin = (enum change_origin)origin;
    return take_address(&value, &ret_event->client) && take_address(&value, &ret_event->peer) &&
           take_text(&value, &ret_event->action) && take_text(&value, &ret_event->reason) &&
           take_text(&value, &ret_event->platform) && take_text(&value, &ret_event->outcome) &&
           take_text(&value, &ret_event->request_id) && take_kicked(&value, ret_event);
}

/* SPDX-License-Identifier: MIT */
/* A record, all numbers little-endian:
 *
 *   u8   length of the id, less 1
 *   u8   number of rows; bit 7: a custom status follows them
 *   u16  index of the app
 *   id
 *   rows, each:
 *     u64  EventTime << 7 | action << 5 | reason << 2 | client address (0 none, 1 IPv4, 2 IPv6)
 *     u8   platform
 *     u48  time received
 *     the client's address, 0, 4 or 16 bytes
 *   custom status:
 *     u64  its EventTime
 *     u16  length
 *     text
 *
 * A user with one row and an id of 12 bytes takes 35 bytes. */
#include "presenced/record.h"

#include <assert.h>
#include <endian.h>

#define HAS_CUSTOM_STATUS 0x80U
#define RECEIVED_MAX_MS ((UINT64_C(1) << 48) - 1)

enum {
    HEADER_SIZE = 4,
    RECEIVED_SIZE = 6,
    ROW_SIZE = 8 + 1 + RECEIVED_SIZE, /* without the address */
    CUSTOM_STATUS_SIZE = 8 + 2,       /* without the text */
};

static_assert(ROW_LOGIN < 1 << 2, "the action is packed into 2 bits");
static_assert(ROW_N_REASONS <= 1 << 3, "the reason is packed into 3 bits");
static_assert(PLATFORM_N_MAX < HAS_CUSTOM_STATUS, "the number of rows shares a byte with a flag");
static_assert(HEADER_SIZE + USER_ID_MAX + PLATFORM_N_MAX * (ROW_SIZE + 16) + CUSTOM_STATUS_SIZE +
                      USER_CUSTOM_STATUS_MAX <=
                  RECORD_SIZE_MAX,
              "any user has room");

static const uint8_t address_lengths[4] = {0, 4, 16, 0};

static uint8_t *put_u64(uint8_t *to, uint64_t value, size_t n_bytes)
{
    uint64_t little = htole64(value);
    memcpy(to, &little, n_bytes);
    return to + n_bytes;
}

static const uint8_t *get_u64(const uint8_t *from, size_t n_bytes, uint64_t *ret_value)
{
    uint64_t little = 0;
    memcpy(&little, from, n_bytes);
    *ret_value = le64toh(little);
    return from + n_bytes;
}

static uint8_t *put_bytes(uint8_t *to, const void *bytes, size_t n_bytes)
{
    memcpy(to, bytes, n_bytes);
    return to + n_bytes;
}

static uint8_t *put_row(uint8_t *to, const struct row *row)
{
    uint64_t kind = row->client.len / 8U + (row->client.len == 4);
    uint64_t received = row->received_unix_ms < RECEIVED_MAX_MS ? row->received_unix_ms : RECEIVED_MAX_MS;
    to = put_u64(to, row->event_time_ms << 7 | (uint64_t)row->action << 5 | (uint64_t)row->reason << 2 | kind,
                 8);
    *to++ = row->platform;
    to = put_u64(to, received, RECEIVED_SIZE);
    return put_bytes(to, row->client.bytes, row->client.len);
}

static const uint8_t *get_row(const uint8_t *from, struct row *ret_row)
{
    uint64_t packed;
    from = get_u64(from, 8, &packed);
    ret_row->platform = *from++;
    from = get_u64(from, RECEIVED_SIZE, &ret_row->received_unix_ms);
    ret_row->event_time_ms = packed >> 7;
    ret_row->action = packed >> 5 & 3;
    ret_row->reason = packed >> 2 & 7;
    ret_row->client = (struct address){.len = address_lengths[packed & 3]};
    memcpy(ret_row->client.bytes, from, ret_row->client.len);
    return from + ret_row->client.len;
}

static uint8_t *put_custom_status(uint8_t *to, const struct user *user)
{
    to = put_u64(to, user->custom_status_time_ms, 8);
    to = put_u64(to, user->custom_status_len, 2);
    return put_bytes(to, user->custom_status, user->custom_status_len);
}

static void get_custom_status(const uint8_t *from, struct user *ret_user)
{
    uint64_t len;
    from = get_u64(from, 8, &ret_user->custom_status_time_ms);
    from = get_u64(from, 2, &len);
    assert(len <= USER_CUSTOM_STATUS_MAX);
    ret_user->custom_status_len = (uint16_t)len;
    memcpy(ret_user->custom_status, from, len);
}

size_t record_encode(const struct user *user, uint8_t ret_bytes[static RECORD_SIZE_MAX])
{
    uint8_t *to = ret_bytes;
    assert(user->id_len >= 1 && user->id_len <= USER_ID_MAX && user->n_rows <= PLATFORM_N_MAX);
    *to++ = (uint8_t)(user->id_len - 1);
    *to++ = (uint8_t)(user->n_rows | (user->has_custom_status ? HAS_CUSTOM_STATUS : 0));
    to = put_u64(to, user->app, 2);
    to = put_bytes(to, user->id, user->id_len);
    for (unsigned i = 0; i < user->n_rows; i++) {
        to = put_row(to, &user->rows[i]);
    }
    if (user->has_custom_status) {
        to = put_custom_status(to, user);
    }
    return (size_t)(to - ret_bytes);
}

static unsigned n_rows(const uint8_t *bytes)
{
    return bytes[1] & ~HAS_CUSTOM_STATUS;
}

static bool has_custom_status(const uint8_t *bytes)
{
    return (bytes[1] & HAS_CUSTOM_STATUS) != 0;
}

uint16_t record_app(const uint8_t *bytes)
{
    return (uint16_t)(bytes[2] | bytes[3] << 8);
}

struct str record_id(const uint8_t *bytes)
{
    return (struct str){(const char *)bytes + HEADER_SIZE, bytes[0] + (size_t)1};
}

void record_decode(const uint8_t *bytes, struct user *ret_user)
{
    struct str id = record_id(bytes);
    const uint8_t *from = bytes + HEADER_SIZE + id.len;
    assert(n_rows(bytes) <= PLATFORM_N_MAX);
    ret_user->app = record_app(bytes);
    ret_user->id_len = (uint16_t)id.len;
    memcpy(ret_user->id, id.ptr, id.len);
    ret_user->n_rows = (uint16_t)n_rows(bytes);
    for (unsigned i = 0; i < ret_user->n_rows; i++) {
        from = get_row(from, &ret_user->rows[i]);
    }
    ret_user->has_custom_status = has_custom_status(bytes);
    ret_user->custom_status_time_ms = 0;
    ret_user->custom_status_len = 0;
    if (ret_user->has_custom_status) {
        get_custom_status(from, ret_user);
    }
}

size_t record_size(const uint8_t *bytes)
{
    const uint8_t *from = bytes + HEADER_SIZE + record_id(bytes).len;
    for (unsigned i = 0; i < n_rows(bytes); i++) {
        /* The lowest bits of the row's first byte give the length of the address. */
        from += ROW_SIZE + address_lengths[from[0] & 3];
    }
    if (has_custom_status(bytes)) {
        from += CUSTOM_STATUS_SIZE + (from[8] | (size_t)from[9] << 8);
    }
    return (size_t)(from - bytes);
}

/* SPDX-License-Identifier: MIT */
#include "presenced/record.h"
#include "suite.h"
#include "must.h"

#define RECEIVED_MAX_MS ((UINT64_C(1) << 48) - 1)

static void set_id(struct user *user, struct str id)
{
    user->id_len = (uint16_t)id.len;
    memcpy(user->id, id.ptr, id.len);
}

static void set_custom_status(struct user *user, uint64_t time_ms, struct str text)
{
    user->has_custom_status = true;
    user->custom_status_time_ms = time_ms;
    user->custom_status_len = (uint16_t)text.len;
    memcpy(user->custom_status, text.ptr, text.len);
}

static void check_row(const struct row *row, const struct row *expected)
{
    must(row->event_time_ms == expected->event_time_ms);
    must(row->received_unix_ms == expected->received_unix_ms);
    must(row->platform == expected->platform);
    must(row->action == expected->action);
    must(row->reason == expected->reason);
    must(address_equal(&row->client, &expected->client));
}

/* Packs, checks all that can be asked of the record, unpacks and compares. */
static size_t check_round_trip(const struct user *user)
{
    uint8_t bytes[RECORD_SIZE_MAX];
    struct user unpacked;
    memset(bytes, 0xa5, sizeof(bytes));
    memset(&unpacked, 0x5a, sizeof(unpacked));
    size_t size = record_encode(user, bytes);
    ck_assert_uint_le(size, sizeof(bytes));
    ck_assert_uint_eq(record_size(bytes), size);
    ck_assert_uint_eq(record_app(bytes), user->app);
    ck_assert(str_equal(record_id(bytes), user_id(user)));
    record_decode(bytes, &unpacked);
    ck_assert_uint_eq(unpacked.app, user->app);
    ck_assert(str_equal(user_id(&unpacked), user_id(user)));
    ck_assert_int_eq(unpacked.has_custom_status, user->has_custom_status);
    ck_assert_uint_eq(unpacked.custom_status_time_ms, user->custom_status_time_ms);
    ck_assert(str_equal(user_custom_status(&unpacked), user_custom_status(user)));
    ck_assert_uint_eq(unpacked.n_rows, user->n_rows);
    for (unsigned i = 0; i < user->n_rows; i++) {
        check_row(&unpacked.rows[i], &user->rows[i]);
    }
    return size;
}

/* As drawn in record.c; a change of it makes stores unreadable. */
START_TEST(is_as_drawn)
{
    static const uint8_t expected[] =
        {
            4,    0x81, 0x02, 0x01, 'a',  'l',  'i',  'c', 'e', 0xe9, 0x81, 0x00, 0x00,
            0x00, 0x00, 0x00, 0x08, /* (2^52 + 259) << 7 | 3 << 5 | 2 << 2 | 1 */
            8,    0x06, 0x05, 0x04, 0x03, 0x02, 0x01, 192, 0,   2,    4,    0x07, 0,
            0,    0,    0,    0,    0,    0,    4,    0,   'b', 'u',  's',  'y',
        };
    struct user user = {.app = 0x0102, .n_rows = 1};
    uint8_t bytes[RECORD_SIZE_MAX];
    set_id(&user, STR("alice"));
    set_custom_status(&user, 7, STR("busy"));
    user.rows[0] = (struct row){.event_time_ms = (UINT64_C(1) << 52) + 259,
                                .received_unix_ms = UINT64_C(0x010203040506),
                                .client = {4, {192, 0, 2, 4}},
                                .platform = PLATFORM_RESTAPI,
                                .action = ROW_LOGIN,
                                .reason = ROW_REASON_LINK_CLOSE};
    size_t size = record_encode(&user, bytes);
    ck_assert_uint_eq(size, sizeof(expected));
    ck_assert_mem_eq(bytes, expected, sizeof(expected));
}
END_TEST

/* What there are ten millions of. */
START_TEST(usual_user_is_small)
{
    struct user user = {.n_rows = 1};
    set_id(&user, STR("user00000001"));
    user.rows[0] = (struct row){.event_time_ms = UINT64_C(1700000000000),
                                .received_unix_ms = UINT64_C(1700000000100),
                                .client = {4, {192, 0, 2, 4}},
                                .platform = PLATFORM_IOS,
                                .action = ROW_LOGIN};
    ck_assert_uint_eq(check_round_trip(&user), 35);
}
END_TEST

START_TEST(ids_of_any_length)
{
    struct user user = {.app = 1023, .id_len = (uint16_t)_i};
    memset(user.id, 'x', USER_ID_MAX);
    ck_assert_uint_eq(check_round_trip(&user), 4 + (size_t)_i);
}
END_TEST

static const struct address clients[] = {
    {0},
    {4, {192, 0, 2, 4}},
    {16, {0x20, 0x01, 0x0d, 0xb8, [15] = 0xff}},
};

START_TEST(rows_of_any_number)
{
    struct user user = {.n_rows = (uint16_t)_i};
    set_id(&user, STR("a"));
    for (unsigned i = 0; i < user.n_rows; i++) {
        user.rows[i] = (struct row){.event_time_ms = i % 2 == 0 ? EVENT_TIME_MAX_MS - i : i,
                                    .received_unix_ms = i % 3 == 0 ? RECEIVED_MAX_MS - i : i,
                                    .client = clients[i % 3],
                                    .platform = (uint8_t)(PLATFORM_N_MAX - 1 - i),
                                    .action = (uint8_t)(i % 4),
                                    .reason = (uint8_t)(i % 6)};
    }
    (void)check_round_trip(&user);
    set_custom_status(&user, EVENT_TIME_MAX_MS, STR("away"));
    (void)check_round_trip(&user);
}
END_TEST

START_TEST(custom_status_of_any_length)
{
    struct user user = {
        .has_custom_status = true, .custom_status_len = (uint16_t)_i, .custom_status_time_ms = (uint64_t)_i};
    set_id(&user, STR("a"));
    memset(user.custom_status, 's', USER_CUSTOM_STATUS_MAX);
    ck_assert_uint_eq(check_round_trip(&user), 4 + 1 + 10 + (size_t)_i);
}
END_TEST

START_TEST(largest_user_has_room)
{
    struct user user = {.id_len = USER_ID_MAX,
                        .n_rows = PLATFORM_N_MAX,
                        .has_custom_status = true,
                        .custom_status_len = USER_CUSTOM_STATUS_MAX};
    for (unsigned i = 0; i < PLATFORM_N_MAX; i++) {
        user.rows[i] = (struct row){.platform = (uint8_t)i, .client = clients[2]};
    }
    ck_assert_uint_eq(check_round_trip(&user), 4 + 256 + PLATFORM_N_MAX * 31 + 10 + 256);
}
END_TEST

/* A clock gone mad costs its own stamp, not the record. */
START_TEST(receipt_beyond_its_range)
{
    struct user user = {.n_rows = 1};
    struct user unpacked;
    uint8_t bytes[RECORD_SIZE_MAX];
    set_id(&user, STR("a"));
    user.rows[0].received_unix_ms = UINT64_MAX;
    (void)record_encode(&user, bytes);
    record_decode(bytes, &unpacked);
    ck_assert_uint_eq(unpacked.rows[0].received_unix_ms, RECEIVED_MAX_MS);
    ck_assert_uint_eq(unpacked.rows[0].event_time_ms, 0);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("record");
    TCase *tcase = tcase_create("record");
    tcase_add_test(tcase, is_as_drawn);
    tcase_add_test(tcase, usual_user_is_small);
    tcase_add_loop_test(tcase, ids_of_any_length, 1, USER_ID_MAX + 1);
    tcase_add_loop_test(tcase, rows_of_any_number, 0, PLATFORM_N_MAX + 1);
    tcase_add_loop_test(tcase, custom_status_of_any_length, 0, USER_CUSTOM_STATUS_MAX + 1);
    tcase_add_test(tcase, largest_user_has_room);
    tcase_add_test(tcase, receipt_beyond_its_range);
    suite_add_tcase(suite, tcase);
    return suite;
}

/* SPDX-License-Identifier: MIT */
#include "../../src/store/layout.h"
#include "suite.h"

#include <errno.h>

#define APP_ID UINT64_C(1400000001)
#define N_PLATFORMS (PLATFORM_N_KNOWN + 1)

static struct layout_pair pair;

static void expect_pair(struct str key, struct str value)
{
    ck_assert_uint_eq(pair.key_len, key.len);
    ck_assert_mem_eq(pair.key, key.ptr, key.len);
    ck_assert_uint_eq(pair.value_len, value.len);
    ck_assert_mem_eq(pair.value, value.ptr, value.len);
}

static struct user alice(void)
{
    return (struct user){
        .app = 3,
        .id = "alice",
        .id_len = 5,
        .n_rows = 3,
        .rows =
            {
                {.event_time_ms = 0x010203040506,
                 .received_unix_ms = 0x0a0b0c0d0e0f,
                 .client = {4, {192, 0, 2, 4}},
                 .platform = PLATFORM_IOS,
                 .action = ROW_LOGIN,
                 .reason = ROW_REASON_REGISTER},
                {.event_time_ms = 1,
                 .received_unix_ms = 2,
                 .client = {16, {0x20, 0x01, 0x0d, 0xb8, [15] = 7}},
                 .platform = PLATFORM_N_KNOWN,
                 .action = ROW_KICKED,
                 .reason = ROW_REASON_KICKED},
                {.event_time_ms = EVENT_TIME_MAX_MS,
                 .platform = PLATFORM_WEB,
                 .action = ROW_LOGOUT,
                 .reason = ROW_REASON_OTHER},
            },
        .has_custom_status = true,
        .custom_status_time_ms = 0x99,
        .custom_status = "busy",
        .custom_status_len = 4,
    };
}

static void write_alice(void)
{
    uint8_t record[RECORD_SIZE_MAX];
    struct user user = alice();
    (void)record_encode(&user, record);
    layout_write_user(APP_ID, record, &pair);
}

/* As drawn in layout.c: a store of yesterday must be readable tomorrow. */
START_TEST(is_as_drawn)
{
    layout_write_meta(&pair);
    expect_pair(STR("\x01"), STR("\x02\0\0\0"));
    layout_write_platform(PLATFORM_N_KNOWN, STR("HarmonyOS"), &pair);
    expect_pair(STR("\x02\x09"), STR("HarmonyOS"));
    layout_write_app(&(struct layout_app){APP_ID, 0x1122, 3, 4}, &pair);
    expect_pair(STR("\x03\0\0\0\0\x53\x72\x4e\x01"),
                STR("\x22\x11\0\0\0\0\0\0\x03\0\0\0\0\0\0\0\x04\0\0\0\0\0\0\0"));
    layout_write_minute(&(struct layout_minute){UINT64_C(60000) * 0x0102 + 59999, 5}, &pair);
    expect_pair(STR("\x04\0\0\0\0\0\0\x01\x02"), STR("\x05\0\0\0\0\0\0\0"));
    layout_write_user_key(APP_ID, STR("bob"), &pair);
    expect_pair(STR("\x05\0\0\0\0\x53\x72\x4e\x01"
                    "bob"),
                STR(""));
    write_alice();
    expect_pair(STR("\x05\0\0\0\0\x53\x72\x4e\x01"
                    "alice"),
                STR("\x01\x83"
                    "\x61\x83\x02\x82\x01\x81\x00\x00"
                    "\x01\x0f\x0e\x0d\x0c\x0b\x0a\xc0\x00\x02\x04"
                    "\x92\0\0\0\0\0\0\0"
                    "\x09\x02\0\0\0\0\0\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x07"
                    "\xb4\xff\xff\xff\xff\xff\xff\x0f"
                    "\x03\0\0\0\0\0\0"
                    "\x99\0\0\0\0\0\0\0\x04\0busy"));
}
END_TEST

START_TEST(user_round_trip)
{
    uint8_t record[RECORD_SIZE_MAX];
    uint8_t expected[RECORD_SIZE_MAX];
    struct user user = alice();
    uint64_t app_id = 0;
    struct str id;
    write_alice();
    ck_assert_int_eq(layout_read_user_key(layout_key(&pair), &app_id, &id), 0);
    ck_assert_uint_eq(app_id, APP_ID);
    ck_assert(str_equal(id, STR("alice")));
    ck_assert_int_eq(layout_read_user(layout_key(&pair), layout_value(&pair), 700, N_PLATFORMS, record), 0);
    user.app = 700;
    size_t size = record_encode(&user, expected);
    ck_assert_uint_eq(record_size(record), size);
    ck_assert_mem_eq(record, expected, size);
}
END_TEST

START_TEST(holds_the_largest_user)
{
    uint8_t record[RECORD_SIZE_MAX];
    uint8_t again[RECORD_SIZE_MAX];
    struct user user = {.id_len = USER_ID_MAX, .n_rows = PLATFORM_N_MAX, .has_custom_status = true};
    memset(user.id, 'x', USER_ID_MAX);
    user.custom_status_len = USER_CUSTOM_STATUS_MAX;
    memset(user.custom_status, 'y', USER_CUSTOM_STATUS_MAX);
    for (unsigned i = 0; i < PLATFORM_N_MAX; i++) {
        user.rows[i] = (struct row){.platform = (uint8_t)i, .client = {.len = 16}};
    }
    size_t size = record_encode(&user, record);
    layout_write_user(UINT64_MAX, record, &pair);
    ck_assert_int_eq(layout_read_user(layout_key(&pair), layout_value(&pair), 0, PLATFORM_N_MAX, again), 0);
    ck_assert_mem_eq(again, record, size);
}
END_TEST

/* Where the bytes of alice's value stand. */
enum { AT_FORM = 0, AT_FLAGS = 1, AT_ROW = 2, AT_PLATFORM = 10, AT_LAST_ROW_TIME = 53, AT_LENGTH = 76 };

static const struct {
    const char *what;
    size_t at;
    uint8_t byte;
} bad_bytes[] = {
    {"form", AT_FORM, 2},
    {"a row more", AT_FLAGS, 0x84},
    {"a row less", AT_FLAGS, 0x82},
    {"more rows than platforms", AT_FLAGS, 0xff},
    {"no custom status", AT_FLAGS, 0x03},
    {"kind of address", AT_ROW, 0x63},
    {"longer address", AT_ROW, 0x62},
    {"reason", AT_ROW, 0x7d},
    {"an answer that is a kick", AT_ROW, 0x19},
    {"platform without a name", AT_PLATFORM, N_PLATFORMS},
    {"platform twice", AT_PLATFORM, PLATFORM_WEB},
    {"EventTime", AT_LAST_ROW_TIME + 7, 0x10},
    {"length of custom status", AT_LENGTH, 5},
    {"shorter custom status", AT_LENGTH, 3},
};

START_TEST(refuses_a_bad_user)
{
    uint8_t record[RECORD_SIZE_MAX] = {77};
    write_alice();
    pair.value[bad_bytes[_i].at] = bad_bytes[_i].byte;
    ck_assert_msg(layout_read_user(layout_key(&pair), layout_value(&pair), 0, N_PLATFORMS, record) ==
                      -EBADMSG,
                  "%s passed", bad_bytes[_i].what);
    ck_assert_uint_eq(record[0], 77);
}
END_TEST

START_TEST(refuses_a_cut_user)
{
    uint8_t record[RECORD_SIZE_MAX];
    write_alice();
    struct str key = layout_key(&pair);
    struct str value = layout_value(&pair);
    for (size_t len = 0; len < value.len; len++) {
        ck_assert_int_eq(layout_read_user(key, (struct str){value.ptr, len}, 0, N_PLATFORMS, record),
                         -EBADMSG);
    }
    for (size_t len = 0; len <= 9; len++) {
        ck_assert_int_eq(layout_read_user((struct str){key.ptr, len}, value, 0, N_PLATFORMS, record),
                         -EBADMSG);
    }
    pair.value_len++;
    ck_assert_int_eq(layout_read_user(key, layout_value(&pair), 0, N_PLATFORMS, record), -EBADMSG);
}
END_TEST

/* Whatever passes can be unpacked: that a reader asserts. */
START_TEST(any_byte_changed)
{
    uint8_t record[RECORD_SIZE_MAX];
    struct user user;
    unsigned n_passed = 0;
    write_alice();
    for (size_t at = 0; at < pair.value_len; at++) {
        uint8_t kept = pair.value[at];
        for (unsigned byte = 0; byte < 256; byte++) {
            pair.value[at] = (uint8_t)byte;
            if (layout_read_user(layout_key(&pair), layout_value(&pair), 0, N_PLATFORMS, record) == 0) {
                record_decode(record, &user);
                n_passed++;
            }
        }
        pair.value[at] = kept;
    }
    ck_assert_uint_gt(n_passed, 0);
}
END_TEST

START_TEST(others_round_trip)
{
    uint32_t version = 0;
    uint8_t platform = 0;
    struct str name = {NULL, 0};
    struct layout_app app;
    struct layout_minute minute;
    layout_write_meta(&pair);
    ck_assert_int_eq(layout_read_meta(layout_key(&pair), layout_value(&pair), &version), 0);
    ck_assert_uint_eq(version, LAYOUT_VERSION);
    layout_write_platform(PLATFORM_N_MAX - 1, STR("TV"), &pair);
    ck_assert_int_eq(layout_read_platform(layout_key(&pair), layout_value(&pair), &platform, &name), 0);
    ck_assert_uint_eq(platform, PLATFORM_N_MAX - 1);
    ck_assert(str_equal(name, STR("TV")));
    layout_write_app(&(struct layout_app){APP_ID, 2, 3, 4}, &pair);
    ck_assert_int_eq(layout_read_app(layout_key(&pair), layout_value(&pair), &app), 0);
    ck_assert(app.id == APP_ID && app.forgotten_before_ms == 2 && app.n_dropped_for_room == 3 &&
              app.n_dropped_for_age == 4);
    layout_write_minute(&(struct layout_minute){120001, 9}, &pair);
    ck_assert_int_eq(layout_read_minute(layout_key(&pair), layout_value(&pair), &minute), 0);
    ck_assert(minute.unix_ms == 120000 && minute.n_online == 9);
}
END_TEST

static int read_meta(struct str key, struct str value)
{
    uint32_t version;
    return layout_read_meta(key, value, &version);
}

static int read_platform(struct str key, struct str value)
{
    uint8_t platform;
    struct str name;
    return layout_read_platform(key, value, &platform, &name);
}

static int read_app(struct str key, struct str value)
{
    struct layout_app app;
    return layout_read_app(key, value, &app);
}

static int read_minute(struct str key, struct str value)
{
    struct layout_minute minute;
    return layout_read_minute(key, value, &minute);
}

static const struct {
    int (*read)(struct str key, struct str value);
    struct str key;
    struct str value;
} bad_pairs[] = {
    {read_meta, {"", 0}, {"\1\0\0\0", 4}},
    {read_meta, {"\2", 1}, {"\1\0\0\0", 4}},
    {read_meta, {"\1x", 2}, {"\1\0\0\0", 4}},
    {read_meta, {"\1", 1}, {"\1\0\0", 3}},
    {read_platform, {"\2\x08", 2}, {"TV", 2}}, /* a known one */
    {read_platform, {"\2\x49", 2}, {"TV", 2}}, /* PLATFORM_N_MAX */
    {read_platform, {"\2\x09", 2}, {"", 0}},
    {read_platform, {"\2\x09", 2}, {"123456789012345678901234567890123", 33}},
    {read_platform, {"\2\x09\x09", 3}, {"TV", 2}},
    {read_app, {"\3\0\0\0\0\0\0\0", 8}, {"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 24}},
    {read_app, {"\3\0\0\0\0\0\0\0\1", 9}, {"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 23}},
    {read_app, {"\3\0\0\0\0\0\0\0\1", 9}, {"\0\0\0\0\0\0\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 24}},
    {read_minute, {"\3\0\0\0\0\0\0\0\1", 9}, {"\0\0\0\0\0\0\0\0", 8}},
    {read_minute, {"\4\0\0\0\0\0\0\0\1", 9}, {"\0\0\0\0\0\0\0", 7}},
    {read_minute, {"\4\xff\xff\xff\xff\xff\xff\xff\xff", 9}, {"\0\0\0\0\0\0\0\0", 8}},
};

START_TEST(refuses_other_bad_pairs)
{
    ck_assert_int_eq(bad_pairs[_i].read(bad_pairs[_i].key, bad_pairs[_i].value), -EBADMSG);
}
END_TEST

#define N_OF(array) (sizeof(array) / sizeof((array)[0]))

Suite *test_suite(void)
{
    Suite *suite = suite_create("layout");
    TCase *tcase = tcase_create("layout");
    tcase_add_test(tcase, is_as_drawn);
    tcase_add_test(tcase, user_round_trip);
    tcase_add_test(tcase, holds_the_largest_user);
    tcase_add_loop_test(tcase, refuses_a_bad_user, 0, N_OF(bad_bytes));
    tcase_add_test(tcase, refuses_a_cut_user);
    tcase_add_test(tcase, any_byte_changed);
    tcase_add_test(tcase, others_round_trip);
    tcase_add_loop_test(tcase, refuses_other_bad_pairs, 0, N_OF(bad_pairs));
    suite_add_tcase(suite, tcase);
    return suite;
}

/* SPDX-License-Identifier: MIT */
#include "../../src/replica/codec.h"
#include "must.h"
#include "suite.h"

#include <stdio.h>
#include <time.h>

#define N_PAIRS 200000

static uint64_t random_state;

static unsigned below(unsigned n)
{
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(random_state >> 33) % n;
}

/* From few enough values that rows often differ in the last of them alone. */
static struct row draw_row(void)
{
    static const uint64_t stamps[] = {0, 1, 255, 256, UINT64_C(1629883332497), EVENT_TIME_MAX_MS};
    static const uint8_t lengths[] = {0, 4, 16};
    static const uint8_t bytes[] = {0, 1, 127, 128, 255};
    struct row row = {
        .event_time_ms = stamps[below(6)],
        .received_unix_ms = below(3),
        .client.len = lengths[below(3)],
        .platform = PLATFORM_WEB,
        .action = (uint8_t)below(ROW_LOGIN + 1),
        .reason = (uint8_t)below(ROW_N_REASONS),
    };
    for (unsigned i = 0; i < row.client.len; i++) {
        row.client.bytes[i] = i == 0 || i == row.client.len - 1U ? bytes[below(5)] : 0;
    }
    return row;
}

static int sign(int value)
{
    return (value > 0) - (value < 0);
}

START_TEST(bytes_compare_as_rows_do)
{
    random_state = (uint64_t)time(NULL);
    (void)printf("seed %llu\n", (unsigned long long)random_state);
    for (unsigned i = 0; i < N_PAIRS; i++) {
        char values[2][CODEC_VALUE_MAX];
        struct row rows[2] = {draw_row(), draw_row()};
        /* How a name is spelled takes no part. */
        rows[1].platform = PLATFORM_N_KNOWN;
        struct str a = {values[0], codec_row(&rows[0], STR("Web"), values[0])};
        struct str b = {values[1], codec_row(&rows[1], STR("HarmonyOS"), values[1])};
        must(sign(str_compare(codec_order(a), codec_order(b))) == sign(row_compare(&rows[0], &rows[1])));
    }
}
END_TEST

START_TEST(custom_statuses_compare_by_time_then_text)
{
    static const struct {
        uint64_t stamp_ms;
        struct str text;
    } rising[] = {
        {0, STR("")},   {1, STR("")},  {1, STR("a")},
        {1, STR("ab")}, {1, STR("b")}, {EVENT_TIME_MAX_MS, STR("")},
    };
    for (unsigned i = 0; i < 6; i++) {
        for (unsigned k = 0; k < 6; k++) {
            char values[2][CODEC_VALUE_MAX];
            struct str a = {values[0], codec_custom_status(rising[i].stamp_ms, rising[i].text, values[0])};
            struct str b = {values[1], codec_custom_status(rising[k].stamp_ms, rising[k].text, values[1])};
            ck_assert_int_eq(sign(str_compare(codec_order(a), codec_order(b))), sign((int)i - (int)k));
        }
    }
}
END_TEST

static const struct {
    uint8_t platform;
    struct str name;
    struct str expected;
} platforms[] = {
    {PLATFORM_IOS, STR("iOS"), STR("ios")},
    {PLATFORM_N_KNOWN, STR("HarmonyOS"), STR("HarmonyOS")},
    {PLATFORM_N_KNOWN, STR("toaster 9"), STR("toaster 9")},
};

START_TEST(a_row_comes_back_as_it_was)
{
    struct row row = {.event_time_ms = EVENT_TIME_MAX_MS,
                      .received_unix_ms = UINT64_C(1629883332600),
                      .client = {16, {0x20, 0x01, 0x0d, 0xb8, [15] = 1}},
                      .platform = platforms[_i].platform,
                      .action = ROW_DISCONNECT,
                      .reason = ROW_REASON_OTHER};
    char field[CODEC_FIELD_MAX];
    char value[CODEC_VALUE_MAX];
    struct codec_item item;
    struct str key = {field, codec_field(1400000000, STR("al ice"), platforms[_i].name, field)};
    ck_assert(codec_parse(key, (struct str){value, codec_row(&row, platforms[_i].name, value)}, &item));
    ck_assert_int_eq(item.kind, CODEC_ROW);
    ck_assert_uint_eq(item.app_id, 1400000000);
    ck_assert(str_equal(item.user_id, STR("al ice")));
    ck_assert(str_equal(item.platform_name, platforms[_i].expected));
    ck_assert_int_eq(row_compare(&item.row, &row), 0);
    ck_assert_uint_eq(item.row.received_unix_ms, row.received_unix_ms);
}
END_TEST

START_TEST(names_of_one_platform_have_one_field)
{
    char fields[2][CODEC_FIELD_MAX];
    struct str a = {fields[0], codec_field(1, STR("u"), STR("HarmonyOS"), fields[0])};
    struct str b = {fields[1], codec_field(1, STR("u"), STR("harmonyos"), fields[1])};
    ck_assert(str_equal(a, b));
}
END_TEST

START_TEST(custom_statuses_and_stamps_come_back)
{
    char field[CODEC_FIELD_MAX];
    char value[CODEC_VALUE_MAX];
    struct codec_item item;
    struct str key = {field, codec_field(7, STR("alice"), STR(""), field)};
    ck_assert(codec_parse(key, (struct str){value, codec_custom_status(5, STR("b\xc3\xa4"), value)}, &item));
    ck_assert_int_eq(item.kind, CODEC_CUSTOM_STATUS);
    ck_assert_uint_eq(item.stamp_ms, 5);
    ck_assert(str_equal(item.text, STR("b\xc3\xa4")));
    key.len = codec_app(7, field);
    ck_assert(codec_parse(key, (struct str){value, codec_stamp(EVENT_TIME_MAX_MS, value)}, &item));
    ck_assert_int_eq(item.kind, CODEC_FORGOTTEN);
    ck_assert_uint_eq(item.app_id, 7);
    ck_assert_uint_eq(item.stamp_ms, EVENT_TIME_MAX_MS);
}
END_TEST

#define HEAD "\0\0\0\0\0\0\1"
#define ORDER "\0\0\0\0\0\0\1\x38"

static const struct {
    struct str field;
    struct str value;
} bad[] = {
    {STR(""), STR(HEAD ORDER)},
    {STR("x\0alice\0web"), STR(HEAD ORDER)},
    {STR("9007199254740992\0alice\0web"), STR(HEAD ORDER)},
    {STR("1\0\0web"), STR(HEAD ORDER)},
    {STR("1\0alice"), STR(HEAD ORDER)},
    {STR("1\0al\xffice\0web"), STR(HEAD ORDER)},
    {STR("1\0alice\0w\0b"), STR(HEAD ORDER)},
    {STR("1\0alice\0web"), STR("")},
    {STR("1\0alice\0web"), STR("\0")},
    {STR("1\0alice\0web"), STR(HEAD)},
    {STR("1\0alice\0web"), STR(HEAD "\0\0\0\0\0\0\1")},
    {STR("1\0alice\0web"), STR(HEAD ORDER "\1\2\3")},
    {STR("1\0alice\0web"), STR(HEAD "\0\0\0\0\0\0\1\x3f")},
    {STR("1\0alice\0web"), STR(HEAD "\x08\0\0\0\0\0\0\x38")},
    /* Events that stand as answers, answers as events, an answer that tells a kick. */
    {STR("1\0alice\0web"), STR(HEAD "\0\0\0\0\0\0\1\x18")},
    {STR("1\0alice\0web"), STR(HEAD "\0\0\0\0\0\0\1\x3e")},
    {STR("1\0alice\0web"), STR(HEAD "\0\0\0\0\0\0\1\x06")},
    {STR("1\0alice\0web"), STR("\3Mac\0\0\0\0\0\1" ORDER)},
    {STR("1\0alice\0web"), STR("\xff\0\0\0\0\0\1" ORDER)},
    {STR("1\0alice\0"), STR(HEAD ORDER "\xff")},
};

START_TEST(what_nobody_has_written_is_not_taken)
{
    struct codec_item item;
    ck_assert(!codec_parse(bad[_i].field, bad[_i].value, &item));
}
END_TEST

START_TEST(what_is_nearly_so_is_taken)
{
    struct codec_item item;
    ck_assert(codec_parse(STR("1\0alice\0web"), STR(HEAD ORDER), &item));
    ck_assert(codec_parse(STR("1\0alice\0web"), STR("\3WEB\0\0\0\0\0\1" ORDER), &item));
    ck_assert(codec_parse(STR("1\0alice\0web"), STR(HEAD "\0\0\0\0\0\0\1\x3d"), &item));
    ck_assert(codec_parse(STR("1\0alice\0web"), STR(HEAD "\0\0\0\0\0\0\1\x1e"), &item));
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("replica_codec");
    TCase *tcase = tcase_create("replica_codec");
    tcase_add_test(tcase, bytes_compare_as_rows_do);
    tcase_add_test(tcase, custom_statuses_compare_by_time_then_text);
    tcase_add_loop_test(tcase, a_row_comes_back_as_it_was, 0, sizeof(platforms) / sizeof(platforms[0]));
    tcase_add_test(tcase, names_of_one_platform_have_one_field);
    tcase_add_test(tcase, custom_statuses_and_stamps_come_back);
    tcase_add_loop_test(tcase, what_nobody_has_written_is_not_taken, 0, sizeof(bad) / sizeof(bad[0]));
    tcase_add_test(tcase, what_is_nearly_so_is_taken);
    suite_add_tcase(suite, tcase);
    return suite;
}

/* SPDX-License-Identifier: MIT */
#include "../../src/replica/codec.h"
#include "../../src/replica/gather.h"
#include "suite.h"
#include "table_fixture.h"

#include "presenced/clock.h"

#include <stdio.h>

static struct gather gather;
static struct buf entry;
static unsigned n_kept;
static unsigned n_told;

static void note_told(void *cls, const struct user *user)
{
    (void)cls;
    ck_assert(str_equal(user_id(user), STR("alice")));
    ck_assert_uint_eq(user->n_rows, 1);
    ck_assert_uint_eq(user->rows[0].action, ROW_LOGOUT);
    n_told++;
}

static void pass_over(void *cls, const struct user *user)
{
    (void)cls;
    (void)user;
}

static void note_kept(void *cls, uint16_t app, struct str user_id)
{
    (void)cls;
    ck_assert_uint_eq(app, fixture.app);
    ck_assert(str_equal(user_id, STR("alice")));
    n_kept++;
}

static void set_up(void)
{
    table_fixture_open((struct table_config){.push_online_window_ms = 0});
    gather = (struct gather){.table = fixture.table, .on_kept = note_kept, .on_changed = pass_over};
    entry = (struct buf){0};
    n_kept = 0;
    n_told = 0;
}

static void tear_down(void)
{
    table_fixture_close();
    buf_fini(&entry);
}

static void put(struct str text)
{
    buf_append_char(&entry, (char)(text.len / 256));
    buf_append_char(&entry, (char)(text.len % 256));
    buf_append(&entry, text);
}

static void put_row(uint64_t app_id, const char *user, const char *platform, enum row_action action,
                    uint64_t event_time_ms)
{
    char field[CODEC_FIELD_MAX];
    char value[CODEC_VALUE_MAX];
    const struct row row = {.event_time_ms = event_time_ms, .action = (uint8_t)action};
    put((struct str){field, codec_field(app_id, str_from(user), str_from(platform), field)});
    put((struct str){value, codec_row(&row, str_from(platform), value)});
}

static void take(bool forgets)
{
    ck_assert_int_eq(gather_add_entry(&gather, buf_str(&entry), forgets), 0);
}

START_TEST(a_login_and_its_kicks_are_one_change)
{
    put_row(1400000000, "alice", "Web", ROW_LOGIN, NOW_MS);
    put_row(1400000000, "alice", "iOS", ROW_KICKED, NOW_MS);
    put_row(1400000000, "bob", "Web", ROW_LOGIN, NOW_MS);
    take(false);
    ck_assert_uint_eq(last_revision(), 2);
    ck_assert_uint_eq(gather.n_users_changed, 2);
    check_row("alice", PLATFORM_WEB, ROW_LOGIN, NOW_MS);
    check_row("alice", PLATFORM_IOS, ROW_KICKED, NOW_MS);
    check_row("bob", PLATFORM_WEB, ROW_LOGIN, NOW_MS);
}
END_TEST

START_TEST(two_changes_of_a_user_both_count)
{
    put_row(1400000000, "alice", "Web", ROW_LOGIN, NOW_MS);
    put_row(1400000000, "alice", "Web", ROW_LOGOUT, NOW_MS + 1);
    put_row(1400000000, "alice", "iOS", ROW_KICKED, NOW_MS + 2);
    take(false);
    ck_assert_uint_eq(last_revision(), 2);
    check_row("alice", PLATFORM_WEB, ROW_LOGOUT, NOW_MS + 1);
    check_row("alice", PLATFORM_IOS, ROW_KICKED, NOW_MS + 2);
    ck_assert_uint_eq(gather.n_malformed, 0);
}
END_TEST

START_TEST(changes_say_that_another_node_made_them)
{
    struct change change;
    cleanup(buf_fini) struct buf storage = {0};
    put_row(1400000000, "alice", "Web", ROW_LOGIN, NOW_MS);
    take(false);
    ck_assert_uint_eq(changes_after(0, &storage, &change, 1), 1);
    ck_assert_int_eq(change.origin, CHANGE_BY_REPLICA);
}
END_TEST

START_TEST(what_is_known_changes_nothing)
{
    put_row(1400000000, "alice", "Web", ROW_LOGIN, NOW_MS);
    take(false);
    take(false);
    ck_assert_uint_eq(last_revision(), 1);
}
END_TEST

START_TEST(what_an_entry_changes_is_told_once)
{
    (void)apply(login("alice", PLATFORM_WEB, NOW_MS - 5));
    gather.on_changed = note_told;
    put_row(1400000000, "alice", "Web", ROW_LOGOUT, NOW_MS);
    put_row(1400000000, "alice", "Web", ROW_LOGIN, NOW_MS - 5);
    take(false);
    take(false);
    ck_assert_uint_eq(n_told, 1);
}
END_TEST

START_TEST(what_a_comparison_changes_is_not_told)
{
    char field[CODEC_FIELD_MAX];
    char value[CODEC_VALUE_MAX];
    const struct row row = {.event_time_ms = NOW_MS, .action = ROW_LOGOUT};
    size_t field_len = codec_field(1400000000, STR("alice"), STR("Web"), field);
    size_t value_len = codec_row(&row, STR("Web"), value);
    gather.on_changed = note_told;
    ck_assert_int_eq(
        gather_add(&gather, (struct str){field, field_len}, (struct str){value, value_len}, false), 0);
    ck_assert_int_eq(gather_end(&gather), 0);
    ck_assert_uint_eq(gather.n_users_changed, 1);
    ck_assert_uint_eq(n_told, 0);
}
END_TEST

START_TEST(rows_of_an_app_that_is_not_there_are_passed_over)
{
    put_row(1400000009, "alice", "Web", ROW_LOGIN, NOW_MS);
    put_row(1400000001, "bob", "Web", ROW_LOGIN, NOW_MS);
    take(false);
    ck_assert_uint_eq(last_revision(), 1);
    ck_assert_uint_eq(gather.n_malformed, 0);
}
END_TEST

START_TEST(what_is_malformed_is_counted_and_the_rest_taken)
{
    put(STR("nonsense"));
    put(STR("nonsense"));
    put_row(1400000000, "alice", "Web", ROW_LOGIN, NOW_MS);
    buf_append(&entry, STR("\xff\xff"));
    take(false);
    ck_assert_uint_eq(gather.n_malformed, 2);
    ck_assert(is_held("alice"));
}
END_TEST

START_TEST(a_platform_without_room_is_not_taken_for_unknown)
{
    char name[16];
    for (unsigned i = 0; i < PLATFORM_N_EXTRA_MAX; i++) {
        (void)snprintf(name, sizeof(name), "toaster %u", i);
        (void)platform_intern(table_platform_names(fixture.table), str_from(name));
    }
    put_row(1400000000, "alice", "Unknown", ROW_LOGOUT, NOW_MS);
    put_row(1400000000, "alice", "one too many", ROW_LOGIN, NOW_MS + 1);
    take(false);
    check_row("alice", PLATFORM_UNKNOWN, ROW_LOGOUT, NOW_MS);
    ck_assert_uint_eq(get("alice").n_rows, 1);
    ck_assert_uint_eq(gather.n_malformed, 1);
}
END_TEST

START_TEST(who_was_forgotten_elsewhere_is_forgotten_here)
{
    (void)apply(logout("alice", PLATFORM_WEB, NOW_MS - 5));
    put_row(1400000000, "alice", "Web", ROW_LOGOUT, NOW_MS);
    take(true);
    ck_assert(!is_held("alice"));
    ck_assert_uint_eq(n_kept, 0);
}
END_TEST

START_TEST(who_has_more_here_is_kept)
{
    (void)apply(logout("alice", PLATFORM_WEB, NOW_MS));
    (void)apply(logout("alice", PLATFORM_MAC, NOW_MS - 10));
    put_row(1400000000, "alice", "Web", ROW_LOGOUT, NOW_MS + 5);
    take(true);
    ck_assert(is_held("alice"));
    ck_assert_uint_eq(n_kept, 1);
}
END_TEST

START_TEST(stamps_wait_until_they_are_told)
{
    char field[CODEC_FIELD_MAX];
    char value[CODEC_VALUE_MAX];
    put((struct str){field, codec_app(1400000000, field)});
    put((struct str){value, codec_stamp(NOW_MS, value)});
    take(false);
    ck_assert_uint_eq(counts().forgotten_before_ms, 0);
    ck_assert(gather_tell_stamps(&gather));
    ck_assert_uint_eq(counts().forgotten_before_ms, NOW_MS);
    ck_assert(!gather_tell_stamps(&gather));
}
END_TEST

/* Other nodes hold it, so it was not forgotten there. */
START_TEST(who_is_held_elsewhere_is_not_forgotten_here)
{
    table_raise_forgotten(fixture.table, fixture.app, NOW_MS, clock_unix_ms());
    put_row(1400000000, "alice", "Web", ROW_LOGIN, NOW_MS - 5);
    take(false);
    ck_assert(is_held("alice"));
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("replica_gather");
    TCase *tcase = tcase_create("replica_gather");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, a_login_and_its_kicks_are_one_change);
    tcase_add_test(tcase, two_changes_of_a_user_both_count);
    tcase_add_test(tcase, changes_say_that_another_node_made_them);
    tcase_add_test(tcase, what_is_known_changes_nothing);
    tcase_add_test(tcase, what_an_entry_changes_is_told_once);
    tcase_add_test(tcase, what_a_comparison_changes_is_not_told);
    tcase_add_test(tcase, rows_of_an_app_that_is_not_there_are_passed_over);
    tcase_add_test(tcase, what_is_malformed_is_counted_and_the_rest_taken);
    tcase_add_test(tcase, a_platform_without_room_is_not_taken_for_unknown);
    tcase_add_test(tcase, who_was_forgotten_elsewhere_is_forgotten_here);
    tcase_add_test(tcase, who_has_more_here_is_kept);
    tcase_add_test(tcase, stamps_wait_until_they_are_told);
    tcase_add_test(tcase, who_is_held_elsewhere_is_not_forgotten_here);
    suite_add_tcase(suite, tcase);
    return suite;
}

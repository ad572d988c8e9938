/* SPDX-License-Identifier: MIT */
/* The users of one call, and what is taken of its answer. */
#include "../../src/reconcile/answer.h"
#include "suite.h"
#include "table_fixture.h"

#include <stdio.h>

static struct user_batch batch;
static struct buf remembered; /* of alice, a line a device */
static struct reconcile_stats stats;

static void set_up(void)
{
    stats = (struct reconcile_stats){0};
    table_fixture_open((struct table_config){.push_online_window_ms = 60000});
    table_mark_doubts(fixture.table, fixture.app, false);
}

static void tear_down(void)
{
    user_batch_fini(&batch);
    buf_fini(&remembered);
    table_fixture_close();
}

START_TEST(holds_each_user_once_up_to_what_a_call_may_ask)
{
    char user[16];
    for (unsigned i = 0; i < 2 * ONLINE_QUERY_N_USERS_MAX; i++) {
        (void)snprintf(user, sizeof(user), "user%u", i / 2);
        ck_assert(user_batch_add(&batch, str_from(user), RECONCILE_ROUND));
    }
    ck_assert_uint_eq(batch.n, ONLINE_QUERY_N_USERS_MAX);
    ck_assert(!user_batch_add(&batch, STR("one more"), RECONCILE_ROUND));
    ck_assert(user_batch_add(&batch, STR("user77"), RECONCILE_ROUND));
    ck_assert_int_eq(user_batch_find(&batch, STR("one more")), -1);
    for (unsigned i = 0; i < ONLINE_QUERY_N_USERS_MAX; i++) {
        (void)snprintf(user, sizeof(user), "user%u", i);
        ck_assert_int_eq(user_batch_find(&batch, str_from(user)), (int)i);
        ck_assert(str_equal(user_batch_user(&batch, i), str_from(user)));
    }
}
END_TEST

static void add_to_history(void *cls, uint64_t app_id, struct str user_id, const struct user_event *event)
{
    (void)cls;
    ck_assert_uint_eq(app_id, table_app_id(fixture.table, fixture.app));
    ck_assert(str_equal(user_id, STR("alice")));
    ck_assert_int_eq(event->origin, CHANGE_BY_RECONCILE);
    ck_assert_uint_eq(event->event_time_ms, NOW_MS + 2000);
    ck_assert_uint_eq(event->received_unix_ms, NOW_MS + 4000);
    buf_appendf(&remembered, "%.*s %.*s %.*s\n", STR_FMT(event->platform), STR_FMT(event->action),
                STR_FMT(event->reason));
}

static const struct reconcile_history history = {add_to_history, NULL};

/* An answer about alice, who was asked about, known two seconds from now. */
static void take(const char *results, const char *errors)
{
    cleanup(buf_fini) struct buf body = {0};
    struct online_query_answer answer;
    buf_appendf(&body,
                "{\"ActionStatus\":\"OK\",\"ErrorInfo\":\"\",\"ErrorCode\":0,\"QueryResult\":[%s],"
                "\"ErrorList\":[%s]}",
                results, errors);
    ck_assert(user_batch_add(&batch, STR("alice"), RECONCILE_DOUBT));
    ck_assert_int_eq(online_query_read_answer(buf_str(&body), &answer), 0);
    const struct answer_taking taking = {fixture.table, &history,      fixture.app,  &batch,
                                         NULL,          NOW_MS + 2000, NOW_MS + 4000};
    answer_take(&taking, &answer, &stats);
    online_query_answer_fini(&answer);
}

#define ALICE(status, devices) "{\"To_Account\":\"alice\",\"Status\":\"" status "\",\"Detail\":[" devices "]}"
#define DEVICE(platform, status) "{\"Platform\":\"" platform "\",\"Status\":\"" status "\"}"

START_TEST(names_map_back_and_what_is_left_out_is_offline)
{
    (void)apply(login("alice", PLATFORM_WEB, NOW_MS));
    (void)apply(login("alice", PLATFORM_ANDROID, NOW_MS));
    take(ALICE("Online",
               DEVICE("PC", "Online") "," DEVICE("iPhone", "PushOnline") "," DEVICE("Android", "Online")),
         "");
    check_row("alice", PLATFORM_WINDOWS, ROW_LOGIN, NOW_MS + 2000);
    check_row("alice", PLATFORM_IOS, ROW_DISCONNECT, NOW_MS + 2000);
    check_row("alice", PLATFORM_ANDROID, ROW_LOGIN, NOW_MS);
    check_row("alice", PLATFORM_WEB, ROW_LOGOUT, NOW_MS + 2000);
    ck_assert_uint_eq(stats.corrections[RECONCILE_DOUBT].n_begun, 1);
    ck_assert_uint_eq(stats.corrections[RECONCILE_DOUBT].n_ended, 1);
    ck_assert_uint_eq(stats.corrections[RECONCILE_DOUBT].n_others, 1);
    ck_assert_uint_eq(stats.n_confirmed, 0);
    ck_assert(str_equal(buf_str(&remembered), STR("iOS Reconciled PushOnline\nWeb Reconciled Offline\n"
                                                  "Windows Reconciled Online\n")));
}
END_TEST

START_TEST(what_the_query_cannot_name_is_left_alone)
{
    (void)apply(login("alice", PLATFORM_LINUX, NOW_MS));
    take(ALICE("Offline", ""), "");
    check_row("alice", PLATFORM_LINUX, ROW_LOGIN, NOW_MS);
    ck_assert_uint_eq(stats.n_confirmed, 1);
    ck_assert_uint_eq(remembered.len, 0);
}
END_TEST

static const struct {
    const char *what;
    const char *result;
} vague[] = {
    {"online, but not where", ALICE("Online", "")},
    {"push_online, but not where", ALICE("PushOnline", "")},
    {"a status of its own", ALICE("Sleeping", "")},
    {"a platform with a status of its own", ALICE("Online", DEVICE("Web", "Sleeping"))},
    {"of somebody else", "{\"To_Account\":\"bob\",\"Status\":\"Offline\"}"},
    {"of nobody", ""},
};

START_TEST(what_is_vague_changes_nothing)
{
    (void)apply(login("alice", PLATFORM_WEB, NOW_MS));
    (void)apply(login("bob", PLATFORM_WEB, NOW_MS));
    take(vague[_i].result, "");
    check_row("alice", PLATFORM_WEB, ROW_LOGIN, NOW_MS);
    check_row("bob", PLATFORM_WEB, ROW_LOGIN, NOW_MS);
}
END_TEST

static const struct {
    unsigned code;
    enum row_action action;
} user_errors[] = {{70107, ROW_LOGOUT}, {90048, ROW_LOGOUT}, {70500, ROW_LOGIN}, {12345, ROW_LOGIN}};

START_TEST(rows_of_a_user_who_does_not_exist_end)
{
    char error[64];
    (void)snprintf(error, sizeof(error), "{\"To_Account\":\"alice\",\"ErrorCode\":%u}", user_errors[_i].code);
    (void)apply(login("alice", PLATFORM_WEB, NOW_MS));
    (void)apply(login("alice", PLATFORM_LINUX, NOW_MS));
    take("", error);
    bool ends = user_errors[_i].action == ROW_LOGOUT;
    check_row("alice", PLATFORM_WEB, user_errors[_i].action, NOW_MS + (ends ? 2000 : 0));
    check_row("alice", PLATFORM_LINUX, user_errors[_i].action, NOW_MS + (ends ? 2000 : 0));
}
END_TEST

/* Two seconds old by then, but stamped later than the answer: it is asked again. */
START_TEST(what_is_newer_stays_and_is_in_doubt)
{
    (void)apply(login("alice", PLATFORM_WEB, NOW_MS + 2000 + (_i == 0 ? 5000 : 15000)));
    take(ALICE("Offline", ""), "");
    ck_assert_uint_eq(table_n_marked(fixture.table, fixture.app), _i == 0);
    ck_assert_uint_eq(stats.n_confirmed, 0);
    ck_assert_uint_eq(stats.corrections[RECONCILE_DOUBT].n_ended, 0);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("user_batch");
    TCase *tcase = tcase_create("user_batch");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, holds_each_user_once_up_to_what_a_call_may_ask);
    tcase_add_test(tcase, names_map_back_and_what_is_left_out_is_offline);
    tcase_add_test(tcase, what_the_query_cannot_name_is_left_alone);
    tcase_add_loop_test(tcase, what_is_vague_changes_nothing, 0, sizeof(vague) / sizeof(vague[0]));
    tcase_add_loop_test(tcase, rows_of_a_user_who_does_not_exist_end, 0, 4);
    tcase_add_loop_test(tcase, what_is_newer_stays_and_is_in_doubt, 0, 2);
    suite_add_tcase(suite, tcase);
    return suite;
}

/* SPDX-License-Identifier: MIT */
#include "status_fixture.h"
#include "suite.h"

#include <stdio.h>

static struct http_reply *reply;

static void setup(void)
{
    fixture_start_two_apps();
    reply = NULL;
}

static void teardown(void)
{
    http_reply_free(reply);
    fixture_stop();
}

static const char *read_metrics(void)
{
    http_reply_free(reply);
    reply = get("/metrics");
    ck_assert_ptr_nonnull(reply);
    ck_assert_uint_eq(reply_status(reply), 200);
    ck_assert_str_eq(reply_header(reply, "Content-Type"), "text/plain; version=0.0.4; charset=utf-8");
    ck_assert_str_eq(reply_header(reply, "X-Content-Type-Options"), "nosniff");
    return reply_body(reply);
}

/* The line begins with the name, so the one before has ended. */
static void expect_line(const char *line)
{
    char text[256];
    (void)snprintf(text, sizeof(text), "\n%s\n", line);
    const char *body = read_metrics();
    ck_assert_msg(strstr(body, text) != NULL, "no \"%s\" in:\n%s", line, body);
}

static void expect_nothing_of(const char *name)
{
    ck_assert_ptr_null(strstr(read_metrics(), name));
}

static void happen_to(enum table_event_kind kind, uint16_t app, const char *user, uint8_t platform)
{
    happen((struct event){kind, app, user, platform, ROW_REASON_REGISTER, NOW_MS - 1000, NULL, NULL});
}

START_TEST(the_table_is_shown)
{
    (void)platform_intern(table_platform_names(fixture.table), STR("a \"\\ platform"));
    (void)platform_intern(table_platform_names(fixture.table), STR("never online"));
    happen_to(TABLE_LOGIN, 0, "alice", PLATFORM_WEB);
    happen_to(TABLE_LOGIN, 0, "alice", PLATFORM_N_KNOWN);
    happen_to(TABLE_DISCONNECT, 0, "bob", PLATFORM_IOS);
    happen_to(TABLE_LOGOUT, 1, "carol", PLATFORM_WEB);
    expect_line("presenced_users{app=\"1400000000\",state=\"online\"} 1");
    expect_line("presenced_users{app=\"1400000000\",state=\"push_online\"} 1");
    expect_line("presenced_users{app=\"1400000000\",state=\"unknown\"} 0");
    expect_line("presenced_users{app=\"1400000001\",state=\"offline\"} 1");
    expect_line("presenced_online_devices{app=\"1400000000\",platform=\"Web\"} 1");
    expect_line("presenced_online_devices{app=\"1400000000\",platform=\"a \\\"\\\\ platform\"} 1");
    expect_line("presenced_online_devices{app=\"1400000001\",platform=\"Web\"} 0");
    expect_nothing_of("never online");
    expect_line("presenced_change_log_changes_total 4");
    expect_line("presenced_change_log_entries 4");
    struct changes_size size;
    changes_size(table_changes(fixture.table), &size);
    char line[64];
    (void)snprintf(line, sizeof(line), "presenced_change_log_bytes %llu", (unsigned long long)size.n_bytes);
    expect_line(line);
    expect_nothing_of("alice");
    (void)table_tick(fixture.table, NOW_MS + FORGET_AFTER_MS);
    expect_line("presenced_users_dropped_total{app=\"1400000001\",reason=\"forget_after\"} 1");
    expect_line("presenced_users_dropped_total{app=\"1400000001\",reason=\"max_users\"} 0");
}
END_TEST

START_TEST(what_others_know_is_passed_on)
{
    expect_line("presenced_callback_requests_total{answer=\"ok\",outcome=\"applied\"} 12");
    expect_line("presenced_callback_requests_total{answer=\"refused\",outcome=\"refused_sign\"} 3");
    expect_line("presenced_callback_events_restamped_total 2");
    expect_nothing_of("outcome=\"restamped\"");
    expect_line("presenced_callback_duration_seconds_count 4");
    expect_line("presenced_store_commits_total 9");
    expect_line("presenced_tls_handshakes_total{listener=\"callback\",result=\"full\"} 5");
    expect_line("presenced_tls_handshakes_total{listener=\"status\",result=\"failed\"} 6");
    expect_line("presenced_config_reloads_total{result=\"successful\"} 4");
    expect_line("presenced_config_reloads_total{result=\"failed\"} 1");
    expect_line("presenced_config_loaded_timestamp_seconds 1699999997.5");
    expect_line("process_start_time_seconds 1699999995");
}
END_TEST

/* As Prometheus wants it, though each listener is visited by itself. */
START_TEST(the_samples_of_a_metric_stand_together)
{
    expect_line("# HELP presenced_connections C.\n# TYPE presenced_connections gauge\n"
                "presenced_connections{listener=\"callback\"} 7\n"
                "presenced_connections{listener=\"status\"} 1\n"
                "# HELP presenced_tls_handshakes_total H.");
}
END_TEST

START_TEST(health_is_told)
{
    expect_line("presenced_ready 1");
    expect_line("presenced_degraded{reason=\"\"} 0");
    fixture.health = (struct status_health){STATUS_DRAINING, "disk full"};
    expect_line("presenced_ready 0");
    expect_line("presenced_degraded{reason=\"disk full\"} 1");
}
END_TEST

START_TEST(what_needs_a_person_is_counted)
{
    expect_line("presenced_warnings{code=\"certificate_expired\"} 0");
    expect_line("presenced_warnings{code=\"app_unsigned\"} 0");
    warnings_raise(fixture.warnings, WARNING_APP_UNSIGNED, APP_ID, "x", 0);
    warnings_raise(fixture.warnings, WARNING_APP_UNSIGNED, OTHER_APP_ID, "x", 0);
    expect_line("presenced_warnings{code=\"certificate_expired\"} 0");
    expect_line("presenced_warnings{code=\"app_unsigned\"} 2");
}
END_TEST

START_TEST(it_is_got_and_nothing_else)
{
    expect_problem(post("/metrics", ""), 405, "this path knows other methods, see Allow");
    const struct http_header elsewhere[] = {{"Host", "attacker.example"}, {NULL, NULL}};
    struct http_reply *refused = ask_with(elsewhere, "GET", "/metrics", STR(""));
    ck_assert_uint_eq(reply_status(refused), 403);
    http_reply_free(refused);
}
END_TEST

START_TEST(the_token_is_asked_for)
{
    use_settings(&(struct status_settings){.token = STR("s3cret")});
    struct http_reply *refused = get("/metrics");
    ck_assert_uint_eq(reply_status(refused), 401);
    http_reply_free(refused);
}
END_TEST

START_TEST(without_memory_there_is_no_answer)
{
    fixture.memory_is_gone = true;
    ck_assert_ptr_null(get("/metrics"));
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("metrics");
    TCase *answer = tcase_create("answer");
    tcase_add_checked_fixture(answer, setup, teardown);
    tcase_add_test(answer, the_table_is_shown);
    tcase_add_test(answer, what_others_know_is_passed_on);
    tcase_add_test(answer, the_samples_of_a_metric_stand_together);
    tcase_add_test(answer, health_is_told);
    tcase_add_test(answer, what_needs_a_person_is_counted);
    tcase_add_test(answer, it_is_got_and_nothing_else);
    tcase_add_test(answer, the_token_is_asked_for);
    tcase_add_test(answer, without_memory_there_is_no_answer);
    suite_add_tcase(suite, answer);
    return suite;
}

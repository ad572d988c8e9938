/* SPDX-License-Identifier: MIT */
#include "../../src/status/metrics.h"

#include "status_fixture.h"
#include "suite.h"

#include <ctype.h>
#include <stdio.h>

#define N(array) (sizeof(array) / sizeof((array)[0]))

/* The answer. */

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
    struct changes_held held;
    changes_held(table_changes(fixture.table), &held);
    char line[64];
    (void)snprintf(line, sizeof(line), "presenced_change_log_bytes %llu", (unsigned long long)held.n_bytes);
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
    expect_line("presenced_connections{listener=\"callback\"} 7");
    expect_line("presenced_connections{listener=\"status\"} 1");
    expect_line("presenced_tls_handshakes_total{listener=\"callback\",result=\"full\"} 5");
    expect_line("presenced_tls_handshakes_total{listener=\"status\",result=\"failed\"} 6");
    expect_line("presenced_config_reloads_total{result=\"successful\"} 4");
    expect_line("presenced_config_reloads_total{result=\"failed\"} 1");
    expect_line("presenced_config_loaded_timestamp_seconds 1699999997.5");
    expect_line("presenced_replication_connected 1");
    expect_line("presenced_follower_lag_changes{follower=\"replication\"} 3");
    expect_line("process_start_time_seconds 1699999995");
}
END_TEST

START_TEST(what_is_not_there_is_left_out)
{
    expect_nothing_of("presenced_store_");
    expect_nothing_of("follower=\"store\"");
    expect_nothing_of("presenced_callback_duration_seconds");
    expect_nothing_of("presenced_tls_certificate_end_timestamp_seconds");
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

/* The table of metrics. */

static bool ends_with(const char *text, const char *end)
{
    size_t len = strlen(text);
    return len >= strlen(end) && strcmp(text + len - strlen(end), end) == 0;
}

static bool is_name(const char *text)
{
    return islower((unsigned char)*text) != 0 && text[strspn(text, "abcdefghijklmnopqrstuvwxyz_")] == '\0';
}

/* A time is handed over in ms or us, and shown in seconds as its name then says; or it is a bucket's. */
START_TEST(rows_keep_the_rules)
{
    const struct metric *metric = &metrics_rows[_i];
    const struct metric_family *family = &metric->family;
    const char *name = family->name;
    ck_assert_msg(strncmp(name, "presenced_", 10) == 0 || strncmp(name, "process_", 8) == 0, "%s", name);
    ck_assert_msg(is_name(name), "%s", name);
    ck_assert_msg(ends_with(name, "_total") == (family->type == METRIC_COUNTER), "%s", name);
    ck_assert_msg((strstr(name, "_seconds") != NULL) == (family->unit != METRIC_ONE), "%s", name);
    ck_assert_msg(ends_with(family->help, ".") && strpbrk(family->help, "\\\n") == NULL, "%s", name);
    ck_assert_msg((metric->read == NULL) != (metric->write == NULL), "%s", name);
    for (size_t i = 0; i < N(family->labels) && family->labels[i] != NULL; i++) {
        ck_assert_msg(is_name(family->labels[i]) && strcmp(family->labels[i], "user") != 0, "%s", name);
    }
    for (size_t i = 0; i < (size_t)_i; i++) {
        ck_assert_str_ne(metrics_rows[i].family.name, name);
    }
}
END_TEST

/* Texts that name metrics. */

static struct buf read_source(const char *name)
{
    const char *source = getenv("PRESENCED_SOURCE");
    char path[512];
    struct buf text = {0};
    ck_assert_msg(source != NULL, "PRESENCED_SOURCE does not say where the source tree is");
    (void)snprintf(path, sizeof(path), "%s/%s", source, name);
    FILE *file = fopen(path, "re");
    ck_assert_msg(file != NULL, "%s", path);
    for (int c = getc(file); c != EOF; c = getc(file)) {
        buf_append_char(&text, (char)c);
    }
    (void)fclose(file);
    buf_append_char(&text, '\0');
    ck_assert(!text.failed);
    return text;
}

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

/* The next metric's name in `*text`, which is moved behind it; len 0: there is none. */
static struct str next_name(const char **text)
{
    const char *at = *text;
    while (*at != '\0') {
        size_t len = 0;
        while (is_word(at[len])) {
            len++;
        }
        struct str word = {at, len};
        at += len == 0 ? 1 : len;
        if ((str_starts_with(word, STR("presenced_")) || str_starts_with(word, STR("process_")))) {
            *text = at;
            return word;
        }
    }
    *text = at;
    return (struct str){NULL, 0};
}

static bool is_sample_of(struct str name, const struct metric_family *family)
{
    static const char *const suffixes[] = {"", "_bucket", "_sum", "_count"};
    size_t n_suffixes = family->type == METRIC_HISTOGRAM ? N(suffixes) : 1;
    for (size_t i = 0; i < n_suffixes; i++) {
        char text[128];
        (void)snprintf(text, sizeof(text), "%s%s", family->name, suffixes[i]);
        if (str_equal(name, str_from(text))) {
            return true;
        }
    }
    return false;
}

static const struct metric_family *find_family(struct str name)
{
    for (size_t i = 0; i < metrics_n_rows; i++) {
        if (is_sample_of(name, &metrics_rows[i].family)) {
            return &metrics_rows[i].family;
        }
    }
    return NULL;
}

static bool has_label(const struct metric_family *family, struct str label)
{
    static const char *const of_prometheus[] = {"instance", "job"};
    bool found = family->type == METRIC_HISTOGRAM && str_equal(label, STR("le"));
    for (size_t i = 0; i < N(family->labels) && family->labels[i] != NULL; i++) {
        found |= str_equal(label, str_from(family->labels[i]));
    }
    for (size_t i = 0; i < N(of_prometheus); i++) {
        found |= str_equal(label, str_from(of_prometheus[i]));
    }
    return found;
}

/* Of the selector, {a="1",b=~"2"}, that may begin `text`; one in JSON has a backslash before each quote. */
static void check_selector(const struct metric_family *family, const char *text)
{
    const char *at = text;
    while (*text == '{' && *at != '}') {
        struct str label = {at + 1, strcspn(at + 1, "=!~")};
        ck_assert_msg(has_label(family, label), "%s has no label %.*s", family->name, STR_FMT(label));
        at = strchr(label.ptr, '"');
        ck_assert_ptr_nonnull(at);
        at = strchr(at + 1, '"') + 1;
    }
}

static const char *const users_of_metrics[] = {"conf/examples/alerts.yml",
                                               "conf/examples/grafana-dashboard.json", "tests/alerts.yml"};

START_TEST(examples_name_metrics_that_there_are)
{
    cleanup(buf_fini) struct buf text = read_source(users_of_metrics[_i]);
    const char *rest = text.ptr;
    unsigned n = 0;
    for (struct str name = next_name(&rest); name.len > 0; name = next_name(&rest)) {
        const struct metric_family *family = find_family(name);
        ck_assert_msg(family != NULL, "%s: there is no %.*s", users_of_metrics[_i], STR_FMT(name));
        check_selector(family, rest);
        n++;
    }
    ck_assert_uint_gt(n, 20);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("metrics");
    TCase *answer = tcase_create("answer");
    tcase_add_checked_fixture(answer, setup, teardown);
    tcase_add_test(answer, the_table_is_shown);
    tcase_add_test(answer, what_others_know_is_passed_on);
    tcase_add_test(answer, what_is_not_there_is_left_out);
    tcase_add_test(answer, health_is_told);
    tcase_add_test(answer, what_needs_a_person_is_counted);
    tcase_add_test(answer, it_is_got_and_nothing_else);
    tcase_add_test(answer, the_token_is_asked_for);
    tcase_add_test(answer, without_memory_there_is_no_answer);
    suite_add_tcase(suite, answer);
    TCase *table = tcase_create("table");
    tcase_add_loop_test(table, rows_keep_the_rules, 0, (int)metrics_n_rows);
    tcase_add_loop_test(table, examples_name_metrics_that_there_are, 0, N(users_of_metrics));
    suite_add_tcase(suite, table);
    return suite;
}

/* SPDX-License-Identifier: MIT */
#include "../unit/suite.h"
#include "event.h"
#include "wire.h"

#include "presenced/clock.h"

#include <cjson/cJSON.h>
#include <ctype.h>
#include <inttypes.h>
#include <openssl/pem.h>
#include <poll.h>
#include <signal.h>

#define CALLBACK "[callback]\nlisten = 127.0.0.1:0\nmax_connections = 500\n"
#define PLAIN "tls = off\n"
#define TLS "certificate = @DIR@/server.pem\nprivate_key = @DIR@/server.key\n"
/* Nobody here is that proxy. */
#define PROXIED "proxy_protocol = v2\ntrusted_proxies = 192.0.2.1\n"
#define REST                                                                                                 \
    "[app 1400000000]\n[app 1400000001]\ntoken = xxxxyyyy\n[status]\nlisten = 127.0.0.1:0\n[store]\npath = " \
    "@DIR@/store\n"
/* There need not be an engine for what is counted of it. */
#define REPLICATION "[replication]\nurl = unix:@DIR@/engine.sock\n"
#define ASKED                                                                                  \
    "[app 1400000002]\ntoken = xxxxyyyy\nadmin = administrator\nsecret_key_file = @DIR@/key\n" \
    "api_url = http://127.0.0.1:1\n"
#define CONFIG_NAME "presenced-0.conf" /* as the harness calls the first */

static struct sandbox *sandbox;
static struct instance *instance;
static struct client *callback;
static struct client *status;

static void start(const char *scheme, const char *config)
{
    sandbox = sandbox_new();
    sandbox_write(sandbox, "key", "secret");
    instance = instance_start(sandbox, config);
    callback = client_new(scheme, instance_callback_port(instance));
    client_trust(callback, sandbox);
    status = client_new("http", instance_status_port(instance));
}

static void start_plain(void)
{
    start("http", CALLBACK PLAIN REST);
}

static void start_tls(void)
{
    start("https", CALLBACK TLS PROXIED REST ASKED REPLICATION);
}

static void stop(void)
{
    client_free(status);
    client_free(callback);
    instance_stop(instance);
    sandbox_free(sandbox);
}

/* The caller calls buf_fini(); begins with a line's end, as every line after it. */
static struct buf read_metrics(void)
{
    struct buf text = {0};
    cleanup(answer_fini) struct answer answer;
    client_get(status, "/metrics", &answer);
    ck_assert_int_eq(answer.status, 200);
    ck_assert(answer_has_header(&answer, "Content-Type: text/plain; version=0.0.4; charset=utf-8"));
    buf_append_char(&text, '\n');
    buf_append(&text, buf_str(&answer.body));
    (void)buf_text(&text);
    return text;
}

static bool has_line(const struct buf *text, const char *line)
{
    char wanted[256];
    (void)snprintf(wanted, sizeof(wanted), "\n%s\n", line);
    return strstr(text->ptr, wanted) != NULL;
}

/* The text is longer than libcheck takes in a message. */
static void fail_for_lack_of(const struct buf *text, const char *line)
{
    (void)fputs(text->ptr, stderr);
    ck_abort_msg("no \"%s\" in what stands above", line);
}

static void expect_lines(const char *const *lines, size_t n)
{
    cleanup(buf_fini) struct buf text = read_metrics();
    for (size_t i = 0; i < n; i++) {
        if (!has_line(&text, lines[i])) {
            fail_for_lack_of(&text, lines[i]);
        }
    }
}

#define EXPECT(...)                                  \
    expect_lines((const char *const[]){__VA_ARGS__}, \
                 sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))

/* For what a connection's end is to show. */
static void await_line(const char *line)
{
    uint64_t deadline_ms = clock_monotonic_ms() + HARNESS_DEADLINE_MS;
    for (;;) {
        cleanup(buf_fini) struct buf text = read_metrics();
        if (has_line(&text, line)) {
            return;
        }
        if (clock_monotonic_ms() > deadline_ms) {
            fail_for_lack_of(&text, line);
        }
        (void)poll(NULL, 0, 5);
    }
}

/* Callbacks and what comes of them. */

static void post(const char *target, const char *body, long http_status)
{
    cleanup(answer_fini) struct answer answer;
    client_post(callback, target, body, &answer);
    ck_assert_int_eq(answer.status, http_status);
}

START_TEST(counts_what_was_sent)
{
    uint64_t now_ms = clock_unix_ms();
    event_login(callback, "alice", now_ms - 20 * 1000);
    event_login(callback, "alice", now_ms - 20 * 1000);
    event_login(callback, "bob", 0);
    post("/?SdkAppid=1400000000&CallbackCommand=State.StateChange", "{", 200);
    post("/?SdkAppid=1400000001&CallbackCommand=State.StateChange", "{}", 403);
    post("/elsewhere", "{}", 404);
    cleanup(answer_fini) struct answer answer;
    client_get(callback, "/livez", &answer);
    await_line("presenced_follower_revision{follower=\"store\"} 2");
    EXPECT(
        "presenced_callback_requests_total{answer=\"ok\",outcome=\"applied\",app=\"1400000000\"} 2",
        "presenced_callback_requests_total{answer=\"ok\",outcome=\"unchanged\",app=\"1400000000\"} 1",
        "presenced_callback_requests_total{answer=\"fail\",outcome=\"bad_body_truncated\",app=\"1400000000\"} 1",
        "presenced_callback_requests_total{answer=\"refused\",outcome=\"refused_no_sign\",app=\"1400000001\"} 1",
        "presenced_callback_requests_total{answer=\"refused\",outcome=\"other_path\",app=\"\"} 1",
        "presenced_callback_requests_total{answer=\"health\",outcome=\"healthy\",app=\"\"} 1",
        "presenced_callback_requests_total{answer=\"fail\",outcome=\"not_stored\",app=\"1400000000\"} 0",
        "presenced_callback_duration_seconds_count 4",
        "presenced_callback_duration_seconds_bucket{le=\"10\"} 4", /* request_timeout */
        "presenced_callback_duration_seconds_bucket{le=\"+Inf\"} 4",
        "presenced_callback_event_lag_seconds_count 2",
        "presenced_callback_event_lag_seconds_bucket{le=\"10\"} 0",
        "presenced_callback_event_lag_seconds_bucket{le=\"3600\"} 2",
        "presenced_callback_events_restamped_total 1",
        "presenced_users{app=\"1400000000\",state=\"online\"} 2",
        "presenced_users{app=\"1400000001\",state=\"online\"} 0",
        "presenced_online_devices{app=\"1400000000\",platform=\"Web\"} 2",
        "presenced_change_log_changes_total 2", "presenced_follower_lag_changes{follower=\"store\"} 0",
        "presenced_store_changes_total 2", "presenced_store_failures_total 0",
        "presenced_connections{listener=\"callback\"} 1",
        "presenced_connections_max{listener=\"callback\"} 500",
        "presenced_connections_accepted_total{listener=\"callback\"} 1",
        "presenced_requests_total{listener=\"callback\"} 7", "presenced_ready 1",
        "presenced_degraded{reason=\"\"} 0", "presenced_build_info{version=\"" PRESENCED_VERSION "\"} 1",
        "presenced_log_dropped_lines_total 0");
    cleanup(buf_fini) struct buf text = read_metrics();
    ck_assert_ptr_null(strstr(text.ptr, "alice"));
    /* The sender's patience. */
    ck_assert_ptr_nonnull(strstr(text.ptr, "\npresenced_callback_duration_seconds_bucket{le=\"2\"} "));
}
END_TEST

START_TEST(tells_what_became_of_reloads)
{
    EXPECT("presenced_config_reloads_total{result=\"successful\"} 0",
           "presenced_config_last_reload_successful 1");
    sandbox_write(sandbox, CONFIG_NAME, "[nonsense]\n");
    ck_assert_int_eq(kill(instance_pid(instance), SIGHUP), 0);
    await_line("presenced_config_reloads_total{result=\"failed\"} 1");
    EXPECT("presenced_config_last_reload_successful 0",
           "presenced_config_reloads_total{result=\"successful\"} 0");
    sandbox_write(sandbox, CONFIG_NAME, CALLBACK PLAIN REST);
    ck_assert_int_eq(kill(instance_pid(instance), SIGHUP), 0);
    await_line("presenced_config_reloads_total{result=\"successful\"} 1");
    EXPECT("presenced_config_last_reload_successful 1",
           "presenced_config_reloads_total{result=\"failed\"} 1");
}
END_TEST

/* TLS. */

/* Returns the session, to be resumed; freed by the caller. */
static SSL_SESSION *shake_hands(int version, SSL_SESSION *session)
{
    cleanup(wire_freep) struct wire *wire = wire_open(instance_callback_port(instance));
    cleanup(buf_fini) struct buf answer = {0};
    const struct wire_tls options = {.min_version = version, .max_version = version, .session = session};
    ck_assert(wire_start_tls(wire, sandbox, &options));
    ck_assert(wire_send_text(wire, "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    wire_await(wire, "\"ErrorInfo\":", &answer);
    SSL_SESSION *next = SSL_get1_session(wire_ssl(wire));
    (void)SSL_shutdown(wire_ssl(wire));
    return next;
}

static void connect_without_a_word(void)
{
    wire_free(wire_open(instance_callback_port(instance)));
}

static void connect_and_reset(void)
{
    cleanup(wire_freep) struct wire *wire = wire_open(instance_callback_port(instance));
    const struct linger at_once = {.l_onoff = 1};
    ck_assert_int_eq(setsockopt(wire_fd(wire), SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)), 0);
}

static void send_nonsense(void)
{
    cleanup(wire_freep) struct wire *wire = wire_open(instance_callback_port(instance));
    cleanup(buf_fini) struct buf answer = {0};
    ck_assert(wire_send_text(wire, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    ck_assert_int_eq(wire_read_to_end(wire, HARNESS_DEADLINE_MS, &answer), WIRE_CLOSED);
}

static int64_t certificate_end(void)
{
    struct tm tm;
    cleanup(buf_fini) struct buf pem = sandbox_read(sandbox, "server.pem");
    BIO *bio = BIO_new_mem_buf(pem.ptr, (int)pem.len);
    X509 *certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    ck_assert_ptr_nonnull(certificate);
    ck_assert_int_eq(ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &tm), 1);
    X509_free(certificate);
    BIO_free(bio);
    return timegm(&tm);
}

static const int versions[] = {TLS1_3_VERSION, TLS1_2_VERSION};

START_TEST(counts_handshakes_by_their_end)
{
    char line[128];
    SSL_SESSION *session = shake_hands(versions[_i], NULL);
    SSL_SESSION *next = shake_hands(versions[_i], session);
    SSL_SESSION_free(session);
    SSL_SESSION_free(next);
    connect_without_a_word();
    connect_and_reset();
    send_nonsense();
    await_line("presenced_tls_handshakes_total{listener=\"callback\",result=\"failed\"} 1");
    await_line("presenced_connections{listener=\"callback\"} 0");
    (void)snprintf(line, sizeof(line),
                   "presenced_tls_certificate_end_timestamp_seconds{listener=\"callback\"} %" PRId64,
                   certificate_end());
    EXPECT("presenced_connections_accepted_total{listener=\"callback\"} 5",
           "presenced_tls_handshakes_total{listener=\"callback\",result=\"full\"} 1",
           "presenced_tls_handshakes_total{listener=\"callback\",result=\"resumed\"} 1",
           "presenced_tls_handshakes_total{listener=\"callback\",result=\"failed\"} 1", line);
    cleanup(buf_fini) struct buf text = read_metrics();
    ck_assert_ptr_null(strstr(text.ptr, "presenced_tls_handshakes_total{listener=\"status\""));
}
END_TEST

/* All of them. */

static struct buf read_source(const char *name)
{
    char path[512];
    struct buf text = {0};
    (void)snprintf(path, sizeof(path), "%s/%s", getenv("PRESENCED_SOURCE"), name);
    FILE *file = fopen(path, "re");
    ck_assert_msg(file != NULL, "%s", path);
    for (int c = getc(file); c != EOF; c = getc(file)) {
        buf_append_char(&text, (char)c);
    }
    (void)fclose(file);
    (void)buf_text(&text);
    return text;
}

START_TEST(every_metric_is_there_once)
{
    const char *const arguments[] = {
        "-c", "grep -rohE '\\.name = \"(presenced|process)_[a-z_]+\"' \"$0/src\" | cut -d'\"' -f2",
        getenv("PRESENCED_SOURCE"), NULL};
    cleanup(buf_fini) struct buf names = {0};
    event_login(callback, "alice", 0);
    cleanup(buf_fini) struct buf text = read_metrics();
    ck_assert_int_eq(sandbox_run(sandbox, "/bin/sh", arguments, &names), 0);
    struct str rest = str_trim(buf_str(&names));
    struct str name;
    unsigned n = 0;
    while (str_split(&rest, '\n', &name) && name.len > 0) {
        char line[128];
        (void)snprintf(line, sizeof(line), "\n# TYPE %.*s ", STR_FMT(name));
        const char *at = strstr(text.ptr, line);
        ck_assert_msg(at != NULL, "no %.*s", STR_FMT(name));
        ck_assert_msg(strstr(at + 1, line) == NULL, "%.*s is in two places", STR_FMT(name));
        n++;
    }
    ck_assert_uint_gt(n, 40);
}
END_TEST

static void expect_keys(const cJSON *object, const char *keys)
{
    cleanup(buf_fini) struct buf found = {0};
    const cJSON *number;
    ck_assert(cJSON_IsObject(object));
    cJSON_ArrayForEach(number, object)
    {
        buf_append(&found, str_from(number->string));
        buf_append_char(&found, ' ');
    }
    ck_assert_str_eq(buf_text(&found), keys);
}

/* Programs read them. */
START_TEST(the_keys_of_stats_stay)
{
    cleanup(answer_fini) struct answer answer;
    client_get(status, "/v1/stats", &answer);
    cJSON *stats = cJSON_Parse(buf_text(&answer.body));
    expect_keys(stats,
                "version start_time uptime_ms health warnings apps users revision events configuration "
                "listeners store replication log streams online_history ");
    expect_keys(cJSON_GetObjectItemCaseSensitive(stats, "configuration"),
                "reloads_successful reloads_failed last_reload_successful loaded_time ");
    const cJSON *listeners = cJSON_GetObjectItemCaseSensitive(stats, "listeners");
    expect_keys(listeners, "callback status ");
    expect_keys(
        cJSON_GetObjectItemCaseSensitive(listeners, "callback"),
        "connections connections_max accepted refused_per_address no_room timed_out "
        "proxy_headers_refused_missing proxy_headers_refused_version_1 "
        "proxy_headers_refused_malformed proxy_headers_refused_too_long proxy_headers_refused_cut "
        "proxy_headers_refused_timed_out requests requests_malformed handshakes_full handshakes_resumed handshakes_failed "
        "handshake_failures_closed handshake_failures_not_tls handshake_failures_alert "
        "handshake_failures_timed_out handshake_failures_too_long handshake_failures_negotiation "
        "certificate_end_time ");
    expect_keys(cJSON_GetObjectItemCaseSensitive(listeners, "status"),
                "connections connections_max accepted refused_per_address no_room timed_out streams_cut_off "
                "requests requests_malformed ");
    expect_keys(
        cJSON_GetObjectItemCaseSensitive(stats, "streams"),
        "open open_max open_max_per_app_token opened refused refused_app_token resets events_written ");
    expect_keys(cJSON_GetObjectItemCaseSensitive(stats, "store"),
                "state stored_revision lag users_loaded load_ms synced_revision commits changes bytes "
                "commit_us syncs sync_us failures rewritten history_events history_dropped history_failures "
                "history_bytes ");
    expect_keys(cJSON_GetObjectItemCaseSensitive(stats, "replication"),
                "state stored_revision lag connected unread rows_sent entries_read users_changed connections "
                "meetings missed resent failures malformed full nodes ");
    expect_keys(cJSON_GetObjectItemCaseSensitive(stats, "log"), "lines_dropped ");
    const cJSON *events = cJSON_GetObjectItemCaseSensitive(stats, "events");
    ck_assert(cJSON_IsNumber(cJSON_GetObjectItemCaseSensitive(events, "applied")));
    ck_assert(cJSON_IsNumber(cJSON_GetObjectItemCaseSensitive(events, "bad_body_not_object")));
    ck_assert(cJSON_IsNumber(cJSON_GetObjectItemCaseSensitive(events, "restamped")));
    cJSON_Delete(stats);
}
END_TEST

/* Texts that name metrics. */

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

/* The first sample of that name, NULL where there is none. */
static const char *find_sample(const struct buf *text, struct str name)
{
    char start[128];
    (void)snprintf(start, sizeof(start), "\n%.*s", STR_FMT(name));
    for (const char *at = strstr(text->ptr, start); at != NULL; at = strstr(at + 1, start)) {
        if (at[1 + name.len] == '{' || at[1 + name.len] == ' ') {
            return at + 1;
        }
    }
    return NULL;
}

static bool has_label(const char *sample, struct str label)
{
    char wanted[64];
    const char *end = strchr(sample, '\n');
    (void)snprintf(wanted, sizeof(wanted), "%.*s=\"", STR_FMT(label));
    const char *at = strstr(sample, wanted);
    /* The first two are Prometheus's. */
    return str_equal(label, STR("instance")) || str_equal(label, STR("job")) || (at != NULL && at < end);
}

/* Of the selector, {a="1",b=~"2"}, that may begin `text`; one in JSON has a backslash before each quote. */
static void check_selector(const char *sample, const char *text)
{
    const char *at = text;
    while (*text == '{' && *at != '}') {
        struct str label = {at + 1, strcspn(at + 1, "=!~")};
        ck_assert_msg(has_label(sample, label), "no label %.*s: %.40s", STR_FMT(label), sample);
        at = strchr(label.ptr, '"');
        ck_assert_ptr_nonnull(at);
        at = strchr(at + 1, '"') + 1;
    }
}

static const char *const users_of_metrics[] = {"conf/examples/alerts.yml",
                                               "conf/examples/grafana-dashboard.json", "tests/alerts.yml"};

START_TEST(examples_name_metrics_that_there_are)
{
    event_login(callback, "alice", 0);
    cleanup(buf_fini) struct buf text = read_metrics();
    cleanup(buf_fini) struct buf user = read_source(users_of_metrics[_i]);
    const char *rest = user.ptr;
    unsigned n = 0;
    for (struct str name = next_name(&rest); name.len > 0; name = next_name(&rest)) {
        const char *sample = find_sample(&text, name);
        ck_assert_msg(sample != NULL, "%s: there is no %.*s", users_of_metrics[_i], STR_FMT(name));
        check_selector(sample, rest);
        n++;
    }
    ck_assert_uint_gt(n, 20);
}
END_TEST

/* promtool; where it is missing ctest skips what has its tag. */

static void expect_promtool(const char *arguments_text)
{
    char command[256];
    ck_assert_msg(getenv("PRESENCED_PROMTOOL") != NULL, "PRESENCED_PROMTOOL does not say where it is");
    (void)snprintf(command, sizeof(command), "exec \"$0\" %s", arguments_text);
    const char *const arguments[] = {"-c", command, getenv("PRESENCED_PROMTOOL"), NULL};
    cleanup(buf_fini) struct buf output = {0};
    int r = sandbox_run(sandbox, "/bin/sh", arguments, &output);
    ck_assert_msg(r == 0, "%s: %d %s", arguments_text, r, buf_text(&output));
}

START_TEST(promtool_has_no_complaint)
{
    cleanup(cleanup_freep) char *target = event_target(EVENT_APP, "%22%5C%20%7B%7D", ""); /* "\ {} */
    cleanup(cleanup_freep) char *body = event_body("alice", "Login", "Register", 0);
    post(target, body, 200);
    cleanup(buf_fini) struct buf text = read_metrics();
    ck_assert_ptr_nonnull(strstr(text.ptr, "platform=\"\\\"\\\\ {}\"} 1\n"));
    sandbox_write(sandbox, "metrics", text.ptr);
    expect_promtool("check metrics <@DIR@/metrics");
}
END_TEST

static cJSON *read_dashboard(void)
{
    cleanup(buf_fini) struct buf text = read_source("conf/examples/grafana-dashboard.json");
    cJSON *dashboard = cJSON_Parse(text.ptr);
    ck_assert_ptr_nonnull(dashboard);
    return dashboard;
}

/* As a line of a rules file, with what Grafana would put in the place of its variables. */
static void append_rule(struct buf *rules, unsigned number, const char *expression)
{
    static const struct {
        const char *variable;
        const char *value;
    } values[] = {{"$__rate_interval", "5m"}, {"$__range", "6h"}, {"$instance", ".*"}, {"$app", ".*"}};
    buf_appendf(rules, "      - {record: 'r%u', expr: '", number);
    for (const char *at = expression; *at != '\0';) {
        size_t skip = 0;
        for (size_t i = 0; i < sizeof(values) / sizeof(values[0]) && skip == 0; i++) {
            if (strncmp(at, values[i].variable, strlen(values[i].variable)) == 0) {
                buf_append(rules, str_from(values[i].value));
                skip = strlen(values[i].variable);
            }
        }
        if (skip == 0) {
            buf_append_char(rules, *at);
            skip = 1;
        }
        at += skip;
    }
    buf_append(rules, STR("'}\n"));
}

START_TEST(promtool_takes_the_dashboards_expressions)
{
    cJSON *dashboard = read_dashboard();
    cleanup(buf_fini) struct buf rules = {0};
    unsigned n = 0;
    const cJSON *panel;
    const cJSON *target;
    buf_append(&rules, STR("groups:\n  - name: dashboard\n    rules:\n"));
    cJSON_ArrayForEach(panel, cJSON_GetObjectItemCaseSensitive(dashboard, "panels"))
    {
        cJSON_ArrayForEach(target, cJSON_GetObjectItemCaseSensitive(panel, "targets"))
        {
            append_rule(&rules, n++, cJSON_GetObjectItemCaseSensitive(target, "expr")->valuestring);
        }
    }
    cJSON_Delete(dashboard);
    ck_assert_uint_gt(n, 20);
    sandbox_write(sandbox, "rules.yml", buf_text(&rules));
    expect_promtool("check rules @DIR@/rules.yml");
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("metrics");
    TCase *plain = tcase_create("plain");
    tcase_set_timeout(plain, HARNESS_DEADLINE_MS / 1000);
    tcase_add_checked_fixture(plain, start_plain, stop);
    tcase_add_test(plain, counts_what_was_sent);
    tcase_add_test(plain, tells_what_became_of_reloads);
    suite_add_tcase(suite, plain);
    TCase *promtool = tcase_create("promtool");
    tcase_set_tags(promtool, "promtool");
    tcase_set_timeout(promtool, HARNESS_DEADLINE_MS / 1000);
    tcase_add_checked_fixture(promtool, start_plain, stop);
    tcase_add_test(promtool, promtool_has_no_complaint);
    tcase_add_test(promtool, promtool_takes_the_dashboards_expressions);
    suite_add_tcase(suite, promtool);
    TCase *tls = tcase_create("tls");
    tcase_set_timeout(tls, HARNESS_DEADLINE_MS / 1000);
    tcase_add_checked_fixture(tls, start_tls, stop);
    tcase_add_loop_test(tls, counts_handshakes_by_their_end, 0, 2);
    tcase_add_test(tls, every_metric_is_there_once);
    tcase_add_test(tls, the_keys_of_stats_stay);
    tcase_add_loop_test(tls, examples_name_metrics_that_there_are, 0,
                        sizeof(users_of_metrics) / sizeof(users_of_metrics[0]));
    suite_add_tcase(suite, tls);
    return suite;
}

/* SPDX-License-Identifier: MIT */
#include "../unit/suite.h"
#include "event.h"
#include "freeze.h"
#include "pki.h"
#include "wire.h"

#include "presenced/clock.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/stat.h>

/* SIGHUP: what the files say now holds for the next request, on connections that were there before too; or,
 * where anything is wrong, nothing of it does. */

#define CONFIG_NAME "presenced-0.conf" /* as the harness calls the first */

#define CALLBACK "[callback]\nlisten = 127.0.0.1:0\ntls = off\n"
#define TLS_CALLBACK \
    "[callback]\nlisten = 127.0.0.1:0\ncertificate = @DIR@/server.pem\nprivate_key = @DIR@/server.key\n"
#define STATUS "[status]\nlisten = 127.0.0.1:0\n"
#define APP "[app 1400000000]\n"
#define OTHER_APP "[app 1400000001]\n"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

static struct sandbox *sandbox;
static struct instance *instance;
static struct client *callback; /* keeps its connection over all reloads */
static struct client *status;

static void start_over(const char *scheme, const char *config)
{
    instance = instance_start(sandbox, config);
    callback = client_new(scheme, instance_callback_port(instance));
    client_trust(callback, sandbox);
    status = client_new("http", instance_status_port(instance));
}

static void start(const char *config)
{
    start_over("http", config);
}

static void set_up(void)
{
    sandbox = sandbox_new();
}

static void stop(void)
{
    client_free(callback);
    client_free(status);
    instance_stop(instance);
    sandbox_free(sandbox);
}

/* Sends SIGHUP. Returns how long the log was before. */
static size_t begin_reload(void)
{
    cleanup(buf_fini) struct buf before = instance_log(instance);
    ck_assert_int_eq(kill(instance_pid(instance), SIGHUP), 0);
    return before.len;
}

/* Whether the daemon says within `wait_ms` how a reload ended, and what it says, for the caller's buf_fini().
 */
static bool await_end_of_reload(size_t begin, unsigned wait_ms, struct buf *ret_said)
{
    uint64_t deadline_ms = clock_monotonic_ms() + wait_ms;
    do {
        cleanup(buf_fini) struct buf log = instance_log(instance);
        const char *text = buf_text(&log) + begin;
        if (strstr(text, "msg=\"configuration reloaded\"") != NULL ||
            strstr(text, "msg=\"configuration not reloaded") != NULL) {
            buf_append(ret_said, str_from(text));
            return true;
        }
        (void)poll(NULL, 0, 1);
    } while (clock_monotonic_ms() < deadline_ms);
    return false;
}

/* Sends SIGHUP and returns what the daemon says of it; the caller calls buf_fini(). */
static struct buf reload(void)
{
    struct buf said = {0};
    ck_assert_msg(await_end_of_reload(begin_reload(), HARNESS_DEADLINE_MS, &said),
                  "no end of the reload in the log");
    return said;
}

static void expect_reload(void)
{
    cleanup(buf_fini) struct buf said = reload();
    ck_assert_msg(strstr(buf_text(&said), "msg=\"configuration reloaded\"") != NULL, "%s", buf_text(&said));
}

static void reload_with(const char *config)
{
    sandbox_write(sandbox, CONFIG_NAME, config);
    expect_reload();
}

static void expect_refusal(const char *reason)
{
    cleanup(buf_fini) struct buf said = reload();
    ck_assert_msg(strstr(buf_text(&said), "msg=\"configuration not reloaded") != NULL, "%s", buf_text(&said));
    ck_assert_msg(strstr(buf_text(&said), reason) != NULL, "no \"%s\" in: %s", reason, buf_text(&said));
}

/* A Login of an app; `token` NULL: unsigned. 200 is OK, all else FAIL. */
static void expect_event(uint64_t app, const char *token, long http_status)
{
    cleanup(cleanup_freep) char *sign = token == NULL ? strdup("") : event_sign_now(token);
    cleanup(cleanup_freep) char *target = event_target(app, "Web", sign);
    cleanup(cleanup_freep) char *body = event_body("alice", "Login", "Register", 0);
    cleanup(answer_fini) struct answer answer;
    client_post(callback, target, body, &answer);
    expect_callback(&answer, http_status, http_status == 200 ? "OK" : "FAIL", http_status == 200 ? 0 : 1);
}

static void expect_token(const char *token, long http_status)
{
    expect_event(EVENT_APP, token, http_status);
}

static void expect_other_command(const char *action_status)
{
    cleanup(answer_fini) struct answer answer;
    client_post(callback, "/?SdkAppid=1400000000&CallbackCommand=C2C.CallbackBeforeSendMsg", "{}", &answer);
    expect_callback(&answer, 200, action_status, strcmp(action_status, "OK") == 0 ? 0 : 1);
}

/* What the status listener says to one that shows `header` ("Name: value"; NULL: none). */
static void expect_status(const char *header, long http_status)
{
    const struct client_request request = {.target = "/v1/stats",
                                           .headers = (const char *const[]){header, NULL}};
    cleanup(answer_fini) struct answer answer;
    client_send(status, &request, &answer);
    ck_assert_msg(answer.status == http_status, "%s: %ld, not %ld: %s", header, answer.status, http_status,
                  buf_text(&answer.body));
}

/* Tokens. */

START_TEST(takes_over_tokens)
{
    start(CALLBACK STATUS APP "token = first\n");
    expect_token("first", 200);
    expect_token("second", 403);
    reload_with(CALLBACK STATUS APP "token = first\ntoken = second\n");
    expect_token("first", 200);
    expect_token("second", 200);
    reload_with(CALLBACK STATUS APP "token = second\n");
    expect_token("first", 403);
    expect_token("second", 200);
    expect_token(NULL, 403);
    reload_with(CALLBACK STATUS APP);
    expect_token(NULL, 200);
}
END_TEST

START_TEST(reads_token_files_again)
{
    sandbox_write(sandbox, "token", "first\n");
    start(CALLBACK STATUS APP "token_file = @DIR@/token\n");
    expect_token("first", 200);
    sandbox_write(sandbox, "token", "second\n");
    expect_token("second", 403);
    expect_reload();
    expect_token("first", 403);
    expect_token("second", 200);
}
END_TEST

static void change_mode(const char *name, mode_t mode)
{
    char path[512];
    (void)snprintf(path, sizeof(path), "%s/%s", sandbox_path(sandbox), name);
    ck_assert_int_eq(chmod(path, mode), 0);
}

/* The app without a token is new in each: it must not come through either. */
START_TEST(refuses_a_token_file_open_to_others)
{
    sandbox_write(sandbox, "token", "first\n");
    start(CALLBACK STATUS APP "token_file = @DIR@/token\n");
    sandbox_write(sandbox, "token", "second\n");
    change_mode("token", 0644);
    sandbox_write(sandbox, CONFIG_NAME, CALLBACK STATUS APP "token_file = @DIR@/token\n" OTHER_APP);
    expect_refusal("/token is open to other users (mode 0644)");
    expect_token("first", 200);
    expect_token("second", 403);
    expect_event(EVENT_OTHER_APP, NULL, 403);
    change_mode("token", 0640);
    expect_reload();
    expect_token("first", 403);
    expect_token("second", 200);
    expect_event(EVENT_OTHER_APP, NULL, 200);
}
END_TEST

/* Apps. */

static void expect_user_of(uint64_t app, long http_status)
{
    char target[64];
    (void)snprintf(target, sizeof(target), "/v1/users/alice?app=%lu", (unsigned long)app);
    cleanup(answer_fini) struct answer answer;
    client_get(status, target, &answer);
    ck_assert_msg(answer.status == http_status, "%s: %ld %s", target, answer.status, buf_text(&answer.body));
}

START_TEST(adds_and_removes_apps)
{
    start(CALLBACK STATUS APP "token = first\n");
    expect_event(EVENT_OTHER_APP, "other", 403);
    reload_with(CALLBACK STATUS OTHER_APP "token = other\n" APP "token = first\n");
    expect_event(EVENT_OTHER_APP, "other", 200);
    expect_event(EVENT_OTHER_APP, "first", 403);
    expect_user_of(EVENT_OTHER_APP, 200);
    expect_user_of(EVENT_APP, 404);
    expect_event(EVENT_APP, "first", 200);
    expect_user_of(EVENT_APP, 200);
    reload_with(CALLBACK STATUS OTHER_APP "token = other\n");
    expect_event(EVENT_APP, "first", 403);
    expect_event(EVENT_APP, "other", 403);
    expect_event(EVENT_OTHER_APP, "other", 200);
    reload_with(CALLBACK STATUS APP "token = first\n" OTHER_APP "token = other\n");
    expect_event(EVENT_APP, "first", 200);
    expect_event(EVENT_OTHER_APP, "other", 200);
}
END_TEST

START_TEST(adds_many_apps)
{
    enum { N_APPS = 300 };
    cleanup(buf_fini) struct buf config = {0};
    start(CALLBACK STATUS APP);
    buf_append(&config, STR(CALLBACK STATUS APP));
    for (uint64_t i = 1; i <= N_APPS; i++) {
        buf_appendf(&config, "[app %lu]\n", (unsigned long)(EVENT_APP + i));
    }
    reload_with(buf_text(&config));
    for (uint64_t i = 0; i <= N_APPS; i++) {
        expect_event(EVENT_APP + i, NULL, 200);
        expect_user_of(EVENT_APP + i, 200);
    }
    expect_event(EVENT_APP + N_APPS + 1, NULL, 403);
}
END_TEST

/* Who may call, and what they hear. */

START_TEST(takes_over_allow)
{
    start(CALLBACK STATUS APP);
    expect_token(NULL, 200);
    reload_with(CALLBACK "allow = 192.0.2.0/24\n" STATUS APP);
    expect_token(NULL, 403);
    reload_with(CALLBACK "allow = 192.0.2.0/24, 127.0.0.0/8\n" STATUS APP);
    expect_token(NULL, 200);
}
END_TEST

static void expect_forwarded(const char *header, long http_status)
{
    cleanup(cleanup_freep) char *target = event_target(EVENT_APP, "Web", "");
    cleanup(cleanup_freep) char *body = event_body("alice", "Login", "Register", 0);
    const struct client_request request = {
        .method = "POST", .target = target, .headers = (const char *const[]){header, NULL}, .body = body};
    cleanup(answer_fini) struct answer answer;
    client_send(callback, &request, &answer);
    expect_callback(&answer, http_status, http_status == 200 ? "OK" : "FAIL", http_status == 200 ? 0 : 1);
}

START_TEST(takes_over_trusted_proxies)
{
    start(CALLBACK "allow = 192.0.2.0/24\n" STATUS APP);
    expect_forwarded("X-Forwarded-For: 192.0.2.4", 403);
    reload_with(CALLBACK "allow = 192.0.2.0/24\ntrusted_proxies = 127.0.0.1\n" STATUS APP);
    expect_forwarded("X-Forwarded-For: 192.0.2.4", 200);
    expect_forwarded("X-Forwarded-For: 198.51.100.4", 403);
    reload_with(CALLBACK "allow = 192.0.2.0/24\n" STATUS APP);
    expect_forwarded("X-Forwarded-For: 192.0.2.4", 403);
}
END_TEST

START_TEST(takes_over_what_callers_hear)
{
    start(CALLBACK STATUS APP);
    expect_other_command("FAIL");
    reload_with(CALLBACK "other_commands = ok\n" STATUS APP);
    expect_other_command("OK");
    reload_with(CALLBACK "path = /elsewhere\n" STATUS APP);
    expect_token(NULL, 404);
    reload_with(CALLBACK STATUS APP);
    expect_token(NULL, 200);
    expect_other_command("FAIL");
}
END_TEST

/* Connections that one address may have, trusted proxies excepted. */

#define BOUNDED CALLBACK "max_connections_per_address = 3\n"
#define EXEMPT BOUNDED "trusted_proxies = 127.0.0.1\n"
#define N_WIRES 6

static bool is_served(struct wire *wire)
{
    cleanup(buf_fini) struct buf answer = {0};
    if (!wire_send_text(wire, "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")) {
        return false;
    }
    while (strstr(buf_text(&answer), "\"ErrorInfo\":") == NULL) {
        if (wire_read_to_end(wire, 20, &answer) == WIRE_CLOSED) {
            return false;
        }
    }
    return true;
}

static void open_wires(struct wire **wires, unsigned n_served)
{
    for (unsigned i = 0; i < N_WIRES; i++) {
        wires[i] = wire_open(instance_callback_port(instance));
        ck_assert_msg(is_served(wires[i]) == (i < n_served), "connection %u of %u", i, n_served);
    }
}

/* Waits until the daemon has seen that they went. */
static void close_wires(struct wire **wires)
{
    uint64_t deadline_ms = clock_monotonic_ms() + HARNESS_DEADLINE_MS;
    for (unsigned i = 0; i < N_WIRES; i++) {
        wire_free(wires[i]);
    }
    for (bool gone = false; !gone;) {
        cleanup(answer_fini) struct answer answer;
        client_get(status, "/v1/stats", &answer);
        gone = strstr(buf_text(&answer.body), "\"callback\":{\"connections\":0,") != NULL;
        ck_assert_msg(gone || clock_monotonic_ms() < deadline_ms, "%s", buf_text(&answer.body));
    }
}

/* A connection counts, or does not, as it did when it was made. */
START_TEST(takes_over_whose_connections_count)
{
    struct wire *wires[N_WIRES];
    start(BOUNDED STATUS APP);
    open_wires(wires, 3);
    reload_with(EXEMPT STATUS APP);
    close_wires(wires);
    open_wires(wires, N_WIRES);
    reload_with(BOUNDED STATUS APP);
    close_wires(wires);
    open_wires(wires, 3);
    close_wires(wires);
    open_wires(wires, 3);
    close_wires(wires);
}
END_TEST

/* The status listener. */

START_TEST(takes_over_allowed_hosts)
{
    start(CALLBACK STATUS APP);
    expect_status("Host: presence.example", 403);
    reload_with(CALLBACK STATUS "allowed_hosts = presence.example\n" APP);
    expect_status("Host: presence.example", 200);
    expect_status("Host: other.example", 403);
    reload_with(CALLBACK STATUS "allowed_hosts = other.example\n" APP);
    expect_status("Host: presence.example", 403);
    expect_status("Host: other.example", 200);
}
END_TEST

START_TEST(takes_over_the_status_token)
{
    static const char with_token[] = CALLBACK STATUS "token_file = @DIR@/status-token\n" APP;
    start(CALLBACK STATUS APP);
    expect_status(NULL, 200);
    sandbox_write(sandbox, "status-token", "first\n");
    reload_with(with_token);
    expect_status(NULL, 401);
    expect_status("Authorization: Bearer first", 200);
    sandbox_write(sandbox, "status-token", "second\n");
    expect_reload();
    expect_status("Authorization: Bearer first", 401);
    expect_status("Authorization: Bearer second", 200);
    reload_with(CALLBACK STATUS APP);
    expect_status(NULL, 200);
}
END_TEST

static void expect_answer_of(const char *token, const char *target, long http_status)
{
    char header[64];
    (void)snprintf(header, sizeof(header), "Authorization: Bearer %s", token);
    const struct client_request request = {.target = target, .headers = (const char *const[]){header, NULL}};
    cleanup(answer_fini) struct answer answer;
    client_send(status, &request, &answer);
    ck_assert_msg(answer.status == http_status, "%s %s: %ld, not %ld: %s", token, target, answer.status,
                  http_status, buf_text(&answer.body));
}

#define OF_APP "/v1/users/alice?app=1400000000"
#define OF_OTHER_APP "/v1/users/alice?app=1400000001"

START_TEST(takes_over_the_tokens_of_apps)
{
    static const char with_tokens[] = CALLBACK STATUS APP "query_token_file = @DIR@/query-token\n" OTHER_APP
                                                          "query_token_file = @DIR@/other-query-token\n";
    start(CALLBACK STATUS APP OTHER_APP);
    expect_event(EVENT_APP, NULL, 200);
    expect_event(EVENT_OTHER_APP, NULL, 200);
    expect_status(NULL, 200);
    sandbox_write(sandbox, "query-token", "first\n");
    sandbox_write(sandbox, "other-query-token", "other\n");
    reload_with(with_tokens);
    expect_status(NULL, 401);
    expect_answer_of("first", OF_APP, 200);
    expect_answer_of("first", OF_OTHER_APP, 404);
    expect_answer_of("other", OF_OTHER_APP, 200);
    expect_answer_of("other", OF_APP, 404);
    sandbox_write(sandbox, "query-token", "second\n");
    expect_reload();
    expect_answer_of("first", OF_APP, 401);
    expect_answer_of("second", OF_APP, 200);
    sandbox_write(sandbox, "query-token", "other\n");
    expect_refusal("query_token_file: holds the token of [app 1400000000]");
    expect_answer_of("second", OF_APP, 200);
    reload_with(CALLBACK STATUS APP OTHER_APP);
    expect_status(NULL, 200);
}
END_TEST

/* The apps of a query. */

START_TEST(says_when_queries_have_to_name_their_app)
{
    static const char warning[] = "there is more than one app now: queries have to say which";
    start(CALLBACK STATUS APP);
    expect_event(EVENT_APP, NULL, 200);
    expect_answer_of("", "/v1/users/alice", 200);
    sandbox_write(sandbox, CONFIG_NAME, CALLBACK STATUS APP OTHER_APP);
    cleanup(buf_fini) struct buf said = reload();
    ck_assert_msg(strstr(buf_text(&said), warning) != NULL, "%s", buf_text(&said));
    expect_answer_of("", "/v1/users/alice", 400);
    expect_answer_of("", OF_APP, 200);
    sandbox_write(sandbox, CONFIG_NAME, CALLBACK STATUS APP OTHER_APP "[app 1400000002]\n");
    cleanup(buf_fini) struct buf said_of_a_third = reload();
    ck_assert_msg(strstr(buf_text(&said_of_a_third), warning) == NULL, "%s", buf_text(&said_of_a_third));
}
END_TEST

/* All files of a configuration. */

static void make_folder(const char *name)
{
    char path[512];
    (void)snprintf(path, sizeof(path), "%s/%s", sandbox_path(sandbox), name);
    ck_assert_int_eq(mkdir(path, 0700), 0);
}

START_TEST(reads_conf_d_again)
{
    make_folder("conf.d");
    sandbox_write(sandbox, "conf.d/20-app.conf", APP "token = first\n");
    start(CALLBACK STATUS);
    expect_token("first", 200);
    sandbox_write(sandbox, "conf.d/20-app.conf", APP "token = second\n");
    expect_reload();
    expect_token("first", 403);
    expect_token("second", 200);
    sandbox_write(sandbox, "conf.d/30-path.conf", "[callback]\npath = /elsewhere\n");
    expect_reload();
    expect_token("second", 404);
    sandbox_write(sandbox, "conf.d/40-wrong.conf", "[callback]\npath = /\nnonsense\n");
    expect_refusal("/conf.d/40-wrong.conf:3: neither a [section] nor key = value");
    expect_token("second", 404);
    sandbox_write(sandbox, "conf.d/40-wrong.conf", "[callback]\nmax_body = 2K\n");
    expect_refusal("/conf.d/40-wrong.conf:2: [callback] max_body: cannot change");
    sandbox_write(sandbox, "conf.d/40-wrong.conf", "[callback]\npath = /\n");
    expect_reload();
    expect_token("second", 200);
}
END_TEST

/* As systemd fills it: a folder that the daemon was told of when it was started. */
START_TEST(reads_credentials_again)
{
    cleanup(cleanup_freep) char *folder = sandbox_expand(sandbox, "@DIR@/credentials");
    make_folder("credentials");
    ck_assert_int_eq(setenv("CREDENTIALS_DIRECTORY", folder, 1), 0);
    sandbox_write(sandbox, "credentials/token", "first\n");
    sandbox_write(sandbox, "credentials/status-token", "of-status\n");
    cleanup(buf_fini) struct buf certificate = sandbox_read(sandbox, "server.pem");
    cleanup(buf_fini) struct buf key = sandbox_read(sandbox, "server.key");
    sandbox_write(sandbox, "credentials/chain", buf_text(&certificate));
    sandbox_write(sandbox, "credentials/key", buf_text(&key));
    start_over("https", "[callback]\nlisten = 127.0.0.1:0\ncertificate = credential:chain\n"
                        "private_key = credential:key\n" STATUS "token_file = credential:status-token\n" APP
                        "token_file = credential:token\n");
    ck_assert_int_eq(unsetenv("CREDENTIALS_DIRECTORY"), 0);
    expect_token("first", 200);
    expect_status("Authorization: Bearer of-status", 200);
    sandbox_write(sandbox, "credentials/token", "second\n");
    expect_reload();
    expect_token("first", 403);
    expect_token("second", 200);
    sandbox_write(sandbox, "credentials/token", "");
    expect_refusal("/credentials/token holds no token");
    expect_token("second", 200);
}
END_TEST

/* What is refused whole. */

static const struct {
    const char *what;
    const char *config;
    const char *reason;
} refused_configs[] = {
    {"another address", "[callback]\nlisten = 127.0.0.2:0\ntls = off\n" STATUS APP "token = second\n",
     "[callback] listen: cannot change"},
    {"one address more",
     "[callback]\nlisten = 127.0.0.1:0\nlisten = 127.0.0.2:0\ntls = off\n" STATUS APP "token = second\n",
     "[callback] listen: cannot change"},
    {"another status address", CALLBACK "[status]\nlisten = 127.0.0.2:0\n" APP "token = second\n",
     "[status] listen: cannot change"},
    {"TLS", TLS_CALLBACK STATUS APP "token = second\n", "[callback] tls: cannot change"},
    {"HTTPS for the status",
     CALLBACK STATUS "certificate = @DIR@/server.pem\nprivate_key = @DIR@/server.key\n" APP
                     "token = second\n",
     "[status] certificate: HTTPS cannot be turned on or off"},
    {"a bound", CALLBACK "max_connections = 77\n" STATUS APP "token = second\n",
     "[callback] max_connections: cannot change"},
    {"whether a header says who called",
     CALLBACK "proxy_protocol = v2\ntrusted_proxies = 192.0.2.1\n" STATUS APP "token = second\n",
     "[callback] proxy_protocol: cannot change"},
    {"presence", CALLBACK STATUS "[presence]\nmax_users = 77\n" APP "token = second\n",
     "[presence] max_users: cannot change"},
    {"an unknown key", CALLBACK STATUS APP "token = second\ntokens = third\n", "tokens"},
    {"an unknown section", CALLBACK STATUS APP "token = second\n[apps]\n", "[apps]"},
    {"no file of a token", CALLBACK STATUS APP "token = second\ntoken_file = @DIR@/none\n", "/none"},
    {"no app", CALLBACK STATUS, "[app ID]: missing"},
    {"half a line", CALLBACK STATUS APP "token = second\n[cal", "a section is written [name]"},
    {"nothing", "", "[app ID]: missing"},
};

/* All but the app's token would do. */
START_TEST(refuses_whole)
{
    start(CALLBACK STATUS APP "token = first\n");
    sandbox_write(sandbox, CONFIG_NAME, refused_configs[_i].config);
    expect_refusal(refused_configs[_i].reason);
    expect_token("first", 200);
    expect_token("second", 403);
    expect_status(NULL, 200);
    reload_with(CALLBACK STATUS APP "token = second\n");
    expect_token("second", 200);
}
END_TEST

static void remove_file(const char *name)
{
    char path[512];
    (void)snprintf(path, sizeof(path), "%s/%s", sandbox_path(sandbox), name);
    ck_assert_int_eq(unlink(path), 0);
}

START_TEST(refuses_without_a_file)
{
    start(CALLBACK STATUS APP "token = first\n");
    remove_file(CONFIG_NAME);
    expect_refusal(CONFIG_NAME);
    expect_token("first", 200);
}
END_TEST

/* Files that are no files. */

static const char *const files[] = {CONFIG_NAME,  "token",         "status-token", "server.pem",
                                    "server.key", "client-ca.pem", "status.pem",   "status.key"};

static void copy_file(const struct sandbox *from, const char *from_name, const char *to_name)
{
    cleanup(buf_fini) struct buf content = sandbox_read(from, from_name);
    sandbox_write(sandbox, to_name, buf_text(&content));
}

static void start_with_files(const char *client_ca)
{
    char config[1024];
    sandbox_write(sandbox, "token", "first\n");
    sandbox_write(sandbox, "status-token", "first\n");
    copy_file(sandbox, "ca.pem", "client-ca.pem");
    copy_file(sandbox, "server.pem", "status.pem");
    copy_file(sandbox, "server.key", "status.key");
    (void)snprintf(config, sizeof(config),
                   TLS_CALLBACK "%s" STATUS "certificate = @DIR@/status.pem\nprivate_key = @DIR@/status.key\n"
                                "token_file = @DIR@/status-token\n" APP "token_file = @DIR@/token\n",
                   client_ca);
    instance = instance_start(sandbox, config);
    callback = client_new("https", instance_callback_port(instance));
    client_trust(callback, sandbox);
    client_certificate(callback, sandbox, "client");
    status = client_new("https", instance_status_port(instance));
    client_trust(status, sandbox);
}

/* Nobody will ever write to it. SIGTERM still ends the daemon: stop(). */
/* A thread that stands still may be reading the rules that a reload replaces: they are not freed until it
 * goes on. */
START_TEST(waits_for_who_may_read_the_old_rules)
{
    enum { SILENCE_MS = 300 };
    cleanup(buf_fini) struct buf said = {0};
    start(CALLBACK STATUS APP);
    pid_t thread = freeze_begin(instance_pid(instance), "callback-0");
    ck_assert_msg(thread > 0, "%s", strerror(-thread));
    size_t begin = begin_reload();
    ck_assert_msg(!await_end_of_reload(begin, SILENCE_MS, &said), "%s", buf_text(&said));
    ck_assert_int_eq(freeze_end(thread), 0);
    ck_assert(await_end_of_reload(begin, HARNESS_DEADLINE_MS, &said));
    ck_assert_ptr_nonnull(strstr(buf_text(&said), "msg=\"configuration reloaded\""));
    expect_event(EVENT_APP, NULL, 200);
}
END_TEST

START_TEST(is_not_held_up_by_a_fifo)
{
    char path[512];
    start_with_files("client_ca = @DIR@/client-ca.pem\n");
    expect_reload();
    remove_file(files[_i]);
    (void)snprintf(path, sizeof(path), "%s/%s", sandbox_path(sandbox), files[_i]);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    expect_refusal(files[_i]);
    expect_token("first", 200);
    expect_status("Authorization: Bearer first", 200);
}
END_TEST

/* Certificates. */

enum { CALLBACK_LISTENER, STATUS_LISTENER, N_LISTENERS };

static const char *const certificate_names[N_LISTENERS][2] = {{"server.pem", "server.key"},
                                                              {"status.pem", "status.key"}};

/* Whether a new handshake shows a certificate of that sandbox's CA. */
static bool shows_certificate_of(const struct sandbox *trusted, int listener)
{
    uint16_t port = listener == CALLBACK_LISTENER ? instance_callback_port(instance)
                                                  : instance_status_port(instance);
    cleanup(wire_freep) struct wire *wire = wire_open(port);
    return wire_start_tls(wire, trusted, &(struct wire_tls){0});
}

static long ask_livez(struct client *client, long *ret_n_connects)
{
    cleanup(answer_fini) struct answer answer;
    client_get(client, "/livez", &answer);
    *ret_n_connects = answer.n_connects;
    return answer.status;
}

static void expect_kept_connection(struct client *client)
{
    long n_connects = 0;
    ck_assert_int_eq(ask_livez(client, &n_connects), 200);
    ck_assert_int_eq(n_connects, 0);
}

START_TEST(shows_a_new_certificate_from_the_next_handshake_on)
{
    long n_connects = 0;
    cleanup(sandbox_freep) struct sandbox *other = sandbox_new(); /* with a CA of its own */
    start_with_files("");
    struct client *client = _i == CALLBACK_LISTENER ? callback : status;
    ck_assert_int_eq(ask_livez(client, &n_connects), 200);
    ck_assert_int_eq(n_connects, 1);
    copy_file(other, "server.pem", certificate_names[_i][0]);
    expect_refusal(certificate_names[_i][1]); /* which is still that of the old one */
    ck_assert(shows_certificate_of(sandbox, _i) && !shows_certificate_of(other, _i));
    copy_file(other, "server.key", certificate_names[_i][1]);
    ck_assert(shows_certificate_of(sandbox, _i));
    expect_reload();
    ck_assert(shows_certificate_of(other, _i) && !shows_certificate_of(sandbox, _i));
    ck_assert(shows_certificate_of(sandbox, 1 - _i));
    expect_kept_connection(client);
    expect_kept_connection(client);
}
END_TEST

static const struct {
    const char *what;
    const char *certificate; /* a file of the sandbox that takes the place; NULL: none */
    const char *key;
    int named; /* in the reason: 0 the certificate, 1 its key */
} bad_pairs[] = {
    {"no handshake", "made.pem", "made.key", 0}, {"a key of another", "server.pem", "client.key", 1},
    {"no PEM", CONFIG_NAME, "server.key", 0},    {"a key for a certificate", "server.key", "server.key", 0},
    {"no file", NULL, "server.key", 0},          {"no key", "server.pem", NULL, 1},
};

static void replace_file(const char *from, const char *to)
{
    if (from == NULL) {
        remove_file(to);
    } else {
        copy_file(sandbox, from, to);
    }
}

START_TEST(keeps_its_certificate_where_the_new_one_is_bad)
{
    const struct pki_plan made = {"made", "serverAuth", -60, 3600, "critical,keyAgreement"};
    start_with_files("");
    pki_issue(sandbox_path(sandbox), &made, NULL);
    expect_token("first", 200);
    for (int listener = 0; listener < N_LISTENERS; listener++) {
        const char *const *names = certificate_names[listener];
        cleanup(buf_fini) struct buf certificate = sandbox_read(sandbox, names[0]);
        cleanup(buf_fini) struct buf key = sandbox_read(sandbox, names[1]);
        replace_file(bad_pairs[_i].certificate, names[0]);
        replace_file(bad_pairs[_i].key, names[1]);
        expect_refusal(names[bad_pairs[_i].named]);
        ck_assert(shows_certificate_of(sandbox, listener));
        expect_kept_connection(callback);
        sandbox_write(sandbox, names[0], buf_text(&certificate));
        sandbox_write(sandbox, names[1], buf_text(&key));
        expect_reload();
        ck_assert(shows_certificate_of(sandbox, listener));
    }
}
END_TEST

/* Better than none: what is still good may be gone. */
START_TEST(takes_a_certificate_that_has_expired)
{
    start_with_files("");
    expect_token("first", 200);
    cleanup(buf_fini) struct buf good = sandbox_read(sandbox, "server.pem");
    copy_file(sandbox, "expired.pem", "server.pem");
    cleanup(buf_fini) struct buf said = reload();
    ck_assert_msg(strstr(buf_text(&said), "msg=\"configuration reloaded\"") != NULL, "%s", buf_text(&said));
    ck_assert_msg(strstr(buf_text(&said), "code=certificate_expired") != NULL, "%s", buf_text(&said));
    ck_assert(!shows_certificate_of(sandbox, CALLBACK_LISTENER)); /* who verifies is not content */
    expect_token("first", 200);                                   /* over a connection that is kept */
    sandbox_write(sandbox, "server.pem", buf_text(&good));
    expect_reload();
    ck_assert(shows_certificate_of(sandbox, CALLBACK_LISTENER));
    instance_await_log(instance, "msg=\"attention no longer needed\" code=certificate_expired");
}
END_TEST

static struct wire *connect_showing(const char *certificate)
{
    struct wire *wire = wire_open(instance_callback_port(instance));
    ck_assert(wire_start_tls(wire, sandbox, &(struct wire_tls){.certificate = certificate}));
    return wire;
}

static void request(struct wire *wire, int http_status)
{
    cleanup(buf_fini) struct buf answer = {0};
    ck_assert(wire_send_text(wire, "POST /?SdkAppid=1400000000&CallbackCommand=x HTTP/1.1\r\n"
                                   "Host: localhost\r\nContent-Length: 0\r\n\r\n"));
    wire_await(wire, "\"ErrorInfo\":", &answer);
    expect_callback_bytes(&answer, http_status, "FAIL", 1);
}

static void expect_closed(struct wire *wire)
{
    cleanup(buf_fini) struct buf rest = {0};
    ck_assert_int_eq(wire_read_to_end(wire, HARNESS_DEADLINE_MS, &rest), WIRE_CLOSED);
}

/* A connection that was not asked for a certificate of this authority has shown none; it is closed after its
 * next answer, so that the caller comes back with one. */
START_TEST(takes_over_the_client_ca)
{
    start_over("https", TLS_CALLBACK STATUS APP);
    cleanup(wire_freep) struct wire *kept = connect_showing("client");
    request(kept, 200);
    reload_with(TLS_CALLBACK "client_ca = @DIR@/ca.pem\n" STATUS APP);
    request(kept, 403);
    expect_closed(kept);
    cleanup(wire_freep) struct wire *client = connect_showing("client");
    request(client, 200);
    cleanup(wire_freep) struct wire *stranger = connect_showing("stranger");
    request(stranger, 403);
    reload_with(TLS_CALLBACK STATUS APP);
    request(client, 200);
    request(stranger, 200);
    request(stranger, 200);
}
END_TEST

/* Under load. */

#define N_CONNECTIONS 16
#define N_RELOADS 12
#define N_REQUESTS 4000 /* at least, all together, on a plain build */

struct sender {
    pthread_t thread;
    struct client *client;
    uint64_t n_sent;
    uint64_t n_connects;
    uint64_t n_wrong;
    struct buf wrong_answer; /* the last */
};

static _Atomic bool is_over;

static void send_one(struct sender *sender)
{
    cleanup(cleanup_freep) char *sign = event_sign_now("constant");
    cleanup(cleanup_freep) char *target = event_target(EVENT_APP, "Web", sign);
    cleanup(cleanup_freep) char *body = event_body("alice", "Login", "Register", 0);
    const struct client_request post = {.method = "POST", .target = target, .body = body};
    cleanup(answer_fini) struct answer answer;
    CURLcode code = client_try(sender->client, &post, &answer);
    sender->n_sent++;
    sender->n_connects += (uint64_t)answer.n_connects;
    if (code != CURLE_OK || answer.status != 200 ||
        strstr(buf_text(&answer.body), "\"ActionStatus\":\"OK\"") == NULL) {
        sender->n_wrong++;
        buf_clear(&sender->wrong_answer);
        buf_appendf(&sender->wrong_answer, "%s, %ld %s", curl_easy_strerror(code), answer.status,
                    buf_text(&answer.body));
    }
}

static void *run_sender(void *cls)
{
    struct sender *sender = cls;
    uint64_t n_least = N_REQUESTS / N_CONNECTIONS / harness_slowness();
    while (sender->n_sent < n_least || !atomic_load(&is_over)) {
        send_one(sender);
    }
    return NULL;
}

/* Of each pair one; the token "constant" is in both. */
static const char *const alternating[] = {
    TLS_CALLBACK "allow = 127.0.0.0/8\n" STATUS OTHER_APP APP "token = first\ntoken = constant\n",
    TLS_CALLBACK "trusted_proxies = 192.0.2.0/24\nother_commands = ok\n" STATUS APP
                 "token = constant\ntoken = second\n",
};

static void start_senders(struct sender *senders)
{
    atomic_store(&is_over, false);
    for (size_t i = 0; i < N_CONNECTIONS; i++) {
        senders[i].client = client_new("https", instance_callback_port(instance));
        client_trust(senders[i].client, sandbox);
        ck_assert_int_eq(pthread_create(&senders[i].thread, NULL, run_sender, &senders[i]), 0);
    }
}

static void join_senders(struct sender *senders)
{
    atomic_store(&is_over, true);
    for (size_t i = 0; i < N_CONNECTIONS; i++) {
        ck_assert_int_eq(pthread_join(senders[i].thread, NULL), 0);
        ck_assert_msg(senders[i].n_wrong == 0, "%lu of %lu answers are wrong: %s",
                      (unsigned long)senders[i].n_wrong, (unsigned long)senders[i].n_sent,
                      buf_text(&senders[i].wrong_answer));
        ck_assert_uint_eq(senders[i].n_connects, 1);
        client_free(senders[i].client);
        buf_fini(&senders[i].wrong_answer);
    }
}

START_TEST(fails_no_request_under_load)
{
    struct sender senders[N_CONNECTIONS] = {0};
    start_over("https", alternating[0]);
    start_senders(senders);
    for (unsigned i = 1; i <= N_RELOADS; i++) {
        if (i % 3 == 0) {
            sandbox_write(sandbox, CONFIG_NAME, CALLBACK STATUS APP);
            expect_refusal("[callback] tls: cannot change");
        } else {
            reload_with(alternating[i % 2]);
        }
    }
    join_senders(senders);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("reload");
    TCase *tcase = tcase_create("reload");
    tcase_set_timeout(tcase, 2 * HARNESS_DEADLINE_MS / 1000);
    tcase_add_checked_fixture(tcase, set_up, stop);
    tcase_add_test(tcase, takes_over_tokens);
    tcase_add_test(tcase, reads_token_files_again);
    tcase_add_test(tcase, refuses_a_token_file_open_to_others);
    tcase_add_test(tcase, adds_and_removes_apps);
    tcase_add_test(tcase, adds_many_apps);
    tcase_add_test(tcase, takes_over_allow);
    tcase_add_test(tcase, takes_over_trusted_proxies);
    tcase_add_test(tcase, takes_over_what_callers_hear);
    tcase_add_test(tcase, takes_over_whose_connections_count);
    tcase_add_test(tcase, takes_over_allowed_hosts);
    tcase_add_test(tcase, takes_over_the_status_token);
    tcase_add_test(tcase, takes_over_the_tokens_of_apps);
    tcase_add_test(tcase, says_when_queries_have_to_name_their_app);
    tcase_add_test(tcase, reads_conf_d_again);
    tcase_add_test(tcase, reads_credentials_again);
    tcase_add_loop_test(tcase, refuses_whole, 0, COUNT(refused_configs));
    tcase_add_test(tcase, refuses_without_a_file);
    tcase_add_test(tcase, waits_for_who_may_read_the_old_rules);
    tcase_add_loop_test(tcase, is_not_held_up_by_a_fifo, 0, COUNT(files));
    tcase_add_loop_test(tcase, shows_a_new_certificate_from_the_next_handshake_on, 0, N_LISTENERS);
    tcase_add_loop_test(tcase, keeps_its_certificate_where_the_new_one_is_bad, 0, COUNT(bad_pairs));
    tcase_add_test(tcase, takes_a_certificate_that_has_expired);
    tcase_add_test(tcase, takes_over_the_client_ca);
    tcase_add_test(tcase, fails_no_request_under_load);
    suite_add_tcase(suite, tcase);
    return suite;
}

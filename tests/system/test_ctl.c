/* SPDX-License-Identifier: MIT */
#include "../unit/suite.h"
#include "event.h"

#include "presenced/clock.h"

#include <arpa/inet.h>
#include <cjson/cJSON.h>
#include <dirent.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/stat.h>

/* presencectl against the real daemon: what it prints, to people and to programs, and how it exits. */

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))
#define N_WORDS_MAX 24

#define CALLBACK "[callback]\nlisten = 127.0.0.1:0\ntls = off\n"
#define STATUS "[status]\nlisten = 127.0.0.1:0\n"
#define APP "[app 1400000000]\ntoken = xxxxyyyy\n"
#define CONTROL "[control]\nlisten = unix:@DIR@/control.sock\n"
#define GOOD CALLBACK STATUS APP CONTROL

static struct sandbox *sandbox;
static struct instance *instance;
static char status_url[64];
static char callback_url[64];

static void start_with(const char *config)
{
    instance = instance_start(sandbox, config);
    (void)snprintf(status_url, sizeof(status_url), "http://127.0.0.1:%u", instance_status_port(instance));
    (void)snprintf(callback_url, sizeof(callback_url), "http://127.0.0.1:%u/",
                   instance_callback_port(instance));
}

static void set_up(void)
{
    sandbox = sandbox_new();
    start_with(GOOD);
}

static void set_up_sandbox(void)
{
    sandbox = sandbox_new();
}

static void tear_down(void)
{
    instance_stop(instance);
    sandbox_free(sandbox);
}

static void tear_down_sandbox(void)
{
    sandbox_free(sandbox);
}

/* Runs it with these words, and --status; the caller calls buf_fini(). */
static struct buf run(int exit_status, const char *const *words)
{
    const char *arguments[N_WORDS_MAX + 3];
    struct buf output = {0};
    size_t n = 0;
    for (; words[n] != NULL; n++) {
        ck_assert_uint_lt(n, N_WORDS_MAX);
        arguments[n] = words[n];
    }
    arguments[n++] = "--status";
    arguments[n++] = status_url;
    arguments[n] = NULL;
    int status = sandbox_run(sandbox, harness_client(), arguments, &output);
    ck_assert_msg(status == exit_status, "%s: exit status %d, not %d: %s", words[0], status, exit_status,
                  buf_text(&output));
    return output;
}

#define RUN(exit_status, ...) run((exit_status), (const char *const[]){__VA_ARGS__, NULL})

static void expect_words(struct buf *output, const char *words)
{
    ck_assert_msg(strstr(buf_text(output), words) != NULL, "no \"%s\" in: %s", words, buf_text(output));
}

static void expect_no_words(struct buf *output, const char *words)
{
    ck_assert_msg(strstr(buf_text(output), words) == NULL, "\"%s\" in: %s", words, buf_text(output));
}

/* Sends an event by trigger, which is expected to be OK. */
static void trigger(const char *action, const char *user, const char *platform)
{
    cleanup(buf_fini) struct buf output = RUN(0, "trigger", action, "--url", callback_url, "--app",
                                              "1400000000", "--token", "xxxxyyyy", "--user", user,
                                              "--platform", platform);
    expect_words(&output, "200 {\"ActionStatus\":\"OK\",\"ErrorCode\":0,\"ErrorInfo\":\"\"}");
}

/* Questions. */

START_TEST(get_shows_a_user)
{
    trigger("login", "alice", "iOS");
    trigger("login", "alice", "Web");
    trigger("logout", "alice", "Web");
    cleanup(buf_fini) struct buf output = RUN(0, "get", "alice");
    expect_words(&output, "alice is online since ");
    expect_words(&output, "Z, app 1400000000\n\nPLATFORM  STATE    LAST EVENT           AT ");
    expect_words(&output, "\niOS       online   Login (Register)     20");
    expect_words(&output, "\nWeb       offline  Logout (Unregister)  20");
    expect_words(&output, "127.0.0.1\n");
    expect_no_words(&output, "\033");
}
END_TEST

START_TEST(get_gives_programs_the_answer_itself)
{
    trigger("login", "alice", "iOS");
    cleanup(buf_fini) struct buf output = RUN(0, "get", "alice", "--json");
    ck_assert_int_eq(
        strncmp(buf_text(&output), "{\"app\":1400000000,\"user\":\"alice\",\"state\":\"online\",", 49), 0);
    ck_assert_int_eq(output.ptr[output.len - 1], '\n');
}
END_TEST

START_TEST(get_of_an_unknown_user_is_no)
{
    cleanup(buf_fini) struct buf output = RUN(1, "get", "nobody");
    expect_words(&output, "status 404: this user was never heard of");
}
END_TEST

START_TEST(get_escapes_what_the_terminal_would_obey)
{
    trigger("login", "\033[2J\xe2\x80\xae/x y", "Web");
    cleanup(buf_fini) struct buf output = RUN(0, "get", "\033[2J\xe2\x80\xae/x y");
    expect_words(&output, "\\u{1b}[2J\\u{202e}/x y is online");
}
END_TEST

START_TEST(query_shows_many)
{
    trigger("login", "alice", "iOS");
    trigger("login", "bob", "Web");
    trigger("disconnect", "bob", "Web");
    cleanup(buf_fini) struct buf output = RUN(0, "query", "bob", "alice");
    const char *bob = strstr(buf_text(&output), "\nbob    offline  ");
    const char *alice = strstr(buf_text(&output), "\nalice  online   ");
    ck_assert_msg(bob != NULL && alice != NULL && bob < alice, "%s", buf_text(&output));
    cleanup(buf_fini) struct buf json = RUN(0, "query", "alice", "--json");
    ck_assert_int_eq(strncmp(buf_text(&json), "{\"users\":[{\"app\":1400000000,\"user\":\"alice\"", 42), 0);
}
END_TEST

START_TEST(query_of_an_unknown_user_is_no)
{
    trigger("login", "alice", "iOS");
    cleanup(buf_fini) struct buf output = RUN(1, "query", "alice", "nobody");
    expect_words(&output, "nobody  unknown");
}
END_TEST

START_TEST(query_takes_more_users_than_a_request_does)
{
    char command[1024];
    (void)snprintf(
        command, sizeof(command),
        "{ seq -f user-%%g 1 2500; echo alice; } | '%s' query --json - --status %s | grep -o '\"user\"' | wc -l",
        harness_client(), status_url);
    const char *const arguments[] = {"-c", command, NULL};
    cleanup(buf_fini) struct buf output = {0};
    ck_assert_int_eq(sandbox_run(sandbox, "sh", arguments, &output), 0);
    ck_assert_str_eq(buf_text(&output), "2501\n");
}
END_TEST

START_TEST(list_shows_whom_it_is_asked_for)
{
    cleanup(buf_fini) struct buf nobody = RUN(1, "list");
    ck_assert_uint_eq(nobody.len, 0);
    trigger("login", "alice", "iOS");
    trigger("login", "bob", "Web");
    trigger("logout", "bob", "Web");
    cleanup(buf_fini) struct buf all = RUN(0, "list");
    expect_words(&all, "USER ");
    expect_words(&all, "alice ");
    expect_words(&all, "bob ");
    cleanup(buf_fini) struct buf online = RUN(0, "list", "--state", "online", "--json");
    ck_assert_int_eq(strncmp(buf_text(&online), "{\"app\":1400000000,\"user\":\"alice\"", 32), 0);
    expect_no_words(&online, "bob");
    cleanup(buf_fini) struct buf wrong = RUN(2, "list", "--state", "away");
    expect_words(&wrong, "state is not online, push_online or offline");
}
END_TEST

static size_t count_lines(struct buf *text)
{
    size_t n = 0;
    for (size_t i = 0; i < text->len; i++) {
        n += text->ptr[i] == '\n';
    }
    return n;
}

START_TEST(list_goes_on_from_page_to_page)
{
    cleanup(buf_fini) struct buf sent = RUN(0, "trigger", "login", "--url", callback_url, "--app",
                                            "1400000000", "--token", "xxxxyyyy", "--user", "u", "--count",
                                            "1200");
    expect_words(&sent, "1200 OK, 0 not, in ");
    cleanup(buf_fini) struct buf all = RUN(0, "list", "--all", "--json");
    ck_assert_uint_eq(count_lines(&all), 1200);
    cleanup(buf_fini) struct buf some = RUN(0, "list", "--limit", "1100");
    ck_assert_uint_eq(count_lines(&some), 1101); /* and the heads, once */
    cleanup(buf_fini) struct buf few = RUN(0, "list", "--json");
    ck_assert_uint_eq(count_lines(&few), 100);
}
END_TEST

START_TEST(stats_shows_counts)
{
    trigger("login", "alice", "iOS");
    cleanup(buf_fini) struct buf output = RUN(0, "stats");
    expect_words(&output, "presenced 0.1.0 is ready, up for ");
    expect_words(&output, "1400000000      1       1            0        0  iOS 1\n");
    expect_words(&output, "applied        1\n");
    expect_words(&output, "store: off\n");
    cleanup(buf_fini) struct buf json = RUN(0, "stats", "--json");
    cJSON *document = cJSON_Parse(buf_text(&json));
    ck_assert(cJSON_IsObject(document));
    cJSON_Delete(document);
}
END_TEST

START_TEST(check_says_yes_where_all_is_well)
{
    cleanup(buf_fini) struct buf output = RUN(0, "check");
    expect_words(&output, "ok   it runs, and answers at http://127.0.0.1:");
    expect_words(&output, "ok   it takes events\nok   there are no warnings\n");
    cleanup(buf_fini) struct buf json = RUN(0, "check", "--json");
    ck_assert_str_eq(buf_text(&json),
                     "{\"alive\":true,\"ready\":true,\"needs_person\":false,\"warnings\":[]}\n");
}
END_TEST

START_TEST(check_says_what_needs_a_person)
{
    cleanup(buf_fini) struct buf drained = RUN(0, "drain", "--control", "@DIR@/control.sock");
    expect_words(&drained, "draining: ");
    cleanup(buf_fini) struct buf output = RUN(1, "check");
    expect_words(&output, "LOOK load balancers send nothing here: it is draining\n");
    expect_words(&output, "LOOK it was told to drain");
    cleanup(buf_fini) struct buf json = RUN(1, "check", "--json");
    expect_words(
        &json, "{\"alive\":true,\"ready\":false,\"needs_person\":true,\"warnings\":[{\"code\":\"draining\"");
}
END_TEST

/* Events. */

START_TEST(trigger_sends_what_it_is_told)
{
    cleanup(buf_fini) struct buf login = RUN(0, "trigger", "login", "--url", callback_url, "--app",
                                             "1400000000", "--token", "xxxxyyyy", "--user", "alice",
                                             "--platform", "Web", "--kicked", "iOS,Windows");
    cleanup(buf_fini) struct buf busy = RUN(0, "trigger", "custom-status", "--url", callback_url, "--app",
                                            "1400000000", "--token", "xxxxyyyy", "--custom-status",
                                            "in a \"meeting\"");
    cleanup(buf_fini) struct buf shown = RUN(0, "get", "alice");
    expect_words(&shown, ", \"in a \"meeting\"\", app");
    expect_words(&shown, "iOS       offline  Kicked ");
    expect_words(&shown, "Windows   offline  Kicked ");
    cleanup(buf_fini) struct buf kick = RUN(0, "trigger", "kick", "--url", callback_url, "--app",
                                            "1400000000", "--token", "xxxxyyyy");
    cleanup(buf_fini) struct buf after = RUN(0, "get", "alice");
    expect_words(&after, "alice is offline");
}
END_TEST

START_TEST(trigger_shows_a_refusal)
{
    cleanup(buf_fini) struct buf output = RUN(1, "trigger", "login", "--url", callback_url, "--app",
                                              "1400000000", "--token", "other");
    expect_words(&output, "403 {\"ActionStatus\":\"FAIL\"");
    expect_words(&output, "Sign was not made with a token of this app");
    cleanup(buf_fini) struct buf json = RUN(1, "trigger", "login", "--url", callback_url, "--app",
                                            "1400000000", "--token", "other", "--count", "3", "--json");
    expect_words(&json, "{\"ok\":0,\"failed\":3,\"took_ms\":");
}
END_TEST

START_TEST(trigger_finds_all_it_needs_in_the_configuration)
{
    char config[512];
    (void)snprintf(config, sizeof(config),
                   "[callback]\nlisten = 127.0.0.1:%u\ntls = off\n[status]\nlisten = 127.0.0.1:%u\n"
                   "[app 1400000000]\ntoken_file = @DIR@/token\n",
                   instance_callback_port(instance), instance_status_port(instance));
    sandbox_write(sandbox, "token", "xxxxyyyy\n");
    sandbox_write(sandbox, "ctl.conf", config);
    cleanup(buf_fini) struct buf sent = RUN(0, "trigger", "login", "--config", "@DIR@/ctl.conf");
    const char *const get[] = {"get", "alice", "--config", "@DIR@/ctl.conf", NULL};
    cleanup(buf_fini) struct buf shown = {0};
    ck_assert_int_eq(sandbox_run(sandbox, harness_client(), get, &shown), 0);
    expect_words(&shown, "alice is online");
}
END_TEST

START_TEST(trigger_keeps_to_a_rate)
{
    uint64_t begin_ms = clock_monotonic_ms();
    cleanup(buf_fini) struct buf output = RUN(0, "trigger", "login", "--url", callback_url, "--app",
                                              "1400000000", "--token", "xxxxyyyy", "--count", "6", "--rate",
                                              "10");
    ck_assert_uint_ge(clock_monotonic_ms() - begin_ms, 500);
}
END_TEST

START_TEST(trigger_signs_a_capture_anew)
{
    const char *samples = getenv("PRESENCED_SAMPLES");
    char path[512];
    (void)snprintf(path, sizeof(path), "%s/login-signed.http", samples);
    cleanup(buf_fini) struct buf old = RUN(1, "verify", "--file", path, "--token", "xxxxyyyy");
    expect_words(&old, "NO  RequestTime ");
    expect_words(&old, "ok  Sign            made with --token\n");
    expect_words(&old, "its age aside: 200 OK\n");
    cleanup(buf_fini) struct buf sent = RUN(0, "trigger", "--file", path, "--url", callback_url, "--token",
                                            "xxxxyyyy");
    cleanup(buf_fini) struct buf shown = RUN(0, "get", "signed_user");
    expect_words(&shown, "signed_user is online since 2022-12-01T05:21:51.900Z");
}
END_TEST

/* What the daemon answers to a body, "" for OK, else the words of its ErrorInfo; the caller frees it. */
static char *ask_daemon(struct client *callback, const char *target, const char *body)
{
    cleanup(answer_fini) struct answer answer;
    client_post(callback, target, body, &answer);
    cJSON *document = cJSON_Parse(buf_text(&answer.body));
    const char *info = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(document, "ErrorInfo"));
    const char *action = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(document, "ActionStatus"));
    struct buf said = {0};
    ck_assert(info != NULL && action != NULL);
    buf_appendf(&said, "%ld %s", answer.status, action);
    cJSON_Delete(document);
    (void)buf_text(&said);
    return said.ptr;
}

#define COMMAND_JSON "\"CallbackCommand\":\"State.StateChange\""
#define INFO(more) "{" COMMAND_JSON ",\"Info\":{\"To_Account\":\"alice\",\"Action\":\"Login\"" more "}}"

/* Where verify makes a check of its own that the daemon makes too. */
static const struct {
    const char *more; /* of the target */
    const char *body;
} requests[] = {
    {"", INFO("")},
    {"", ""},
    {"", "{"},
    {"", "[]"},
    {"", "{}"},
    {"", INFO("") "x"},
    {"", "\xef\xbb\xbf{}"},
    {"", "{\"a\":01}"},
    {"", INFO(",\"Reason\":1")},
    {"", INFO(",\"Reason\":null")},
    {"", INFO(",\"Action\":\"Logout\"")},
    {"", "{\"CallbackCommand\":\"Other\",\"Info\":{\"To_Account\":\"alice\",\"Action\":\"Login\"}}"},
    {"", "{" COMMAND_JSON "}"},
    {"", "{" COMMAND_JSON ",\"Info\":{}}"},
    {"", "{" COMMAND_JSON ",\"Info\":{\"Action\":\"Login\"}}"},
    {"", "{" COMMAND_JSON ",\"Info\":{\"To_Account\":\"\",\"Action\":\"Login\"}}"},
    {"", "{" COMMAND_JSON ",\"Info\":{\"To_Account\":\"alice\",\"Action\":\"Dance\"}}"},
    {"", "{" COMMAND_JSON ",\"EventTime\":-1,\"Info\":{\"To_Account\":\"alice\",\"Action\":\"Login\"}}"},
    {"", "{" COMMAND_JSON ",\"EventTime\":1e3,\"Info\":{\"To_Account\":\"alice\",\"Action\":\"Login\"}}"},
    {"", "{" COMMAND_JSON ",\"KickedDevice\":1,\"Info\":{\"To_Account\":\"alice\",\"Action\":\"Login\"}}"},
    {"", "{" COMMAND_JSON ",\"KickedDevice\":[1],\"Info\":{\"To_Account\":\"alice\",\"Action\":\"Login\"}}"},
    {"", "{" COMMAND_JSON ",\"KickedDevice\":[{}],\"Info\":{\"To_Account\":\"alice\",\"Action\":\"Login\"}}"},
    {"", "{" COMMAND_JSON ",\"Info\":{\"To_Account\":\"alice\",\"Action\":\"CustomStatusChange\"}}"},
    {"", "{" COMMAND_JSON
         ",\"CustomStatus\":\"x\",\"Info\":{\"To_Account\":\"a\",\"Action\":\"CustomStatusChange\"}}"},
    {"&OptPlatform=Web", INFO("")},
    {"&ClientIP=%zz", INFO("")},
    {"&SdkAppid=1400000000", INFO("")},
    {"&Sign=1", INFO("")},
};

START_TEST(verify_says_what_the_daemon_answers)
{
    cleanup(client_freep) struct client *callback = client_new("http", instance_callback_port(instance));
    cleanup(cleanup_freep) char *sign = event_sign_now("xxxxyyyy");
    cleanup(buf_fini) struct buf more = {0};
    buf_appendf(&more, "%s%s", sign, requests[_i].more);
    cleanup(cleanup_freep) char *target = event_target(EVENT_APP, "Web", buf_text(&more));
    cleanup(cleanup_freep) char *said = ask_daemon(callback, target, requests[_i].body);
    sandbox_write(sandbox, "body", requests[_i].body);
    cleanup(buf_fini) struct buf output = RUN(strcmp(said, "200 OK") == 0 ? 0 : 1, "verify", "--url", target,
                                              "--body", "@DIR@/body", "--token", "xxxxyyyy");
    cleanup(buf_fini) struct buf expected = {0};
    buf_appendf(&expected, "presenced would answer: %s", said);
    expect_words(&output, buf_text(&expected));
}
END_TEST

/* Every file of tests/samples, with an app that has the token of the signed ones, or none. */
static void verify_samples(struct client *callback, const char *const *rules)
{
    const char *samples = getenv("PRESENCED_SAMPLES");
    DIR *folder = opendir(samples);
    ck_assert_ptr_nonnull(folder);
    unsigned n = 0;
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        char path[1024];
        if (strstr(entry->d_name, ".http") == NULL) {
            continue;
        }
        (void)snprintf(path, sizeof(path), "%s/%s", samples, entry->d_name);
        FILE *file = fopen(path, "re");
        ck_assert_ptr_nonnull(file);
        char text[8192] = "";
        size_t len = fread(text, 1, sizeof(text) - 1, file);
        (void)fclose(file);
        text[len] = '\0';
        char *end = strchr(text, '\n');
        ck_assert_ptr_nonnull(end);
        *end = '\0';
        cleanup(cleanup_freep) char *said = ask_daemon(callback, text, end + 2);
        cleanup(buf_fini) struct buf output = RUN(strcmp(said, "200 OK") == 0 ? 0 : 1, "verify", "--file",
                                                  path, rules[0], rules[1]);
        cleanup(buf_fini) struct buf expected = {0};
        buf_appendf(&expected, "presenced would answer: %s", said);
        ck_assert_msg(strstr(buf_text(&output), buf_text(&expected)) != NULL, "%s: not \"%s\" but: %s",
                      entry->d_name, buf_text(&expected), buf_text(&output));
        n++;
    }
    (void)closedir(folder);
    ck_assert_uint_gt(n, 10);
}

static const char *const sample_configs[] = {
    CALLBACK STATUS "[app 1400000000]\n[app 1400000001]\n",
    CALLBACK STATUS "[app 1400000000]\ntoken = xxxxyyyy\n[app 1400000001]\n",
    CALLBACK "path = /elsewhere\n" STATUS "[app 1400000000]\n",
    CALLBACK "other_commands = ok\n" STATUS "[app 1400000000]\n",
};

START_TEST(verify_agrees_with_the_daemon_on_every_sample)
{
    static const char *const rules[] = {"--config", "@DIR@/presenced-0.conf"};
    start_with(sample_configs[_i]);
    cleanup(client_freep) struct client *callback = client_new("http", instance_callback_port(instance));
    verify_samples(callback, rules);
    instance_stop(instance);
}
END_TEST

START_TEST(verify_names_the_token_that_signs_and_the_clock)
{
    cleanup(cleanup_freep) char *sign = event_sign("second", (int64_t)(clock_unix_ms() / 1000) - 120);
    cleanup(cleanup_freep) char *target = event_target(EVENT_APP, "Web", sign);
    sandbox_write(sandbox, "body", INFO(""));
    sandbox_write(sandbox, "two.conf", "[app 1400000000]\ntoken = first\ntoken_file = @DIR@/second\n");
    sandbox_write(sandbox, "second", "second\n");
    cleanup(buf_fini) struct buf output = RUN(1, "verify", "--url", target, "--body", "@DIR@/body",
                                              "--config", "@DIR@/two.conf");
    expect_words(&output, "behind this machine's clock, 60 s are allowed\n");
    expect_words(&output, "/second\n");
    expect_words(&output, "403 FAIL, as refused_time\nits age aside: 200 OK\n");
    cleanup(buf_fini) struct buf json = RUN(1, "verify", "--url", target, "--body", "@DIR@/body", "--config",
                                            "@DIR@/two.conf", "--json");
    expect_words(&json,
                 "{\"status\":403,\"action_status\":\"FAIL\",\"outcome\":\"refused_time\",\"checks\":[");
    cJSON *document = cJSON_Parse(buf_text(&json));
    ck_assert(cJSON_IsObject(document));
    cJSON_Delete(document);
}
END_TEST

/* Orders. */

START_TEST(reload_waits_for_the_verdict)
{
    cleanup(buf_fini) struct buf done = RUN(0, "reload", "--control", "@DIR@/control.sock");
    ck_assert_str_eq(buf_text(&done), "reloaded: all of the configuration was taken over\n");
    sandbox_write(sandbox, "presenced-0.conf", GOOD "[log]\nlevel = loud\n");
    cleanup(buf_fini) struct buf refused = RUN(1, "reload", "--config", "@DIR@/presenced-0.conf");
    expect_words(&refused, "presencectl: nothing was taken over:\n");
    expect_words(&refused, "/presenced-0.conf:11: [log] level: 'loud' is not allowed");
    cleanup(buf_fini) struct buf json = RUN(1, "reload", "--control", "@DIR@/control.sock", "--json");
    expect_words(&json, "\"status\":409,");
}
END_TEST

START_TEST(a_level_of_the_log_is_set)
{
    cleanup(buf_fini) struct buf done = RUN(0, "log-level", "debug", "--control", "@DIR@/control.sock");
    trigger("login", "alice", "Web");
    instance_await_log(instance, "msg=\"event\"");
    cleanup(buf_fini) struct buf wrong = RUN(2, "log-level", "loud", "--control", "@DIR@/control.sock");
    expect_words(&wrong, "error | warning | notice | info | debug");
}
END_TEST

/* Watching, with a server that is cut off, and has no room for a while, as a daemon would. */

struct stream_server {
    int fd;
    uint16_t port;
    pthread_t thread;
    struct buf requests;
};

#define OK "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"

static void *serve_streams(void *cls)
{
    static const char *const answers[] = {
        OK
        "retry: 10\n\nid: e.1\nevent: presence\n"
        "data: {\"user\":\"alice\",\"state\":\"online\",\"devices\":[{\"platform\":\"Web\",\"state\":\"online\","
        "\"action\":\"Login\",\"reason\":\"Register\",\"received_time\":1}]}\n\nid: e.2\nevent: pres",
        "HTTP/1.1 429 Too Many Requests\r\nContent-Type: application/problem+json\r\nConnection: close\r\n\r\n"
        "{\"detail\":\"half of all streams\"}",
        OK "id: f.1\nevent: reset\ndata: {\"reason\":\"other_run\"}\n\n"
           "id: f.2\nevent: forgotten\ndata: {\"app\":1400000000,\"user\":\"bob\"}\n\n"
           "id: f.3\nevent: heartbeat\ndata: {}\n\n",
    };
    struct stream_server *server = cls;
    for (int i = 0; i < COUNT(answers); i++) {
        char request[2048] = "";
        cleanup(cleanup_closep) int fd = accept(server->fd, NULL, NULL);
        ssize_t n = recv(fd, request, sizeof(request) - 1, 0);
        buf_append(&server->requests, (struct str){request, n < 0 ? 0 : (size_t)n});
        (void)!send(fd, answers[i], strlen(answers[i]), MSG_NOSIGNAL);
    }
    return NULL;
}

static void server_start(struct stream_server *server)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    *server = (struct stream_server){.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    ck_assert_int_eq(bind(server->fd, (struct sockaddr *)&address, size), 0);
    ck_assert_int_eq(listen(server->fd, 4), 0);
    ck_assert_int_eq(getsockname(server->fd, (struct sockaddr *)&address, &size), 0);
    server->port = ntohs(address.sin_port);
    ck_assert_int_eq(pthread_create(&server->thread, NULL, serve_streams, server), 0);
}

static void server_stop(struct stream_server *server)
{
    (void)pthread_join(server->thread, NULL);
    (void)close(server->fd);
}

/* Waits until the sandbox's file holds the words. */
static void await_words(const char *name, const char *words)
{
    uint64_t deadline_ms = clock_monotonic_ms() + HARNESS_DEADLINE_MS;
    for (;;) {
        cleanup(buf_fini) struct buf text = sandbox_read(sandbox, name);
        if (strstr(buf_text(&text), words) != NULL) {
            return;
        }
        ck_assert_msg(clock_monotonic_ms() < deadline_ms, "no \"%s\" in: %s", words, buf_text(&text));
        (void)poll(NULL, 0, 5);
    }
}

static const struct {
    const char *form; /* NULL: for people */
    const char *says[3];
} forms[] = {
    {NULL,
     {"online       alice  Web Login (Register)  online on Web\n",
      "what came meanwhile is not known, it goes on from here: presenced was restarted\n",
      "forgotten    bob\n"}},
    {"--json",
     {"{\"event\":\"presence\",\"id\":\"e.1\",\"data\":{\"user\":\"alice\",",
      "{\"event\":\"reset\",\"id\":\"f.1\",\"data\":{\"reason\":\"other_run\"}}\n",
      "{\"event\":\"forgotten\",\"id\":\"f.2\",\"data\":{\"app\":1400000000,\"user\":\"bob\"}}\n"}},
};

START_TEST(watch_resumes_where_it_was_cut)
{
    struct stream_server server;
    char url[64];
    server_start(&server);
    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%u", server.port);
    const char *const words[] = {"watch", "--user", "a/b", "--status", url, forms[_i].form, NULL};
    pid_t pid = sandbox_spawn(sandbox, harness_client(), words, "watch.log");
    for (unsigned i = 0; i < 3; i++) {
        await_words("watch.log", forms[_i].says[i]);
    }
    await_words("watch.log", " (from --status): status 429: half of all streams; trying again\n");
    server_stop(&server);
    process_stop(pid);
    const char *requests_seen = buf_text(&server.requests);
    const char *second = strstr(requests_seen + 1, "GET /v1/events?user=a%2Fb HTTP/1.1\r\n");
    ck_assert_msg(strncmp(requests_seen, "GET /v1/events?user=a%2Fb HTTP/1.1\r\n", 36) == 0, "%s",
                  requests_seen);
    ck_assert_msg(second != NULL && strstr(second, "Last-Event-ID: e.1\r\n") != NULL, "%s", requests_seen);
    ck_assert_msg(strstr(requests_seen, "Last-Event-ID") > second, "%s", requests_seen);
    buf_fini(&server.requests);
}
END_TEST

/* How it asks. */

START_TEST(a_terminal_gets_colours_and_local_time)
{
    char command[512];
    cleanup(buf_fini) struct buf plain = {0};
    cleanup(buf_fini) struct buf tinted = {0};
    trigger("login", "alice", "Web");
    (void)snprintf(command, sizeof(command), "TERM=xterm TZ=UTC-2 '%s' get alice --status %s",
                   harness_client(), status_url);
    const char *const in_colour[] = {"-qec", command, "/dev/null", NULL};
    ck_assert_int_eq(sandbox_run(sandbox, "script", in_colour, &tinted), 0);
    expect_words(&tinted, "\033[32monline\033[0m");
    const char *since = strstr(buf_text(&tinted), "since ");
    ck_assert_ptr_nonnull(since);
    /* So long ago as this machine took. */
    ck_assert_msg(strstr(since, "(now)") != NULL || strstr(since, " ago)") != NULL, "%s", buf_text(&tinted));
    char without[600];
    (void)snprintf(without, sizeof(without), "NO_COLOR=1 %s", command);
    const char *const in_black[] = {"-qec", without, "/dev/null", NULL};
    ck_assert_int_eq(sandbox_run(sandbox, "script", in_black, &plain), 0);
    expect_words(&plain, "alice is online since ");
    expect_no_words(&plain, "\033[32m");
}
END_TEST

/* What a terminal of 100 columns shows; the caller calls buf_fini(). */
static struct buf run_on_terminal(const char *words)
{
    char command[512];
    struct buf output = {0};
    (void)snprintf(
        command, sizeof(command),
        "stty cols 100; TERM=xterm NO_COLOR=1 TZ=UTC-2 timeout --foreground 20 '%s' %s --status %s",
        harness_client(), words, status_url);
    const char *const arguments[] = {"-qec", command, "/dev/null", NULL};
    (void)sandbox_run(sandbox, "script", arguments, &output);
    return output;
}

START_TEST(a_terminal_shows_the_time_and_the_reason_whole)
{
    cleanup(buf_fini) struct buf sent = RUN(1, "trigger", "login", "--url", callback_url, "--app",
                                            "1400000000", "--token", "other");
    trigger("login", "alice", "Web");
    cleanup(buf_fini) struct buf refused = run_on_terminal("refused");
    expect_words(&refused, "TIME      OUTCOME       PEER       APP         PATH  REASON");
    expect_words(&refused, "1400000000  /     Sign was not made with a token of this app\r\n");
}
END_TEST

START_TEST(it_asks_over_unix_sockets_and_shows_a_token)
{
    sandbox_write(sandbox, "bearer", "b3arer\n");
    start_with(CALLBACK "[status]\nlisten = unix:@DIR@/status.sock\ntoken_file = @DIR@/bearer\n" APP);
    const char *const with[] = {"stats",        "--status",     "unix:@DIR@/status.sock",
                                "--token-file", "@DIR@/bearer", NULL};
    const char *const without[] = {"stats", "--status", "unix:@DIR@/status.sock", NULL};
    const char *const found[] = {"stats", "--config", "@DIR@/presenced-0.conf", NULL};
    cleanup(buf_fini) struct buf output = {0};
    ck_assert_int_eq(sandbox_run(sandbox, harness_client(), with, &output), 0);
    ck_assert_int_eq(sandbox_run(sandbox, harness_client(), found, &output), 0);
    buf_clear(&output);
    ck_assert_int_eq(sandbox_run(sandbox, harness_client(), without, &output), 2);
    expect_words(&output,
                 "status 401: the bearer token of this listener is needed; --token-file FILE shows one");
    instance_stop(instance);
}
END_TEST

/* Its own certificate is believed where the configuration says which that is; else nobody's is. */
START_TEST(it_believes_the_configured_certificate)
{
    char config[512];
    sandbox_write(sandbox, "bearer", "b3arer\n");
    (void)snprintf(config, sizeof(config),
                   CALLBACK "[status]\nlisten = 127.0.0.1:0\ncertificate = @DIR@/server.pem\n"
                            "private_key = @DIR@/server.key\ntoken_file = @DIR@/bearer\n" APP);
    start_with(config);
    (void)snprintf(
        config, sizeof(config),
        "[status]\nlisten = 127.0.0.1:%u\ncertificate = @DIR@/server.pem\ntoken_file = @DIR@/bearer\n",
        instance_status_port(instance));
    sandbox_write(sandbox, "ctl.conf", config);
    char url[64];
    (void)snprintf(url, sizeof(url), "https://127.0.0.1:%u", instance_status_port(instance));
    const char *const found[] = {"stats", "--config", "@DIR@/ctl.conf", NULL};
    const char *const stranger[] = {"stats", "--status", url, "--token-file", "@DIR@/bearer", NULL};
    const char *const told[] = {"stats",     "--status",     url, "--token-file", "@DIR@/bearer",
                                "--ca-file", "@DIR@/ca.pem", NULL};
    cleanup(buf_fini) struct buf output = {0};
    ck_assert_msg(sandbox_run(sandbox, harness_client(), found, &output) == 0, "%s", buf_text(&output));
    ck_assert_int_eq(sandbox_run(sandbox, harness_client(), told, &output), 0);
    buf_clear(&output);
    ck_assert_int_eq(sandbox_run(sandbox, harness_client(), stranger, &output), 2);
    expect_words(&output, "--ca-file names whom to believe");
    instance_stop(instance);
}
END_TEST

/* The daemon's secrets and certificates as systemd hands them over. The command is typed where
 * CREDENTIALS_DIRECTORY is not set, and no unit of that name runs here. */
static const struct {
    const char *words[6];
    const char *says[3];
} without_credentials[] = {
    {{"stats"},
     {"[status] certificate = credential:ctl-chain: /run/credentials/presenced.service/ctl-chain: ",
      ": systemd keeps it there while presenced.service runs, if LoadCredential= names it",
      "; --ca-file names whom to believe\n"}},
    {{"stats", "--insecure"},
     {"[status] token_file = credential:ctl-bearer: /run/credentials/presenced.service/ctl-bearer: ",
      ": systemd keeps it there while presenced.service runs, if LoadCredential= names it",
      "; --token-file names another\n"}},
    {{"trigger", "login", "--insecure"},
     {"[app 1400000000] token_file = credential:ctl-token: /run/credentials/presenced.service/ctl-token: ",
      ": systemd keeps it there while presenced.service runs, if LoadCredential= names it",
      "; --token-file names another\n"}},
    {{"verify", "--file", "@DIR@/capture"},
     {"[app 1400000000] token_file = credential:ctl-token: ", "", "; --token-file names another\n"}},
};

static void write_credentials(void)
{
    cleanup(cleanup_freep) char *folder = sandbox_expand(sandbox, "@DIR@/credentials");
    cleanup(buf_fini) struct buf certificate = sandbox_read(sandbox, "server.pem");
    cleanup(buf_fini) struct buf key = sandbox_read(sandbox, "server.key");
    ck_assert_int_eq(mkdir(folder, 0700), 0);
    sandbox_write(sandbox, "credentials/ctl-chain", buf_text(&certificate));
    sandbox_write(sandbox, "credentials/ctl-key", buf_text(&key));
    sandbox_write(sandbox, "credentials/ctl-bearer", "b3arer\n");
    sandbox_write(sandbox, "credentials/ctl-token", "xxxxyyyy\n");
    ck_assert_int_eq(setenv("CREDENTIALS_DIRECTORY", folder, 1), 0);
}

START_TEST(it_finds_the_credentials_of_the_service)
{
    static const char config[] = "[callback]\nlisten = 127.0.0.1:%u\ncertificate = credential:ctl-chain\n"
                                 "private_key = credential:ctl-key\n"
                                 "[status]\nlisten = 127.0.0.1:%u\ncertificate = credential:ctl-chain\n"
                                 "private_key = credential:ctl-key\ntoken_file = credential:ctl-bearer\n"
                                 "[app 1400000000]\ntoken_file = credential:ctl-token\n";
    char text[512];
    cleanup(buf_fini) struct buf output = {0};
    write_credentials();
    (void)snprintf(text, sizeof(text), config, 0, 0);
    start_with(text);
    (void)snprintf(text, sizeof(text), config, instance_callback_port(instance),
                   instance_status_port(instance));
    sandbox_write(sandbox, "ctl.conf", text);
    sandbox_write(sandbox, "capture", "/?SdkAppid=1400000000\n\n{}");
    const char *const stats[] = {"stats", "--config", "@DIR@/ctl.conf", NULL};
    const char *const sent[] = {"trigger", "login", "--config", "@DIR@/ctl.conf", NULL};
    int status = sandbox_run(sandbox, harness_client(), stats, &output);
    ck_assert_msg(status == 0, "%s", buf_text(&output));
    status = sandbox_run(sandbox, harness_client(), sent, &output);
    ck_assert_msg(status == 0, "%s", buf_text(&output));
    ck_assert_int_eq(unsetenv("CREDENTIALS_DIRECTORY"), 0);
    for (size_t i = 0; i < sizeof(without_credentials) / sizeof(without_credentials[0]); i++) {
        const char *words[9] = {NULL};
        size_t n = 0;
        for (; without_credentials[i].words[n] != NULL; n++) {
            words[n] = without_credentials[i].words[n];
        }
        words[n++] = "--config";
        words[n++] = "@DIR@/ctl.conf";
        buf_clear(&output);
        status = sandbox_run(sandbox, harness_client(), words, &output);
        ck_assert_msg(status == 2, "%d: %s", status, buf_text(&output));
        for (size_t j = 0; j < 3; j++) {
            expect_words(&output, without_credentials[i].says[j]);
        }
    }
    instance_stop(instance);
}
END_TEST

START_TEST(the_environment_may_say_where)
{
    char variable[128];
    (void)snprintf(variable, sizeof(variable), "PRESENCED_STATUS_URL=%s", status_url);
    const char *const arguments[] = {variable, harness_client(), "check", NULL};
    cleanup(buf_fini) struct buf output = {0};
    ck_assert_int_eq(sandbox_run(sandbox, "env", arguments, &output), 0);
    expect_words(&output, status_url);
}
END_TEST

static const struct {
    const char *words[8];
    const char *says;
} wrong[] = {
    {{"--nonsense"}, "--nonsense"},
    {{"nonsense"}, "nonsense: there is no such command; see presencectl --help"},
    {{"get"}, "USER is missing; see presencectl get --help"},
    {{"get", "alice", "--rate", "1"}, "--rate: get does not take it"},
    {{"get", "alice", "--status", "http://127.0.0.1:1"}, "http://127.0.0.1:1 (from --status): "},
    {{"get", "alice", "--status", "http://127.0.0.1:1"}, "is presenced running"},
    {{"get", "alice", "--status", "unix:@DIR@/none"}, "/none (from --status): "},
    {{"get", "alice", "--token-file", "@DIR@/none"}, "/none: No such file or directory"},
    {{"get", "alice", "--config", "@DIR@/none"}, "/none: No such file or directory"},
    {{"reload", "--control", "@DIR@/none"}, "/none (from --control): "},
    {{"history", "alice", "--since", "soon", "--status", "http://127.0.0.1:1"}, "--since soon: "},
    {{"trigger", "dance"}, "dance: what is to happen: login, logout, "},
    {{"trigger", "login", "--config", "@DIR@/empty"},
     "--app ID is missing, and @DIR@/empty has no [app ID]; --config FILE names another"},
    {{"trigger", "login"}, "--app ID is missing, and /"},
    {{"verify", "--file", "@DIR@/capture", "--config", "@DIR@/empty"},
     "--token-file FILE is missing, and @DIR@/empty has no [app ID]; "},
    {{"trigger", "custom-status"}, "--custom-status TEXT is missing"},
    {{"verify"}, "--file CAPTURE is missing, or --url URL and --body FILE"},
    {{"verify", "--file", "@DIR@/empty"}, "its first line is no request"},
    {{"watch", "--status", "http://127.0.0.1:1"}, "is presenced running"},
};

START_TEST(says_what_was_tried_and_what_to_do)
{
    cleanup(buf_fini) struct buf output = {0};
    sandbox_write(sandbox, "empty", "");
    sandbox_write(sandbox, "capture", "/?SdkAppid=1400000000\n\n{}");
    cleanup(cleanup_freep) char *says = sandbox_expand(sandbox, wrong[_i].says);
    int status = sandbox_run(sandbox, harness_client(), wrong[_i].words, &output);
    ck_assert_msg(status == 2, "%d: %s", status, buf_text(&output));
    expect_words(&output, says);
    ck_assert_int_eq(strncmp(buf_text(&output), "presencectl: ", 13), 0);
}
END_TEST

static const char *const commands[] = {"get",   "history", "query",  "list",   "watch", "stats",    "refused",
                                       "check", "trigger", "verify", "reload", "drain", "log-level"};

START_TEST(each_command_helps)
{
    const char *const arguments[] = {commands[_i], "--help", NULL};
    const char *const all[] = {"--help", NULL};
    char usage[64];
    cleanup(buf_fini) struct buf output = {0};
    (void)snprintf(usage, sizeof(usage), "Usage: presencectl %s", commands[_i]);
    ck_assert_int_eq(sandbox_run(sandbox, harness_client(), arguments, &output), 0);
    expect_words(&output, usage);
    (void)snprintf(usage, sizeof(usage), "\n  %s ", commands[_i]);
    ck_assert_int_eq(sandbox_run(sandbox, harness_client(), all, &output), 0);
    expect_words(&output, usage);
}
END_TEST

/* Words for the shell: of the commands, of one's options, of what an option takes. */
static const struct {
    const char *words;
    const char *completed;
} completions[] = {
    {"presencectl re", "refused reload "},
    {"presencectl trigger log", "login logout "},
    {"presencectl --json list --st", "--state --status "},
    {"presencectl list --state o", "online offline "},
};

START_TEST(the_shell_completes)
{
    char command[1024];
    (void)snprintf(command, sizeof(command),
                   "PATH=\"$(dirname '%s'):$PATH\"; . '%s/conf/presencectl.bash'; COMP_WORDS=(%s); "
                   "COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _presencectl; printf '%%s ' \"${COMPREPLY[@]}\"",
                   harness_client(), getenv("PRESENCED_SOURCE"), completions[_i].words);
    const char *const arguments[] = {"-c", command, NULL};
    cleanup(buf_fini) struct buf output = {0};
    ck_assert_int_eq(sandbox_run(sandbox, "bash", arguments, &output), 0);
    ck_assert_str_eq(buf_text(&output), completions[_i].completed);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("ctl");
    TCase *tcase = tcase_create("ctl");
    TCase *alone = tcase_create("alone");
    tcase_set_timeout(tcase, 2 * HARNESS_DEADLINE_MS / 1000);
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, get_shows_a_user);
    tcase_add_test(tcase, get_gives_programs_the_answer_itself);
    tcase_add_test(tcase, get_of_an_unknown_user_is_no);
    tcase_add_test(tcase, get_escapes_what_the_terminal_would_obey);
    tcase_add_test(tcase, query_shows_many);
    tcase_add_test(tcase, query_of_an_unknown_user_is_no);
    tcase_add_test(tcase, query_takes_more_users_than_a_request_does);
    tcase_add_test(tcase, list_shows_whom_it_is_asked_for);
    tcase_add_test(tcase, list_goes_on_from_page_to_page);
    tcase_add_test(tcase, stats_shows_counts);
    tcase_add_test(tcase, check_says_yes_where_all_is_well);
    tcase_add_test(tcase, check_says_what_needs_a_person);
    tcase_add_test(tcase, trigger_sends_what_it_is_told);
    tcase_add_test(tcase, trigger_shows_a_refusal);
    tcase_add_test(tcase, trigger_finds_all_it_needs_in_the_configuration);
    tcase_add_test(tcase, trigger_keeps_to_a_rate);
    tcase_add_test(tcase, trigger_signs_a_capture_anew);
    tcase_add_loop_test(tcase, verify_says_what_the_daemon_answers, 0, COUNT(requests));
    tcase_add_test(tcase, verify_names_the_token_that_signs_and_the_clock);
    tcase_add_test(tcase, reload_waits_for_the_verdict);
    tcase_add_test(tcase, a_level_of_the_log_is_set);
    tcase_add_test(tcase, a_terminal_gets_colours_and_local_time);
    tcase_add_test(tcase, a_terminal_shows_the_time_and_the_reason_whole);
    tcase_add_test(tcase, the_environment_may_say_where);
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(alone, 2 * HARNESS_DEADLINE_MS / 1000);
    tcase_add_checked_fixture(alone, set_up_sandbox, tear_down_sandbox);
    tcase_add_loop_test(alone, verify_agrees_with_the_daemon_on_every_sample, 0, COUNT(sample_configs));
    tcase_add_loop_test(alone, watch_resumes_where_it_was_cut, 0, COUNT(forms));
    tcase_add_test(alone, it_asks_over_unix_sockets_and_shows_a_token);
    tcase_add_test(alone, it_believes_the_configured_certificate);
    tcase_add_test(alone, it_finds_the_credentials_of_the_service);
    tcase_add_loop_test(alone, says_what_was_tried_and_what_to_do, 0, COUNT(wrong));
    tcase_add_loop_test(alone, each_command_helps, 0, COUNT(commands));
    tcase_add_loop_test(alone, the_shell_completes, 0, COUNT(completions));
    suite_add_tcase(suite, alone);
    return suite;
}

/* SPDX-License-Identifier: MIT */
/* GET /v1/openapi.json against what is really answered: the daemon is asked for everything that the document
 * has, well and badly, and check_openapi.py holds each answer against it. */
#include "../unit/suite.h"
#include "event.h"
#include "stream.h"

#include "presenced/clock.h"
#include "presenced/json.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char config[] = "[callback]\nlisten = 127.0.0.1:0\ntls = off\n"
                             "[status]\nlisten = 127.0.0.1:0\ntoken_file = @DIR@/all\n"
                             "[control]\nlisten = unix:@DIR@/control.sock\n"
                             "[store]\npath = @DIR@/store\n"
                             "[app 1400000000]\nquery_token_file = @DIR@/one\n"
                             "[app 1400000001]\n";

#define ALL "Authorization: Bearer a11\n"
#define ONE "Authorization: Bearer 0ne\n"

struct question {
    const char *method;
    const char *target;
    const char *body;
    long status;
};

#define USERS "/v1/users/alice?app=1400000000"
#define HISTORY "/v1/users/alice/history?app=1400000000"
#define ONLINE_QUERY "/v4/openim/query_online_status?sdkappid=1400000000"
#define STATE_QUERY "/v4/openim/querystate?sdkappid=1400000000"
#define TO_ACCOUNT "{\"IsNeedDetail\":1,\"To_Account\":[\"alice\",\"bob\",\"nobody\"]}"
#define ASKED_USERS "{\"app\":1400000000,\"users\":[\"alice\",\"bob\",\"nobody\"]}"

/* Everything but the stream, as it is meant to be asked. */
static const struct question operations[] = {
    {"GET", USERS, NULL, 200},
    {"GET", "/v1/users?limit=2", NULL, 200},
    {"POST", "/v1/users/query", ASKED_USERS, 200},
    {"GET", "/v1/refused", NULL, 200},
    {"GET", "/v1/stats", NULL, 200},
    {"GET", "/v1/stats/online", NULL, 200},
    {"GET", "/v1/openapi.json", NULL, 200},
    {"GET", "/metrics", NULL, 200},
    {"GET", "/livez", NULL, 200},
    {"GET", "/readyz", NULL, 200},
    {"GET", "/", NULL, 200},
    {"POST", ONLINE_QUERY, TO_ACCOUNT, 200},
    {"POST", STATE_QUERY, TO_ACCOUNT, 200},
    {"GET", HISTORY, NULL, 200},
};

/* What is particular to one. */
static const struct question particulars[] = {
    {"GET", "/v1/users/nobody?app=1400000000", NULL, 404},
    {"GET", "/v1/users/alice?app=1", NULL, 404},
    {"GET", "/v1/users/alice?app=x", NULL, 400},
    {"GET", "/v1/users/nobody/history?app=1400000000", NULL, 200},
    {"GET", "/v1/users/alice/history?app=1", NULL, 404},
    {"GET", "/v1/users?state=unknown", NULL, 400},
    {"GET", "/v1/users?app=1400000001&state=offline&platform=Web&limit=1000", NULL, 200},
    {"GET", "/v1/users?app=1", NULL, 404},
    {"POST", "/v1/users/query", "{\"app\":1,\"users\":[]}", 404},
    {"POST", "/v1/users/query", "{\"users\":0}", 400},
    {"GET", "/v1/events?app=1", NULL, 404},
    {"GET", "/v1/events?snapshot=2", NULL, 400},
    {"GET", "/v1/refused?limit=0", NULL, 400},
    {"POST", ONLINE_QUERY, "{\"To_Account\":[\"alice\"],\"IsNeedDetail\":false}", 200},
    {"POST", ONLINE_QUERY, "{}", 200},
    {"POST", STATE_QUERY, "", 200},
    {"POST", "/v4/openim/querystate?sdkappid=1", TO_ACCOUNT, 200},
};

static struct sandbox *sandbox;
static struct instance *instance;
static struct client *callback;
static struct client *status;
static struct buf answers; /* a line of JSON each */

static void set_up(void)
{
    sandbox = sandbox_new();
    sandbox_write(sandbox, "all", "a11\n");
    sandbox_write(sandbox, "one", "0ne\n");
    instance = instance_start(sandbox, config);
    callback = client_new("http", instance_callback_port(instance));
    status = client_new("http", instance_status_port(instance));
}

static void tear_down(void)
{
    client_free(callback);
    client_free(status);
    instance_stop(instance);
    buf_fini(&answers);
    sandbox_free(sandbox);
}

static void note(const struct question *question, struct answer *answer)
{
    struct json_writer json = {.out = &answers};
    json_begin_object(&json, NULL);
    json_str(&json, "method", str_from(question->method));
    json_str(&json, "target", str_from(question->target));
    json_u64(&json, "status", (uint64_t)answer->status);
    json_str(&json, "head", str_from(buf_text(&answer->head)));
    json_str(&json, "body", buf_str(&answer->body));
    json_end_object(&json);
    buf_append(&answers, STR("\n"));
}

/* `headers`: lines that end in LF. */
static void ask(const struct question *question, const char *headers)
{
    char storage[256];
    const char *list[4] = {NULL};
    (void)snprintf(storage, sizeof(storage), "%s", headers);
    char *rest = storage;
    for (size_t i = 0; i + 1 < COUNT(list) && *rest != '\0'; i++) {
        list[i] = strsep(&rest, "\n");
    }
    cleanup(answer_fini) struct answer answer;
    client_send(status, &(struct client_request){question->method, question->target, list, question->body},
                &answer);
    ck_assert_msg(answer.status == question->status, "%s %s: %ld: %s", question->method, question->target,
                  answer.status, buf_text(&answer.body));
    note(question, &answer);
}

static void expect_event(const char *user, const char *action, const char *reason, const char *platform,
                         const char *app)
{
    char target[160];
    (void)snprintf(target, sizeof(target),
                   "/?SdkAppid=%s&CallbackCommand=State.StateChange&OptPlatform=%s&ClientIP=192.0.2.4", app,
                   platform);
    cleanup(cleanup_freep) char *body = event_body(user, action, reason, 0);
    cleanup(answer_fini) struct answer answer;
    client_post(callback, target, body, &answer);
    ck_assert_msg(event_is_ok(&answer), "%s", buf_text(&answer.body));
}

/* Users in every state, and requests that are refused. */
static void make_things_happen(void)
{
    cleanup(answer_fini) struct answer refused;
    expect_event("alice", "Login", "Register", "Web", "1400000000");
    expect_event("alice", "Login", "Register", "iOS", "1400000000");
    expect_event("bob", "Login", "Register", "Android", "1400000000");
    expect_event("bob", "Disconnect", "LinkClose", "Android", "1400000000");
    expect_event("carol", "Login", "Register", "Web", "1400000001");
    expect_event("carol", "Logout", "Unregister", "Web", "1400000001");
    client_post(callback, "/?SdkAppid=7&CallbackCommand=State.StateChange", "{}", &refused);
    ck_assert_int_eq(refused.status, 403);
    client_await(callback, "/readyz", "OK");
}

/* The history is written behind the answer. */
static void await_history(void)
{
    static const char *const headers[] = {"Authorization: Bearer a11", NULL};
    uint64_t deadline_ms = clock_monotonic_ms() + HARNESS_DEADLINE_MS;
    for (;;) {
        cleanup(answer_fini) struct answer answer;
        client_send(status, &(struct client_request){.target = HISTORY, .headers = headers}, &answer);
        if (strstr(buf_text(&answer.body), "applied") != NULL) {
            return;
        }
        ck_assert_msg(clock_monotonic_ms() < deadline_ms, "%s", buf_text(&answer.body));
    }
}

static bool is_open(const struct question *question)
{
    return strcmp(question->target, "/livez") == 0 || strcmp(question->target, "/readyz") == 0;
}

static void ask_badly(const struct question *operation)
{
    struct question question = *operation;
    question.status = 400;
    ask(&question, ALL "Host:\n");
    if (is_open(operation)) {
        return;
    }
    question.status = 403;
    ask(&question, ALL "Host: a.example\n");
    if (strcmp(operation->target, "/") != 0) {
        question.status = 401;
        ask(&question, "");
    }
    if (operation->body != NULL) {
        question.status = 411;
        ask(&question, ALL "Content-Length:\n");
    }
}

static void ask_with_too_much(const char *target)
{
    cleanup(buf_fini) struct buf body = {0};
    const char *end = buf_reserve(&body, 2 << 20);
    ck_assert_ptr_nonnull(end);
    memset(body.ptr, ' ', (2 << 20) - 1);
    body.ptr[(2 << 20) - 1] = '\0';
    ask(&(struct question){"POST", target, body.ptr, 413}, ALL "Expect: 100-continue\n");
}

static void note_message(const struct message *message)
{
    struct json_writer json = {.out = &answers};
    json_begin_object(&json, NULL);
    json_str(&json, "event", str_from(message->event));
    json_str(&json, "data", str_from(message->data));
    json_str(&json, "id", str_from(message->id));
    json_end_object(&json);
    buf_append(&answers, STR("\n"));
}

/* Until that event has come. */
static void read_stream(const char *more, const char *last_event_id, const char *until)
{
    char target[96];
    struct message message = {"", "", ""};
    (void)snprintf(target, sizeof(target), "/v1/events?%s", more);
    struct wire *wire = wire_open(instance_status_port(instance));
    cleanup(stream_freep) struct stream *stream = stream_open_with(wire, target, last_event_id, "a11");
    while (strcmp(message.event, until) != 0) {
        ck_assert(stream_next(stream, &message));
        note_message(&message);
    }
}

/* What is answered to who asks for the stream is a stream: its events are looked at. */
static void ask_for_streams(void)
{
    static const struct question streams = {"GET", "/v1/events", NULL, 200};
    ask_badly(&streams);
    read_stream("snapshot=1", NULL, "live");
    read_stream("", "7.1", "reset");
    read_stream("", NULL, "heartbeat");
}

START_TEST(every_answer_is_as_the_document_says)
{
    cleanup(client_freep) struct client *control = client_new("http", 0);
    cleanup(cleanup_freep) char *answers_path = sandbox_expand(sandbox, "@DIR@/answers");
    cleanup(answer_fini) struct answer drained;
    cleanup(buf_fini) struct buf output = {0};
    make_things_happen();
    await_history();
    for (size_t i = 0; i < COUNT(operations); i++) {
        ask(&operations[i], ALL);
        ask_badly(&operations[i]);
    }
    for (size_t i = 0; i < COUNT(particulars); i++) {
        ask(&particulars[i], ALL);
    }
    ask(&(struct question){"GET", "/v1/stats", NULL, 200}, ONE);
    ask(&(struct question){"GET", "/v1/stats/online", NULL, 200}, ONE);
    ask(&(struct question){"GET", "/metrics", NULL, 403}, ONE);
    ask(&(struct question){"GET", "/", NULL, 304}, "If-None-Match: *\n");
    ask_with_too_much("/v1/users/query");
    ask_with_too_much(ONLINE_QUERY);
    ask_with_too_much(STATE_QUERY);
    ask_for_streams();
    client_unix(control, sandbox, "control.sock");
    client_post(control, "/v1/control/drain", "", &drained);
    ask(&(struct question){"GET", "/readyz", NULL, 503}, "");

    sandbox_write(sandbox, "answers", buf_text(&answers));
    const char *const arguments[] = {getenv("PRESENCED_CHECK_OPENAPI"), getenv("PRESENCED_SOURCE"),
                                     answers_path, NULL};
    ck_assert_msg(sandbox_run(sandbox, "/usr/bin/python3", arguments, &output) == 0, "%s", buf_text(&output));
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("openapi");
    TCase *tcase = tcase_create("openapi");
    tcase_set_timeout(tcase, HARNESS_DEADLINE_MS / 1000);
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, every_answer_is_as_the_document_says);
    suite_add_tcase(suite, tcase);
    return suite;
}

/* SPDX-License-Identifier: MIT */
#include "../unit/suite.h"
#include "event.h"
#include "wire.h"

#include "presenced/clock.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>

/* SIGTERM: load balancers are told, what has begun is answered, and nothing is left behind. */

#define CALLBACK "[callback]\nlisten = 127.0.0.1:0\n"
#define PLAIN "tls = off\n"
#define TLS "certificate = @DIR@/server.pem\nprivate_key = @DIR@/server.key\n"
#define REST "[status]\nlisten = 127.0.0.1:0\n[app 1400000000]\n"
#define FOR_LONG "drain_delay = 1h\n"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

static struct sandbox *sandbox;
static struct instance *instance;

static void set_up(void)
{
    sandbox = sandbox_new();
}

static void tear_down(void)
{
    sandbox_free(sandbox);
}

static void start(const char *config)
{
    instance = instance_start(sandbox, config);
}

static void terminate(void)
{
    ck_assert_int_eq(kill(instance_pid(instance), SIGTERM), 0);
}

/* SIGTERM, and wait until it is seen. */
static void begin_drain(void)
{
    terminate();
    instance_await_log(instance, "msg=\"draining\"");
}

/* Waits until the daemon has gone, leaving its status to be fetched. */
static void await_exit(void)
{
    siginfo_t info;
    ck_assert_int_eq(waitid(P_PID, (id_t)instance_pid(instance), &info, WEXITED | WNOWAIT), 0);
}

/* It has ended, or will by itself, in order: with 0 and no sanitizer's report. */
static void expect_exit_in_order(void)
{
    await_exit();
    instance_stop(instance);
}

static struct client *client_of_callback(const char *scheme)
{
    struct client *client = client_new(scheme, instance_callback_port(instance));
    client_trust(client, sandbox);
    return client;
}

/* With a drain_delay. */

static long ask(struct client *client, const char *target)
{
    cleanup(answer_fini) struct answer answer;
    client_get(client, target, &answer);
    return answer.status;
}

/* Sends a Login, which is OK. Returns whether the connection is closed after it. */
static bool login(struct client *client, const char *user)
{
    cleanup(cleanup_freep) char *target = event_target(EVENT_APP, "Web", "");
    cleanup(cleanup_freep) char *body = event_body(user, "Login", "Register", 0);
    cleanup(answer_fini) struct answer answer;
    client_post(client, target, body, &answer);
    expect_callback(&answer, 200, "OK", 0);
    return answer_has_header(&answer, "Connection: close");
}

/* Answers say that the connection is closed from a moment on. */
static void await_closing_answers(struct client *client)
{
    uint64_t deadline_ms = clock_monotonic_ms() + HARNESS_DEADLINE_MS;
    while (!login(client, "alice")) {
        ck_assert_uint_lt(clock_monotonic_ms(), deadline_ms);
    }
}

static const char *const schemes[] = {"http", "https"};
static const char *const delayed[] = {CALLBACK PLAIN FOR_LONG REST, CALLBACK TLS FOR_LONG REST};

START_TEST(serves_on_for_the_delay)
{
    start(delayed[_i]);
    cleanup(client_freep) struct client *callback = client_of_callback(schemes[_i]);
    cleanup(client_freep) struct client *status = client_new("http", instance_status_port(instance));
    ck_assert_int_eq(ask(callback, "/readyz"), 200);
    ck_assert_int_eq(ask(status, "/readyz"), 200);
    ck_assert(!login(callback, "alice"));
    begin_drain();
    ck_assert_int_eq(ask(callback, "/readyz"), 503);
    ck_assert_int_eq(ask(status, "/readyz"), 503);
    await_closing_answers(callback);
    for (int i = 0; i < 20; i++) {
        cleanup(client_freep) struct client *new_one = client_of_callback(schemes[_i]);
        ck_assert(login(new_one, "bob"));
        ck_assert_int_eq(ask(new_one, "/readyz"), 503);
        ck_assert_int_eq(ask(new_one, "/livez"), 200);
        ck_assert_int_eq(ask(status, "/readyz"), 503);
    }
    expect_state(status, "bob", "online");
    terminate();
    expect_exit_in_order();
}
END_TEST

START_TEST(ends_after_the_delay)
{
    start(CALLBACK PLAIN "drain_delay = 500ms\n" REST);
    cleanup(client_freep) struct client *callback = client_of_callback("http");
    uint64_t begin_ms = clock_monotonic_ms();
    ck_assert(!login(callback, "alice"));
    begin_drain();
    await_exit();
    ck_assert_uint_ge(clock_monotonic_ms() - begin_ms, 500);
    expect_exit_in_order();
}
END_TEST

START_TEST(ends_at_once_at_the_second_signal)
{
    start(delayed[_i]);
    cleanup(client_freep) struct client *kept = client_of_callback(schemes[_i]);
    ck_assert(!login(kept, "alice"));
    begin_drain();
    terminate();
    expect_exit_in_order();
}
END_TEST

/* SIGHUP is no reason to wait less, or to go on. */
START_TEST(reloads_during_the_delay)
{
    start(delayed[_i]);
    cleanup(client_freep) struct client *callback = client_of_callback(schemes[_i]);
    begin_drain();
    ck_assert_int_eq(kill(instance_pid(instance), SIGHUP), 0);
    instance_await_log(instance, "msg=\"configuration reloaded\"");
    ck_assert_int_eq(ask(callback, "/readyz"), 503);
    await_closing_answers(callback);
    terminate();
    expect_exit_in_order();
}
END_TEST

/* Requests in flight. The daemon says 100 Continue when it has read a head, so both sides know that the
 * request has begun. */

#define N_IN_FLIGHT 16

static const struct held_case {
    const char *what;
    const char *config;
    bool is_tls;
    bool is_status;
    const char *head;
    const char *body;
    const char *answer; /* what its end holds */
} held_cases[] = {
    {"an event", CALLBACK PLAIN REST, false, false,
     "POST /?SdkAppid=1400000000&CallbackCommand=State.StateChange HTTP/1.1\r\nHost: localhost\r\n"
     "Expect: 100-continue\r\nContent-Length: 86\r\n\r\n",
     "{\"CallbackCommand\":\"State.StateChange\",\"Info\":{\"Action\":\"Login\",\"To_Account\":\"alice\"}}",
     "{\"ActionStatus\":\"OK\",\"ErrorCode\":0,\"ErrorInfo\":\"\"}"},
    {"an event over TLS", CALLBACK TLS REST, true, false,
     "POST /?SdkAppid=1400000000&CallbackCommand=State.StateChange HTTP/1.1\r\nHost: localhost\r\n"
     "Expect: 100-continue\r\nContent-Length: 86\r\n\r\n",
     "{\"CallbackCommand\":\"State.StateChange\",\"Info\":{\"Action\":\"Login\",\"To_Account\":\"alice\"}}",
     "{\"ActionStatus\":\"OK\",\"ErrorCode\":0,\"ErrorInfo\":\"\"}"},
    {"an event in chunks", CALLBACK PLAIN REST, false, false,
     "POST /?SdkAppid=1400000000&CallbackCommand=State.StateChange HTTP/1.1\r\nHost: localhost\r\n"
     "Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n",
     "56\r\n{\"CallbackCommand\":\"State.StateChange\",\"Info\":{\"Action\":\"Login\",\"To_Account\":\"alice\"}}"
     "\r\n0\r\n\r\n",
     "{\"ActionStatus\":\"OK\",\"ErrorCode\":0,\"ErrorInfo\":\"\"}"},
    {"a query", CALLBACK PLAIN REST, false, true,
     "POST /v1/users/query HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 19\r\n\r\n",
     "{\"users\":[\"alice\"]}", "\"state\":\"unknown\""},
};

static struct wire *begin_request(const struct held_case *c)
{
    struct wire *wire = wire_open(c->is_status ? instance_status_port(instance)
                                               : instance_callback_port(instance));
    cleanup(buf_fini) struct buf answer = {0};
    ck_assert(!c->is_tls || wire_start_tls(wire, sandbox, &(struct wire_tls){0}));
    ck_assert(wire_send_text(wire, c->head));
    wire_await(wire, "100 Continue\r\n\r\n", &answer);
    ck_assert(wire_send(wire, (struct str){c->body, 10}));
    return wire;
}

/* Takes the answer. Returns whether it says that the connection is closed. */
static bool end_request(const struct held_case *c, struct wire *wire)
{
    cleanup(buf_fini) struct buf answer = {0};
    ck_assert(wire_send_text(wire, c->body + 10));
    wire_await(wire, c->answer, &answer);
    const char *text = buf_text(&answer);
    ck_assert_msg(strncmp(text, "HTTP/1.1 200 ", 13) == 0, "%s: %s", c->what, text);
    return strcasestr(text, "\r\nConnection: close\r\n") != NULL;
}

START_TEST(answers_what_has_begun)
{
    const struct held_case *c = &held_cases[_i];
    struct wire *wires[N_IN_FLIGHT];
    bool says_so = false;
    start(c->config);
    for (size_t i = 0; i < N_IN_FLIGHT; i++) {
        wires[i] = begin_request(c);
    }
    begin_drain();
    for (size_t i = 0; i < N_IN_FLIGHT; i++) {
        says_so = end_request(c, wires[i]);
    }
    ck_assert_msg(says_so, "%s: no Connection: close in the last answer", c->what);
    expect_exit_in_order();
    for (size_t i = 0; i < N_IN_FLIGHT; i++) {
        wire_free(wires[i]);
    }
}
END_TEST

static const char *const patient[] = {CALLBACK PLAIN "request_timeout = 400ms\n" REST,
                                      CALLBACK TLS "request_timeout = 400ms\n" REST};

/* Idle connections hold nothing up, nor does a request that never ends: request_timeout does. */
START_TEST(waits_no_longer_than_request_timeout)
{
    start(patient[_i]);
    cleanup(client_freep) struct client *idle = client_of_callback(schemes[_i]);
    ck_assert(!login(idle, "alice"));
    cleanup(wire_freep) struct wire *wire = begin_request(&held_cases[_i]);
    terminate();
    expect_exit_in_order();
}
END_TEST

/* By the signal's default or in order: the request in flight would hold it for an hour. */
START_TEST(does_not_wait_for_requests_at_the_second_signal)
{
    int wait_status;
    start(CALLBACK PLAIN "request_timeout = 1h\n" REST);
    cleanup(wire_freep) struct wire *wire = begin_request(&held_cases[0]);
    begin_drain();
    terminate();
    ck_assert_int_eq(waitpid(instance_pid(instance), &wait_status, 0), instance_pid(instance));
    ck_assert_msg((WIFSIGNALED(wait_status) && WTERMSIG(wait_status) == SIGTERM) ||
                      (WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 0),
                  "wait status %#x", (unsigned)wait_status);
}
END_TEST

/* Who has connected and said nothing. */

static const char *const endless[] = {CALLBACK PLAIN "request_timeout = 1h\n" REST,
                                      CALLBACK TLS "request_timeout = 1h\n" REST};

static void connect_all(struct wire **wires)
{
    for (size_t i = 0; i < N_IN_FLIGHT; i++) {
        wires[i] = wire_open(instance_callback_port(instance));
    }
}

START_TEST(does_not_wait_for_who_stays_silent)
{
    struct wire *wires[N_IN_FLIGHT];
    start(endless[_i]);
    connect_all(wires);
    terminate();
    expect_exit_in_order();
    for (size_t i = 0; i < N_IN_FLIGHT; i++) {
        wire_free(wires[i]);
    }
}
END_TEST

#define SOON_MS 500 /* half of what a drain waits for the first request of who has just connected */

/* Whether all were answered; or that this took too long to say. */
static bool is_answered_while_draining(bool is_tls)
{
    struct wire *wires[N_IN_FLIGHT];
    bool all = true;
    uint64_t begun_ms = clock_monotonic_ms();
    connect_all(wires);
    begin_drain();
    for (size_t i = 0; i < N_IN_FLIGHT; i++) {
        all = (!is_tls || wire_start_tls(wires[i], sandbox, &(struct wire_tls){0})) && all;
        all = wire_send_text(wires[i], "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n") && all;
    }
    bool is_late = clock_monotonic_ms() - begun_ms > SOON_MS;
    for (size_t i = 0; i < N_IN_FLIGHT; i++) {
        cleanup(buf_fini) struct buf answer = {0};
        (void)wire_read_to_end(wires[i], HARNESS_DEADLINE_MS, &answer);
        all = str_starts_with(buf_str(&answer), STR("HTTP/1.1 200 ")) && all;
        wire_free(wires[i]);
    }
    return all || is_late;
}

START_TEST(answers_who_has_just_connected)
{
    start(endless[_i]);
    ck_assert(is_answered_while_draining(_i == 1));
    expect_exit_in_order();
}
END_TEST

/* Under load. Each request asks for 100 Continue, so that what has begun can be told from what came too late.
 */

#define N_CONNECTIONS 16
#define N_BEFORE 20 /* answers of each before the signal */
#define N_AFTER 20  /* of each that say Connection: close, before it goes elsewhere */

enum load_end {
    GOES_ELSEWHERE, /* while the delay lasts, as a load balancer does */
    STAYS,          /* to the bitter end */
};

struct sender {
    pthread_t thread;
    struct client *client;
    enum load_end end;
    unsigned n_ok;
    unsigned n_closed; /* of those, with Connection: close */
    unsigned n_too_late;
    unsigned n_unanswered;
    struct buf wrong_answer;
};

static _Atomic unsigned n_warm; /* senders that had N_BEFORE answers */

static void note_failure(struct sender *sender, CURLcode code, struct answer *answer)
{
    if (answer->head.len == 0) {
        sender->n_too_late++;
        return;
    }
    sender->n_unanswered++;
    buf_clear(&sender->wrong_answer);
    buf_appendf(&sender->wrong_answer, "%s: %s%s", curl_easy_strerror(code), buf_text(&answer->head),
                buf_text(&answer->body));
}

static void send_one(struct sender *sender)
{
    static const char *const headers[] = {"Expect: 100-continue", NULL};
    cleanup(cleanup_freep) char *target = event_target(EVENT_APP, "Web", "");
    cleanup(cleanup_freep) char *body = event_body("alice", "Login", "Register", 0);
    const struct client_request post = {.method = "POST", .target = target, .headers = headers, .body = body};
    cleanup(answer_fini) struct answer answer;
    CURLcode code = client_try(sender->client, &post, &answer);
    if (code != CURLE_OK || answer.status != 200 ||
        strstr(buf_text(&answer.body), "\"ActionStatus\":\"OK\"") == NULL) {
        note_failure(sender, code, &answer);
        return;
    }
    sender->n_ok++;
    sender->n_closed += answer_has_header(&answer, "Connection: close");
}

static bool goes_on(const struct sender *sender)
{
    bool has_left = sender->end == GOES_ELSEWHERE && sender->n_closed >= N_AFTER;
    return !has_left && sender->n_too_late == 0 && sender->n_unanswered == 0;
}

static void *run_sender(void *cls)
{
    struct sender *sender = cls;
    while (goes_on(sender)) {
        send_one(sender);
        if (sender->n_ok == N_BEFORE) {
            (void)atomic_fetch_add(&n_warm, 1);
        }
    }
    return NULL;
}

static void start_senders(struct sender *senders, const char *scheme, enum load_end end)
{
    uint64_t deadline_ms = clock_monotonic_ms() + HARNESS_DEADLINE_MS;
    atomic_store(&n_warm, 0);
    for (size_t i = 0; i < N_CONNECTIONS; i++) {
        senders[i] = (struct sender){.client = client_of_callback(scheme), .end = end};
        ck_assert_int_eq(pthread_create(&senders[i].thread, NULL, run_sender, &senders[i]), 0);
    }
    while (atomic_load(&n_warm) < N_CONNECTIONS) {
        ck_assert_uint_lt(clock_monotonic_ms(), deadline_ms);
        (void)poll(NULL, 0, 1);
    }
}

static void join_senders(struct sender *senders)
{
    for (size_t i = 0; i < N_CONNECTIONS; i++) {
        ck_assert_int_eq(pthread_join(senders[i].thread, NULL), 0);
        ck_assert_msg(senders[i].n_unanswered == 0, "begun, but not answered: %s",
                      buf_text(&senders[i].wrong_answer));
        client_free(senders[i].client);
        buf_fini(&senders[i].wrong_answer);
    }
}

START_TEST(fails_no_request_during_the_delay)
{
    struct sender senders[N_CONNECTIONS];
    start(delayed[_i]);
    start_senders(senders, schemes[_i], GOES_ELSEWHERE);
    begin_drain();
    join_senders(senders);
    for (size_t i = 0; i < N_CONNECTIONS; i++) {
        ck_assert_uint_eq(senders[i].n_too_late, 0);
        ck_assert_uint_eq(senders[i].n_closed, N_AFTER);
    }
    terminate();
    expect_exit_in_order();
}
END_TEST

static const struct {
    const char *scheme;
    const char *config;
} loads[] = {
    {"http", CALLBACK PLAIN REST},
    {"https", CALLBACK TLS REST},
    {"http", CALLBACK PLAIN "drain_delay = 300ms\n" REST},
    {"https", CALLBACK TLS "drain_delay = 300ms\n" REST},
};

START_TEST(answers_what_has_begun_under_load)
{
    struct sender senders[N_CONNECTIONS];
    start(loads[_i].config);
    start_senders(senders, loads[_i].scheme, STAYS);
    terminate();
    join_senders(senders);
    expect_exit_in_order();
}
END_TEST

/* Unix sockets. */

static bool exists(const char *name)
{
    char path[512];
    (void)snprintf(path, sizeof(path), "%s/%s", sandbox_path(sandbox), name);
    return access(path, F_OK) == 0;
}

#define UNIX_SOCKETS(more)                                                                           \
    "[callback]\ntls = off\nlisten = unix:@DIR@/callback.sock\nlisten = unix:@DIR@/more.sock\n" more \
    "[status]\nlisten = unix:@DIR@/status.sock\n[app 1400000000]\n"

static const struct {
    const char *config;
    unsigned n_signals;
} socket_cases[] = {
    {UNIX_SOCKETS(""), 1},
    {UNIX_SOCKETS("drain_delay = 100ms\n"), 1},
    {UNIX_SOCKETS(FOR_LONG), 2},
};

START_TEST(removes_its_unix_sockets)
{
    static const char *const names[] = {"callback.sock", "more.sock", "status.sock"};
    start(socket_cases[_i].config);
    for (size_t i = 0; i < 3; i++) {
        cleanup(client_freep) struct client *client = client_new("http", 1);
        client_unix(client, sandbox, names[i]);
        ck_assert_int_eq(ask(client, "/readyz"), 200);
    }
    begin_drain();
    if (socket_cases[_i].n_signals == 2) {
        cleanup(client_freep) struct client *client = client_new("http", 1);
        client_unix(client, sandbox, names[0]);
        ck_assert_int_eq(ask(client, "/readyz"), 503);
        terminate();
    }
    expect_exit_in_order();
    for (size_t i = 0; i < 3; i++) {
        ck_assert_msg(!exists(names[i]), "%s", names[i]);
    }
}
END_TEST

/* The signal's default ends the process: by then the files have gone. */
START_TEST(removes_its_unix_sockets_before_the_second_signal)
{
    int wait_status;
    start("[callback]\ntls = off\nlisten = 127.0.0.1:0\nlisten = unix:@DIR@/callback.sock\n"
          "request_timeout = 1h\n[status]\nlisten = unix:@DIR@/status.sock\n[app 1400000000]\n");
    ck_assert(exists("callback.sock") && exists("status.sock"));
    cleanup(wire_freep) struct wire *wire = begin_request(&held_cases[0]);
    begin_drain();
    terminate();
    ck_assert_int_eq(waitpid(instance_pid(instance), &wait_status, 0), instance_pid(instance));
    ck_assert(!exists("callback.sock") && !exists("status.sock"));
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("drain");
    TCase *tcase = tcase_create("drain");
    tcase_set_timeout(tcase, 2 * HARNESS_DEADLINE_MS / 1000);
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_loop_test(tcase, serves_on_for_the_delay, 0, COUNT(schemes));
    tcase_add_test(tcase, ends_after_the_delay);
    tcase_add_loop_test(tcase, ends_at_once_at_the_second_signal, 0, COUNT(schemes));
    tcase_add_loop_test(tcase, reloads_during_the_delay, 0, COUNT(schemes));
    tcase_add_loop_test(tcase, answers_what_has_begun, 0, COUNT(held_cases));
    tcase_add_loop_test(tcase, waits_no_longer_than_request_timeout, 0, COUNT(patient));
    tcase_add_test(tcase, does_not_wait_for_requests_at_the_second_signal);
    tcase_add_loop_test(tcase, does_not_wait_for_who_stays_silent, 0, COUNT(endless));
    tcase_add_loop_test(tcase, answers_who_has_just_connected, 0, COUNT(endless));
    tcase_add_loop_test(tcase, fails_no_request_during_the_delay, 0, COUNT(schemes));
    tcase_add_loop_test(tcase, answers_what_has_begun_under_load, 0, COUNT(loads));
    tcase_add_loop_test(tcase, removes_its_unix_sockets, 0, COUNT(socket_cases));
    tcase_add_test(tcase, removes_its_unix_sockets_before_the_second_signal);
    suite_add_tcase(suite, tcase);
    return suite;
}

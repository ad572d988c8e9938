/* SPDX-License-Identifier: MIT */
#include "../unit/suite.h"
#include "event.h"

#include "presenced/clock.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>

/* What an operator finds in the log of events and users. */

#define CONFIG_NAME "presenced-0.conf" /* as the harness calls the first */

#define REST \
    "[callback]\nlisten = 127.0.0.1:0\ntls = off\n[status]\nlisten = 127.0.0.1:0\n[app 1400000000]\n[log]\n"

static struct sandbox *sandbox;
static struct instance *instance;
static struct client *callback;

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
    callback = client_new("http", instance_callback_port(instance));
}

static void stop(void)
{
    client_free(callback);
    instance_stop(instance);
}

static void send_event(const char *user, const char *action, uint64_t event_time_ms)
{
    cleanup(cleanup_freep) char *target = event_target(EVENT_APP, "iOS", "");
    cleanup(cleanup_freep) char *body = event_body(user, action, "Register", event_time_ms);
    cleanup(answer_fini) struct answer answer;
    client_post(callback, target, body, &answer);
    expect_callback(&answer, 200, "OK", 0);
}

/* Each event has a line that says what came of it. */
START_TEST(tells_of_events)
{
    start(REST "level = debug\n");
    send_event("alice", "Login", 1629883332497);
    send_event("alice", "Login", 1629883332497);
    send_event("alice\\nbob", "Logout", 0);
    instance_await_log(instance,
                       "level=debug msg=\"event\" app=1400000000 user=alice platform=iOS action=Login "
                       "reason=Register event_time=1629883332497 outcome=applied\n");
    instance_await_log(instance, "user=alice platform=iOS action=Login reason=Register "
                                 "event_time=1629883332497 outcome=unchanged\n");
    instance_await_log(instance,
                       "user=\"alice\\nbob\" platform=iOS action=Logout reason=Register event_time=0 "
                       "outcome=applied\n");
    stop();
}
END_TEST

START_TEST(tells_of_no_user_above_debug)
{
    start(REST "level = info\n");
    send_event("alice", "Login", 0);
    cleanup(buf_fini) struct buf log = instance_log(instance);
    ck_assert_msg(strstr(buf_text(&log), "alice") == NULL, "%s", buf_text(&log));
    stop();
}
END_TEST

/* What stands behind the nth "user=". */
static void read_user(unsigned nth, char ret_user[static 17])
{
    uint64_t deadline_ms = clock_monotonic_ms() + HARNESS_DEADLINE_MS;
    for (;;) {
        cleanup(buf_fini) struct buf log = instance_log(instance);
        const char *at = strstr(buf_text(&log), " user=");
        for (unsigned i = 1; i < nth && at != NULL; i++) {
            at = strstr(at + 1, " user=");
        }
        if (at != NULL && strlen(at) > 6 + 16) {
            (void)snprintf(ret_user, 17, "%s", at + 6);
            return;
        }
        ck_assert_msg(clock_monotonic_ms() < deadline_ms, "%s", buf_text(&log));
        (void)poll(NULL, 0, 1);
    }
}

START_TEST(hashes_users)
{
    char alice[2][17];
    char bob[17];
    start(REST "level = debug\nhash_users = on\n");
    send_event("alice", "Login", 0);
    send_event("bob", "Login", 0);
    send_event("alice", "Logout", 0);
    read_user(1, alice[0]);
    read_user(2, bob);
    read_user(3, alice[1]);
    ck_assert_uint_eq(strspn(bob, "0123456789abcdef"), 16);
    ck_assert_str_eq(alice[0], alice[1]);
    ck_assert_str_ne(alice[0], bob);
    {
        cleanup(buf_fini) struct buf log = instance_log(instance);
        ck_assert(strstr(buf_text(&log), "alice") == NULL && strstr(buf_text(&log), "bob") == NULL);
    }
    sandbox_write(sandbox, CONFIG_NAME, REST "level = debug\n");
    ck_assert_int_eq(kill(instance_pid(instance), SIGHUP), 0);
    instance_await_log(instance, "msg=\"configuration reloaded\"");
    send_event("carol", "Login", 0);
    instance_await_log(instance, "user=carol ");
    stop();
}
END_TEST

/* A full pipe: stderr is a FIFO that nobody reads. */

#define UNREAD                                                                                              \
    "[callback]\nlisten = unix:@DIR@/callback.sock\ntls = off\n[status]\nlisten = unix:@DIR@/status.sock\n" \
    "[app 1400000000]\n[log]\nlevel = debug\n"

#define ENOUGH_EVENTS 600 /* their lines are more than pipe and log hold */

static int open_full_pipe(void)
{
    static const char filler[4096];
    cleanup(cleanup_freep) char *path = sandbox_expand(sandbox, "@DIR@/fifo");
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    int fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    while (write(fd, filler, sizeof(filler)) > 0) {}
    return fd;
}

static struct client *client_of(const char *socket_name)
{
    struct client *client = client_new("http", 1);
    client_unix(client, sandbox, socket_name);
    return client;
}

static void await_ready(struct client *status)
{
    const struct client_request readyz = {.target = "/readyz"};
    uint64_t deadline_ms = clock_monotonic_ms() + HARNESS_DEADLINE_MS;
    for (bool ready = false; !ready;) {
        cleanup(answer_fini) struct answer answer;
        ready = client_try(status, &readyz, &answer) == CURLE_OK && answer.status == 200;
        ck_assert_uint_lt(clock_monotonic_ms(), deadline_ms);
        (void)poll(NULL, 0, 1);
    }
}

/* A user whose line has more than a thousand bytes. */
static void send_long_events(void)
{
    char user[256];
    for (size_t i = 0; i + 3 <= sizeof(user) - 1; i += 3) {
        memcpy(user + i, "\xe2\x80\xa8", 4);
    }
    for (unsigned i = 0; i < ENOUGH_EVENTS; i++) {
        send_event(user, "Login", 0);
    }
}

static unsigned long long number_behind(const char *text, const char *mark)
{
    const char *found = strstr(text, mark);
    ck_assert_msg(found != NULL, "no %s in %s", mark, text);
    return strtoull(found + strlen(mark), NULL, 10);
}

/* Reads until the daemon has said how many lines were dropped. */
static unsigned long long read_until_told(int fd)
{
    static const char mark[] = "level=warning msg=\"log lines dropped\" n=";
    cleanup(buf_fini) struct buf log = {0};
    uint64_t deadline_ms = clock_monotonic_ms() + HARNESS_DEADLINE_MS;
    while (strstr(buf_text(&log), mark) == NULL || log.ptr[log.len - 1] != '\n') {
        struct pollfd pollfd = {.fd = fd, .events = POLLIN};
        char *end = buf_reserve(&log, 65536);
        ck_assert_uint_lt(clock_monotonic_ms(), deadline_ms);
        ssize_t n = poll(&pollfd, 1, 10) > 0 ? read(fd, end, 65535) : 0;
        for (ssize_t i = 0; i < n; i++) {
            buf_append(&log, (struct str){&end[i], end[i] != '\0'}); /* without the filler */
        }
    }
    return number_behind(log.ptr, mark);
}

START_TEST(does_not_wait_for_a_full_pipe)
{
    const char *const arguments[] = {"-c", "exec \"$0\" --config @DIR@/presenced.conf 2>@DIR@/fifo",
                                     harness_daemon(), NULL};
    sandbox_write(sandbox, "presenced.conf", UNREAD);
    cleanup(cleanup_closep) int fd = open_full_pipe();
    pid_t pid = sandbox_spawn(sandbox, "sh", arguments, "output");
    cleanup(client_freep) struct client *status = client_of("status.sock");
    await_ready(status);
    callback = client_of("callback.sock");
    send_long_events();
    client_free(callback);
    cleanup(answer_fini) struct answer answer;
    client_get(status, "/v1/stats", &answer);
    unsigned long long n_dropped = number_behind(buf_text(&answer.body), "\"log\":{\"lines_dropped\":");
    ck_assert_uint_gt(n_dropped, 0);
    ck_assert_uint_lt(n_dropped, ENOUGH_EVENTS);
    ck_assert_uint_ge(read_until_told(fd), n_dropped); /* libmicrohttpd may say something, too */
    process_stop(pid);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("log");
    TCase *tcase = tcase_create("events");
    tcase_set_timeout(tcase, 2 * HARNESS_DEADLINE_MS / 1000);
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, tells_of_events);
    tcase_add_test(tcase, tells_of_no_user_above_debug);
    tcase_add_test(tcase, hashes_users);
    tcase_add_test(tcase, does_not_wait_for_a_full_pipe);
    suite_add_tcase(suite, tcase);
    return suite;
}

/* SPDX-License-Identifier: MIT */
#include "../unit/suite.h"
#include "client.h"
#include "victim.h"
#include "wire.h"

#include "presenced/clock.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* A start under adverse conditions: signals that come while it lasts, too few file descriptors. */

/* A token that all can read is warned of on stderr before anything is started. */
#define CONFIG \
    "[callback]\nlisten = 127.0.0.1:0\ntls = off\n[status]\nlisten = 127.0.0.1:0\n[app 1400000000]\ntoken = x\n"

static struct sandbox *sandbox;
static int log_fd;
static struct buf log_text;

/* The daemon's stderr: a FIFO that is full, so that its start is held up at the first line it writes. */
static void set_up(void)
{
    static const char filler[4096];
    sandbox = sandbox_new();
    sandbox_write(sandbox, "presenced.conf", CONFIG);
    cleanup(cleanup_freep) char *config = sandbox_expand(sandbox, "@DIR@/presenced.conf");
    cleanup(cleanup_freep) char *fifo = sandbox_expand(sandbox, "@DIR@/fifo");
    ck_assert_int_eq(chmod(config, 0644), 0);
    ck_assert_int_eq(mkfifo(fifo, 0600), 0);
    log_fd = open(fifo, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    ck_assert_int_ge(log_fd, 0);
    while (write(log_fd, filler, sizeof(filler)) > 0) {}
}

static void tear_down(void)
{
    (void)close(log_fd);
    buf_fini(&log_text);
    sandbox_free(sandbox);
}

static pid_t spawn(void)
{
    const char *const arguments[] = {"-c", "exec \"$0\" --config @DIR@/presenced.conf 2>@DIR@/fifo",
                                     harness_daemon(), NULL};
    return sandbox_spawn(sandbox, "sh", arguments, "output");
}

/* The line of a file of /proc/PID that begins so, without its beginning. */
static void read_proc(pid_t pid, const char *file_name, const char *beginning, char ret_rest[static 256])
{
    char path[64];
    (void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file_name);
    FILE *file = fopen(path, "re");
    ck_assert_ptr_nonnull(file);
    do {
        ck_assert_ptr_nonnull(fgets(ret_rest, 256, file));
    } while (strncmp(ret_rest, beginning, strlen(beginning)) != 0);
    (void)fclose(file);
    memmove(ret_rest, ret_rest + strlen(beginning), strlen(ret_rest + strlen(beginning)) + 1);
}

/* Whether the process holds back a signal. */
static bool holds_back(pid_t pid, int signal_number)
{
    char mask[256];
    read_proc(pid, "status", "SigBlk:", mask);
    return (strtoull(mask, NULL, 16) >> (signal_number - 1) & 1) != 0;
}

/* Not the shell that becomes it: a process that is just being spawned holds everything back for a moment. */
static bool is_daemon(pid_t pid)
{
    char name[256];
    read_proc(pid, "status", "Name:\t", name);
    return strcmp(name, "presenced\n") == 0;
}

/* Sends it as soon as the daemon holds it back. */
static void send_early(pid_t pid, int signal_number)
{
    uint64_t deadline_ms = clock_monotonic_ms() + HARNESS_DEADLINE_MS;
    while (!is_daemon(pid) || !holds_back(pid, signal_number)) {
        ck_assert_msg(clock_monotonic_ms() < deadline_ms, "the daemon does not hold signals back");
        (void)poll(NULL, 0, 1);
    }
    ck_assert_int_eq(kill(pid, signal_number), 0);
}

/* Takes more of what the daemon writes, where there is more. */
static void read_log(void)
{
    struct pollfd pollfd = {.fd = log_fd, .events = POLLIN};
    char *end = buf_reserve(&log_text, 65536);
    ck_assert_ptr_nonnull(end);
    if (poll(&pollfd, 1, 10) > 0) {
        ssize_t n = read(log_fd, end, 65536);
        for (ssize_t i = 0; i < n; i++) {
            buf_append(&log_text, (struct str){&end[i], end[i] != '\0'}); /* without the filler */
        }
    }
}

static void await_log(const char *text)
{
    uint64_t deadline_ms = clock_monotonic_ms() + HARNESS_DEADLINE_MS;
    while (strstr(buf_text(&log_text), text) == NULL) {
        ck_assert_msg(clock_monotonic_ms() < deadline_ms, "no \"%s\" in: %s", text, buf_text(&log_text));
        read_log();
    }
}

static void expect_in_order(const char *earlier, const char *later)
{
    const char *found = strstr(buf_text(&log_text), earlier);
    ck_assert_msg(found != NULL && strstr(found, later) != NULL, "not \"%s\", then \"%s\": %s", earlier,
                  later, buf_text(&log_text));
}

static void expect_exit(pid_t pid)
{
    int status;
    uint64_t deadline_ms = clock_monotonic_ms() + HARNESS_DEADLINE_MS;
    while (waitpid(pid, &status, WNOHANG) == 0) {
        ck_assert_uint_lt(clock_monotonic_ms(), deadline_ms);
        read_log();
    }
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "wait status %#x, log: %s", (unsigned)status,
                  buf_text(&log_text));
}

START_TEST(reloads_after_an_early_sighup)
{
    pid_t pid = spawn();
    send_early(pid, SIGHUP);
    await_log("msg=\"configuration reloaded\"");
    expect_in_order("can be read by all users", "msg=\"ready\"");
    expect_in_order("msg=\"ready\"", "msg=\"configuration reloaded\"");
    ck_assert_int_eq(kill(pid, SIGTERM), 0);
    expect_exit(pid);
}
END_TEST

static const int ending[] = {SIGTERM, SIGINT};

START_TEST(ends_in_order_after_an_early_sigterm)
{
    pid_t pid = spawn();
    send_early(pid, ending[_i]);
    expect_exit(pid);
    await_log("msg=\"stopped\"");
    ck_assert_msg(strstr(buf_text(&log_text), "msg=\"listening\"") == NULL, "%s", buf_text(&log_text));
}
END_TEST

/* File descriptors. */

#define PLAIN "[callback]\nlisten = 127.0.0.1:0\ntls = off\n"
#define REST "[status]\nlisten = 127.0.0.1:0\n[app 1400000000]\n"

static void make_sandbox(void)
{
    sandbox = sandbox_new();
}

static void remove_sandbox(void)
{
    sandbox_free(sandbox);
}

/* Runs the daemon under `ulimit OF`. */
static struct victim *spawn_limited(const char *config, const char *of)
{
    char script[64];
    (void)snprintf(script, sizeof(script), "ulimit %s && exec \"$0\" \"$@\"", of);
    const char *const through[] = {"sh", "-c", script, NULL};
    return victim_spawn(sandbox, &(struct victim_config){config, through});
}

START_TEST(raises_its_limit_of_open_files)
{
    char limits[256];
    char *end;
    struct victim *victim = spawn_limited(PLAIN "max_connections = 100\n" REST, "-Sn 64");
    victim_await_ready(victim);
    read_proc(victim_pid(victim), "limits", "Max open files", limits);
    unsigned long long soft = strtoull(limits, &end, 10);
    ck_assert_uint_gt(soft, 64);
    ck_assert_uint_eq(strtoull(end, NULL, 10), soft);
    victim_stop(victim);
}
END_TEST

#define FEW 550

/* Waits until the daemon has accepted so many. */
static void await_connections(struct client *status, unsigned n)
{
    char wanted[64];
    bool found = false;
    uint64_t deadline_ms = clock_monotonic_ms() + HARNESS_DEADLINE_MS;
    (void)snprintf(wanted, sizeof(wanted), "\"callback\":{\"connections\":%u,", n);
    while (!found) {
        cleanup(answer_fini) struct answer answer;
        client_get(status, "/v1/stats", &answer);
        found = strstr(buf_text(&answer.body), wanted) != NULL;
        ck_assert_msg(found || clock_monotonic_ms() < deadline_ms, "no %s in %s", wanted,
                      buf_text(&answer.body));
    }
}

/* How many connections the daemon says that there can be. */
static unsigned warned_of(struct victim *victim)
{
    static const char mark[] = " callback=";
    victim_await_log(victim, "msg=\"the limit of open files leaves room for fewer connections");
    cleanup(buf_fini) struct buf log = victim_log(victim);
    const char *found = strstr(buf_text(&log), mark);
    ck_assert_ptr_nonnull(found);
    return (unsigned)strtoul(found + strlen(mark), NULL, 10);
}

/* The warning's figure is how many there can be: with so many open, nothing fails for want of a descriptor.
 */
START_TEST(takes_no_more_connections_than_it_can)
{
    char limit[16];
    struct wire *wires[FEW];
    (void)snprintf(limit, sizeof(limit), "-n %d", FEW);
    struct victim *victim = spawn_limited(PLAIN REST "[store]\npath = @DIR@/store\n", limit);
    victim_await_ready(victim);
    for (int i = 0; i < FEW; i++) {
        wires[i] = wire_open(victim_callback_port(victim));
    }
    cleanup(client_freep) struct client *status = client_new("http", victim_status_port(victim));
    await_connections(status, warned_of(victim));
    ck_assert_uint_eq(victim_count_log(victim, "cannot accept"), 0);
    for (int i = 0; i < FEW; i++) {
        wire_free(wires[i]);
    }
    victim_stop(victim);
}
END_TEST

START_TEST(refuses_to_start_with_too_few)
{
    const char *const arguments[] = {"-c", "ulimit -n 16 && exec \"$0\" --config @DIR@/presenced.conf",
                                     harness_daemon(), NULL};
    cleanup(buf_fini) struct buf output = {0};
    sandbox_write(sandbox, "presenced.conf", PLAIN REST);
    ck_assert_int_eq(sandbox_run(sandbox, "sh", arguments, &output), 1);
    ck_assert_msg(strstr(buf_text(&output), "limit of open files is too low") != NULL, "%s",
                  buf_text(&output));
    ck_assert_msg(strstr(buf_text(&output), "msg=\"ready\"") == NULL, "%s", buf_text(&output));
}
END_TEST

/* Started without standard descriptors, as by some wrappers of cron and old init scripts: a bit each of 0, 1
 * and 2 that is closed. */

/* Of a daemon that cannot say which port it has. */
#define UNIX_CONFIG                                              \
    "[callback]\nlisten = unix:@DIR@/callback.sock\ntls = off\n" \
    "[status]\nlisten = unix:@DIR@/status.sock\n[app 1400000000]\n"

static void expect_standard_fd(pid_t pid, int fd, bool is_null)
{
    char path[64];
    char target[256] = "";
    (void)snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)pid, fd);
    ck_assert_int_gt(readlink(path, target, sizeof(target) - 1), 0);
    ck_assert_msg((strcmp(target, "/dev/null") == 0) == is_null, "%d is %s", fd, target);
}

START_TEST(opens_standard_descriptors)
{
    const char *const redirections[] = {"<&-", ">&-", "2>&-"};
    char script[64] = "exec \"$0\" \"$@\" </dev/zero";
    for (int fd = 0; fd < 3; fd++) {
        if ((_i >> fd & 1) != 0) {
            (void)strcat(strcat(script, " "), redirections[fd]);
        }
    }
    const char *const through[] = {"sh", "-c", script, NULL};
    const struct victim_config config = {UNIX_CONFIG, through};
    struct victim *victim = victim_spawn(sandbox, &config);
    cleanup(client_freep) struct client *status = client_new("http", 0);
    client_unix(status, sandbox, "status.sock");
    const struct client_request readyz = {.target = "/readyz"};
    uint64_t deadline_ms = clock_monotonic_ms() + HARNESS_DEADLINE_MS;
    for (bool is_ready = false; !is_ready;) {
        cleanup(answer_fini) struct answer answer;
        is_ready = client_try(status, &readyz, &answer) == CURLE_OK && answer.status == 200;
        ck_assert_uint_lt(clock_monotonic_ms(), deadline_ms);
    }
    for (int fd = 0; fd < 3; fd++) {
        expect_standard_fd(victim_pid(victim), fd, (_i >> fd & 1) != 0);
    }
    victim_stop(victim);
}
END_TEST

/* Signals that do not end it. */

static const int ignored[] = {SIGUSR1, SIGUSR2, SIGXFSZ, SIGPIPE};

START_TEST(lives_on_after_a_signal)
{
    struct victim *victim = victim_start(sandbox, PLAIN REST);
    cleanup(client_freep) struct client *status = client_new("http", victim_status_port(victim));
    ck_assert_int_eq(kill(victim_pid(victim), ignored[_i]), 0);
    cleanup(answer_fini) struct answer answer;
    client_get(status, "/readyz", &answer);
    ck_assert_int_eq(answer.status, 200);
    victim_stop(victim);
}
END_TEST

static TCase *descriptor_tests(void)
{
    TCase *tcase = tcase_create("descriptors and signals");
    tcase_set_timeout(tcase, 2 * HARNESS_DEADLINE_MS / 1000);
    tcase_add_checked_fixture(tcase, make_sandbox, remove_sandbox);
    tcase_add_test(tcase, raises_its_limit_of_open_files);
    tcase_add_test(tcase, takes_no_more_connections_than_it_can);
    tcase_add_test(tcase, refuses_to_start_with_too_few);
    tcase_add_loop_test(tcase, opens_standard_descriptors, 0, 8);
    tcase_add_loop_test(tcase, lives_on_after_a_signal, 0, sizeof(ignored) / sizeof(ignored[0]));
    return tcase;
}

static TCase *signal_tests(void)
{
    TCase *tcase = tcase_create("signals");
    tcase_set_timeout(tcase, 2 * HARNESS_DEADLINE_MS / 1000);
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, reloads_after_an_early_sighup);
    tcase_add_loop_test(tcase, ends_in_order_after_an_early_sigterm, 0, 2);
    return tcase;
}

Suite *test_suite(void)
{
    Suite *suite = suite_create("start");
    suite_add_tcase(suite, signal_tests());
    suite_add_tcase(suite, descriptor_tests());
    return suite;
}

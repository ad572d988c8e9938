/* SPDX-License-Identifier: MIT */
#include "../unit/suite.h"
#include "harness.h"

#include "presenced/clock.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* A start under adverse conditions: signals that come while it lasts. */

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

/* Whether the process holds back a signal, as /proc/PID/status has it. */
static bool holds_back(pid_t pid, int signal_number)
{
    char path[64];
    char line[256];
    unsigned long long blocked = 0;
    (void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
    FILE *file = fopen(path, "re");
    ck_assert_ptr_nonnull(file);
    while (fgets(line, sizeof(line), file) != NULL) {
        (void)sscanf(line, "SigBlk: %llx", &blocked);
    }
    (void)fclose(file);
    return (blocked >> (signal_number - 1) & 1) != 0;
}

/* Sends it as soon as it is held back. */
static void send_early(pid_t pid, int signal_number)
{
    uint64_t deadline_ms = clock_monotonic_ms() + HARNESS_DEADLINE_MS;
    while (!holds_back(pid, signal_number)) {
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

Suite *test_suite(void)
{
    Suite *suite = suite_create("start");
    TCase *tcase = tcase_create("signals");
    tcase_set_timeout(tcase, 2 * HARNESS_DEADLINE_MS / 1000);
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, reloads_after_an_early_sighup);
    tcase_add_loop_test(tcase, ends_in_order_after_an_early_sigterm, 0, 2);
    suite_add_tcase(suite, tcase);
    return suite;
}

/* SPDX-License-Identifier: MIT */
#include "victim.h"

#include "presenced/clock.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#define N_ARGUMENTS_MAX 16
#define POLL_INTERVAL_MS 2

struct victim {
    const struct sandbox *sandbox;
    pid_t pid;
    char log_name[32];
    uint16_t callback_port;
    uint16_t status_port;
};

struct victim *victim_spawn(struct sandbox *sandbox, const struct victim_config *config)
{
    static unsigned n_started;
    struct victim *victim = calloc(1, sizeof(*victim));
    ck_assert_ptr_nonnull(victim);
    victim->sandbox = sandbox;
    (void)snprintf(victim->log_name, sizeof(victim->log_name), "victim-%u.log", n_started++);
    sandbox_write(sandbox, "victim.conf", config->text);
    const char *arguments[N_ARGUMENTS_MAX];
    size_t n = 0;
    for (const char *const *word = config->through; word != NULL && *word != NULL; word++) {
        ck_assert_uint_lt(n, N_ARGUMENTS_MAX - 4);
        arguments[n++] = *word;
    }
    arguments[n++] = harness_daemon();
    arguments[n++] = "--config";
    arguments[n++] = "@DIR@/victim.conf";
    arguments[n] = NULL;
    victim->pid = sandbox_spawn(sandbox, arguments[0], arguments + 1, victim->log_name);
    return victim;
}

/* Whether it still runs, or why not. */
static bool is_running(const struct victim *victim)
{
    siginfo_t info = {.si_pid = 0};
    ck_assert_int_eq(waitid(P_PID, (id_t)victim->pid, &info, WEXITED | WNOHANG | WNOWAIT), 0);
    return info.si_pid == 0;
}

struct buf victim_log(struct victim *victim)
{
    return sandbox_read(victim->sandbox, victim->log_name);
}

static size_t count(const char *log, const char *text)
{
    size_t n = 0;
    for (const char *at = log; (at = strstr(at, text)) != NULL; at++) {
        n++;
    }
    return n;
}

size_t victim_count_log(struct victim *victim, const char *text)
{
    cleanup(buf_fini) struct buf log = victim_log(victim);
    return count(buf_text(&log), text);
}

void victim_await_logs(struct victim *victim, const char *text, size_t n)
{
    static const struct timespec interval = {.tv_nsec = POLL_INTERVAL_MS * 1000000};
    uint64_t deadline_ms = clock_monotonic_ms() + HARNESS_DEADLINE_MS;
    for (;;) {
        /* Before its log is read: what it has said last is seen. */
        bool goes_on = is_running(victim) && clock_monotonic_ms() < deadline_ms;
        cleanup(buf_fini) struct buf log = victim_log(victim);
        if (count(buf_text(&log), text) >= n) {
            return;
        }
        ck_assert_msg(goes_on, "the daemon does not say \"%s\" %zu times; it says:\n%.3500s", text, n,
                      buf_text(&log));
        (void)nanosleep(&interval, NULL);
    }
}

void victim_await_log(struct victim *victim, const char *text)
{
    victim_await_logs(victim, text, 1);
}

/* What follows "listener=NAME address=127.0.0.1:" in a log; 0 where there is none. */
static uint16_t find_port(const char *log, const char *listener)
{
    char mark[64];
    (void)snprintf(mark, sizeof(mark), "listener=%s ", listener);
    const char *line = strstr(log, mark);
    const char *address = line == NULL ? NULL : strstr(line, "127.0.0.1:");
    return address == NULL ? 0 : (uint16_t)strtoul(address + strlen("127.0.0.1:"), NULL, 10);
}

void victim_await_ready(struct victim *victim)
{
    victim_await_log(victim, "msg=\"ready\"");
    cleanup(buf_fini) struct buf log = sandbox_read(victim->sandbox, victim->log_name);
    victim->callback_port = find_port(buf_text(&log), "callback");
    victim->status_port = find_port(buf_text(&log), "status");
}

struct victim *victim_start(struct sandbox *sandbox, const char *config)
{
    struct victim *victim = victim_spawn(sandbox, &(struct victim_config){config, NULL});
    victim_await_ready(victim);
    return victim;
}

uint16_t victim_callback_port(const struct victim *victim)
{
    return victim->callback_port;
}

uint16_t victim_status_port(const struct victim *victim)
{
    return victim->status_port;
}

pid_t victim_pid(const struct victim *victim)
{
    return victim->pid;
}

/* How it ended. */
static int end(struct victim *victim, int number)
{
    int status = 0;
    ck_assert_int_eq(kill(victim->pid, number), 0);
    while (waitpid(victim->pid, &status, 0) < 0) {
        ck_assert_int_eq(errno, EINTR);
    }
    return status;
}

void victim_kill(struct victim *victim)
{
    int status = end(victim, SIGKILL);
    cleanup(buf_fini) struct buf log = sandbox_read(victim->sandbox, victim->log_name);
    ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "wait status %#x, log:\n%.3500s",
                  (unsigned)status, buf_text(&log));
    free(victim);
}

struct buf victim_stop_for_log(struct victim *victim)
{
    int status = end(victim, SIGTERM);
    struct buf log = sandbox_read(victim->sandbox, victim->log_name);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "wait status %#x, log:\n%.3500s",
                  (unsigned)status, buf_text(&log));
    free(victim);
    return log;
}

void victim_stop(struct victim *victim)
{
    cleanup(buf_fini) struct buf log = victim_stop_for_log(victim);
}

void victim_expect_refused(struct sandbox *sandbox, const char *config, int exit_status, const char *words)
{
    sandbox_write(sandbox, "refused.conf", config);
    const char *const arguments[] = {"--config", "@DIR@/refused.conf", NULL};
    cleanup(buf_fini) struct buf output = {0};
    int status = sandbox_run(sandbox, harness_daemon(), arguments, &output);
    ck_assert_msg(status == exit_status, "exit status %d: %s", status, buf_text(&output));
    ck_assert_msg(strstr(buf_text(&output), words) != NULL, "not \"%s\" but: %s", words, buf_text(&output));
}

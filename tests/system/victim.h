/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_TESTS_VICTIM_H
#define PRESENCED_TESTS_VICTIM_H

/* A daemon that may be killed at any time, as harness.h's instances may not. Its log is a file. Fails the
 * running test when it cannot do what it is asked. One thread a sandbox. */

#include "harness.h"

struct victim;

struct victim_config {
    const char *text;           /* of the configuration, expanded */
    const char *const *through; /* a program with arguments that runs the daemon, ended by NULL; NULL: none */
};

/* Starts it and returns at once. */
struct victim *victim_spawn(struct sandbox *sandbox, const struct victim_config *config);

/* Waits until it says that it is ready. */
void victim_await_ready(struct victim *victim);

/* Both. */
struct victim *victim_start(struct sandbox *sandbox, const char *config);

/* Of the first listener of that kind, after victim_await_ready(). */
uint16_t victim_callback_port(const struct victim *victim);
uint16_t victim_status_port(const struct victim *victim);

pid_t victim_pid(const struct victim *victim);

/* Waits until its log holds `text`; so often. */
void victim_await_log(struct victim *victim, const char *text);
void victim_await_logs(struct victim *victim, const char *text, size_t n);

/* Its log so far; the caller calls buf_fini(). */
struct buf victim_log(struct victim *victim);

/* How often its log so far holds `text`. */
size_t victim_count_log(struct victim *victim, const char *text);

/* SIGKILL; it was alive until then. Frees it. */
void victim_kill(struct victim *victim);

/* SIGTERM: it must exit with 0. Frees it. */
void victim_stop(struct victim *victim);

/* The same, and gives its whole log; the caller calls buf_fini(). */
struct buf victim_stop_for_log(struct victim *victim);

/* Runs a daemon that must refuse to start, with that exit status and a log that holds `words`. */
void victim_expect_refused(struct sandbox *sandbox, const char *config, int exit_status, const char *words);

#endif

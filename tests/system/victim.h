/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_TESTS_VICTIM_H
#define PRESENCED_TESTS_VICTIM_H

/* A daemon that may be killed at any time, unlike the instances of harness.h. Its log is a file. Every
 * function fails the running test if it cannot do its work. Each sandbox is used by one thread. */

#include "harness.h"

struct victim;

struct victim_config {
    const char *text;           /* the configuration, which is expanded */
    const char *const *through; /* words before the daemon's command, ended by NULL; NULL: none */
};

/* Starts a daemon and returns at once. */
struct victim *victim_spawn(struct sandbox *sandbox, const struct victim_config *config);

/* Waits until the daemon reports that it is ready. */
void victim_await_ready(struct victim *victim);

/* Starts a daemon and waits until it reports that it is ready. */
struct victim *victim_start(struct sandbox *sandbox, const char *config);

/* Return the port of the first listener of that kind. To be called after victim_await_ready(). */
uint16_t victim_callback_port(const struct victim *victim);
uint16_t victim_status_port(const struct victim *victim);

pid_t victim_pid(const struct victim *victim);

/* Wait until the log contains `text`, at least `n` times. */
void victim_await_log(struct victim *victim, const char *text);
void victim_await_logs(struct victim *victim, const char *text, size_t n);

/* Returns the log so far; the caller calls buf_fini(). */
struct buf victim_log(struct victim *victim);

/* Returns how often the log so far contains `text`. */
size_t victim_count_log(struct victim *victim, const char *text);

/* Kills the daemon with SIGKILL and frees the struct. The daemon must have been running until then. */
void victim_kill(struct victim *victim);

/* Ends the daemon with SIGTERM and frees the struct. The daemon must exit with 0. */
void victim_stop(struct victim *victim);

/* The same, but returns the whole log; the caller calls buf_fini(). */
struct buf victim_stop_for_log(struct victim *victim);

/* Runs a daemon that must refuse to start, with that exit status and with `words` in its log. */
void victim_expect_refused(struct sandbox *sandbox, const char *config, int exit_status, const char *words);

#endif

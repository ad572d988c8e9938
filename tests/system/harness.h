/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_TESTS_HARNESS_H
#define PRESENCED_TESTS_HARNESS_H

/* Starts and stops the real daemon, the program in the environment variable PRESENCED_BINARY. Every function
 * fails the running test if it cannot do its work, so callers need not check. Each sandbox is used by one
 * thread. */

#include "presenced/str.h"

#include <check.h>
#include <stdio.h>

/* Time-out for every wait; long enough for a slow machine under ThreadSanitizer. */
#define HARNESS_DEADLINE_MS 60000

/* Returns how many times slower this build is than a plain build: PRESENCED_TEST_SLOWNESS, or 1. */
unsigned harness_slowness(void);

/* Terminates the bytes with a NUL and returns them; valid until `buf` changes. */
const char *buf_text(struct buf *buf);

/* A sandbox: a new folder under TMPDIR with a PKI (pki.h). */

struct sandbox;

struct sandbox *sandbox_new(void);
/* Removes the folder. A failed test does not get here, so that its files can be examined. */
void sandbox_free(struct sandbox *sandbox);
DEFINE_CLEANUP(struct sandbox *, sandbox_free)

const char *sandbox_path(const struct sandbox *sandbox);

/* Returns `text` with each @DIR@ replaced by the sandbox's path. The caller frees it. */
char *sandbox_expand(const struct sandbox *sandbox, const char *text);

/* Writes `text`, expanded, to a file of that name with mode 0600. */
void sandbox_write(const struct sandbox *sandbox, const char *name, const char *text);

/* Returns the content of a file of the sandbox; the caller calls buf_fini(). */
struct buf sandbox_read(const struct sandbox *sandbox, const char *name);

/* An instance: a running daemon. */

struct instance;

/* Starts the daemon with the configuration `config`, expanded. Returns when it reports that it is ready. */
struct instance *instance_start(struct sandbox *sandbox, const char *config);

/* Return the port of the first listener of that kind; 0 if there is none or it is a Unix socket. */
uint16_t instance_callback_port(const struct instance *instance);
uint16_t instance_status_port(const struct instance *instance);

pid_t instance_pid(const struct instance *instance);

/* Returns the resident memory of any process. */
uint64_t resident_bytes(pid_t pid);

/* Wait until the daemon's log contains `text`, at least `n` times. */
void instance_await_log(struct instance *instance, const char *text);
void instance_await_log_times(struct instance *instance, const char *text, unsigned n);

/* Returns a copy of the log so far; the caller calls buf_fini(). */
struct buf instance_log(struct instance *instance);

/* Ends the daemon with SIGTERM and frees the instance. The daemon must exit with 0 and without a sanitizer's
 * report in its log. */
void instance_stop(struct instance *instance);

/* Runs a program until it exits; `arguments` are expanded and ended by NULL. Collects its standard output and
 * standard error together. Returns its exit status. */
int sandbox_run(const struct sandbox *sandbox, const char *program, const char *const *arguments,
                struct buf *ret_output);

/* Starts a program in the background. Its output goes to the file `log_name` of the sandbox, and it is killed
 * when the test ends. Returns its process id. */
pid_t sandbox_spawn(const struct sandbox *sandbox, const char *program, const char *const *arguments,
                    const char *log_name);

/* Sends SIGTERM and waits for the end of the process. */
void process_stop(pid_t pid);

/* Returns whether libmicrohttpd parses requests as strictly as RFC 9112 requires: 1.0 does; 0.9.75 (Debian
 * 12) leaves more to presenced. */
bool harness_library_is_strict(void);

/* Return the path of the daemon, and of the presencectl that was built with it. */
const char *harness_daemon(void);
const char *harness_client(void);

/* Returns a TCP port of 127.0.0.1 that was just free, for programs that cannot listen on port 0. */
uint16_t harness_free_port(void);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_TESTS_HARNESS_H
#define PRESENCED_TESTS_HARNESS_H

/* Starts and stops the real daemon, which the environment names in PRESENCED_BINARY. Everything here fails
 * the running test when it cannot do what it is asked, so callers check nothing. One thread a sandbox. */

#include "presenced/str.h"

#include <check.h>
#include <stdio.h>

/* Nothing that is waited for takes longer, on a slow machine under ThreadSanitizer too. */
#define HARNESS_DEADLINE_MS 60000

/* How much slower than a plain build this one is: 1, or what PRESENCED_TEST_SLOWNESS says. */
unsigned harness_slowness(void);

/* Adds the NUL that makes the bytes a C string; valid until `buf` changes. */
const char *buf_text(struct buf *buf);

/* Sandbox: a folder of its own under TMPDIR with a PKI (pki.h). */

struct sandbox;

struct sandbox *sandbox_new(void);
/* Removes the folder; a test that fails does not get here, so what it left can be looked at. */
void sandbox_free(struct sandbox *sandbox);
DEFINE_CLEANUP(struct sandbox *, sandbox_free)

const char *sandbox_path(const struct sandbox *sandbox);

/* `text` with each @DIR@ replaced by the sandbox's path; the caller frees it. */
char *sandbox_expand(const struct sandbox *sandbox, const char *text);

/* Writes `text`, expanded, into a file of that name, mode 0600. */
void sandbox_write(const struct sandbox *sandbox, const char *name, const char *text);

/* Reads a whole file of the sandbox; the caller calls buf_fini(). */
struct buf sandbox_read(const struct sandbox *sandbox, const char *name);

/* Instance: one running daemon. */

struct instance;

/* Writes `config`, expanded, and starts the daemon with it; returns when it says that it is ready. */
struct instance *instance_start(struct sandbox *sandbox, const char *config);

/* The port of the first listener of that kind: 0 for none, or a Unix socket. */
uint16_t instance_callback_port(const struct instance *instance);
uint16_t instance_status_port(const struct instance *instance);

pid_t instance_pid(const struct instance *instance);

/* Of any process. */
uint64_t resident_bytes(pid_t pid);

/* Waits until the daemon's log holds `text`, so often. */
void instance_await_log(struct instance *instance, const char *text);
void instance_await_log_times(struct instance *instance, const char *text, unsigned n);

/* A copy of the log so far; the caller calls buf_fini(). */
struct buf instance_log(struct instance *instance);

/* Ends the daemon with SIGTERM: it must exit with 0 and have no sanitizer's report in its log. Frees it. */
void instance_stop(struct instance *instance);

/* Runs that end by themselves. */

/* Runs a program, `arguments` expanded and ended by NULL, to its end; takes both of its outputs together.
 * Returns its exit status. */
int sandbox_run(const struct sandbox *sandbox, const char *program, const char *const *arguments,
                struct buf *ret_output);

/* A program in the background that dies with the test, its output in the sandbox's file `log_name`. */
pid_t sandbox_spawn(const struct sandbox *sandbox, const char *program, const char *const *arguments,
                    const char *log_name);

/* SIGTERM, and wait for its end. */
void process_stop(pid_t pid);

/* Whether libmicrohttpd reads requests as RFC 9112 has it: 1.0 does, 0.9.75 of Debian 12 leaves more to us.
 */
bool harness_library_is_strict(void);

/* The program under test, and the client that was built with it. */
const char *harness_daemon(void);
const char *harness_client(void);

/* A TCP port of 127.0.0.1 that was free a moment ago, for programs that cannot take port 0. */
uint16_t harness_free_port(void);

#endif

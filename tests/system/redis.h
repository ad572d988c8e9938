/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_TESTS_REDIS_H
#define PRESENCED_TESTS_REDIS_H

/* Runs a real redis-server or valkey-server, the program in the environment variable PRESENCED_REDIS. It
 * stores nothing on disk and may be killed. Every function fails the running test if it cannot do its work.
 * Each sandbox is used by one thread. */

#include "harness.h"

struct redis;

/* Starts a server that listens on NAME.sock of the sandbox and on a TCP port. `options` are more command line
 * options, ended by NULL. Returns when it answers. */
struct redis *redis_start(struct sandbox *sandbox, const char *name, const char *const *options);

/* The same, with the words `through`, ended by NULL, before the command. */
struct redis *redis_start_through(struct sandbox *sandbox, const char *const *through, const char *name,
                                  const char *const *options);

/* Starts a Sentinel that watches a primary under the name "presence" and considers it down after a second. */
struct redis *redis_start_sentinel(struct sandbox *sandbox, uint16_t primary_port);

uint16_t redis_port(const struct redis *redis);
pid_t redis_pid(const struct redis *redis);

/* Sends a command, formatted as by printf(); its words are separated by blanks. Returns the reply as text: a
 * string, the elements of an array in a line each, or the text of an error. The caller calls buf_fini(). */
struct buf redis_ask(struct redis *redis, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same for a command whose reply must be OK. */
void redis_tell(struct redis *redis, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Kills the server with SIGKILL and frees the struct. Accepts NULL. */
void redis_kill(struct redis *redis);

#endif

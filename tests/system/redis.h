/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_TESTS_REDIS_H
#define PRESENCED_TESTS_REDIS_H

/* A real redis-server, or valkey-server, which the environment names in PRESENCED_REDIS. It keeps nothing on
 * disk, and may be killed. Fails the running test when it cannot do what it is asked. One thread a sandbox.
 */

#include "harness.h"

struct redis;

/* Starts one that listens on NAME.sock of the sandbox and on a port, with more options, ended by NULL;
 * returns when it answers. */
struct redis *redis_start(struct sandbox *sandbox, const char *name, const char *const *options);

/* The same, run by a program whose words are put in front, ended by NULL. */
struct redis *redis_start_through(struct sandbox *sandbox, const char *const *through, const char *name,
                                  const char *const *options);

/* A Sentinel of a primary that it calls "presence", whose down is noticed in a second. */
struct redis *redis_start_sentinel(struct sandbox *sandbox, uint16_t primary_port);

uint16_t redis_port(const struct redis *redis);
pid_t redis_pid(const struct redis *redis);

/* Sends a command, as printf() would write it, blanks between its words; the caller calls buf_fini() on the
 * reply: what it says, an array's elements one a line, an error's text. */
struct buf redis_ask(struct redis *redis, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same where the reply is to be OK. */
void redis_tell(struct redis *redis, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* SIGKILL. Frees it. Takes NULL. */
void redis_kill(struct redis *redis);

#endif

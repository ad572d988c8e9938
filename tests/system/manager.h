/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_TESTS_MANAGER_H
#define PRESENCED_TESTS_MANAGER_H

/* The service manager's side of sd_notify(3). A beat is the message WATCHDOG=1. Every function fails the
 * running test if it cannot do its work. */

#include "victim.h"

struct manager;

/* Listens at @DIR@/notify, which the test must pass to the daemon as NOTIFY_SOCKET. */
struct manager *manager_new(struct sandbox *sandbox);
void manager_free(struct manager *manager);
DEFINE_CLEANUP(struct manager *, manager_free)

/* Returns the next message other than a beat, after waiting for it; valid until the next call. */
const char *manager_next(struct manager *manager);

/* Waits for `message` and ignores other messages. */
void manager_await(struct manager *manager, const char *message);

/* Waits for the next `n` beats. */
void manager_await_beats(struct manager *manager, unsigned n);

/* Fails unless there are no beats for `silence_ms`, apart from one or two that were already on their way. */
void manager_expect_silence(struct manager *manager, uint64_t silence_ms);

#endif

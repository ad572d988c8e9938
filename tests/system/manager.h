/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_TESTS_MANAGER_H
#define PRESENCED_TESTS_MANAGER_H

/* The service manager's side of sd_notify(3). Fails the running test when it cannot do what it is asked. */

#include "victim.h"

struct manager;

/* Listens at @DIR@/notify, which NOTIFY_SOCKET is to name to the daemon. */
struct manager *manager_new(struct sandbox *sandbox);
void manager_free(struct manager *manager);
DEFINE_CLEANUP(struct manager *, manager_free)

/* Takes the next message, beats left aside; valid until the next call. */
const char *manager_next(struct manager *manager);

/* Takes messages until one is `message`. */
void manager_await(struct manager *manager, const char *message);

/* Waits for so many beats to come from now on. */
void manager_await_beats(struct manager *manager, unsigned n);

/* Fails unless beats cease for `silence_ms`, but for one or two that were on their way. */
void manager_expect_silence(struct manager *manager, uint64_t silence_ms);

#endif

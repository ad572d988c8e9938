/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_DAEMON_SIGNALS_H
#define PRESENCED_DAEMON_SIGNALS_H

/* The signals the daemon waits for: SIGTERM and SIGINT end it, SIGHUP makes it reload, and SIGRTMIN, which
 * it sends itself, wakes the main thread. daemon_hold_signals() blocks them in all threads. */

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>

/* Returns the set of these signals, for sigtimedwait(). */
sigset_t signals_awaited(void);

/* Wakes `thread`, which waits for these signals. If it is not waiting, its next wait ends at once. Any
 * thread. */
void signals_wake(pthread_t thread);

/* Returns whether this signal ends the daemon. */
bool signals_is_end(int number);

/* Returns whether a signal that ends the daemon is pending. */
bool signals_end_is_pending(void);

/* Unblocks SIGTERM and SIGINT, so that the next one ends the process at once. */
void signals_let_kill(void);

#endif

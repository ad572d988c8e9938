/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_DAEMON_SIGNALS_H
#define PRESENCED_DAEMON_SIGNALS_H

/* The signals that the daemon waits for: SIGTERM and SIGINT end it, SIGHUP reloads, and one of its own tells
 * the main thread that there is something to do. They are blocked from daemon_hold_signals() on, in all
 * threads. */

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>

/* For sigtimedwait(). */
sigset_t signals_awaited(void);

/* Ends the wait of `thread` for one of these, or the next if it does not wait now. Any thread. */
void signals_wake(pthread_t thread);

/* Whether it is one that ends the daemon. */
bool signals_is_end(int number);

/* Whether a signal that ends the daemon waits to be taken. */
bool signals_end_is_pending(void);

/* From here on a second SIGTERM or SIGINT ends the process at once, by its default. */
void signals_let_kill(void);

#endif

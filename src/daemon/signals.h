/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_DAEMON_SIGNALS_H
#define PRESENCED_DAEMON_SIGNALS_H

/* The signals that the daemon waits for: SIGTERM and SIGINT end it, SIGHUP reloads. They are blocked from
 * daemon_hold_signals() on, in all threads. */

#include <signal.h>
#include <stdbool.h>

/* For sigtimedwait(). */
sigset_t signals_awaited(void);

/* Whether a signal that ends the daemon waits to be taken. */
bool signals_end_is_pending(void);

/* From here on a second SIGTERM or SIGINT ends the process at once, by its default. */
void signals_let_kill(void);

#endif

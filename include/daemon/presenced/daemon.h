/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_DAEMON_H
#define PRESENCED_DAEMON_H

/* The running daemon: everything that main() starts. Called once, from the main thread. */

#include "presenced/config.h"

/* Blocks SIGTERM, SIGINT and SIGHUP, so that daemon_run() handles those that arrive before it, too. Must be
 * called before any thread is started, because threads inherit the mask. */
void daemon_hold_signals(void);

/* Runs the daemon until a signal ends it. daemon_hold_signals() must have been called, and `config` must
 * have been loaded with SETUP_START. `config_path` is read again at each reload. Both are borrowed for the
 * call. Returns the exit status: 0 if it ended normally, also by a signal during the start; 1 if it could
 * not start; 2 if the passed sockets or the certificates do not fit the configuration. Reasons are
 * logged. */
int daemon_run(const struct config *config, const char *config_path);

#endif

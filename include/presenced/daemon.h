/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_DAEMON_H
#define PRESENCED_DAEMON_H

/* The running daemon: everything that main() starts. Called once, from the main thread. */

#include "presenced/config.h"

/* Runs until it is told to end. `config` is what config_read_tokens() has completed; `config_path` is read
 * again at SIGHUP. 0 in order, 1 could not start or run, the reason being in the log. */
int daemon_run(const struct config *config, const char *config_path);

#endif

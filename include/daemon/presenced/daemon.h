/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_DAEMON_H
#define PRESENCED_DAEMON_H

/* The running daemon: everything that main() starts. Called once, from the main thread. */

#include "presenced/config.h"

/* From now on SIGTERM, SIGINT and SIGHUP wait for daemon_run(), which ends in order or reloads for those that
 * came before it. Before any other thread, so that none of them takes one. */
void daemon_hold_signals(void);

/* After daemon_hold_signals(): runs until it is told to end. `config` is what config_read_tokens() has
 * completed; `config_path` is read again at SIGHUP. 0 in order, 1 could not start or run, 2 the sockets that
 * were passed and the configuration do not go together; the reason is in the log. */
int daemon_run(const struct config *config, const char *config_path);

#endif

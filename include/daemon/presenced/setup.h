/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_SETUP_H
#define PRESENCED_SETUP_H

/* Loads a configuration and the files that it names: at start, on reload and for --check-config. Main thread
 * only. */

#include "presenced/config.h"
#include "presenced/log.h"

enum setup_purpose {
    SETUP_CHECK, /* adds the warnings about certificates that a running daemon would raise */
    SETUP_START,
    SETUP_RELOAD, /* the daemon has opened its store, so the store's folder is not checked */
};

/* Reads and checks the file, the token files, the certificates, [replication] and access to the store's
 * folder. Lines are appended to `errors` and `warnings` as by config_load(). Returns 0; -EINVAL with errors;
 * or -ENOMEM. After 0, the caller releases `ret_config` with config_fini(). */
int setup_load(const char *path, enum setup_purpose purpose, struct config *ret_config, struct buf *errors,
               struct buf *warnings);

/* Logs each of the lines that setup_load() has appended. */
void setup_log_lines(enum log_level level, const struct buf *lines);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_SETUP_H
#define PRESENCED_SETUP_H

/* A configuration and all that it names: at start, at reload and for --check-config. */

#include "presenced/config.h"
#include "presenced/log.h"

enum setup_purpose {
    SETUP_CHECK, /* whether it would start; also what the daemon itself would say of its certificates */
    SETUP_START,
    SETUP_RELOAD, /* of a daemon that has its store: nobody asks again whether it could have it */
};

/* Reads and checks the file, the token files, the certificates and who may write the store's folder. `errors`
 * and `warnings` are as config_load() has them. 0; -EINVAL with errors; -ENOMEM. `ret_config` is for
 * config_fini() after 0 only. */
int setup_load(const char *path, enum setup_purpose purpose, struct config *ret_config, struct buf *errors,
               struct buf *warnings);

/* Logs what setup_load() says, a line each. */
void setup_log_lines(enum log_level level, const struct buf *lines);

#endif

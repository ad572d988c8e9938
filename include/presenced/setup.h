/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_SETUP_H
#define PRESENCED_SETUP_H

/* A configuration and all that it names: at start, at reload and for --check-config. */

#include "presenced/config.h"

/* Reads and checks the file, the token files and the certificates. `errors` and `warnings` are as
 * config_load() has them. 0; -EINVAL with errors; -ENOMEM. `ret_config` is for config_fini() after 0 only. */
int setup_load(const char *path, struct config *ret_config, struct buf *errors, struct buf *warnings);

#endif

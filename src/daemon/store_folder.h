/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_DAEMON_STORE_FOLDER_H
#define PRESENCED_DAEMON_STORE_FOLDER_H

/* Whether this process could use the folder of `[store] path`, or make it: found by who may do what, without
 * writing. Main thread only. */

#include "presenced/config.h"

/* Appends an error, "FILE:LINE: …", where it could not. */
void store_folder_check(const struct config *config, struct buf *errors);

#endif

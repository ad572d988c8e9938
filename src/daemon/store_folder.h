/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_DAEMON_STORE_FOLDER_H
#define PRESENCED_DAEMON_STORE_FOLDER_H

/* Checks, by permissions and without writing, whether this process could use or create the folder of
 * `[store] path`. Main thread only. */

#include "presenced/config.h"

/* Appends an error, "FILE:LINE: …", if it could not. */
void store_folder_check(const struct config *config, struct buf *errors);

#endif

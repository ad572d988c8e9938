/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_TRANSFER_H
#define PRESENCED_TRANSFER_H

/* What a store holds as lines of text, and back: presenced --export and --import. Called once, from the main
 * thread, before there is any other. What goes wrong is said on stderr, and how far it has come where that is
 * a terminal. Run as root, both touch the store as the owner of its folder. */

#include "presenced/config.h"

/* Writes what the store holds into a file ("-": stdout), beside a running daemon too. The file is there whole
 * or as it was before. 0, or 1 when it could not. */
int transfer_export(const struct config_store *config, const char *path);

/* Merges the lines of a file ("-": stdin) into the store, which is made where there is none, and which nobody
 * else may have. A file that was cut is refused; what can be read only once, like a pipe, has been merged by
 * the time that is known. A line that is wrong ends it; those before it are stored. 0, or 1 when it could
 * not. */
int transfer_import(const struct config_store *config, const char *path);

#endif

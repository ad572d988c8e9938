/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_TRANSFER_H
#define PRESENCED_TRANSFER_H

/* What a store holds as lines of text, and back: presenced --export and --import. Called once, from the main
 * thread. What goes wrong is said on stderr, and how far it has come where that is a terminal. */

#include "presenced/config.h"

/* Writes what the store of `config` holds into a file ("-": stdout), beside a running daemon too. The file is
 * there whole or as it was before. 0, or 1 when it could not. */
int transfer_export(const struct config *config, const char *path);

/* Merges the lines of a file ("-": stdin) into the store of `config`, which is made where there is none, and
 * which nobody else may have. A line that is wrong ends it; those before it are stored. 0, or 1 when it could
 * not. */
int transfer_import(const struct config *config, const char *path);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_TRANSFER_H
#define PRESENCED_TRANSFER_H

/* Export and import of a store as lines of text: presenced --export and --import. Each is called once, by the
 * main thread, while there is no other thread. Errors are reported on stderr, and progress too if it is a
 * terminal. Run as root, both access the store as the owner of its folder. */

#include "presenced/config.h"

/* Writes the content of the store into a file ("-": stdout), also while a daemon is running. The file is
 * replaced atomically. Returns 0, or 1 on failure. */
int transfer_export(const struct config_store *config, const char *path);

/* Merges the lines of a file ("-": stdin) into the store, which is created if there is none, and which no
 * other process may have open. A truncated file is rejected; but input that can be read only once, such as a
 * pipe, has already been merged when that is noticed. An invalid line ends the import; the lines before it
 * are stored. Returns 0, or 1 on failure. */
int transfer_import(const struct config_store *config, const char *path);

#endif

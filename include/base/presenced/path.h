/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_PATH_H
#define PRESENCED_PATH_H

/* Paths and the folders that their last names stand in. Any thread. */

/* The folder that the last name of a path stands in: "/a/" for "/a/b" and "/a/b//", "." for "b", "/" for "/".
 * The caller frees it. NULL: no memory. */
char *path_parent(const char *path);

/* Syncs that folder: or a new name in it may not survive a power cut. 0 or -errno. */
int path_sync_parent(const char *path);

#endif

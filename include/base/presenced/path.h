/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_PATH_H
#define PRESENCED_PATH_H

/* Paths and their parent folders. Any thread may call everything here. */

/* Returns the parent folder of a path: "/a/" for "/a/b" and "/a/b//", "." for "b", "/" for "/". The caller
 * frees it. NULL: out of memory. */
char *path_parent(const char *path);

/* Calls fsync on the parent folder, without which a new name in it may not survive a power failure. Returns 0
 * or -errno. */
int path_sync_parent(const char *path);

#endif

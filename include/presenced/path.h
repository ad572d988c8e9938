/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_PATH_H
#define PRESENCED_PATH_H

/* Paths as text. Any thread. */

/* The folder that the last name of a path stands in: "/a/" for "/a/b" and "/a/b//", "." for "b", "/" for "/".
 * The caller frees it. NULL: no memory. */
char *path_parent(const char *path);

#endif

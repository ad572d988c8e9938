/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_IDENTITY_H
#define PRESENCED_IDENTITY_H

/* Runs code as the owner of a store. The daemon could not read or write files that root creates in the store;
 * so if run by root, every access to the store is made as the owner of its folder. For the main thread only,
 * before any other thread exists. */

/* Calls `run` as the owner of the folder at `path`, or of its parent if the folder does not exist. If we are
 * root and the owner is not, `run` is called in a child process, because the parent has work left that only
 * root can do; otherwise it is called directly. Open files stay open; `run` must flush what it has written.
 * Returns the result of `run`, 0 or 1; or 1 after reporting an error on stderr. */
int identity_run(const char *path, int (*run)(void *cls), void *cls);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_IDENTITY_H
#define PRESENCED_IDENTITY_H

/* Whose a store is. What root writes into it the daemon could not read or write; so run by root, whatever
 * touches the store does so as the owner of its folder. Main thread only, before any other. */

/* Calls `run` as the owner of the folder at `path`, or of its parent where it is not there yet: in a process
 * of its own where we are root and that is somebody else, for what only root can reach is still to be
 * finished; else here, as we are. What is open stays open; `run` flushes what it has written. Returns what
 * `run` does, 0 or 1; or 1 after it has been said on stderr. */
int identity_run(const char *path, int (*run)(void *cls), void *cls);

#endif

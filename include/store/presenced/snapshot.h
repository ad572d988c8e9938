/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_SNAPSHOT_H
#define PRESENCED_SNAPSHOT_H

/* Reads a store as it was at one moment, also while a daemon has it open. Nothing in the store is written or
 * locked. A snapshot is used by one thread at a time. */

#include "presenced/store.h"

struct snapshot;

/* Opens a snapshot, which contains everything that was durable before the call. Uses about `memory_bytes`,
 * and again as much as the running process has for its buffers. Returns 0, or an error of store_open() with a
 * one-line description in `ret_problem`; -EAGAIN: it was written too fast for a consistent view; -ENOENT:
 * nothing was stored there yet. */
int snapshot_open(const char *path, uint64_t memory_bytes, struct snapshot **ret_snapshot,
                  char ret_problem[static STORE_PROBLEM_SIZE]);

/* Accepts NULL. */
void snapshot_free(struct snapshot *snapshot);
DEFINE_CLEANUP(struct snapshot *, snapshot_free)

/* Returns the platform names of its users; valid as long as the snapshot. */
const struct platform_names *snapshot_platform_names(const struct snapshot *snapshot);

struct snapshot_app {
    uint64_t id;
    uint64_t forgotten_before_ms;
};

#define SNAPSHOT_END 1

/* Return the next app, in ascending order of ids, and the next user, in ascending order of app ids and then
 * user ids. Each function has its own position. The user's `app` is 0. They return 0, SNAPSHOT_END, or an
 * error of snapshot_open(). */
int snapshot_next_app(struct snapshot *snapshot, struct snapshot_app *ret_app,
                      char ret_problem[static STORE_PROBLEM_SIZE]);
int snapshot_next_user(struct snapshot *snapshot, uint64_t *ret_app_id, struct user *ret_user,
                       char ret_problem[static STORE_PROBLEM_SIZE]);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_SNAPSHOT_H
#define PRESENCED_SNAPSHOT_H

/* A store as it stood at one moment, read beside the process that has it, or where none has: nothing of it is
 * written or locked. One thread a snapshot. */

#include "presenced/store.h"

struct snapshot;

/* Everything that was durable before the call is in it. Uses up to about `memory_bytes`, and as much again as
 * the running process has for its buffers. 0, or as store_open() with one line for people in `ret_problem`;
 * -EAGAIN: it was written so fast that no moment could be had; -ENOENT: nothing was stored there yet. */
int snapshot_open(const char *path, uint64_t memory_bytes, struct snapshot **ret_snapshot,
                  char ret_problem[static STORE_PROBLEM_SIZE]);

/* Takes NULL. */
void snapshot_free(struct snapshot *snapshot);
DEFINE_CLEANUP(struct snapshot *, snapshot_free)

/* Of the platforms of its users; as long as the snapshot. */
const struct platform_names *snapshot_platform_names(const struct snapshot *snapshot);

struct snapshot_app {
    uint64_t id;
    uint64_t forgotten_before_ms;
};

#define SNAPSHOT_END 1

/* The next app, by rising id, and the next user, by rising app id and then id; each has a place of its own.
 * The user's `app` is 0. 0, SNAPSHOT_END, or below 0 as snapshot_open(). */
int snapshot_next_app(struct snapshot *snapshot, struct snapshot_app *ret_app,
                      char ret_problem[static STORE_PROBLEM_SIZE]);
int snapshot_next_user(struct snapshot *snapshot, uint64_t *ret_app_id, struct user *ret_user,
                       char ret_problem[static STORE_PROBLEM_SIZE]);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_STORE_FOLDER_H
#define PRESENCED_STORE_FOLDER_H

/* The store's folder and its file SYNCED, both kept open as long as the store is. opening_run() opens them.
 * For the fsync thread, and while that is not running for the thread that opens and closes the store. Any
 * thread may call folder_is_removed(). */

#include "superblock.h"

struct batch;

struct folder {
    const char *path; /* borrowed */
    int fd;
    struct superblock superblock;
};

void folder_init(struct folder *folder, const char *path);
void folder_fini(struct folder *folder);

#define FOLDER_TORN 1 /* a write has failed meanwhile: SYNCED was not changed */

/* Syncs what was written to the engine up to `sequence`, and records that in SYNCED. Returns 0, FOLDER_TORN
 * or -errno. */
int folder_sync(struct folder *folder, const struct batch *batch, enum superblock_state state,
                uint64_t sequence);

/* Returns the engine's sequence number recorded in SYNCED. */
static inline uint64_t folder_synced_sequence(const struct folder *folder)
{
    return folder->superblock.mark.sequence;
}

/* Returns whether the folder or its SYNCED no longer exists at the path. */
bool folder_is_removed(const struct folder *folder);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_STORE_FOLDER_H
#define PRESENCED_STORE_FOLDER_H

/* The store's folder and the file SYNCED in it, both held open as long as the store is. The opening opens
 * them. For the fsync thread; at opening and closing, when that does not run, for the thread that does so.
 * folder_is_removed() is for any thread. */

#include "superblock.h"

struct batch;

struct folder {
    const char *path; /* borrowed */
    int fd;
    struct superblock superblock;
};

void folder_init(struct folder *folder, const char *path);
void folder_fini(struct folder *folder);

#define FOLDER_TORN 1 /* a write has failed meanwhile: SYNCED says what it said before */

/* Makes what was written to the engine up to that sequence survive a power cut, and says so in SYNCED. 0,
 * FOLDER_TORN or -errno. */
int folder_sync(struct folder *folder, const struct batch *batch, enum superblock_state state,
                uint64_t sequence);

/* Of the engine, as SYNCED has it. */
static inline uint64_t folder_synced_sequence(const struct folder *folder)
{
    return folder->superblock.mark.sequence;
}

/* Whether the folder or its SYNCED is gone from the path. */
bool folder_is_removed(const struct folder *folder);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_STORE_SUPERBLOCK_H
#define PRESENCED_STORE_SUPERBLOCK_H

/* The file SYNCED of a store: what the engine itself does not know after a crash, namely how much of what it
 * had written was sure to survive. An engine that opens with less was damaged; one that has lost only what
 * came later was merely interrupted. The file also marks the folder as a store, names its layout before the
 * engine touches it, and is locked while a process has the store. One thread at a time, but for
 * superblock_is_removed(). */

#include "files.h"

enum superblock_state {
    SUPERBLOCK_CREATING = 1, /* nothing was ever kept here */
    SUPERBLOCK_OPEN,         /* in use, or not ended in order */
    SUPERBLOCK_CLOSED,
};

/* What is known to be synced. */
struct superblock_mark {
    uint64_t sequence; /* the engine's */
    struct files_mark files;
};

struct superblock {
    int fd;
    uint64_t n_writes;
    enum superblock_state state;
    struct superblock_mark mark;
};

#define SUPERBLOCK_NONE 1    /* no such file, and none was made */
#define SUPERBLOCK_DAMAGED 2 /* it is not as any version writes it */
#define SUPERBLOCK_NEWER 3   /* of a layout that this version does not know */
#define SUPERBLOCK_BUSY 4    /* another process has the store */

/* Opens the file in the folder and locks it. Makes one in state SUPERBLOCK_CREATING where there is none and
 * `make` says so. 0; -errno; or one of the above, SUPERBLOCK_NEWER with `*ret_version` the layout's.
 * `ret_superblock` is for superblock_close() after 0 only. */
int superblock_open(int folder_fd, bool make, struct superblock *ret_superblock, uint32_t *ret_version);

/* What the file says, without its lock: beside the process that has the store. 0; -errno; or one of the
 * above, but never SUPERBLOCK_BUSY. */
int superblock_read(int folder_fd, enum superblock_state *ret_state, struct superblock_mark *ret_mark,
                    uint32_t *ret_version);

/* Whether a process has the store now. */
bool superblock_is_in_use(int folder_fd);

/* Whether the file is gone from the folder of that path, or the folder is: then the store is no longer there,
 * even though open files still take what is written. Any thread. */
bool superblock_is_removed(const struct superblock *superblock, const char *folder_path);

/* Writes a state and a mark so that they survive a power cut; a power cut meanwhile leaves those of before. 0
 * or -errno. */
int superblock_write(struct superblock *superblock, enum superblock_state state,
                     const struct superblock_mark *mark);

/* Takes one whose fd is -1. */
void superblock_close(struct superblock *superblock);

#endif

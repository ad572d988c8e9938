/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_STORE_SUPERBLOCK_H
#define PRESENCED_STORE_SUPERBLOCK_H

/* The file SYNCED of a store. It records how much of what the engine had written was synced, which the engine
 * itself does not know after a crash. An engine that opens with less is damaged; one that has lost only later
 * data was merely interrupted. The file also marks the folder as a store, has the version of the layout,
 * which is checked before the engine is opened, and is locked while a process uses the store. For one thread
 * at a time, except superblock_is_removed(). */

#include "files.h"

enum superblock_state {
    SUPERBLOCK_CREATING = 1, /* being created; nothing was stored yet */
    SUPERBLOCK_OPEN,         /* in use, or not closed cleanly */
    SUPERBLOCK_CLOSED,
};

/* What was synced. */
struct superblock_mark {
    uint64_t sequence; /* the engine's sequence number */
    struct files_mark files;
};

struct superblock {
    int fd;
    uint64_t n_writes;
    enum superblock_state state;
    struct superblock_mark mark;
};

#define SUPERBLOCK_NONE 1    /* there is no such file, and none was created */
#define SUPERBLOCK_DAMAGED 2 /* not valid in any version */
#define SUPERBLOCK_NEWER 3   /* a layout that this version does not know */
#define SUPERBLOCK_BUSY 4    /* in use by another process */

/* Opens the file in the folder and locks it. If there is none and `make` is set, creates it in state
 * SUPERBLOCK_CREATING. Returns 0; -errno; or one of the codes above, SUPERBLOCK_NEWER with the layout's
 * version in `*ret_version`. After 0, the caller releases `ret_superblock` with superblock_close(). */
int superblock_open(int folder_fd, bool make, struct superblock *ret_superblock, uint32_t *ret_version);

/* Reads the file without its lock, possibly while another process uses the store. Returns 0; -errno; or one
 * of the codes above except SUPERBLOCK_BUSY. */
int superblock_read(int folder_fd, enum superblock_state *ret_state, struct superblock_mark *ret_mark,
                    uint32_t *ret_version);

/* Returns whether a process is using the store. */
bool superblock_is_in_use(int folder_fd);

/* Returns whether the file no longer exists in the folder of that path, or the folder does not exist: then
 * the store is gone, although open files still accept writes. Any thread may call this. */
bool superblock_is_removed(const struct superblock *superblock, const char *folder_path);

/* Writes a state and a mark durably; a power failure during the call leaves the previous ones. Returns 0 or
 * -errno. */
int superblock_write(struct superblock *superblock, enum superblock_state state,
                     const struct superblock_mark *mark);

/* Accepts a superblock whose fd is -1. */
void superblock_close(struct superblock *superblock);

#endif

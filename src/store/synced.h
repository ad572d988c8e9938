/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_SYNCED_H
#define PRESENCED_SYNCED_H

/* The file SYNCED of a store: what the engine itself does not know after a crash, namely how much of what it
 * had written was sure to survive. One that opens with less was damaged; one that has lost only what came
 * later was merely interrupted. The file also marks the folder as a store, names its layout before the
 * engine touches it, and is locked while a process has the store. One thread at a time. */

#include "files.h"

enum synced_state {
    SYNCED_CREATING = 1, /* nothing was ever kept here */
    SYNCED_OPEN,         /* in use, or not ended in order */
    SYNCED_CLOSED,
};

/* What is known to be synced. */
struct synced_mark {
    uint64_t sequence; /* the engine's */
    struct files_mark files;
};

struct synced {
    int fd;
    uint64_t n_writes;
    enum synced_state state;
    struct synced_mark mark;
};

#define SYNCED_NONE 1    /* no such file, and none was made */
#define SYNCED_DAMAGED 2 /* it is not as any version writes it */
#define SYNCED_NEWER 3   /* of a layout that this version does not know */
#define SYNCED_BUSY 4    /* another process has the store */

/* Opens the file in the folder and locks it. Makes one in state SYNCED_CREATING where there is none and
 * `make` says so. 0; -errno; or one of the above, SYNCED_NEWER with `*ret_version` the layout's. `ret_synced`
 * is for synced_close() after 0 only. */
int synced_open(int folder_fd, bool make, struct synced *ret_synced, uint32_t *ret_version);

/* What the file says, without its lock: beside the process that has the store. 0; -errno; or one of the
 * above, but never SYNCED_BUSY. */
int synced_read(int folder_fd, enum synced_state *ret_state, struct synced_mark *ret_mark,
                uint32_t *ret_version);

/* Whether a process has the store now. */
bool synced_is_in_use(int folder_fd);

/* Whether the file is gone from the folder of that path, or the folder is: then the store is no longer there,
 * whatever open files still take. */
bool synced_is_removed(const struct synced *synced, const char *folder_path);

/* Writes a state and a mark so that they survive a power cut; one that comes meanwhile leaves those before.
 * 0 or -errno. */
int synced_write(struct synced *synced, enum synced_state state, const struct synced_mark *mark);

/* Takes one whose fd is -1. */
void synced_close(struct synced *synced);

#endif

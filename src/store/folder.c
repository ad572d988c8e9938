/* SPDX-License-Identifier: MIT */
#include "folder.h"

#include "batch.h"

void folder_init(struct folder *folder, const char *path)
{
    folder->path = path;
    folder->fd = -1;
    folder->superblock.fd = -1;
}

void folder_fini(struct folder *folder)
{
    superblock_close(&folder->superblock);
    cleanup_closep(&folder->fd);
}

int folder_sync(struct folder *folder, const struct batch *batch, enum superblock_state state,
                uint64_t sequence)
{
    struct superblock_mark mark = {.sequence = sequence};
    int r = files_sync(folder->fd, &mark.files);
    if (r < 0) {
        return r;
    }
    /* When a write fails in the middle, the engine cuts off the half of it when it closes the file. Sizes
     * that were read before are then larger than what the next start finds, which it would take for damage:
     * they count when all writes that had begun by then are done. */
    return batch_await_writes(batch) ? superblock_write(&folder->superblock, state, &mark) : FOLDER_TORN;
}

bool folder_is_removed(const struct folder *folder)
{
    return superblock_is_removed(&folder->superblock, folder->path);
}

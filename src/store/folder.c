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
    /* If a write fails partway, the engine truncates the incomplete record when it closes the file. File
     * sizes read before would then be larger than what the next start finds, which it would treat as damage.
     * So the sizes only count once all writes that had begun by then are complete. */
    return batch_await_writes(batch) ? superblock_write(&folder->superblock, state, &mark) : FOLDER_TORN;
}

bool folder_is_removed(const struct folder *folder)
{
    return superblock_is_removed(&folder->superblock, folder->path);
}

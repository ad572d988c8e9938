/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_FILES_H
#define PRESENCED_FILES_H

/* The engine's files from outside: how far its manifest and its logs of writes have come, and that this much
 * of them would survive a power cut. RocksDB takes a file that was cut for one that was not finished, and
 * opens with what the rest tells. Any thread. */

#include <stdbool.h>
#include <stdint.h>

/* A number is a part of the name, and rises; 0: none. */
struct file_mark {
    uint64_t number;
    uint64_t size_bytes;
};

#define FILES_N_LOGS_MAX 8

struct files_mark {
    struct file_mark manifest;
    struct file_mark logs[FILES_N_LOGS_MAX]; /* in no order; of more of them the newest */
};

/* Syncs what is in the files and the folder now, and says how far that is. The writer may go on meanwhile.
 * Does without the engine: where a thread calls rocksdb_flush_wal() while another's write fails, an assertion
 * of the library ends the process (7.8.3 of Debian). 0 or -errno. */
int files_sync(int folder_fd, struct files_mark *ret_mark);

/* How far the manifest is. While that stays the same, no file that it names is deleted. 0 or -errno. */
int files_manifest(int folder_fd, struct file_mark *ret_mark);

/* Whether all that a mark says was synced is there still. Logs below `min_log` may be gone. 0, -EBADMSG, or
 * another -errno. */
int files_check(int folder_fd, const struct files_mark *mark, uint64_t min_log);

/* After the engine was closed whose folder was emptied under it: removes the CURRENT and the manifest that
 * RocksDB (9.10, 9.11) writes there when it notices, so that a store can be begun. Removes nothing where
 * there is any other file, which somebody may have put there. */
void files_remove_strays(int folder_fd);

#endif

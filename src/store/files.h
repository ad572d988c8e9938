/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_FILES_H
#define PRESENCED_FILES_H

/* Syncs and checks the engine's manifest and WAL files without the engine, to verify that as much of them
 * exists as was synced. This is necessary because RocksDB treats a truncated file as one whose end was not
 * written, and opens with the rest. Any thread may call everything here. */

#include <stdbool.h>
#include <stdint.h>

/* The number in the name of a file, which increases with each new file; 0: none. */
struct file_mark {
    uint64_t number;
    uint64_t size_bytes;
};

#define FILES_N_LOGS_MAX 8

struct files_mark {
    struct file_mark manifest;
    struct file_mark logs[FILES_N_LOGS_MAX]; /* in no order; if there are more, the newest */
};

/* Syncs the current content of the files and the folder, and returns how much that is. The writer may
 * continue meanwhile. Does not use the engine, because if one thread calls rocksdb_flush_wal() while
 * another's write fails, an assertion of the library ends the process (7.8.3 of Debian). Returns 0 or -errno.
 */
int files_sync(int folder_fd, struct files_mark *ret_mark);

/* Returns number and size of the manifest. As long as they stay the same, no file named in the manifest is
 * deleted. Returns 0 or -errno. */
int files_manifest(int folder_fd, struct file_mark *ret_mark);

/* Checks that everything that was synced according to `mark` still exists. WAL files below `min_log` may be
 * gone. Returns 0, -EBADMSG, or another -errno. */
int files_check(int folder_fd, const struct files_mark *mark, uint64_t min_log);

/* Called after closing an engine whose folder was emptied while it was open: removes the CURRENT and the
 * manifest that RocksDB (9.10, 9.11) writes there when it notices, so that a new store can be created.
 * Removes nothing if there is any other file, which somebody may have put there. */
void files_remove_strays(int folder_fd);

#endif

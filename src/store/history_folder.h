/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_HISTORY_FOLDER_H
#define PRESENCED_HISTORY_FOLDER_H

/* The folder of a history: an engine's folder for each slice of time, called NUMBER-BEGIN_MS, and the file
 * STATE, which tells what may be missing. Numbers increase even if the clock is set back. For one thread at
 * a time. */

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct history_slice {
    uint64_t number;
    uint64_t begin_ms;
    uint64_t n_bytes; /* size on disk when last measured */
};

/* Writes the path of a slice. */
void history_slice_path(const char *folder, const struct history_slice *slice,
                        char ret_path[static PATH_MAX]);

/* Returns the disk space of a slice's files, in bytes; 0 if it does not exist. */
uint64_t history_slice_measure(const char *folder, const struct history_slice *slice);

/* Deletes a slice with its files. Returns 0, also if it does not exist, or -errno. */
int history_slice_remove(const char *folder, const struct history_slice *slice);

/* Lists the newest `max` slices, measured and sorted by number, and removes older ones. Returns 0 or
 * -errno. */
int history_folder_list(const char *folder, size_t max, struct history_slice *ret_slices, size_t *ret_n);

struct history_state {
    uint64_t missing_until_ms; /* events received before this time may be missing */
    bool is_closed;            /* the last process closed the history properly */
};

/* Read and write STATE. Return 0 or -errno; -ENOENT if it does not exist or is malformed. */
int history_state_read(const char *folder, struct history_state *ret_state);
int history_state_write(const char *folder, const struct history_state *state);

#endif

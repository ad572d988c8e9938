/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_HISTORY_FOLDER_H
#define PRESENCED_HISTORY_FOLDER_H

/* A history's folder: an engine's folder for each slice of time, NUMBER-BEGIN_MS, and the file STATE that
 * says what is missing. Numbers rise also where the clock was set back. One thread at a time. */

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct history_slice {
    uint64_t number;
    uint64_t begin_ms;
    uint64_t n_bytes; /* on disk, when it was measured */
};

/* The slice's path. */
void history_slice_path(const char *folder, const struct history_slice *slice,
                        char ret_path[static PATH_MAX]);

/* What its files take. 0 where it is not there. */
uint64_t history_slice_measure(const char *folder, const struct history_slice *slice);

/* Deletes its files, and it. 0 or -errno. */
int history_slice_remove(const char *folder, const struct history_slice *slice);

/* The slices that are there, by number, measured; the newest `max` of them, those before are removed. 0 or
 * -errno. */
int history_folder_list(const char *folder, size_t max, struct history_slice *ret_slices, size_t *ret_n);

struct history_state {
    uint64_t missing_until_ms; /* of what came before events may be missing */
    bool is_closed;            /* the last who wrote here has written all it had */
};

/* 0; -ENOENT where it was never written, or is not one of ours; -errno. */
int history_state_read(const char *folder, struct history_state *ret_state);
int history_state_write(const char *folder, const struct history_state *state);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_HISTORY_SLICES_H
#define PRESENCED_HISTORY_SLICES_H

/* A history on disk, with one engine for each slice of time. Only the newest slice is written. A slice ends
 * after a 24th of the time that events are kept, but not before an hour, or at an eighth of the maximum
 * size. It is then flushed and closed, and opened again only for reading. Old slices are deleted whole. For
 * one thread at a time, except history_slices_stats(). Failures of the disk are logged and counted here. */

#include "engine.h"
#include "history_folder.h"

#include <stdatomic.h>

struct history_slices;

struct history_slices_config {
    const char *folder;
    uint64_t keep_ms;
    uint64_t max_bytes;
};

/* Creates the folder if it does not exist. Returns 0 or -errno. */
int history_slices_open(const struct history_slices_config *config, uint64_t now_ms,
                        struct history_slices **ret_slices);

/* Flushes the newest slice and records that the history was closed. Takes NULL. */
void history_slices_close(struct history_slices *slices);
DEFINE_CLEANUP(struct history_slices *, history_slices_close)

/* Writes a batch of `n_bytes` to the slice for `now_ms`. Returns false if that failed: the events are lost
 * and recorded as missing. */
bool history_slices_write(struct history_slices *slices, struct engine_batch *batch, size_t n_bytes,
                          uint64_t now_ms);

/* Records that events received before `until_ms` may be missing. */
void history_slices_note_missing(struct history_slices *slices, uint64_t until_ms);

struct history_range {
    uint64_t since_ms;
    struct str from; /* range of keys, of events received since `since_ms` */
    struct str to;
    size_t limit;
};

/* Passes the values of a range to `visit`, newest slice first, up to the limit. Returns whether they are
 * complete: not cut off by the limit, none missing, and every slice readable. */
bool history_slices_read(struct history_slices *slices, const struct history_range *range,
                         void (*visit)(void *cls, struct str value), void *cls);

/* Deletes slices that are too old at `now_ms`, and the oldest ones while the total size exceeds the
 * maximum. */
void history_slices_drop_old(struct history_slices *slices, uint64_t now_ms);

/* Saves in the folder what is recorded as missing, if that has changed. */
void history_slices_save_state(struct history_slices *slices);

/* Returns the number of failures of the disk and the size on disk, in bytes. Any thread. */
void history_slices_stats(const struct history_slices *slices, uint64_t *ret_n_failures,
                          uint64_t *ret_n_bytes);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_HISTORY_SLICES_H
#define PRESENCED_HISTORY_SLICES_H

/* A history on disk: one engine for each slice of time. Only the newest slice is written. A slice ends after
 * a 24th of the time that events are kept, an hour at least, or at an eighth of the bytes that may be used;
 * it is then flushed and closed, and opened again only to read from it. Old slices are deleted whole.
 *
 * One thread at a time calls everything here, but history_slices_stats(). Failures of the disk are logged and
 * counted here. */

#include "engine.h"
#include "history_folder.h"

#include <stdatomic.h>

struct history_slices;

struct history_slices_config {
    const char *folder;
    uint64_t keep_ms;
    uint64_t max_bytes;
};

/* Creates the folder where it is missing. 0 or -errno. */
int history_slices_open(const struct history_slices_config *config, uint64_t now_ms,
                        struct history_slices **ret_slices);

/* Flushes the newest slice. Takes NULL. */
void history_slices_close(struct history_slices *slices);
DEFINE_CLEANUP(struct history_slices *, history_slices_close)

/* Writes a batch of `n_bytes` into the slice for `now_ms`. False where that failed: what was in it is lost,
 * and noted as missing. */
bool history_slices_write(struct history_slices *slices, struct engine_batch *batch, size_t n_bytes,
                          uint64_t now_ms);

/* Notes that events received before `until_ms` may be missing. */
void history_slices_note_missing(struct history_slices *slices, uint64_t until_ms);

struct history_range {
    uint64_t since_ms;
    struct str from; /* keys between these, of events received since then */
    struct str to;
    size_t limit;
};

/* Hands the values of a range to `visit`, those of the newest slice first, up to its limit. Returns whether
 * that is all there was: none was cut off by the limit, none is missing, and every slice could be read. */
bool history_slices_read(struct history_slices *slices, const struct history_range *range,
                         void (*visit)(void *cls, struct str value), void *cls);

/* Deletes slices that are too old at `now_ms`, and the oldest while there are too many bytes. */
void history_slices_drop_old(struct history_slices *slices, uint64_t now_ms);

/* Writes to the folder what is known to be missing, where that has changed. */
void history_slices_save_state(struct history_slices *slices);

/* Failures of the disk, and bytes on it. Any thread. */
void history_slices_stats(const struct history_slices *slices, uint64_t *ret_n_failures,
                          uint64_t *ret_n_bytes);

#endif

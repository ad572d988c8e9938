/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_ENGINE_H
#define PRESENCED_ENGINE_H

/* RocksDB as the store uses it: pairs in the order of their keys, batches that are written whole or not at
 * all, cursors. Everything that fails leaves the engine's own words in an engine_error. An engine may be
 * written by one thread and read by others meanwhile; a batch or cursor is for one at a time. */

#include "presenced/str.h"

struct engine;

struct engine_error {
    char text[256];
};

/* What every call that can fail returns: 0; -EBADMSG damaged; -EBUSY locked by another process; -ENOSPC;
 * -EROFS; -EACCES; -EIO for all else. */

/* Makes an empty one in the folder; an engine that was there is gone. */
int engine_create(const char *path, uint64_t memory_bytes, struct engine **ret_engine,
                  struct engine_error *ret_error);

/* Opens what is there, and writes to the folder already while doing so. */
int engine_open(const char *path, uint64_t memory_bytes, struct engine **ret_engine,
                struct engine_error *ret_error);

/* Opens what is there without changing any of it; takes no lock. */
int engine_open_read_only(const char *path, uint64_t memory_bytes, struct engine **ret_engine,
                          struct engine_error *ret_error);

/* The same beside a process that writes. The files that it was opened with are held open, so they may be
 * deleted later; the caller makes sure that none was deleted during the call. */
int engine_open_beside(const char *path, uint64_t memory_bytes, struct engine **ret_engine,
                       struct engine_error *ret_error);

/* Takes NULL. */
void engine_close(struct engine *engine);
DEFINE_CLEANUP(struct engine *, engine_close)

/* How many pairs were ever written, without those that a crash has taken. */
uint64_t engine_last_sequence(const struct engine *engine);

/* The lowest number of a log of writes that may hold what is not in a table yet. */
uint64_t engine_min_log(const struct engine *engine);

/* Empties the log of writes into a table, so that the next start need not read it again. */
int engine_flush(struct engine *engine, struct engine_error *ret_error);

struct engine_batch;

struct engine_batch *engine_batch_new(void);
void engine_batch_free(struct engine_batch *batch);
DEFINE_CLEANUP(struct engine_batch *, engine_batch_free)
void engine_batch_clear(struct engine_batch *batch);
void engine_batch_put(struct engine_batch *batch, struct str key, struct str value);
void engine_batch_delete(struct engine_batch *batch, struct str key);
bool engine_batch_is_empty(struct engine_batch *batch);
size_t engine_batch_size(struct engine_batch *batch);

/* When it returns, the batch survives the death of the process; with `sync`, that of the machine, too. */
int engine_write(struct engine *engine, struct engine_batch *batch, bool sync,
                 struct engine_error *ret_error);

struct engine_cursor;

/* Goes over the keys from `from` to before `to`, as they are now. */
struct engine_cursor *engine_cursor_new(struct engine *engine, struct str from, struct str to);
void engine_cursor_free(struct engine_cursor *cursor);
DEFINE_CLEANUP(struct engine_cursor *, engine_cursor_free)

#define ENGINE_END 1

/* The next pair, valid until the next call. 0, ENGINE_END, or below 0 as above. */
int engine_cursor_next(struct engine_cursor *cursor, struct str *ret_key, struct str *ret_value,
                       struct engine_error *ret_error);

/* Keys in rising order that cut what lies between `from` and `to` into pieces of some megabytes, for several
 * threads to read. They stand in `storage`, cleared first. Returns how many, up to `max`. */
size_t engine_cuts(struct engine *engine, struct str from, struct str to, struct buf *storage,
                   struct str *ret_cuts, size_t max);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_ENGINE_H
#define PRESENCED_ENGINE_H

/* A wrapper of RocksDB: pairs in the order of their keys, atomic batches, and cursors. After a failure an
 * engine_error has the library's message. An engine may be written by one thread while others read; a batch
 * or cursor is used by one thread at a time. */

#include "presenced/str.h"

struct engine;

struct engine_error {
    char text[256];
};

/* All functions that can fail return 0; -EBADMSG: damaged; -EBUSY: locked by another process; -ENOSPC;
 * -EROFS; -EACCES; or -EIO for anything else. */

/* Creates an empty engine in the folder; an existing one is deleted. */
int engine_create(const char *path, uint64_t memory_bytes, struct engine **ret_engine,
                  struct engine_error *ret_error);

/* Opens an existing engine, which already writes to the folder. */
int engine_open(const char *path, uint64_t memory_bytes, struct engine **ret_engine,
                struct engine_error *ret_error);

/* Opens an existing engine without changing anything or taking its lock. */
int engine_open_read_only(const char *path, uint64_t memory_bytes, struct engine **ret_engine,
                          struct engine_error *ret_error);

/* As engine_open_read_only(), while another process writes. The files are kept open, so they may be deleted
 * later; the caller makes sure that none was deleted during the call. */
int engine_open_beside(const char *path, uint64_t memory_bytes, struct engine **ret_engine,
                       struct engine_error *ret_error);

/* Accepts NULL. */
void engine_close(struct engine *engine);
DEFINE_CLEANUP(struct engine *, engine_close)

/* Returns the number of pairs ever written, except those lost in a crash. */
uint64_t engine_last_sequence(const struct engine *engine);

/* Returns the lowest number of a WAL file that may contain data not yet in a table file. */
uint64_t engine_min_log(const struct engine *engine);

/* Flushes the WAL into a table file, so that the next start need not read it again. */
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

/* Writes a batch. When this returns, the batch survives the end of the process; with `sync`, also that of the
 * machine. */
int engine_write(struct engine *engine, struct engine_batch *batch, bool sync,
                 struct engine_error *ret_error);

struct engine_cursor;

/* Iterates over the keys from `from` up to but excluding `to`, as of now. Returns NULL if out of memory. */
struct engine_cursor *engine_cursor_new(struct engine *engine, struct str from, struct str to);
void engine_cursor_free(struct engine_cursor *cursor);
DEFINE_CLEANUP(struct engine_cursor *, engine_cursor_free)

#define ENGINE_END 1

/* Returns the next pair, valid until the next call. Returns 0, ENGINE_END, or an error as above. */
int engine_cursor_next(struct engine_cursor *cursor, struct str *ret_key, struct str *ret_value,
                       struct engine_error *ret_error);

/* Returns keys in ascending order that divide the range from `from` to `to` into parts of some megabytes, to
 * be read by several threads. The keys are in `storage`, which is cleared first. Returns their number, at
 * most `max`. */
size_t engine_cuts(struct engine *engine, struct str from, struct str to, struct buf *storage,
                   struct str *ret_cuts, size_t max);

#endif

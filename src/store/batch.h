/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_STORE_BATCH_H
#define PRESENCED_STORE_BATCH_H

/* The engine while it is open for writing, and the batch being filled for it. A batch is begun, filled and
 * committed; it is written atomically.
 *
 * For the writer thread, and while that is not running for the thread that opens and closes the store. Any
 * thread may call batch_sequence(), batch_await_writes(), batch_add_stats() and batch_make_app_pair(). */

#include "engine.h"
#include "layout.h"

#include "presenced/store.h"

#include <stdatomic.h>

struct liveness;
struct pending;

struct batch {
    /* Set before batch_init(). */
    struct table *table;
    struct liveness *liveness;
    bool syncs; /* fsync after each write */

    struct engine *engine;
    struct engine_batch *pairs;
    struct layout_pair pair;                         /* scratch space for the pair being built */
    unsigned n_names;                                /* platforms whose names are in the engine */
    unsigned n_apps;                                 /* apps that are in the engine */
    uint64_t apps_of_dropped[TABLE_N_APPS_MAX / 64]; /* a bit for each app of which the batch drops users */

    _Atomic uint64_t n_writes_begun;
    _Atomic uint64_t n_writes_done; /* fewer during a write, and after a failed one */
    _Atomic bool is_torn;           /* a write failed */
    _Atomic uint64_t sequence;      /* the engine's sequence number after the last write */

    _Atomic uint64_t n_commits;
    _Atomic uint64_t n_bytes;
    _Atomic uint64_t commit_us_sum;
};

void batch_init(struct batch *batch);
void batch_fini(struct batch *batch);

/* Sets an engine that was opened, and takes ownership of it. Earlier failed writes no longer count. */
void batch_set_engine(struct batch *batch, struct engine *engine);

/* Tells how many platform names and apps the engine has; batches add those after them. */
void batch_set_known(struct batch *batch, unsigned n_names, unsigned n_apps);

/* Closes the engine, unless it is already closed. */
void batch_close_engine(struct batch *batch);

/* Returns the engine; NULL if it was closed after an error and is not open again yet. */
static inline struct engine *batch_engine(const struct batch *batch)
{
    return batch->engine;
}

void batch_begin(struct batch *batch);
void batch_put_meta(struct batch *batch);
void batch_put_apps(struct batch *batch);
void batch_put_position(struct batch *batch, const struct layout_position *position);
void batch_put_pending(struct batch *batch, const struct pending *pending);
void batch_put_user(struct batch *batch, const uint8_t *record);
void batch_put_minute(struct batch *batch, const struct layout_minute *minute);

void batch_delete_user(struct batch *batch, uint16_t app, struct str user_id);

/* As batch_delete_user(), for a user that the table has dropped: the batch also writes the app's
 * forgotten_before. */
void batch_drop_user(struct batch *batch, uint16_t app, struct str user_id);

/* Adds new platform names and apps, and writes everything, if there is anything. Returns 0 or an error of the
 * engine, after which the engine must be reopened before it can be written. */
int batch_commit(struct batch *batch, struct engine_error *ret_error);

/* Waits until the writes that have begun are done. Returns false if one of them failed and the engine was not
 * reopened since. */
bool batch_await_writes(const struct batch *batch);

/* Returns the engine's sequence number after the last completed write. */
static inline uint64_t batch_sequence(const struct batch *batch)
{
    return atomic_load_explicit(&batch->sequence, memory_order_acquire);
}

void batch_add_stats(const struct batch *batch, struct store_stats *stats);

/* Makes the pair of an app from the current state of the table. */
void batch_make_app_pair(const struct table *table, uint16_t app, struct layout_pair *ret_pair);

#endif

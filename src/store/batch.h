/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_STORE_BATCH_H
#define PRESENCED_STORE_BATCH_H

/* The engine while it is open for writing, and the batch that is being filled for it. A batch is begun,
 * filled and committed; it is written whole or not at all.
 *
 * For the writer thread; at opening and closing, when that does not run, for the thread that does so. Any
 * thread may call batch_sequence(), batch_await_writes(), batch_add_stats() and batch_make_app_pair(). */

#include "engine.h"
#include "layout.h"

#include "presenced/store.h"

#include <stdatomic.h>

struct liveness;
struct pending;

struct batch {
    /* Given before batch_init(). */
    struct table *table;
    struct liveness *liveness;
    bool syncs; /* each write is synced */

    struct engine *engine;
    struct engine_batch *pairs;
    struct layout_pair pair;                         /* the one that is being made */
    unsigned n_names;                                /* platforms whose names the engine has */
    unsigned n_apps;                                 /* apps that it has */
    uint64_t apps_of_dropped[TABLE_N_APPS_MAX / 64]; /* a bit each: the batch drops users of that app */

    _Atomic uint64_t n_writes_begun;
    _Atomic uint64_t n_writes_done; /* fewer: one is under way, or failed and the engine is not open again */
    _Atomic bool is_torn;           /* it failed */
    _Atomic uint64_t sequence;      /* the engine's after the last write */

    _Atomic uint64_t n_commits;
    _Atomic uint64_t n_bytes;
    _Atomic uint64_t commit_us_sum;
};

void batch_init(struct batch *batch);
void batch_fini(struct batch *batch);

/* Takes an engine that was opened; no write that failed before counts any more. */
void batch_set_engine(struct batch *batch, struct engine *engine);

/* The engine has that many names of platforms and apps: batches bring those that come after them. */
void batch_set_known(struct batch *batch, unsigned n_names, unsigned n_apps);

/* Does nothing where it is closed already. */
void batch_close_engine(struct batch *batch);

/* NULL: it was closed after an error, and is not open again yet. */
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

/* As batch_delete_user(), of a user whom the table has dropped: the batch brings the app's forgotten_before
 * too. */
void batch_drop_user(struct batch *batch, uint16_t app, struct str user_id);

/* Adds new names of platforms and new apps, and writes all, if there is anything. 0, or as the engine: then
 * it takes no more writes until it is opened anew. */
int batch_commit(struct batch *batch, struct engine_error *ret_error);

/* Waits until the writes that have begun are done. False: one of them failed, and the engine was not opened
 * since. */
bool batch_await_writes(const struct batch *batch);

/* Of the engine, after the last write that was done. */
static inline uint64_t batch_sequence(const struct batch *batch)
{
    return atomic_load_explicit(&batch->sequence, memory_order_acquire);
}

void batch_add_stats(const struct batch *batch, struct store_stats *stats);

/* The pair of an app as the table has it now. */
void batch_make_app_pair(const struct table *table, uint16_t app, struct layout_pair *ret_pair);

#endif

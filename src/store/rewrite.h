/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_STORE_REWRITE_H
#define PRESENCED_STORE_REWRITE_H

/* Writes the whole table to the engine when changes were lost from the log. For the writer thread; any thread
 * may call rewrite_add_stats(). */

#include "engine.h"
#include "layout.h"

#include "presenced/store.h"

#include <stdatomic.h>

struct batch;
struct liveness;

enum rewrite_phase {
    REWRITE_NONE,
    REWRITE_TABLE,  /* users of the table are being written */
    REWRITE_ENGINE, /* users that are not in the table are being deleted */
};

struct rewrite_key {
    size_t len; /* 0: no key */
    uint8_t bytes[LAYOUT_KEY_MAX];
};

struct rewrite {
    /* Set before the first call. */
    struct table *table;
    struct batch *batch;
    struct liveness *liveness;

    enum rewrite_phase phase;
    struct table_cursor cursor;
    struct rewrite_key last_key; /* REWRITE_ENGINE: keys up to it have been compared with the table */
    _Atomic uint64_t n_begun;
};

/* Starts from the first page. */
void rewrite_begin(struct rewrite *rewrite);

static inline bool rewrite_is_under_way(const struct rewrite *rewrite)
{
    return rewrite->phase != REWRITE_NONE;
}

/* Writes the next page. Returns 0 or an error of the engine; then the next call tries again. */
int rewrite_step(struct rewrite *rewrite, struct engine_error *ret_error);

void rewrite_add_stats(const struct rewrite *rewrite, struct store_stats *stats);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_STORE_CHANGE_WRITER_H
#define PRESENCED_STORE_CHANGE_WRITER_H

/* What there is to write, batch by batch: a page of a rewrite, changes, a minute, the apps. Owns how far it
 * has come. For the writer thread; any thread may call change_writer_request_apps() and
 * change_writer_add_stats(). */

#include "engine.h"

#include "presenced/changes.h"
#include "presenced/store.h"

#include <stdatomic.h>

struct batch;
struct commit_log;
struct minutes;
struct relaxed;
struct rewrite;
struct stored_revision;

struct change_writer {
    /* Given before change_writer_init(). */
    const struct store_config *config;
    struct stored_revision *stored;
    struct batch *batch;
    struct minutes *minutes;
    struct rewrite *rewrite;
    struct relaxed *relaxed;
    const struct commit_log *commit_log;

    struct changes *changes;
    struct buf storage;
    struct change *read; /* as many as a batch takes */
    uint64_t position;   /* revision up to which all is written, but for what a rewrite is to write */
    uint64_t begun_ms;   /* when it began to read the batch; monotonic, coarse */
    _Atomic uint64_t n_app_requests;
    _Atomic uint64_t n_app_requests_done;
    _Atomic uint64_t n_changes;
};

/* 0 or -ENOMEM, to be undone by change_writer_fini() in any case. */
int change_writer_init(struct change_writer *change_writer);
void change_writer_fini(struct change_writer *change_writer);

/* All apps are to be written again, no later than what changes after this. */
void change_writer_request_apps(struct change_writer *change_writer);

/* The engine gets the whole table. */
void change_writer_rewrite(struct change_writer *change_writer);

#define CHANGE_WRITER_IDLE 1 /* the engine has all there is */

/* Writes a batch of what there is. 0, CHANGE_WRITER_IDLE, or below 0 as the engine: then nothing is lost, and
 * the next call tries again. */
int change_writer_step(struct change_writer *change_writer, struct engine_error *ret_error);

void change_writer_add_stats(const struct change_writer *change_writer, struct store_stats *stats);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_STORE_CHANGE_WRITER_H
#define PRESENCED_STORE_CHANGE_WRITER_H

/* Decides what is written next, batch by batch: a page of a rewrite, changes, a minute, the apps. Owns the
 * position in the change log. For the writer thread; any thread may call change_writer_request_apps() and
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
    /* Set before change_writer_init(). */
    const struct store_config *config;
    struct stored_revision *stored;
    struct batch *batch;
    struct minutes *minutes;
    struct rewrite *rewrite;
    struct relaxed *relaxed;
    const struct commit_log *commit_log;

    struct changes *changes;
    struct buf storage;
    struct change *read; /* array for the maximum number of changes of a batch */
    uint64_t position;   /* revision up to which all is written, except by a pending rewrite */
    uint64_t begun_ms;   /* when reading the current batch began; monotonic, coarse */
    _Atomic uint64_t n_app_requests;
    _Atomic uint64_t n_app_requests_done;
    _Atomic uint64_t n_changes;
};

/* Returns 0 or -ENOMEM. change_writer_fini() must be called in either case. */
int change_writer_init(struct change_writer *change_writer);
void change_writer_fini(struct change_writer *change_writer);

/* Schedules all apps to be written again, before any later change. */
void change_writer_request_apps(struct change_writer *change_writer);

/* Starts a rewrite of the whole table. */
void change_writer_rewrite(struct change_writer *change_writer);

#define CHANGE_WRITER_IDLE 1 /* there is nothing left to write */

/* Writes one batch. Returns 0, CHANGE_WRITER_IDLE, or an error of the engine: then nothing is lost, and the
 * next call tries again. */
int change_writer_step(struct change_writer *change_writer, struct engine_error *ret_error);

void change_writer_add_stats(const struct change_writer *change_writer, struct store_stats *stats);

#endif

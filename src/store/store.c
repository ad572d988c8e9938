/* SPDX-License-Identifier: MIT */
/* The public functions of a store. It consists of parts, each with fields of its own:
 *
 *   opening           folder, recovery, loading
 *   folder            the folder, and the file SYNCED in it
 *   batch             the engine open for writing, and the batch being filled
 *   commit_log        with STORE_COMMIT: writes each change to the journal at once
 *   relaxed           with STORE_RELAXED: the age of the oldest change that the engine does not have
 *   minutes           the number of online users per minute
 *   rewrite           writes the whole table when changes were lost
 *   change_writer     the next batch: a page of a rewrite, changes, a minute, the apps
 *   writer_thread     runs change_writer, and handles its failures
 *   fsync_thread      syncs what was written
 *   liveness          whether the writer thread makes progress
 *   stored_revision   revision up to which the engine has all changes
 *
 *   table ── change log ──> writer thread ── batches ──> engine <── fsync thread ──> SYNCED
 *                │             │                                       │
 *                └─> journal   └── stored revision, problem            └── synced revision; an error: to the
 *                                                                          writer thread */
#include "batch.h"
#include "change_writer.h"
#include "commit_log.h"
#include "files.h"
#include "folder.h"
#include "fsync_thread.h"
#include "liveness.h"
#include "minutes.h"
#include "opening.h"
#include "relaxed.h"
#include "rewrite.h"
#include "stored_revision.h"
#include "writer_thread.h"

#include "presenced/log.h"

#include <errno.h>
#include <stdio.h>

struct store {
    struct store_config config; /* `path` is owned, and on_durable is never NULL */
    struct changes *changes;
    struct stored_revision stored;
    struct opening_result opening_result;
    struct folder folder;
    struct batch batch;
    struct commit_log commit_log;
    struct relaxed relaxed;
    struct minutes minutes;
    struct rewrite rewrite;
    struct change_writer change_writer;
    struct writer_thread writer_thread;
    struct fsync_thread fsync_thread;
    struct liveness liveness;
};

static void ignore_durable(void *unused)
{
    (void)unused;
}

static void store_free(struct store *store)
{
    if (store == NULL) {
        return;
    }
    batch_fini(&store->batch);
    relaxed_fini(&store->relaxed);
    commit_log_fini(&store->commit_log);
    folder_fini(&store->folder);
    writer_thread_fini(&store->writer_thread);
    fsync_thread_fini(&store->fsync_thread);
    change_writer_fini(&store->change_writer);
    minutes_fini(&store->minutes);
    free((char *)store->config.path);
    free(store);
}
DEFINE_CLEANUP(struct store *, store_free)

/* Sets the references between the parts. */
static void connect_parts(struct store *store)
{
    store->batch.table = store->config.table;
    store->batch.syncs = store->config.durability == STORE_SYNC;
    store->batch.liveness = &store->liveness;

    store->rewrite.table = store->config.table;
    store->rewrite.batch = &store->batch;
    store->rewrite.liveness = &store->liveness;

    store->relaxed.changes = store->changes;
    store->relaxed.stored = &store->stored;

    store->fsync_thread.config = &store->config;
    store->fsync_thread.stored = &store->stored;
    store->fsync_thread.batch = &store->batch;
    store->fsync_thread.folder = &store->folder;

    store->commit_log.config = &store->config;
    store->commit_log.stored = &store->stored;
    store->commit_log.fsync_thread = &store->fsync_thread;
    store->commit_log.folder = &store->folder;
    store->commit_log.batch = &store->batch;
    store->commit_log.liveness = &store->liveness;

    store->change_writer.config = &store->config;
    store->change_writer.stored = &store->stored;
    store->change_writer.batch = &store->batch;
    store->change_writer.minutes = &store->minutes;
    store->change_writer.relaxed = &store->relaxed;
    store->change_writer.commit_log = &store->commit_log;
    store->change_writer.rewrite = &store->rewrite;

    store->writer_thread.config = &store->config;
    store->writer_thread.stored = &store->stored;
    store->writer_thread.folder = &store->folder;
    store->writer_thread.batch = &store->batch;
    store->writer_thread.change_writer = &store->change_writer;
    store->writer_thread.commit_log = &store->commit_log;
    store->writer_thread.fsync_thread = &store->fsync_thread;
    store->writer_thread.liveness = &store->liveness;
}

static int make_store(const struct store_config *config, struct store **ret_store)
{
    cleanup(store_freep) struct store *store = calloc(1, sizeof(*store));
    if (store == NULL) {
        return -ENOMEM;
    }
    store->config = *config;
    store->config.path = strdup(config->path);
    store->config.on_durable = config->on_durable == NULL ? ignore_durable : config->on_durable;
    store->changes = table_changes(config->table);
    connect_parts(store);
    folder_init(&store->folder, store->config.path);
    batch_init(&store->batch);
    commit_log_init(&store->commit_log);
    minutes_init(&store->minutes);
    fsync_thread_init(&store->fsync_thread);
    int r = writer_thread_init(&store->writer_thread);
    if (r < 0) {
        return r;
    }
    r = change_writer_init(&store->change_writer);
    if (r < 0 || store->config.path == NULL) {
        return -ENOMEM;
    }
    *ret_store = take_pointer(store);
    return 0;
}

/* Observers are started first, because they must see every change. */
static int start(struct store *store)
{
    bool has_journal = commit_log_is_used(&store->commit_log);
    if (has_journal) {
        commit_log_start(&store->commit_log);
    } else if (store->config.durability == STORE_RELAXED) {
        relaxed_start(&store->relaxed);
    }
    int r = writer_thread_start(&store->writer_thread);
    if (r < 0) {
        return r;
    }
    r = fsync_thread_start(&store->fsync_thread, has_journal, writer_thread_wake_fd(&store->writer_thread));
    if (r < 0) {
        writer_thread_stop(&store->writer_thread);
    }
    return r;
}

static int open_steps(struct store *store, char ret_problem[static STORE_PROBLEM_SIZE])
{
    int r = opening_run(&store->config, &store->folder, &store->batch, &store->commit_log,
                        &store->opening_result, ret_problem);
    if (r < 0) {
        return r;
    }
    return start(store);
}

int store_open(const struct store_config *config, struct store **ret_store,
               char ret_problem[static STORE_PROBLEM_SIZE])
{
    cleanup(store_freep) struct store *store = NULL;
    ret_problem[0] = '\0';
    int r = make_store(config, &store);
    if (r == 0) {
        r = open_steps(store, ret_problem);
    }
    if (r == -ECANCELED) {
        ret_problem[0] = '\0';
        return STORE_CANCELLED;
    }
    if (r < 0) {
        if (ret_problem[0] == '\0') {
            (void)snprintf(ret_problem, STORE_PROBLEM_SIZE, "%s: %s", config->path, strerror(-r));
        }
        return r;
    }
    *ret_store = take_pointer(store);
    return 0;
}

/* Writes the value of the current minute, and that there is no journal. */
static int write_end(struct store *store, struct engine_error *ret_error)
{
    static const struct layout_position no_journal;
    struct layout_minute minute;
    batch_begin(&store->batch);
    if (minutes_current(&store->minutes, &minute)) {
        batch_put_minute(&store->batch, &minute);
    }
    batch_put_position(&store->batch, &no_journal);
    return batch_commit(&store->batch, ret_error);
}

static int close_in_order(struct store *store, struct engine_error *ret_error)
{
    int r = write_end(store, ret_error);
    if (r < 0) {
        return r;
    }
    struct engine *engine = batch_engine(&store->batch);
    r = engine_flush(engine, ret_error);
    if (r < 0) {
        return r;
    }
    r = folder_sync(&store->folder, &store->batch, SUPERBLOCK_CLOSED, engine_last_sequence(engine));
    if (r < 0) {
        return r;
    }
    journal_remove_all(store->folder.fd);
    return 0;
}

/* Returns the number of changes that are in no file, whether they were answered OK or FAIL. The next start
 * takes changes from the journal that the engine does not have. */
static uint64_t count_lost(const struct store *store)
{
    uint64_t stored = stored_revision_get(&store->stored);
    uint64_t journaled = commit_log_revision(&store->commit_log);
    return changes_last_revision(store->changes) - (journaled > stored ? journaled : stored);
}

static void close_or_log(struct store *store)
{
    struct engine_error error = {""};
    uint64_t n_changes = changes_last_revision(store->changes);
    if (folder_is_removed(&store->folder)) {
        log_error("store closed without its folder, which was removed with all that it held",
                  log_text("path", store->config.path), log_u64("lost", n_changes));
        batch_close_engine(&store->batch);
        files_remove_strays(store->folder.fd);
        return;
    }
    uint64_t n_lost = count_lost(store);
    if (n_lost > 0) {
        log_error("store closed without all changes", log_u64("lost", n_lost));
    } else if (batch_engine(&store->batch) == NULL || n_changes > stored_revision_get(&store->stored)) {
        const char *problem = store_problem(store);
        log_error("store not closed in order", log_text("problem", problem == NULL ? "" : problem));
    } else if (close_in_order(store, &error) < 0) {
        log_error("store not closed in order", log_text("engine", error.text));
    }
}

void store_close(struct store *store)
{
    if (store == NULL) {
        return;
    }
    writer_thread_stop(&store->writer_thread);
    fsync_thread_stop(&store->fsync_thread);
    close_or_log(store);
    store_free(store);
}

uint64_t store_durable_revision(const struct store *store)
{
    uint64_t stored = stored_revision_get(&store->stored);
    if (store->config.durability == STORE_RELAXED && store_problem(store) == NULL &&
        relaxed_is_within_bound(&store->relaxed)) {
        return changes_last_revision(store->changes);
    }
    if (!commit_log_is_used(&store->commit_log)) {
        return stored;
    }
    if (fsync_thread_is_late(&store->fsync_thread)) {
        return fsync_thread_synced_revision(&store->fsync_thread);
    }
    uint64_t journaled = store_problem(store) == NULL ? commit_log_revision(&store->commit_log) : 0;
    return journaled > stored ? journaled : stored;
}

const char *store_problem(const struct store *store)
{
    return writer_thread_problem(&store->writer_thread);
}

void store_record_online(struct store *store, uint64_t unix_ms, uint64_t n_online)
{
    if (minutes_record(&store->minutes, unix_ms, n_online)) {
        writer_thread_wake(&store->writer_thread);
    }
}

void store_write_apps(struct store *store)
{
    change_writer_request_apps(&store->change_writer);
    writer_thread_wake(&store->writer_thread);
}

bool store_made_progress(struct store *store)
{
    bool made_progress = liveness_made_progress(&store->liveness);
    writer_thread_wake(&store->writer_thread);
    return made_progress;
}

void store_stats(const struct store *store, struct store_stats *ret_stats)
{
    uint64_t stored = stored_revision_get(&store->stored);
    *ret_stats = (struct store_stats){
        .n_users_loaded = store->opening_result.n_users_loaded,
        .load_ms = store->opening_result.load_ms,
        .was_closed = store->opening_result.was_closed,
        .stored_revision = stored,
        .lag = changes_last_revision(store->changes) - stored,
    };
    batch_add_stats(&store->batch, ret_stats);
    rewrite_add_stats(&store->rewrite, ret_stats);
    change_writer_add_stats(&store->change_writer, ret_stats);
    writer_thread_add_stats(&store->writer_thread, ret_stats);
    fsync_thread_add_stats(&store->fsync_thread, ret_stats);
}

/* SPDX-License-Identifier: MIT */
/* A change is written to the journal by the thread that makes it, so its event need not wait for the engine,
 * and the writer thread can combine many changes in each batch. This requires:
 *
 *   - When the journal is full of changes that the engine does not have yet, events wait for the engine.
 *   - The engine's batches record the revision they contain, so that a start knows what to replay.
 *   - A change is on disk within a second; while the fsync thread does not keep up with that, events wait.
 *
 * There is one file per run of the daemon; a run that was closed cleanly leaves none. If the file is lost
 * during a run, the run continues without it: events wait for the engine, whose next batch records that there
 * is no journal, until there is one with a new number. */
#include "commit_log.h"

#include "batch.h"
#include "folder.h"
#include "fsync_thread.h"
#include "liveness.h"
#include "stored_revision.h"

#include "presenced/clock.h"
#include "presenced/log.h"

#include <assert.h>
#include <stdio.h>

static_assert(LAYOUT_KEY_MAX <= JOURNAL_KEY_MAX && LAYOUT_VALUE_MAX <= JOURNAL_VALUE_MAX, "all fit");

#define RENEWAL_INTERVAL_MS 10000

static bool put(const struct commit_log *commit_log, uint64_t revision, const struct layout_pair *pair,
                bool is_deleted)
{
    const struct journal_pair put = {
        .is_deleted = is_deleted,
        .key = layout_key(pair),
        .value = is_deleted ? STR("") : layout_value(pair),
    };
    return journal_put(commit_log->journal, stored_revision_get(commit_log->stored), revision, &put);
}

static bool put_new_names(struct commit_log *commit_log, uint64_t revision)
{
    const struct platform_names *names = table_platform_names(commit_log->config->table);
    unsigned n = platform_count(names);
    for (; commit_log->n_names < n; commit_log->n_names++) {
        struct layout_pair pair;
        uint8_t platform = (uint8_t)commit_log->n_names;
        layout_write_platform(platform, platform_name(names, platform), &pair);
        if (!put(commit_log, revision, &pair, false)) {
            return false;
        }
    }
    return true;
}

static bool put_app(const struct commit_log *commit_log, uint64_t revision, unsigned app)
{
    struct layout_pair pair;
    batch_make_app_pair(commit_log->config->table, (uint16_t)app, &pair);
    return put(commit_log, revision, &pair, false);
}

static bool put_new_apps(struct commit_log *commit_log, uint64_t revision)
{
    unsigned n = table_n_apps(commit_log->config->table);
    for (; commit_log->n_apps < n; commit_log->n_apps++) {
        if (!put_app(commit_log, revision, commit_log->n_apps)) {
            return false;
        }
    }
    return true;
}

/* For a dropped user the app is written, too, because the drop may have raised its forgotten_before. */
static bool put_user(const struct commit_log *commit_log, const struct change *change)
{
    const uint8_t *record = (const uint8_t *)change->record.ptr;
    uint16_t app = record_app(record);
    uint64_t app_id = table_app_id(commit_log->config->table, app);
    struct layout_pair pair;
    if (change->kind == CHANGE_UPDATED) {
        layout_write_user(app_id, record, &pair);
        return put(commit_log, change->revision, &pair, false);
    }
    layout_write_user_key(app_id, record_id(record), &pair);
    return put_app(commit_log, change->revision, app) && put(commit_log, change->revision, &pair, true);
}

/* Adds a change to the journal. If a change was left out, for lack of room or because the disk is stuck,
 * later changes are useless until the engine has the missing one.
 *
 * The disk matters because writing to a mapped page under writeback causes a page fault, which waits for the
 * file system's own journal. If the disk hangs, that blocks the thread after some seconds (ext4), with locks
 * held. The fsync thread is blocked first, so its state is checked here.
 *
 * A file system that is frozen for a snapshot gives no such warning: a thread that changes the table then
 * waits until it is thawed, as it would in pwrite(). Probing the file every millisecond, and not using it
 * when the last successful probe is more than three milliseconds old, was too slow for 17 of 20 freezes under
 * load. */
static void on_change(void *cls, const struct change *change)
{
    struct commit_log *commit_log = cls;
    uint64_t before = change->revision - 1;
    bool has_gap = journal_revision(commit_log->journal) != before &&
                   stored_revision_get(commit_log->stored) < before;
    if (has_gap || fsync_thread_is_stuck(commit_log->fsync_thread)) {
        return;
    }
    if (put_new_names(commit_log, change->revision) && put_new_apps(commit_log, change->revision) &&
        put_user(commit_log, change)) {
        journal_complete(commit_log->journal, change->revision);
    }
}

void commit_log_init(struct commit_log *commit_log)
{
    commit_log->changes = table_changes(commit_log->config->table);
}

void commit_log_fini(struct commit_log *commit_log)
{
    changes_unobserve(commit_log->changes, &commit_log->observer);
    journal_free(commit_log->journal);
}

int commit_log_prepare(struct commit_log *commit_log, uint64_t last_run)
{
    struct table *table = commit_log->config->table;
    if (commit_log->config->durability != STORE_COMMIT) {
        return 0;
    }
    commit_log->run = last_run + 1;
    commit_log->n_names = platform_count(table_platform_names(table));
    commit_log->n_apps = table_n_apps(table);
    return journal_create(commit_log->folder->fd, commit_log->run, &commit_log->journal);
}

void commit_log_start(struct commit_log *commit_log)
{
    commit_log->observer = (struct changes_observer){.on_change = on_change, .cls = commit_log};
    changes_observe(commit_log->changes, &commit_log->observer);
}

/* The engine must record the new file before entries in it count. The observer is removed first, so that no
 * thread is still adding to the lost journal. */
static int create_next(struct commit_log *commit_log, struct engine_error *ret_error)
{
    changes_unobserve(commit_log->changes, &commit_log->observer);
    int r = journal_renew(commit_log->journal, commit_log->folder->fd, commit_log->run + 1);
    if (r < 0) {
        (void)snprintf(ret_error->text, sizeof(ret_error->text), "%s", strerror(-r));
        return r;
    }
    commit_log->run++;
    const struct layout_position position = {commit_log->run, stored_revision_get(commit_log->stored)};
    batch_begin(commit_log->batch);
    batch_put_position(commit_log->batch, &position);
    r = batch_commit(commit_log->batch, ret_error);
    if (r < 0) {
        return r;
    }
    journal_resume(commit_log->journal);
    commit_log_start(commit_log);
    return 0;
}

void commit_log_renew(struct commit_log *commit_log)
{
    struct engine_error error = {""};
    uint64_t now_ms = clock_coarse_ms();
    if (commit_log->journal == NULL || !journal_is_lost(commit_log->journal) ||
        now_ms < commit_log->next_renewal_ms) {
        return;
    }
    liveness_set_at_disk(commit_log->liveness, true);
    int r = create_next(commit_log, &error);
    liveness_set_at_disk(commit_log->liveness, false);
    commit_log->next_renewal_ms = now_ms + RENEWAL_INTERVAL_MS;
    if (r == 0) {
        log_error("the journal was cut, or could not be written: there is a new one",
                  log_u64("run", commit_log->run));
    } else if (!commit_log->is_loss_logged) {
        log_error("the journal was cut, or could not be written: events wait for the engine",
                  log_text("problem", error.text));
    }
    commit_log->is_loss_logged = r < 0;
}

struct layout_position commit_log_position(const struct commit_log *commit_log, uint64_t revision)
{
    if (commit_log->journal == NULL || journal_is_lost(commit_log->journal)) {
        return (struct layout_position){0, 0};
    }
    return (struct layout_position){commit_log->run, revision};
}

void commit_log_sync(const struct commit_log *commit_log)
{
    if (commit_log->journal != NULL) {
        (void)journal_sync(commit_log->journal);
    }
}

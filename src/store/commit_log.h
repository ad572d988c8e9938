/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_STORE_COMMIT_LOG_H
#define PRESENCED_STORE_COMMIT_LOG_H

/* With STORE_COMMIT, each change is written to the journal as soon as it is made, before the engine has it.
 * Owns the journal. With another durability there is no journal, and the functions
 * have no effect or return 0.
 *
 * Changes are added by an observer of the change log, under that log's lock. Prepare, start and fini are for
 * the thread that opens and closes the store; commit_log_renew(), commit_log_position() and commit_log_sync()
 * are for the writer thread; any thread may call the rest. */

#include "journal.h"
#include "layout.h"

#include "presenced/changes.h"
#include "presenced/store.h"

struct batch;
struct folder;
struct fsync_thread;
struct liveness;
struct stored_revision;

struct commit_log {
    /* Set before commit_log_init(). */
    const struct store_config *config;
    const struct stored_revision *stored;
    const struct fsync_thread *fsync_thread;
    const struct folder *folder;
    struct batch *batch;
    struct liveness *liveness;

    struct changes *changes;
    struct journal *journal; /* NULL: there is no journal */

    /* Used by the thread that changes the table, under the change log's lock. */
    struct changes_observer observer;
    unsigned n_names; /* platforms whose names are in the journal or the engine */
    unsigned n_apps;  /* apps that are in the journal or the engine */

    /* Used by the writer thread. */
    uint64_t run; /* number of the journal */
    uint64_t next_renewal_ms;
    bool is_loss_logged;
};

void commit_log_init(struct commit_log *commit_log);
void commit_log_fini(struct commit_log *commit_log);

/* Creates the journal of the run after `last_run`, if one is configured. The engine must have, or be about to
 * get, all names and apps of the table. Changes are added from commit_log_start() on. Returns 0 or -errno. */
int commit_log_prepare(struct commit_log *commit_log, uint64_t last_run);
void commit_log_start(struct commit_log *commit_log);

/* If the journal's file was lost, creates one with a new run number, at most every ten seconds. Called when
 * the engine has all changes. */
void commit_log_renew(struct commit_log *commit_log);

/* Returns the position to store in a batch with all changes up to `revision`: where a start begins to replay
 * the journal. */
struct layout_position commit_log_position(const struct commit_log *commit_log, uint64_t revision);

/* Calls fsync on the journal, ignoring errors. */
void commit_log_sync(const struct commit_log *commit_log);

static inline bool commit_log_is_used(const struct commit_log *commit_log)
{
    return commit_log->journal != NULL;
}

/* Returns the revision up to which changes are in the journal or the engine; 0 if there are none, there is no
 * journal, or it is lost. */
static inline uint64_t commit_log_revision(const struct commit_log *commit_log)
{
    return commit_log->journal == NULL ? 0 : journal_revision(commit_log->journal);
}

#endif

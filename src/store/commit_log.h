/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_STORE_COMMIT_LOG_H
#define PRESENCED_STORE_COMMIT_LOG_H

/* With STORE_COMMIT: each change is in the journal as soon as it is made, before the engine has it. Owns the
 * journal and what was put there; with another durability there is none, and its functions say so.
 *
 * The change log shows it changes, under that log's lock. Prepare, start and fini are for the thread that
 * opens and closes the store; commit_log_renew(), commit_log_position() and commit_log_sync() are for the
 * writer thread; any thread may call the rest. */

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
    /* Given before commit_log_init(). */
    const struct store_config *config;
    const struct stored_revision *stored;
    const struct fsync_thread *fsync_thread;
    const struct folder *folder;
    struct batch *batch;
    struct liveness *liveness;

    struct changes *changes;
    struct journal *journal; /* NULL: there is none */

    /* Of whoever changes the table, under the change log's lock. */
    struct changes_observer observer;
    unsigned n_names; /* platforms whose names the journal or the engine has */
    unsigned n_apps;  /* apps that one of them has */

    /* The writer thread's. */
    uint64_t run; /* the journal's number */
    uint64_t next_renewal_ms;
    bool is_loss_logged;
};

void commit_log_init(struct commit_log *commit_log);
void commit_log_fini(struct commit_log *commit_log);

/* Makes the journal of the run after `last_run`, if one is wanted; the engine has, or is to get, all names
 * and apps of the table. Changes are put in from commit_log_start() on. 0 or -errno. */
int commit_log_prepare(struct commit_log *commit_log, uint64_t last_run);
void commit_log_start(struct commit_log *commit_log);

/* Where the journal's file was lost, makes one of another run, but no more often than every ten seconds. To
 * be called when the engine has all changes there are. */
void commit_log_renew(struct commit_log *commit_log);

/* For a batch that has all changes up to the revision: from where a start goes on in the journal. */
struct layout_position commit_log_position(const struct commit_log *commit_log, uint64_t revision);

/* Makes what it has survive a power cut, if it can. */
void commit_log_sync(const struct commit_log *commit_log);

static inline bool commit_log_is_used(const struct commit_log *commit_log)
{
    return commit_log->journal != NULL;
}

/* Changes up to it are in the journal or in the engine; 0: none is, there is no journal, or it is lost. */
static inline uint64_t commit_log_revision(const struct commit_log *commit_log)
{
    return commit_log->journal == NULL ? 0 : journal_revision(commit_log->journal);
}

#endif

/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_STORE_PRIVATE_H
#define PRESENCED_STORE_PRIVATE_H

/* The store as its own files see it. From the top:
 *
 *   store.c           what is asked of it; start and end
 *   opening.c         folder, recovery, loading
 *   writer_thread.c   the thread that writes what changed, and what it does when that fails
 *   change_writer.c   its next batch: changes, minutes, a page of rewrite.c
 *   rewrite.c         the whole table, when changes were lost
 *   commit_log.c      with STORE_COMMIT: each change is in the journal at once, before the engine has it
 *   relaxed.c         with STORE_RELAXED: how long the engine may lack a change
 *   batch.c           a batch: filled and written
 *   fsync_thread.c    the thread that makes what was written survive a power cut
 *
 *   table ── change log ──> writer thread ── batches ──> engine <── fsync thread ──> SYNCED
 *                │             │                                       │
 *                └─> journal   └── stored revision, problem            └── synced revision; a failure: to the
 *                                                                          writer thread
 */

#include "engine.h"
#include "journal.h"
#include "layout.h"
#include "pending.h"
#include "superblock.h"

#include "presenced/store.h"

#include <pthread.h>
#include <stdatomic.h>

#define BATCH_N_CHANGES_MAX 4096
#define BATCH_BYTES_MAX ((size_t)1 << 20)

enum rewrite_phase {
    REWRITE_NONE,
    REWRITE_TABLE,  /* users of the table are being written */
    REWRITE_ENGINE, /* users that the table does not hold are being deleted */
};

/* The whole table on its way to the engine. */
struct rewrite {
    enum rewrite_phase phase;
    struct table_cursor cursor;
    size_t last_key_len; /* REWRITE_ENGINE: the last that was looked at; 0: none yet */
    uint8_t last_key[LAYOUT_KEY_MAX];
};

/* Minutes noted by another thread until the writer thread takes them. */
struct minutes {
    pthread_mutex_t lock;
    struct layout_minute noted; /* the last; unix_ms 0: none */
    struct layout_minute ended; /* to be written; unix_ms 0: none */
};

struct counters {
    _Atomic uint64_t n_commits;
    _Atomic uint64_t n_changes;
    _Atomic uint64_t n_bytes;
    _Atomic uint64_t commit_us_sum;
    _Atomic uint64_t n_syncs;
    _Atomic uint64_t sync_us_sum;
    _Atomic uint64_t n_failures;
    _Atomic uint64_t n_rewritten;
};

struct store {
    struct store_config config; /* `path` is ours */
    struct changes *changes;
    struct changes_observer observer; /* the commit log's, or with STORE_RELAXED relaxed.c's */
    struct counters counters;

    /* ---- from the opening ---- */
    uint64_t n_users_loaded;
    uint64_t load_ms;
    bool was_closed;

    /* ---- the journal; used by whoever changes the table, under the change log's lock ---- */
    struct journal *journal;    /* NULL: there is none */
    uint64_t run;               /* its number; the writer thread's */
    bool is_journal_lost;       /* as was logged; the writer thread's */
    uint64_t mends_from_ms;     /* when to try next; the writer thread's */
    unsigned n_names_journaled; /* platforms whose names it or the engine has */
    unsigned n_apps_journaled;  /* apps that it or the engine has */

    /* ---- the writer thread's ---- */
    struct engine *engine; /* NULL: closed after an error, and not open again yet */
    struct engine_batch *batch;
    struct buf storage;
    struct change *read; /* BATCH_N_CHANGES_MAX */
    struct layout_pair *pair;
    uint64_t position;        /* revision up to which all is written, but for what a rewrite is to write */
    uint64_t read_ms;         /* when it began to read the batch */
    unsigned n_names_written; /* platforms whose names the engine has */
    unsigned n_apps_stored;   /* apps that it has */
    uint64_t dropped_from[TABLE_N_APPS_MAX / 64]; /* apps of which the batch drops users: a bit each */
    struct rewrite rewrite;
    struct minutes minutes;
    _Atomic uint64_t n_apps_noted;   /* calls of store_note_apps() */
    _Atomic uint64_t n_apps_written; /* those that what was written has answered */

    /* ---- of both threads ---- */
    int changes_fd; /* eventfd of the change log */
    int control_fd; /* eventfd: there is something other than changes to look at */
    _Atomic bool stopping;
    _Atomic int sync_error; /* below 0: what the fsync thread met, until the engine was opened anew */
    _Atomic uint64_t n_writes_begun; /* to the engine */
    _Atomic uint64_t n_writes_done;  /* fewer: one is under way, or failed and the engine is not open again */
    _Atomic bool is_torn;            /* it failed */
    _Atomic uint64_t written_sequence; /* the engine's after the last write */
    _Atomic uint64_t stored_revision;  /* the engine has all changes up to it */
    _Atomic uint64_t synced_revision;  /* and an fsync has returned since */
    _Atomic uint64_t fresh_until_ms;   /* with a journal: what was changed a second before it is synced */
    _Atomic uint64_t syncs_since_ms;   /* an fsync is under way; 0: none */
    _Atomic uint64_t lacking_since_ms; /* STORE_RELAXED: what the engine lacks has not changed before */
    const char *_Atomic problem;
    _Atomic uint64_t n_rounds;    /* of the writer thread: moves as long as it does */
    _Atomic bool is_at_disk;      /* the writer thread is, or may be: it need not move */
    uint64_t n_rounds_seen;       /* of store_made_progress() */
    struct superblock superblock; /* the fsync thread's while it runs */
    int folder_fd;
    pthread_mutex_t fsync_lock;
    pthread_cond_t fsync_wakes;
    bool fsync_stops; /* under the lock */
    pthread_t writer_thread;
    pthread_t fsync_thread;
};

/* ---- fsync_thread.c ---- */

/* What was answered OK is on disk so much later. */
#define STORE_FRESH_MS 1000

#define STORE_TORN 1 /* a write has failed meanwhile: SYNCED says what it said before */

/* Makes what the engine has written up to that sequence survive a power cut, and tells SYNCED so. 0,
 * STORE_TORN or -errno. */
int store_sync(struct store *store, enum superblock_state state, uint64_t sequence);

static inline void store_count(_Atomic uint64_t *counter, uint64_t n)
{
    atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

/* The engine has changes up to it. */
static inline uint64_t store_stored_revision(const struct store *store)
{
    return atomic_load_explicit(&store->stored_revision, memory_order_acquire);
}

/* store_problem() */
static inline const char *store_private_problem(const struct store *store)
{
    return atomic_load_explicit(&store->problem, memory_order_acquire);
}

/* ---- commit_log.c ---- */

/* Makes the journal of a new run; changes are put in from commit_log_start() on. 0 or -errno. */
int commit_log_prepare(struct store *store);
void commit_log_start(struct store *store);

/* Makes a journal of another run where the file of this one was lost, once the engine has all that there is.
 * By the writer thread, now and then. */
void commit_log_mend(struct store *store);

/* Whether what changes now is in the journal at once. */
bool commit_log_is_whole(const struct store *store);

/* ---- relaxed.c ---- */

/* Begins to look at changes. */
void relaxed_start(struct store *store);

/* Whether all that the engine lacks may be lost still. */
bool relaxed_lacks_little(const struct store *store);

/* ---- opening.c ---- */

/* Checks, loads, opens: leaves `engine` and `superblock` open. As store_open(). */
int opening_run(struct store *store, char ret_problem[static STORE_PROBLEM_SIZE]);

/* ---- change_writer.c ---- */

#define CHANGE_WRITER_IDLE 1 /* all there was is written */

/* Writes a batch of what there is. 0, CHANGE_WRITER_IDLE, or below 0 as the engine has it: then nothing is
 * lost, and the next call tries again. */
int change_writer_step(struct store *store, struct engine_error *ret_error);

/* ---- batch.c ---- */

/* A batch: begun, filled, and written with the names of platforms and the apps that it may need. */
void batch_begin(struct store *store);
void batch_put_meta(struct store *store);
void batch_put_apps(struct store *store);
void batch_put_position(struct store *store, uint64_t run, uint64_t revision);
void batch_put_pending(struct store *store, const struct pending *pending);
void batch_put_user(struct store *store, const uint8_t *record);
void batch_put_minute(struct store *store, const struct layout_minute *minute);
void batch_delete_user(struct store *store, uint16_t app, struct str user_id);
int batch_commit(struct store *store, struct engine_error *ret_error);

/* An app as it is now. */
void batch_app_pair(const struct store *store, uint16_t app, struct layout_pair *ret_pair);

/* ---- rewrite.c ---- */

void rewrite_begin(struct store *store);

/* Writes the next page. 0 or as the engine says; `rewrite.phase` tells when it is done. */
int rewrite_step(struct store *store, struct engine_error *ret_error);

/* The writer thread is at the disk from here on, or no longer. */
static inline void store_set_at_disk(struct store *store, bool is_at_disk)
{
    atomic_store_explicit(&store->is_at_disk, is_at_disk, memory_order_relaxed);
}

/* ---- writer_thread.c and fsync_thread.c: the threads, given the store ---- */

void *writer_thread_run(void *cls);
void *fsync_thread_run(void *cls);

/* Wakes the writer thread for something other than changes. */
void writer_thread_wake(struct store *store);

#endif

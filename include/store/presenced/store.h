/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_STORE_H
#define PRESENCED_STORE_H

/* The table on disk, in a folder of its own. A thread of the store's follows the change log and writes what
 * changed; how far it has come is the durable revision. Any thread may call everything here but store_open()
 * and store_close(). */

#include "presenced/table.h"

struct store;

enum store_durability {
    STORE_RELAXED, /* durable is all while the engine lacks nothing for 50 ms; fsync as with STORE_COMMIT */
    STORE_COMMIT,  /* durable is what outlives the process; an fsync follows within a second */
    STORE_SYNC,    /* durable is what an fsync has returned for */
};

struct store_config {
    const char *path; /* the folder, made where its parent exists */
    enum store_durability durability;
    uint64_t memory_bytes; /* of the engine's buffers and caches; from STORE_MEMORY_MIN */
    struct table *table;   /* borrowed until store_close(); nothing has changed in it yet */

    /* The durable revision or store_problem() is another than before, but for what is durable as soon as it
     * has changed. From a thread of the store's, which waits meanwhile; may be NULL. */
    void (*on_durable)(void *cls);
    /* Whether the store is not wanted any more; asked while it is loaded, by the caller of store_open(). May
     * be NULL. */
    bool (*is_cancelled)(void *cls);
    /* About once a second while users are loaded, by the caller of store_open(); may be NULL. */
    void (*on_progress)(void *cls, uint64_t n_users);
    /* A minute of store_note_online() as it was stored, the oldest first, by the caller of store_open(); may
     * be NULL. */
    void (*on_online)(void *cls, uint64_t unix_ms, uint64_t n_online);
    void *cls;
};

#define STORE_MEMORY_MIN (UINT64_C(8) << 20)
#define STORE_PROBLEM_SIZE 512
#define STORE_N_DESCRIPTORS 192 /* it has fewer files open at a time */

#define STORE_CANCELLED 1

/* Opens or makes the store and loads all of it into the table; apps that the table lacks are added. What is
 * wrong is found before anything of the store is changed. 0; STORE_CANCELLED, with nothing changed, when
 * is_cancelled() said so; or one line for people in `ret_problem` and -EBADMSG: damaged, or no store;
 * -EPROTONOSUPPORT: of a newer layout; -EBUSY: another process has it; -EACCES, -EROFS, …: not readable or
 * not writable; -ENOSPC; -ENOMEM. But for 0 the table may hold a part of the users: it is for table_free()
 * only. */
int store_open(const struct store_config *config, struct store **ret_store,
               char ret_problem[static STORE_PROBLEM_SIZE]);

/* Writes what is left, with an fsync, and closes. What cannot be written is logged, tried once more, and
 * lost. Takes NULL. */
void store_close(struct store *store);
DEFINE_CLEANUP(struct store *, store_close)

/* Changes up to this revision are as durable as was configured. With STORE_COMMIT those that
 * an fsync has returned for, for as long as it does not keep up with the second that was promised. */
uint64_t store_durable_revision(const struct store *store);

/* NULL: all is well. Else a constant text, "disk full": nothing becomes durable until it has gone, and what
 * waits for it need not wait longer. Gone when it is stored without loss. */
const char *store_problem(const struct store *store);

/* The count of online users, to be kept a value a minute for a day (the last of a minute counts). Costs
 * nothing to call often. */
void store_note_online(struct store *store, uint64_t unix_ms, uint64_t n_online);

/* Apps were added to the table and are to be stored before they have users, or their forgotten_before was
 * raised other than by a change: it is written no later than what changes after this. */
void store_note_apps(struct store *store);

/* For a watchdog: whether the thread that writes has gone round since the last time that this said so, or
 * waits for the disk. Wakes it, so that it can say so the next time. From one thread at a time. */
bool store_made_progress(struct store *store);

struct store_stats {
    uint64_t n_users_loaded;
    uint64_t load_ms;
    bool was_closed;          /* the run before ended in order */
    uint64_t stored_revision; /* the engine has what changed up to it */
    uint64_t synced_revision; /* and that is on disk */
    uint64_t lag;             /* changes that it has not yet, and one for apps that were noted */
    uint64_t n_commits;
    uint64_t n_changes;
    uint64_t n_bytes; /* as handed to the engine */
    uint64_t commit_us_sum;
    uint64_t n_syncs; /* those in the background */
    uint64_t sync_us_sum;
    uint64_t n_failures;  /* writes, syncs and reopenings that failed */
    uint64_t n_rewritten; /* times that the whole table was written, for changes were lost from the log */
};

void store_stats(const struct store *store, struct store_stats *ret_stats);
void store_metrics(const struct store *store, const struct metric_visitor *visitor);

/* The version of RocksDB at build time; at run time it is the same but for the last number, by its soname. */
const char *store_library_version(void);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_STORE_H
#define PRESENCED_STORE_H

/* The table on disk, in a folder of its own. A thread of the store's follows the change log and writes what
 * changed; changes up to the durable revision are safe. Any thread may call everything here but store_open()
 * and store_close(). */

#include "presenced/table.h"

struct store;

/* Whatever it is, an fsync follows within a second. */
enum store_durability {
    STORE_RELAXED, /* durable at once, while nothing waits longer than 50 ms to be written */
    STORE_COMMIT,  /* durable is what outlives the process */
    STORE_SYNC,    /* durable is what an fsync has returned for */
};

struct store_config {
    const char *path; /* the folder, made where its parent exists */
    enum store_durability durability;
    uint64_t memory_bytes; /* of the engine's buffers and caches; from STORE_MEMORY_MIN */
    struct table *table;   /* borrowed until store_close(); nothing has changed in it yet */

    /* The durable revision has moved, or store_problem() has changed; not called for changes that are durable
     * at once. From a thread of the store's, which waits meanwhile; may be NULL. */
    void (*on_durable)(void *cls);
    /* Whether the store is not wanted any more; asked while it is loaded, by the caller of store_open(). May
     * be NULL. */
    bool (*is_cancelled)(void *cls);
    /* About once a second while users are loaded, by the caller of store_open(); may be NULL. */
    void (*on_progress)(void *cls, uint64_t n_users);
    /* Each minute of store_record_online() that was stored, the oldest first, by the caller of store_open();
     * may be NULL. */
    void (*on_online)(void *cls, uint64_t unix_ms, uint64_t n_online);
    void *cls;
};

#define STORE_MEMORY_MIN (UINT64_C(8) << 20)
#define STORE_PROBLEM_SIZE 512
#define STORE_N_DESCRIPTORS 192 /* it has fewer files open at a time */

#define STORE_CANCELLED 1

/* Opens or makes the store and loads all of it into the table; apps that the table does not have are added.
 * What is wrong is found before anything of the store is changed. 0; STORE_CANCELLED, with nothing changed,
 * when is_cancelled() said so; or one line for people in `ret_problem` and -EBADMSG: damaged, or no store;
 * -EPROTONOSUPPORT: of a newer layout; -EBUSY: another process has it; -EACCES, -EROFS, …: not readable or
 * not writable; -ENOSPC; -ENOMEM. After anything but 0 the table may hold a part of the users: it is for
 * table_free() only. */
int store_open(const struct store_config *config, struct store **ret_store,
               char ret_problem[static STORE_PROBLEM_SIZE]);

/* Writes what is left, with an fsync, and closes. What cannot be written is logged, tried once more, and
 * lost. Takes NULL. */
void store_close(struct store *store);
DEFINE_CLEANUP(struct store *, store_close)

/* Changes up to this revision are as durable as was configured. With STORE_COMMIT, while fsyncs do not keep
 * up with the second that was promised: those that one has returned for. */
uint64_t store_durable_revision(const struct store *store);

/* NULL: all is well. Else a constant text such as "disk full": nothing becomes durable while it stands, and
 * nobody need wait for that. It goes when all was stored without loss. */
const char *store_problem(const struct store *store);

/* The count of online users is kept for a day, a value a minute: the last of each. Cheap enough to be called
 * at any rate. */
void store_record_online(struct store *store, uint64_t unix_ms, uint64_t n_online);

/* Has the table's apps written, no later than what changes after this: for apps that were added and have no
 * users yet, and where forgotten_before was raised other than by a change. Does not wait. */
void store_write_apps(struct store *store);

/* For a watchdog: whether the thread that writes has gone round since the last call, or waits for the disk.
 * Wakes it, so that it goes round before the next call. From one thread at a time. */
bool store_made_progress(struct store *store);

struct store_stats {
    uint64_t n_users_loaded;
    uint64_t load_ms;
    bool was_closed;          /* the run before ended in order */
    uint64_t stored_revision; /* the engine has what changed up to it */
    uint64_t synced_revision; /* and that is on disk */
    uint64_t lag;             /* changes that it does not have yet, and one for apps to be written */
    uint64_t n_commits;
    uint64_t n_changes;
    uint64_t n_bytes; /* given to the engine */
    uint64_t commit_us_sum;
    uint64_t n_syncs; /* those in the background */
    uint64_t sync_us_sum;
    uint64_t n_failures;  /* writes, syncs and reopenings that failed */
    uint64_t n_rewritten; /* times that the whole table was written, for changes were lost from the log */
};

void store_stats(const struct store *store, struct store_stats *ret_stats);
void store_metrics(const struct store *store, const struct metric_visitor *visitor);

/* The version of RocksDB at build time. At run time only its last number can differ, by the soname. */
const char *store_library_version(void);

#endif

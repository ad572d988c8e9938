/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_STORE_H
#define PRESENCED_STORE_H

/* Stores the table on disk, in a folder of its own. A thread of the store follows the change log and writes
 * changes; changes up to the durable revision are safe. Any thread may call everything here except
 * store_open() and store_close(). */

#include "presenced/table.h"

struct store;

/* When a change is durable. In any case an fsync follows within a second. */
enum store_durability {
    STORE_RELAXED, /* at once, as long as no change waits longer than 50 ms to be written */
    STORE_COMMIT,  /* when it survives the end of the process */
    STORE_SYNC,    /* when an fsync has returned */
};

struct store_config {
    const char *path; /* the folder; created if its parent exists */
    enum store_durability durability;
    uint64_t memory_bytes; /* for the engine's buffers and caches; at least STORE_MEMORY_MIN */
    struct table *table;   /* borrowed until store_close(); must not have changed yet */

    /* Called when the durable revision has advanced or store_problem() has changed, but not for changes that
     * are durable at once. Called by a thread of the store, so it must not block. May be NULL. */
    void (*on_durable)(void *cls);
    /* Returns whether loading is to be cancelled. Called by the caller of store_open() while it loads. May be
     * NULL. */
    bool (*is_cancelled)(void *cls);
    /* Called about once a second while users are loaded, by the caller of store_open(). May be NULL. */
    void (*on_progress)(void *cls, uint64_t n_users);
    /* Called for each stored minute of store_record_online(), oldest first, by the caller of store_open().
     * May be NULL. */
    void (*on_online)(void *cls, uint64_t unix_ms, uint64_t n_online);
    void *cls;
};

#define STORE_MEMORY_MIN (UINT64_C(8) << 20)
#define STORE_PROBLEM_SIZE 512
#define STORE_N_DESCRIPTORS 192 /* upper bound of the file descriptors it uses at a time */

#define STORE_CANCELLED 1

/* Opens or creates the store and loads all of it into the table; apps missing in the table are added.
 * Problems are found before anything in the store is changed. Returns 0; STORE_CANCELLED with nothing changed
 * if is_cancelled() returned true; or, with a one-line description in `ret_problem`: -EBADMSG: damaged, or
 * not a store; -EPROTONOSUPPORT: a newer layout; -EBUSY: in use by another process; -EACCES, -EROFS, …: not
 * readable or not writable; -ENOSPC; -ENOMEM. After anything but 0 the table may contain some of the users
 * and must only be passed to table_free(). */
int store_open(const struct store_config *config, struct store **ret_store,
               char ret_problem[static STORE_PROBLEM_SIZE]);

/* Writes the remaining changes, with an fsync, and closes the store. If writing fails, that is logged and
 * tried once more; then the changes are lost. Accepts NULL. */
void store_close(struct store *store);
DEFINE_CLEANUP(struct store *, store_close)

/* Returns the revision up to which changes are durable as configured. With STORE_COMMIT, while fsyncs do not
 * complete within the promised second, only changes covered by an fsync count. */
uint64_t store_durable_revision(const struct store *store);

/* Returns NULL, or a constant text such as "disk full". While there is a problem nothing becomes durable, and
 * callers need not wait for it. It is cleared once everything was stored without loss. */
const char *store_problem(const struct store *store);

/* Records the number of online users. One value per minute, the last, is kept for a day. Cheap enough to be
 * called at any rate. */
void store_record_online(struct store *store, uint64_t unix_ms, uint64_t n_online);

/* Schedules all apps of the table to be written, before any later change: for apps that were added and have
 * no users yet, and when forgotten_before was raised without a change. Does not block. */
void store_write_apps(struct store *store);

/* For a watchdog: returns whether the writer thread has completed a round since the last call, or is waiting
 * for the disk. Also wakes it, so that it completes a round before the next call. For one thread at a time.
 */
bool store_made_progress(struct store *store);

struct store_stats {
    uint64_t n_users_loaded;
    uint64_t load_ms;
    bool was_closed;          /* the previous run was closed cleanly */
    uint64_t stored_revision; /* the engine has all changes up to it */
    uint64_t synced_revision; /* changes up to it are on disk */
    uint64_t lag;             /* changes not stored yet, plus one if apps are to be written */
    uint64_t n_commits;
    uint64_t n_changes;
    uint64_t n_bytes; /* bytes written to the engine */
    uint64_t commit_us_sum;
    uint64_t n_syncs; /* background fsyncs */
    uint64_t sync_us_sum;
    uint64_t n_failures;  /* failed writes, fsyncs and reopenings */
    uint64_t n_rewritten; /* times the whole table was written because changes were lost from the log */
};

void store_stats(const struct store *store, struct store_stats *ret_stats);
void store_metrics(const struct store *store, const struct metric_visitor *visitor);

/* Returns the version of RocksDB at build time. At run time only the last part can differ, because of the
 * soname. */
const char *store_library_version(void);

#endif

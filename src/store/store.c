/* SPDX-License-Identifier: MIT */
#include "store_private.h"

#include "presenced/clock.h"
#include "presenced/log.h"

#include <errno.h>
#include <stdio.h>
#include <sys/eventfd.h>

#define MINUTE_MS 60000

static void init_locks(struct store *store)
{
    pthread_condattr_t attributes;
    (void)pthread_mutex_init(&store->fsync_lock, NULL);
    (void)pthread_mutex_init(&store->minutes.lock, NULL);
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&store->fsync_wakes, &attributes);
    (void)pthread_condattr_destroy(&attributes);
}

static void store_free(struct store *store)
{
    if (store == NULL) {
        return;
    }
    engine_close(store->engine);
    if (store->changes != NULL) {
        changes_unobserve(store->changes, &store->observer);
    }
    journal_free(store->journal);
    engine_batch_free(store->batch);
    superblock_close(&store->superblock);
    cleanup_closep(&store->folder_fd);
    cleanup_closep(&store->changes_fd);
    cleanup_closep(&store->control_fd);
    (void)pthread_cond_destroy(&store->fsync_wakes);
    (void)pthread_mutex_destroy(&store->minutes.lock);
    (void)pthread_mutex_destroy(&store->fsync_lock);
    buf_fini(&store->storage);
    free(store->read);
    free(store->pair);
    free((char *)store->config.path);
    free(store);
}
DEFINE_CLEANUP(struct store *, store_free)

static int open_eventfd(int *ret_fd)
{
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (fd < 0) {
        return -errno;
    }
    *ret_fd = fd;
    return 0;
}

static int make_store(const struct store_config *config, struct store **ret_store)
{
    cleanup(store_freep) struct store *store = calloc(1, sizeof(*store));
    if (store == NULL) {
        return -ENOMEM;
    }
    init_locks(store);
    store->config = *config;
    store->config.path = strdup(config->path);
    store->changes = table_changes(config->table);
    store->n_names_written = PLATFORM_N_KNOWN;
    store->superblock.fd = -1;
    store->folder_fd = -1;
    store->changes_fd = -1;
    store->control_fd = -1;
    store->batch = engine_batch_new();
    store->read = calloc(BATCH_N_CHANGES_MAX, sizeof(*store->read));
    store->pair = malloc(sizeof(*store->pair));
    if (store->config.path == NULL || store->read == NULL || store->pair == NULL) {
        return -ENOMEM;
    }
    int r = open_eventfd(&store->changes_fd);
    if (r == 0) {
        r = open_eventfd(&store->control_fd);
    }
    if (r < 0) {
        return r;
    }
    *ret_store = take_pointer(store);
    return 0;
}

static void stop_writer_thread(struct store *store)
{
    atomic_store(&store->stopping, true);
    writer_thread_wake(store);
    (void)pthread_join(store->writer_thread, NULL);
    changes_unfollow(store->changes, store->changes_fd);
}

static void stop_fsync_thread(struct store *store)
{
    (void)pthread_mutex_lock(&store->fsync_lock);
    store->fsync_stops = true;
    (void)pthread_cond_signal(&store->fsync_wakes);
    (void)pthread_mutex_unlock(&store->fsync_lock);
    (void)pthread_join(store->fsync_thread, NULL);
}

/* First of all who must see every change. All that there is by then is on disk. */
static int start_threads(struct store *store)
{
    atomic_store(&store->fresh_until_ms, clock_monotonic_ms() + STORE_FRESH_MS);
    if (store->journal != NULL) {
        commit_log_start(store);
    } else if (store->config.durability == STORE_RELAXED) {
        relaxed_start(store);
    }
    int r = changes_follow(store->changes, store->changes_fd);
    if (r < 0) {
        return r;
    }
    r = -pthread_create(&store->writer_thread, NULL, writer_thread_run, store);
    if (r < 0) {
        changes_unfollow(store->changes, store->changes_fd);
        return r;
    }
    r = -pthread_create(&store->fsync_thread, NULL, fsync_thread_run, store);
    if (r < 0) {
        stop_writer_thread(store);
        return r;
    }
    (void)pthread_setname_np(store->writer_thread, "store-writer");
    (void)pthread_setname_np(store->fsync_thread, "store-fsync");
    return 0;
}

int store_open(const struct store_config *config, struct store **ret_store,
               char ret_problem[static STORE_PROBLEM_SIZE])
{
    cleanup(store_freep) struct store *store = NULL;
    ret_problem[0] = '\0';
    int r = make_store(config, &store);
    if (r == 0) {
        r = opening_run(store, ret_problem);
    }
    if (r == 0) {
        r = start_threads(store);
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

/* The count of the minute that has not ended, and that there is no journal. */
static int write_end(struct store *store, struct engine_error *ret_error)
{
    batch_begin(store);
    if (store->minutes.noted.unix_ms != 0) {
        batch_put_minute(store, &store->minutes.noted);
    }
    batch_put_position(store, 0, 0);
    return batch_commit(store, ret_error);
}

static int close_in_order(struct store *store, struct engine_error *ret_error)
{
    int r = write_end(store, ret_error);
    if (r == 0) {
        r = engine_flush(store->engine, ret_error);
    }
    if (r == 0) {
        r = store_sync(store, SUPERBLOCK_CLOSED, engine_last_sequence(store->engine));
    }
    if (r == 0) {
        journal_remove_all(store->folder_fd);
    }
    return r;
}

/* Changes that no file has, whether they were answered OK or FAIL. The next start takes from the journal what
 * the engine does not have. */
static uint64_t count_lost(const struct store *store)
{
    uint64_t last = changes_last_revision(store->changes);
    uint64_t stored = store_stored_revision(store);
    uint64_t journaled = store->journal == NULL ? 0 : journal_revision(store->journal);
    return last - (journaled > stored ? journaled : stored);
}

static void close_or_tell(struct store *store)
{
    struct engine_error error = {""};
    uint64_t n_changes = changes_last_revision(store->changes);
    if (superblock_is_removed(&store->superblock, store->config.path)) {
        log_error("store closed without its folder, which was removed with all that it held",
                  log_text("path", store->config.path), log_u64("lost", n_changes));
        engine_close(take_pointer(store->engine));
        files_remove_strays(store->folder_fd);
        return;
    }
    uint64_t n_lost = count_lost(store);
    if (n_lost > 0) {
        log_error("store closed without all changes", log_u64("lost", n_lost));
    } else if (store->engine == NULL || n_changes > store_stored_revision(store)) {
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
    stop_writer_thread(store);
    stop_fsync_thread(store);
    close_or_tell(store);
    store_free(store);
}

static uint64_t load(const _Atomic uint64_t *count)
{
    return atomic_load_explicit(count, memory_order_relaxed);
}

/* Reads the clock first, so that a waiter is queued before the fsync thread looks for waiters. */
static bool is_fresh(const struct store *store)
{
    uint64_t now_ms = clock_coarse_ms();
    return now_ms < atomic_load_explicit(&store->fresh_until_ms, memory_order_acquire);
}

uint64_t store_durable_revision(const struct store *store)
{
    uint64_t stored = store_stored_revision(store);
    if (store->config.durability == STORE_RELAXED && store_problem(store) == NULL &&
        relaxed_lacks_little(store)) {
        return changes_last_revision(store->changes);
    }
    if (store->journal == NULL) {
        return stored;
    }
    if (!is_fresh(store)) {
        return load(&store->synced_revision);
    }
    uint64_t journaled = store_problem(store) == NULL ? journal_revision(store->journal) : 0;
    return journaled > stored ? journaled : stored;
}

const char *store_problem(const struct store *store)
{
    return store_private_problem(store);
}

void store_note_online(struct store *store, uint64_t unix_ms, uint64_t n_online)
{
    struct minutes *minutes = &store->minutes;
    uint64_t minute_ms = unix_ms / MINUTE_MS * MINUTE_MS;
    (void)pthread_mutex_lock(&minutes->lock);
    bool ended = minutes->noted.unix_ms != 0 && minutes->noted.unix_ms != minute_ms;
    if (ended) {
        minutes->ended = minutes->noted;
    }
    minutes->noted = (struct layout_minute){minute_ms, n_online};
    (void)pthread_mutex_unlock(&minutes->lock);
    if (ended) {
        writer_thread_wake(store);
    }
}

void store_note_apps(struct store *store)
{
    atomic_fetch_add(&store->n_apps_noted, 1);
    writer_thread_wake(store);
}

bool store_made_progress(struct store *store)
{
    uint64_t n_rounds = atomic_load(&store->n_rounds);
    bool moved = n_rounds != store->n_rounds_seen || atomic_load(&store->is_at_disk);
    store->n_rounds_seen = n_rounds;
    writer_thread_wake(store);
    return moved;
}

void store_stats(const struct store *store, struct store_stats *ret_stats)
{
    uint64_t stored = store_stored_revision(store);
    bool has_apps = atomic_load(&store->n_apps_noted) != atomic_load(&store->n_apps_written);
    *ret_stats = (struct store_stats){
        .n_users_loaded = store->n_users_loaded,
        .load_ms = store->load_ms,
        .was_closed = store->was_closed,
        .stored_revision = stored,
        .synced_revision = load(&store->synced_revision),
        .lag = changes_last_revision(store->changes) - stored + has_apps,
        .n_commits = load(&store->counters.n_commits),
        .n_changes = load(&store->counters.n_changes),
        .n_bytes = load(&store->counters.n_bytes),
        .commit_us_sum = load(&store->counters.commit_us_sum),
        .n_syncs = load(&store->counters.n_syncs),
        .sync_us_sum = load(&store->counters.sync_us_sum),
        .n_failures = load(&store->counters.n_failures),
        .n_rewritten = load(&store->counters.n_rewritten),
    };
}

/* SPDX-License-Identifier: MIT */
/* The store, where the configuration names a folder for it. */
#include "parts.h"

#include "presenced/log.h"
#include "signals.h"

#include <errno.h>

/* From the store's thread. */
static void wake_waiting(void *cls)
{
    struct daemon *daemon = cls;
    (void)pthread_mutex_lock(&daemon->woken_lock);
    if (daemon->woken != NULL) {
        http_listener_wake(daemon->woken);
    }
    (void)pthread_mutex_unlock(&daemon->woken_lock);
}

static void tell_progress(void *cls, uint64_t n_users)
{
    log_notice("loading", log_u64("users", n_users));
    report_loading(cls, n_users);
}

static bool is_cancelled(void *unused)
{
    (void)unused;
    return signals_end_is_pending();
}

static void take_minute(void *cls, uint64_t unix_ms, uint64_t n_online)
{
    struct daemon *daemon = cls;
    history_record(daemon->history, unix_ms, n_online);
}

static enum store_durability durability_of(const struct config_store *config)
{
    switch (config->durability) {
    case CONFIG_DURABILITY_RELAXED:
        return STORE_RELAXED;
    case CONFIG_DURABILITY_SYNC:
        return STORE_SYNC;
    default:
        return STORE_COMMIT;
    }
}

int start_storage(struct daemon *daemon)
{
    const struct config_store *from = &daemon->config->store;
    char problem[STORE_PROBLEM_SIZE];
    struct store_stats stats;
    (void)pthread_mutex_init(&daemon->woken_lock, NULL);
    if (from->path[0] == '\0') {
        return 0;
    }
    const struct store_config config = {
        .path = from->path,
        .durability = durability_of(from),
        .memory_bytes = from->memory_bytes,
        .table = daemon->table,
        .on_durable = wake_waiting,
        .is_cancelled = is_cancelled,
        .on_progress = tell_progress,
        .on_online = take_minute,
        .cls = daemon,
    };
    int r = store_open(&config, &daemon->store, problem);
    if (r == STORE_CANCELLED) {
        return START_CANCELLED;
    }
    if (r < 0) {
        log_error("cannot open the store", log_text("path", from->path), log_text("problem", problem));
        return r;
    }
    store_stats(daemon->store, &stats);
    log_notice("loaded", log_u64("users", stats.n_users_loaded), log_u64("ms", stats.load_ms));
    return 0;
}

void stop_storage(struct daemon *daemon)
{
    store_close(daemon->store);
    (void)pthread_mutex_destroy(&daemon->woken_lock);
}

static uint64_t durable_revision(void *cls)
{
    struct daemon *daemon = cls;
    return store_durable_revision(daemon->store);
}

static const char *problem_of(void *cls)
{
    struct daemon *daemon = cls;
    return store_problem(daemon->store);
}

struct callback_store storage_of_callback(struct daemon *daemon)
{
    if (daemon->store == NULL) {
        return (struct callback_store){NULL, NULL, NULL};
    }
    return (struct callback_store){durable_revision, problem_of, daemon};
}

static void each_counter(void *cls, const struct status_visitor *visitor)
{
    const struct daemon *daemon = cls;
    struct store_stats stats;
    store_stats(daemon->store, &stats);
    status_tell(visitor, "users_loaded", stats.n_users_loaded);
    status_tell(visitor, "load_ms", stats.load_ms);
    status_tell(visitor, "stored_revision", stats.stored_revision);
    status_tell(visitor, "synced_revision", stats.synced_revision);
    status_tell(visitor, "lag", stats.lag);
    status_tell(visitor, "commits", stats.n_commits);
    status_tell(visitor, "changes", stats.n_changes);
    status_tell(visitor, "bytes", stats.n_bytes);
    status_tell(visitor, "commit_us", stats.commit_us_sum);
    status_tell(visitor, "syncs", stats.n_syncs);
    status_tell(visitor, "sync_us", stats.sync_us_sum);
    status_tell(visitor, "failures", stats.n_failures);
    status_tell(visitor, "rewritten", stats.n_rewritten);
}

static const char *state_of(void *cls)
{
    return problem_of(cls) == NULL ? "ok" : "degraded";
}

struct status_counters storage_counters(struct daemon *daemon)
{
    bool is_on = daemon->store != NULL;
    return (struct status_counters){
        .name = "store", .each = is_on ? each_counter : NULL, .cls = daemon, .state = state_of};
}

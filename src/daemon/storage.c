/* SPDX-License-Identifier: MIT */
/* The store, if the configuration names a folder for it. */
#include "parts.h"

#include "presenced/clock.h"
#include "presenced/log.h"
#include "signals.h"

#include <errno.h>
#include <stdio.h>

/* Called from the store's thread. */
static void on_durable(void *cls)
{
    wake_waiting_answers(cls);
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
    online_minutes_record(daemon->online_minutes, unix_ms, n_online);
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

/* An error is only logged: the daemon can start without a history. */
static void start_event_history(struct daemon *daemon)
{
    const struct config_store *from = &daemon->config->store;
    cleanup(cleanup_freep) char *path = NULL;
    if (from->history_ms == 0) {
        return;
    }
    int r = asprintf(&path, "%s/" EVENT_HISTORY_FOLDER, from->path) < 0 ? -ENOMEM : 0;
    if (r == 0) {
        r = event_history_open(
            &(struct event_history_config){
                .path = path,
                .keep_ms = from->history_ms,
                .max_bytes = from->history_max_bytes,
                .unix_ms = clock_unix_ms,
            },
            &daemon->event_history);
    }
    if (r < 0) {
        log_error("no history of users' events is kept", log_text("path", path == NULL ? "" : path),
                  log_errno("error", r));
    }
}

int start_storage(struct daemon *daemon)
{
    const struct config_store *from = &daemon->config->store;
    char problem[STORE_PROBLEM_SIZE];
    struct store_stats stats;
    (void)pthread_mutex_init(&daemon->wake_lock, NULL);
    if (from->path[0] == '\0') {
        return 0;
    }
    const struct store_config config = {
        .path = from->path,
        .durability = durability_of(from),
        .memory_bytes = from->memory_bytes,
        .table = daemon->table,
        .on_durable = on_durable,
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
    start_event_history(daemon);
    return 0;
}

void stop_storage(struct daemon *daemon)
{
    event_history_close(daemon->event_history);
    store_close(daemon->store);
    (void)pthread_mutex_destroy(&daemon->wake_lock);
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

static void add_event(void *cls, uint64_t app_id, struct str user_id, const struct user_event *event)
{
    const struct daemon *daemon = cls;
    event_history_add(daemon->event_history, app_id, user_id, event);
}

struct callback_history history_of_callback(struct daemon *daemon)
{
    return (struct callback_history){daemon->event_history == NULL ? NULL : add_event, daemon};
}

static int read_events(void *cls, const struct status_user_events_query *query,
                       void (*visit)(void *cls, const struct user_event *event), void *visit_cls,
                       bool *ret_complete)
{
    const struct daemon *daemon = cls;
    return event_history_read(daemon->event_history,
                              &(struct event_history_query){
                                  .app_id = query->app_id,
                                  .user_id = query->user_id,
                                  .since_unix_ms = query->since_unix_ms,
                                  .limit = (size_t)query->limit,
                              },
                              visit, visit_cls, ret_complete);
}

struct status_user_events history_of_status(struct daemon *daemon)
{
    return (struct status_user_events){daemon->event_history == NULL ? NULL : read_events, daemon};
}

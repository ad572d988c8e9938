/* SPDX-License-Identifier: MIT */
/* Metrics of the other parts for the status listener, read by its threads; and counters of reloads. */
#include "parts.h"

#include "presenced/clock.h"

#include <stdio.h>

static void visit_callback(void *cls, const struct metric_visitor *visitor)
{
    const struct daemon *daemon = cls;
    callback_metrics(daemon->callback, visitor);
}

static void visit_store(void *cls, const struct metric_visitor *visitor)
{
    const struct daemon *daemon = cls;
    store_metrics(daemon->store, visitor);
    if (daemon->event_history != NULL) {
        event_history_metrics(daemon->event_history, visitor);
    }
}

static const char *state_of_store(void *cls)
{
    const struct daemon *daemon = cls;
    return store_problem(daemon->store) == NULL ? "ok" : "degraded";
}

static void visit_replication(void *cls, const struct metric_visitor *visitor)
{
    const struct daemon *daemon = cls;
    replica_metrics(daemon->replica, visitor);
}

static const char *state_of_replication(void *cls)
{
    const struct daemon *daemon = cls;
    struct replica_stats stats;
    replica_stats(daemon->replica, &stats);
    return replica_state_name(stats.state);
}

static void visit_listener(const struct daemon *daemon, unsigned which, const struct metric_visitor *visitor)
{
    const char *name = daemon_listener_names[which];
    transport_listener_metrics(http_listener_transport(daemon->listeners[which]), visitor);
    http_listener_metrics(daemon->listeners[which], name, visitor);
    if (daemon->tls[which] != NULL) {
        tls_metrics(daemon->tls[which], name, visitor);
    }
}

static void visit_callback_listener(void *cls, const struct metric_visitor *visitor)
{
    visit_listener(cls, CALLBACK_LISTENER, visitor);
}

static void visit_status_listener(void *cls, const struct metric_visitor *visitor)
{
    visit_listener(cls, STATUS_LISTENER, visitor);
}

static void visit_asking(void *cls, const struct metric_visitor *visitor)
{
    struct daemon *daemon = cls;
    const struct status_app_part part = asking_of_app(daemon);
    for (unsigned app = 0; app < table_n_apps(daemon->table); app++) {
        (void)part.visit(part.cls, (uint16_t)app, visitor);
    }
}

static void visit_log(void *cls, const struct metric_visitor *visitor)
{
    (void)cls;
    log_metrics(visitor);
}

void note_reload_succeeded(struct daemon *daemon)
{
    struct reloads *reloads = &daemon->reloads;
    (void)pthread_mutex_lock(&reloads->lock);
    reloads->counters.n_successful++;
    reloads->counters.loaded_unix_ms = clock_unix_ms();
    reloads->counters.last_successful = true;
    (void)pthread_mutex_unlock(&reloads->lock);
    warnings_clear(daemon->warnings, WARNING_RELOAD_FAILED, 0);
}

void note_reload_failed(struct daemon *daemon, struct str why)
{
    struct reloads *reloads = &daemon->reloads;
    char text[WARNING_TEXT_SIZE + 1]; /* one more, so that warnings_raise() sees that it was cut */
    (void)pthread_mutex_lock(&reloads->lock);
    reloads->counters.n_failed++;
    reloads->counters.last_successful = false;
    (void)pthread_mutex_unlock(&reloads->lock);
    (void)snprintf(text, sizeof(text), "configuration not reloaded: %.*s", STR_FMT(why));
    warnings_raise(daemon->warnings, WARNING_RELOAD_FAILED, 0, text, clock_monotonic_ms());
}

static void visit_reloads(void *cls, const struct metric_visitor *visitor)
{
    static const struct metric reloads = {
        .name = "presenced_config_reloads_total",
        .type = METRIC_COUNTER,
        .labels = {"result"},
        .help = "Reloads of the configuration that succeeded or failed.",
        .key = "reloads_",
    };
    static const struct metric last = {
        .name = "presenced_config_last_reload_successful",
        .type = METRIC_GAUGE,
        .help = "Whether the last reload succeeded; 1 before the first.",
        .key = "last_reload_successful",
    };
    static const struct metric loaded = {
        .name = "presenced_config_loaded_timestamp_seconds",
        .type = METRIC_GAUGE,
        .unit = METRIC_MS,
        .help = "When the configuration in force was loaded, in Unix time.",
        .key = "loaded_time",
    };
    struct daemon *daemon = cls;
    (void)pthread_mutex_lock(&daemon->reloads.lock);
    const struct reload_counters counters = daemon->reloads.counters;
    (void)pthread_mutex_unlock(&daemon->reloads.lock);
    metric_visit(visitor, &reloads, counters.n_successful, STR("successful"));
    metric_visit(visitor, &reloads, counters.n_failed, STR("failed"));
    metric_visit(visitor, &last, counters.last_successful);
    metric_visit(visitor, &loaded, counters.loaded_unix_ms);
}

void describe_parts(struct daemon *daemon, struct status_part ret_parts[static N_STATUS_PARTS])
{
    const struct status_part parts[N_STATUS_PARTS] = {
        {.key = "events", .visit = visit_callback, .cls = daemon},
        {.key = "configuration", .visit = visit_reloads, .cls = daemon},
        {.group = "listeners",
         .key = daemon_listener_names[CALLBACK_LISTENER],
         .visit = visit_callback_listener,
         .cls = daemon},
        {.group = "listeners",
         .key = daemon_listener_names[STATUS_LISTENER],
         .visit = visit_status_listener,
         .cls = daemon},
        {.key = "store",
         .visit = daemon->store == NULL ? NULL : visit_store,
         .state = state_of_store,
         .cls = daemon},
        {.key = "replication",
         .visit = daemon->replica == NULL ? NULL : visit_replication,
         .state = state_of_replication,
         .cls = daemon},
        {.key = "log", .visit = visit_log},
        {.visit = visit_asking, .cls = daemon}, /* without a key, because /v1/stats shows it by app */
    };
    memcpy(ret_parts, parts, sizeof(parts));
}

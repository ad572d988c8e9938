/* SPDX-License-Identifier: MIT */
#include "metrics.h"

#include "answer.h"
#include "presenced/log.h"
#include "process.h"

#include <stdio.h>

/* Numbers that others keep. */

struct pick {
    struct exposition *out;
    struct str key;
    struct str owner; /* its label; ptr NULL: it has none */
};

/* A key that ends in '_' picks all numbers that begin so, and the rest of their names is the last label. */
static void pick_number(void *cls, const struct status_number *number)
{
    const struct pick *pick = cls;
    struct str name = str_from(number->name);
    struct metric_sample sample = {.value = number->value};
    unsigned n_labels = 0;
    if (pick->owner.ptr != NULL) {
        sample.labels[n_labels++] = pick->owner;
    }
    if (str_equal(name, pick->key)) {
        exposition_sample(pick->out, &sample);
    } else if (pick->key.ptr[pick->key.len - 1] == '_' && str_starts_with(name, pick->key)) {
        sample.labels[n_labels] = (struct str){name.ptr + pick->key.len, name.len - pick->key.len};
        exposition_sample(pick->out, &sample);
    }
}

static void write_picked(struct exposition *out, const struct metric *metric,
                         const struct status_counters *counters, struct str owner)
{
    struct pick pick = {out, str_from(metric->key), owner};
    counters->each(counters->cls, &(struct status_visitor){pick_number, &pick});
}

static void write_of_events(struct exposition *out, const struct metric *metric,
                            const struct status_config *config)
{
    write_picked(out, metric, &config->events, (struct str){NULL, 0});
}

static void write_of_configuration(struct exposition *out, const struct metric *metric,
                                   const struct status_config *config)
{
    write_picked(out, metric, &config->configuration, (struct str){NULL, 0});
}

static void write_of_store(struct exposition *out, const struct metric *metric,
                           const struct status_config *config)
{
    if (config->store.each != NULL) {
        write_picked(out, metric, &config->store, (struct str){NULL, 0});
    }
}

static void write_of_followers(struct exposition *out, const struct metric *metric,
                               const struct status_config *config)
{
    if (config->store.each != NULL) {
        write_picked(out, metric, &config->store, str_from(config->store.name));
    }
}

static void write_of_listeners(struct exposition *out, const struct metric *metric,
                               const struct status_config *config)
{
    for (size_t i = 0; i < config->n_listeners; i++) {
        write_picked(out, metric, &config->listeners[i], str_from(config->listeners[i].name));
    }
}

static void write_of_reconcile(struct exposition *out, const struct metric *metric,
                               const struct status_config *config)
{
    for (unsigned app = 0; config->reconcile.each != NULL && app < table_n_apps(config->table); app++) {
        char id[24];
        int len = snprintf(id, sizeof(id), "%llu",
                           (unsigned long long)table_app_id(config->table, (uint16_t)app));
        struct pick pick = {out, str_from(metric->key), {id, (size_t)len}};
        (void)config->reconcile.each(config->reconcile.cls, (uint16_t)app,
                                     &(struct status_visitor){pick_number, &pick});
    }
}

static void write_outcome(void *cls, const struct status_number *number)
{
    if (number->answer != NULL) {
        exposition_sample(cls, &(struct metric_sample){
                                   .labels = {str_from(number->answer), str_from(number->name)},
                                   .value = number->value,
                               });
    }
}

static void write_outcomes(struct exposition *out, const struct metric *metric,
                           const struct status_config *config)
{
    (void)metric;
    config->events.each(config->events.cls, &(struct status_visitor){write_outcome, out});
}

static void write_histogram(struct exposition *out, const struct histogram *histogram)
{
    struct histogram_counts counts;
    if (histogram != NULL) {
        histogram_read(histogram, &counts);
        exposition_histogram(out, &counts);
    }
}

static void write_durations(struct exposition *out, const struct metric *metric,
                            const struct status_config *config)
{
    (void)metric;
    write_histogram(out, config->callback_durations);
}

static void write_lags(struct exposition *out, const struct metric *metric,
                       const struct status_config *config)
{
    (void)metric;
    write_histogram(out, config->event_lags);
}

/* The table and its log. */

/* Calls `write` for each app. */
static void write_apps(struct exposition *out, struct table *table,
                       void (*write)(struct exposition *out, struct table *table, struct str app,
                                     const struct table_counts *counts))
{
    for (unsigned app = 0; app < table_n_apps(table); app++) {
        char id[24];
        struct table_counts counts;
        int len = snprintf(id, sizeof(id), "%llu", (unsigned long long)table_app_id(table, (uint16_t)app));
        table_counts(table, (uint16_t)app, &counts);
        write(out, table, (struct str){id, (size_t)len}, &counts);
    }
}

static void write_app_users(struct exposition *out, struct table *table, struct str app,
                            const struct table_counts *counts)
{
    (void)table;
    for (int state = 0; state < USER_N_STATES; state++) {
        exposition_sample(out, &(struct metric_sample){
                                   .labels = {app, user_state_name((enum user_state)state)},
                                   .value = counts->n_users[state],
                               });
    }
}

static void write_users(struct exposition *out, const struct metric *metric,
                        const struct status_config *config)
{
    (void)metric;
    write_apps(out, config->table, write_app_users);
}

/* Names that were heard are shown only where they are used: there may be many, of one app. */
static void write_app_devices(struct exposition *out, struct table *table, struct str app,
                              const struct table_counts *counts)
{
    const struct platform_names *names = table_platform_names(table);
    unsigned n_platforms = platform_count(names);
    for (unsigned platform = 0; platform < n_platforms; platform++) {
        if (platform < PLATFORM_N_KNOWN || counts->n_online_rows[platform] > 0) {
            exposition_sample(out, &(struct metric_sample){
                                       .labels = {app, platform_name(names, (uint8_t)platform)},
                                       .value = counts->n_online_rows[platform],
                                   });
        }
    }
}

static void write_devices(struct exposition *out, const struct metric *metric,
                          const struct status_config *config)
{
    (void)metric;
    write_apps(out, config->table, write_app_devices);
}

static void write_app_dropped(struct exposition *out, struct table *table, struct str app,
                              const struct table_counts *counts)
{
    (void)table;
    exposition_sample(out, &(struct metric_sample){{app, STR("max_users")}, counts->n_dropped_for_room});
    exposition_sample(out, &(struct metric_sample){{app, STR("forget_after")}, counts->n_dropped_for_age});
}

static void write_dropped(struct exposition *out, const struct metric *metric,
                          const struct status_config *config)
{
    (void)metric;
    write_apps(out, config->table, write_app_dropped);
}

static uint64_t read_revision(const struct status_config *config)
{
    return changes_last_revision(table_changes(config->table));
}

static struct changes_held held_by(const struct status_config *config)
{
    struct changes_held held;
    changes_held(table_changes(config->table), &held);
    return held;
}

static uint64_t read_held_entries(const struct status_config *config)
{
    return held_by(config).n_entries;
}

static uint64_t read_held_bytes(const struct status_config *config)
{
    return held_by(config).n_bytes;
}

/* The daemon and its process. */

static void write_build(struct exposition *out, const struct metric *metric,
                        const struct status_config *config)
{
    (void)metric;
    exposition_sample(out, &(struct metric_sample){{str_from(config->version)}, 1});
}

static void write_degraded(struct exposition *out, const struct metric *metric,
                           const struct status_config *config)
{
    const char *reason = config->health(config->health_cls).degraded;
    (void)metric;
    exposition_sample(out, &(struct metric_sample){{str_from(reason == NULL ? "" : reason)}, reason != NULL});
}

static void count_warning(void *cls, const struct warning *warning)
{
    uint64_t *counts = cls;
    counts[warning->code]++;
}

static void write_warnings(struct exposition *out, const struct metric *metric,
                           const struct status_config *config)
{
    uint64_t counts[WARNING_N_CODES] = {0};
    (void)metric;
    warnings_each(config->warnings, count_warning, counts);
    for (unsigned code = 0; code < WARNING_N_CODES; code++) {
        exposition_sample(out, &(struct metric_sample){{str_from(warning_code_name(code))}, counts[code]});
    }
}

static uint64_t read_ready(const struct status_config *config)
{
    return config->health(config->health_cls).readiness == STATUS_READY;
}

static uint64_t read_start(const struct status_config *config)
{
    return config->started_unix_ms;
}

static uint64_t read_dropped_lines(const struct status_config *config)
{
    (void)config;
    return log_n_dropped();
}

static uint64_t read_cpu(const struct status_config *config)
{
    (void)config;
    return process_cpu_us();
}

static uint64_t read_resident(const struct status_config *config)
{
    (void)config;
    return process_resident_bytes();
}

static uint64_t read_fds(const struct status_config *config)
{
    (void)config;
    return process_n_fds();
}

static uint64_t read_fds_max(const struct status_config *config)
{
    (void)config;
    return process_n_fds_max();
}

/* A row: name, type, unit of its source, labels, help, and the source:
 *   OWN(read)         a number without labels
 *   OF(which, key)    a number that others keep, as /v1/stats names it
 *   BY(write)         samples of several labels, or a histogram */
#define ROW(name, type, unit, l1, l2, help, ...)                                    \
    {                                                                               \
        .family = {name, METRIC_##type, METRIC_##unit, {l1, l2}, help}, __VA_ARGS__ \
    }
#define OWN(function) .read = (function)
#define OF(which, name) .write = write_of_##which, .key = (name)
#define BY(function) .write = (function)

const struct metric metrics_rows[] = {
    ROW("presenced_build_info", GAUGE, ONE, "version", NULL, "Always 1: the version that runs.",
        BY(write_build)),
    ROW("presenced_ready", GAUGE, ONE, NULL, NULL, "Whether /readyz says 200.", OWN(read_ready)),
    ROW("presenced_degraded", GAUGE, ONE, "reason", NULL,
        "Whether something is amiss though requests are taken, and what: reason is empty when all is well.",
        BY(write_degraded)),
    ROW("presenced_warnings", GAUGE, ONE, "code", NULL,
        "What needs a person at the moment; /v1/stats and the log say it in words.", BY(write_warnings)),

    ROW("presenced_callback_requests_total", COUNTER, ONE, "answer", "outcome",
        "Requests of the callback listener: ok, fail, refused with an HTTP error, or health; and why.",
        BY(write_outcomes)),
    ROW("presenced_callback_duration_seconds", HISTOGRAM, US, NULL, NULL,
        "Time from the head of an authentic callback to its answer; the sender gives up after 2 s.",
        BY(write_durations)),
    ROW("presenced_callback_event_lag_seconds", HISTOGRAM, MS, NULL, NULL,
        "Time from an event's EventTime to its arrival, where EventTime is believed.", BY(write_lags)),
    ROW("presenced_callback_events_restamped_total", COUNTER, ONE, NULL, NULL,
        "Events that took the time received, for EventTime was missing or too far ahead of the clock.",
        OF(events, "restamped")),

    ROW("presenced_users", GAUGE, ONE, "app", "state", "Users held.", BY(write_users)),
    ROW("presenced_online_devices", GAUGE, ONE, "app", "platform",
        "Rows that read as online: a user has one a platform.", BY(write_devices)),
    ROW("presenced_users_dropped_total", COUNTER, ONE, "app", "reason",
        "Users dropped to make room or for their age, by the option that says so.", BY(write_dropped)),

    ROW("presenced_change_log_changes_total", COUNTER, ONE, NULL, NULL,
        "Changes of the table since the start, which is the number of the newest.", OWN(read_revision)),
    ROW("presenced_change_log_entries", GAUGE, ONE, NULL, NULL, "Changes that the log holds.",
        OWN(read_held_entries)),
    ROW("presenced_change_log_bytes", GAUGE, ONE, NULL, NULL, "Size of the changes that the log holds.",
        OWN(read_held_bytes)),
    ROW("presenced_follower_revision", GAUGE, ONE, "follower", NULL,
        "Change up to which a follower of the log has come.", OF(followers, "stored_revision")),
    ROW("presenced_follower_lag_changes", GAUGE, ONE, "follower", NULL,
        "Changes that it is behind the newest.", OF(followers, "lag")),

    ROW("presenced_store_loaded_users", GAUGE, ONE, NULL, NULL, "Users that the store held at start.",
        OF(store, "users_loaded")),
    ROW("presenced_store_load_seconds", GAUGE, MS, NULL, NULL, "How long loading them took.",
        OF(store, "load_ms")),
    ROW("presenced_store_synced_revision", GAUGE, ONE, NULL, NULL,
        "Change up to which all is synced to the disk.", OF(store, "synced_revision")),
    ROW("presenced_store_commits_total", COUNTER, ONE, NULL, NULL, "Batches written.", OF(store, "commits")),
    ROW("presenced_store_changes_total", COUNTER, ONE, NULL, NULL, "Changes written.", OF(store, "changes")),
    ROW("presenced_store_written_bytes_total", COUNTER, ONE, NULL, NULL, "Size of the batches written.",
        OF(store, "bytes")),
    ROW("presenced_store_commit_seconds_total", COUNTER, US, NULL, NULL, "Time spent on writing batches.",
        OF(store, "commit_us")),
    ROW("presenced_store_syncs_total", COUNTER, ONE, NULL, NULL, "Times that what was written was synced.",
        OF(store, "syncs")),
    ROW("presenced_store_sync_seconds_total", COUNTER, US, NULL, NULL, "Time spent on syncing.",
        OF(store, "sync_us")),
    ROW("presenced_store_failures_total", COUNTER, ONE, NULL, NULL,
        "Writes, syncs and reopenings that failed.", OF(store, "failures")),
    ROW("presenced_store_rewrites_total", COUNTER, ONE, NULL, NULL,
        "Times that the whole table was written, for the change log had lost changes.",
        OF(store, "rewritten")),

    ROW("presenced_reconcile_calls_total", COUNTER, ONE, "app", NULL, "Calls of Tencent's query.",
        OF(reconcile, "calls")),
    ROW("presenced_reconcile_calls_failed_total", COUNTER, ONE, "app", NULL,
        "Those of them that brought no answer, or a refusal.", OF(reconcile, "calls_failed")),
    ROW("presenced_reconcile_users_total", COUNTER, ONE, "app", NULL, "Users that were asked about.",
        OF(reconcile, "users_asked")),
    ROW("presenced_reconcile_users_confirmed_total", COUNTER, ONE, "app", NULL,
        "Those of them who were as Tencent says.", OF(reconcile, "users_confirmed")),
    ROW("presenced_reconcile_corrections_total", COUNTER, ONE, "app", "kind",
        "Devices that were not as Tencent says: shown online (ended), not shown online (begun), or push_online "
        "for offline or the other way round (other). What callbacks alone got wrong.",
        OF(reconcile, "corrections_")),
    ROW("presenced_reconcile_waiting_users", GAUGE, ONE, "app", NULL,
        "Users in doubt who are to be asked about.", OF(reconcile, "waiting")),
    ROW("presenced_reconcile_gaps_total", COUNTER, ONE, "app", NULL,
        "Times that events may have been lost, and everyone was asked about.", OF(reconcile, "gaps")),
    ROW("presenced_reconcile_last_answer_timestamp_seconds", GAUGE, MS, "app", NULL,
        "When Tencent answered last, in Unix time; 0: not yet.", OF(reconcile, "last_answer_time")),
    ROW("presenced_reconcile_last_sweep_timestamp_seconds", GAUGE, MS, "app", NULL,
        "When everybody had been asked about last, in Unix time; 0: not yet.",
        OF(reconcile, "last_sweep_time")),
    ROW("presenced_reconcile_failing", GAUGE, ONE, "app", NULL,
        "Whether something keeps it from asking, or makes answers doubtful.", OF(reconcile, "failing")),

    ROW("presenced_connections", GAUGE, ONE, "listener", NULL, "Connections that are open.",
        OF(listeners, "connections")),
    ROW("presenced_connections_max", GAUGE, ONE, "listener", NULL, "How many may be open.",
        OF(listeners, "connections_max")),
    ROW("presenced_connections_accepted_total", COUNTER, ONE, "listener", NULL, "Connections taken.",
        OF(listeners, "accepted")),
    ROW("presenced_connections_refused_total", COUNTER, ONE, "listener", NULL,
        "Connections closed at once, for their address has max_connections_per_address.",
        OF(listeners, "refused_per_address")),
    ROW("presenced_connections_timed_out_total", COUNTER, ONE, "listener", NULL,
        "Connections cut off for request_timeout.", OF(listeners, "timed_out")),
    ROW("presenced_requests_total", COUNTER, ONE, "listener", NULL, "Requests begun.",
        OF(listeners, "requests")),
    ROW("presenced_requests_malformed_total", COUNTER, ONE, "listener", NULL,
        "Requests that were malformed, ambiguous or too long: refused, or the connection was closed.",
        OF(listeners, "requests_malformed")),
    ROW("presenced_tls_handshakes_total", COUNTER, ONE, "listener", "result",
        "TLS handshakes by how they ended: full, resumed or failed.", OF(listeners, "handshakes_")),
    ROW("presenced_tls_handshake_failures_total", COUNTER, ONE, "listener", "reason",
        "TLS handshakes that failed, by why.", OF(listeners, "handshake_failures_")),
    ROW("presenced_tls_certificate_end_timestamp_seconds", GAUGE, MS, "listener", NULL,
        "When the certificate that is served ends, in Unix time.", OF(listeners, "certificate_end_time")),

    ROW("presenced_config_reloads_total", COUNTER, ONE, "result", NULL,
        "Reloads of the configuration that succeeded or failed.", OF(configuration, "reloads_")),
    ROW("presenced_config_last_reload_successful", GAUGE, ONE, NULL, NULL,
        "Whether the last reload succeeded; 1 before the first.",
        OF(configuration, "last_reload_successful")),
    ROW("presenced_config_loaded_timestamp_seconds", GAUGE, MS, NULL, NULL,
        "When the configuration in force was loaded, in Unix time.", OF(configuration, "loaded_time")),

    ROW("presenced_log_dropped_lines_total", COUNTER, ONE, NULL, NULL,
        "Log lines that were lost, for nobody took them.", OWN(read_dropped_lines)),

    ROW("process_cpu_seconds_total", COUNTER, US, NULL, NULL, "User and system CPU time.", OWN(read_cpu)),
    ROW("process_resident_memory_bytes", GAUGE, ONE, NULL, NULL, "Resident memory.", OWN(read_resident)),
    ROW("process_open_fds", GAUGE, ONE, NULL, NULL, "Open file descriptors.", OWN(read_fds)),
    ROW("process_max_fds", GAUGE, ONE, NULL, NULL, "File descriptors that may be open.", OWN(read_fds_max)),
    ROW("process_start_time_seconds", GAUGE, MS, NULL, NULL, "When the process was started, in Unix time.",
        OWN(read_start)),
};
const size_t metrics_n_rows = sizeof(metrics_rows) / sizeof(metrics_rows[0]);

static void write_number(struct exposition *out, uint64_t value)
{
    if (value != METRIC_UNKNOWN) {
        exposition_sample(out, &(struct metric_sample){.value = value});
    }
}

struct http_reply *metrics_answer(const struct status_config *config)
{
    struct buf body = {0};
    struct exposition out = {.out = &body};
    for (size_t i = 0; i < metrics_n_rows; i++) {
        const struct metric *metric = &metrics_rows[i];
        exposition_begin(&out, &metric->family);
        if (metric->read != NULL) {
            write_number(&out, metric->read(config));
        } else {
            metric->write(&out, metric, config);
        }
    }
    return answer_text("text/plain; version=0.0.4; charset=utf-8", &body);
}

/* SPDX-License-Identifier: MIT */
#include "stats.h"

#include "answer.h"
#include "presenced/clock.h"
#include "health.h"
#include "presenced/json.h"
#include "presenced/log.h"

static void write_states(struct json_writer *json, const struct table_counts *counts)
{
    json_begin_object(json, "states");
    for (int state = 0; state < USER_N_STATES; state++) {
        json_key(json, user_state_name((enum user_state)state));
        json_u64(json, NULL, counts->n_users[state]);
    }
    json_end_object(json);
}

static void write_online_devices(struct json_writer *json, const struct platform_names *names,
                                 const struct table_counts *counts)
{
    unsigned n_platforms = platform_count(names);
    json_begin_object(json, "online_devices");
    for (unsigned platform = 0; platform < n_platforms; platform++) {
        if (counts->n_online_rows[platform] > 0) {
            json_key(json, platform_name(names, (uint8_t)platform));
            json_u64(json, NULL, counts->n_online_rows[platform]);
        }
    }
    json_end_object(json);
}

static uint64_t sum_users(const struct table_counts *counts)
{
    uint64_t n = 0;
    for (int state = 0; state < USER_N_STATES; state++) {
        n += counts->n_users[state];
    }
    return n;
}

static void write_number(void *cls, const struct status_number *number)
{
    json_u64(cls, number->name, number->value);
}

static void write_off(struct json_writer *json, const char *key)
{
    json_begin_object(json, key);
    json_str(json, "state", STR("off"));
    json_end_object(json);
}

/* Its state stands first, so it is written when the first of its numbers comes. */
struct reconcile_writer {
    struct json_writer *json;
    bool has_begun;
};

static void write_reconcile_number(void *cls, const struct status_number *number)
{
    struct reconcile_writer *writer = cls;
    if (!writer->has_begun) {
        json_begin_object(writer->json, "reconcile");
        json_str(writer->json, "state", STR("on"));
        writer->has_begun = true;
    }
    write_number(writer->json, number);
}

static void write_reconcile(struct json_writer *json, const struct status_reconcile *reconcile, uint16_t app)
{
    struct reconcile_writer writer = {.json = json};
    struct status_visitor visitor = {write_reconcile_number, &writer};
    if (reconcile->each == NULL || !reconcile->each(reconcile->cls, app, &visitor)) {
        write_off(json, "reconcile");
        return;
    }
    json_end_object(json);
}

/* Returns how many users the app has. */
static uint64_t write_app(struct json_writer *json, const struct status_config *config, uint16_t app)
{
    struct table *table = config->table;
    struct table_counts counts;
    table_counts(table, app, &counts);
    json_begin_object(json, NULL);
    json_u64(json, "app", table_app_id(table, app));
    json_u64(json, "users", sum_users(&counts));
    write_states(json, &counts);
    write_online_devices(json, table_platform_names(table), &counts);
    json_begin_object(json, "dropped");
    json_u64(json, "max_users", counts.n_dropped_for_room);
    json_u64(json, "forget_after", counts.n_dropped_for_age);
    json_end_object(json);
    if (counts.forgotten_before_ms == 0) {
        json_null(json, "forgotten_before");
    } else {
        json_u64(json, "forgotten_before", counts.forgotten_before_ms);
    }
    write_reconcile(json, &config->reconcile, app);
    json_end_object(json);
    return sum_users(&counts);
}

static void write_table(struct json_writer *json, const struct status_config *config)
{
    struct table *table = config->table;
    uint64_t n_users = 0;
    json_begin_array(json, "apps");
    for (unsigned app = 0; app < table_n_apps(table); app++) {
        n_users += write_app(json, config, (uint16_t)app);
    }
    json_end_array(json);
    json_u64(json, "users", n_users);
    json_u64(json, "revision", changes_last_revision(table_changes(table)));
}

static void write_numbers(struct json_writer *json, const struct status_counters *counters)
{
    counters->each(counters->cls, &(struct status_visitor){write_number, json});
}

static void write_counters(struct json_writer *json, const struct status_counters *counters)
{
    json_begin_object(json, counters->name);
    write_numbers(json, counters);
    json_end_object(json);
}

static void write_store(struct json_writer *json, const struct status_config *config)
{
    if (config->store.each == NULL) {
        write_off(json, "store");
        return;
    }
    json_begin_object(json, "store");
    json_str(json, "state",
             config->health(config->health_cls).degraded == NULL ? STR("ok") : STR("degraded"));
    write_numbers(json, &config->store);
    json_end_object(json);
}

static void write_history(struct json_writer *json, struct history *history)
{
    uint64_t start_unix_ms;
    uint32_t counts[HISTORY_N_MINUTES];
    size_t n = history_read(history, &start_unix_ms, counts);
    json_begin_object(json, "online_history");
    if (n == 0) {
        json_null(json, "start_time");
    } else {
        json_u64(json, "start_time", start_unix_ms);
    }
    json_u64(json, "interval_ms", HISTORY_MINUTE_MS);
    json_begin_array(json, "online");
    for (size_t i = 0; i < n; i++) {
        if (counts[i] == HISTORY_MISSING) {
            json_null(json, NULL);
        } else {
            json_u64(json, NULL, counts[i]);
        }
    }
    json_end_array(json);
    json_end_object(json);
}

static void write_warning(void *cls, const struct warning *warning)
{
    json_begin_object(cls, NULL);
    json_str(cls, "code", str_from(warning_code_name(warning->code)));
    json_str(cls, "text", warning->text);
    json_end_object(cls);
}

static void write_warnings(struct json_writer *json, struct warnings *warnings)
{
    json_begin_array(json, "warnings");
    warnings_each(warnings, write_warning, json);
    json_end_array(json);
}

static void write_process(struct json_writer *json, const struct status_config *config)
{
    json_str(json, "version", str_from(config->version));
    json_u64(json, "start_time", config->started_unix_ms);
    json_u64(json, "uptime_ms", clock_monotonic_ms() - config->started_monotonic_ms);
    json_begin_object(json, "health");
    health_write(json, config->health(config->health_cls));
    json_end_object(json);
}

static void write_log(struct json_writer *json)
{
    json_begin_object(json, "log");
    json_u64(json, "lines_dropped", log_n_dropped());
    json_end_object(json);
}

struct http_reply *stats_answer(const struct status_config *config)
{
    struct buf body = {0};
    struct json_writer json = {.out = &body};
    json_begin_object(&json, NULL);
    write_process(&json, config);
    write_warnings(&json, config->warnings);
    write_table(&json, config);
    write_counters(&json, &config->events);
    write_counters(&json, &config->configuration);
    json_begin_object(&json, "listeners");
    for (size_t i = 0; i < config->n_listeners; i++) {
        write_counters(&json, &config->listeners[i]);
    }
    json_end_object(&json);
    write_store(&json, config);
    write_off(&json, "replication");
    write_log(&json);
    write_history(&json, config->history);
    json_end_object(&json);
    return answer_json(200, &body);
}

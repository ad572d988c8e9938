/* SPDX-License-Identifier: MIT */
#include "stats.h"

#include "answer.h"
#include "app_choice.h"
#include "presenced/clock.h"
#include "health.h"
#include "presenced/json.h"

#include <stdio.h>

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

/* Writes a metric if it has a key for /v1/stats. */
static void write_number(void *cls, const struct metric_sample *sample)
{
    const char *key = sample->metric->key;
    struct str label = {NULL, 0};
    if (key == NULL) {
        return;
    }
    for (unsigned i = 0; i < METRIC_N_LABELS_MAX && sample->metric->labels[i] != NULL; i++) {
        label = sample->labels[i];
    }
    if (key[0] == '\0' || key[strlen(key) - 1] == '_') {
        char completed[64];
        (void)snprintf(completed, sizeof(completed), "%s%.*s", key, STR_FMT(label));
        json_u64(cls, completed, sample->value);
    } else {
        json_u64(cls, key, sample->value);
    }
}

static void write_reconcile(struct json_writer *json, const struct status_app_part *part, uint16_t app)
{
    const struct metric_visitor visitor = {write_number, json};
    json_begin_object(json, "reconcile");
    bool is_on = part->visit != NULL && part->visit(part->cls, app, &visitor);
    json_str(json, "state", is_on ? STR("on") : STR("off"));
    json_end_object(json);
}

/* Writes the object of an app. Returns how many users the app has. */
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

static void write_apps(struct json_writer *json, const struct status_config *config, int only_app)
{
    const struct table *table = config->table;
    uint64_t n_users = 0;
    json_begin_array(json, "apps");
    for (unsigned app = 0; app < table_n_apps(table); app++) {
        if (only_app == APP_ANY || (int)app == only_app) {
            n_users += write_app(json, config, (uint16_t)app);
        }
    }
    json_end_array(json);
    json_u64(json, "users", n_users);
}

static void write_part(struct json_writer *json, const struct status_part *part)
{
    json_begin_object(json, part->key);
    if (part->visit == NULL) {
        json_str(json, "state", STR("off"));
    } else {
        if (part->state != NULL) {
            json_str(json, "state", str_from(part->state(part->cls)));
        }
        part->visit(part->cls, &(struct metric_visitor){write_number, json});
    }
    json_end_object(json);
}

static bool is_within(const struct status_part *part, const char *group)
{
    return group != NULL && part->group != NULL && strcmp(part->group, group) == 0;
}

static void write_parts(struct json_writer *json, const struct status_part *parts, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const char *group = parts[i].group;
        if (group != NULL && (i == 0 || !is_within(&parts[i - 1], group))) {
            json_begin_object(json, group);
        }
        if (parts[i].key != NULL) {
            write_part(json, &parts[i]);
        }
        if (group != NULL && (i + 1 == n || !is_within(&parts[i + 1], group))) {
            json_end_object(json);
        }
    }
}

static void write_online_minutes(struct json_writer *json, struct online_minutes *minutes)
{
    uint64_t start_unix_ms;
    uint32_t counts[ONLINE_N_MINUTES];
    size_t n = online_minutes_read(minutes, &start_unix_ms, counts);
    json_begin_object(json, "online_history");
    if (n == 0) {
        json_null(json, "start_time");
    } else {
        json_u64(json, "start_time", start_unix_ms);
    }
    json_u64(json, "interval_ms", ONLINE_MINUTE_MS);
    json_begin_array(json, "online");
    for (size_t i = 0; i < n; i++) {
        if (counts[i] == ONLINE_MISSING) {
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

/* Writes what does not belong to a single app. */
static void write_whole(struct json_writer *json, const struct status_config *config)
{
    json_u64(json, "revision", changes_last_revision(table_changes(config->table)));
    write_parts(json, config->parts, config->n_parts);
    write_part(json, &config->streams);
    write_online_minutes(json, config->online_minutes);
}

struct http_reply *stats_answer(const struct status_config *config, int only_app)
{
    struct buf body = {0};
    struct json_writer json = {.out = &body};
    json_begin_object(&json, NULL);
    write_process(&json, config);
    if (only_app == APP_ANY) {
        write_warnings(&json, config->warnings);
    }
    write_apps(&json, config, only_app);
    if (only_app == APP_ANY) {
        write_whole(&json, config);
    }
    json_end_object(&json);
    return answer_json(200, &body);
}

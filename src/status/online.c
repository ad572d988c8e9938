/* SPDX-License-Identifier: MIT */
#include "online.h"

#include "answer.h"
#include "app_choice.h"

/* The time covered by an answer. All series of an answer cover the same minutes, so that a chart can overlay
 * them. */
struct span {
    uint64_t begin_unix_ms;
    uint64_t end_unix_ms; /* end of the last minute; both 0: nothing was recorded */
};

static void widen(struct span *span, struct online_minutes *minutes)
{
    uint64_t start_unix_ms;
    uint32_t counts[ONLINE_N_MINUTES];
    size_t n = minutes == NULL ? 0 : online_minutes_read(minutes, &start_unix_ms, counts);
    if (n == 0) {
        return;
    }
    uint64_t end_unix_ms = start_unix_ms + n * ONLINE_MINUTE_MS;
    if (span->end_unix_ms == 0 || start_unix_ms < span->begin_unix_ms) {
        span->begin_unix_ms = start_unix_ms;
    }
    if (end_unix_ms > span->end_unix_ms) {
        span->end_unix_ms = end_unix_ms;
    }
}

static void write_series(struct json_writer *json, struct online_minutes *minutes, const struct span *span)
{
    uint64_t start_unix_ms = 0;
    uint32_t counts[ONLINE_N_MINUTES];
    size_t n = minutes == NULL ? 0 : online_minutes_read(minutes, &start_unix_ms, counts);
    json_begin_array(json, "online");
    for (uint64_t at = span->begin_unix_ms; at < span->end_unix_ms; at += ONLINE_MINUTE_MS) {
        size_t i = at < start_unix_ms ? n : (size_t)((at - start_unix_ms) / ONLINE_MINUTE_MS);
        if (i < n && counts[i] != ONLINE_MISSING) {
            json_u64(json, NULL, counts[i]);
        } else {
            json_null(json, NULL);
        }
    }
    json_end_array(json);
}

/* Chooses the apps with the most users online, in descending order. Returns how many. */
static size_t choose_apps(const struct table *table, int only_app, uint16_t ret_apps[ONLINE_N_APPS_MAX])
{
    uint64_t n_online[ONLINE_N_APPS_MAX];
    size_t n = 0;
    for (unsigned app = 0; app < table_n_apps(table); app++) {
        struct table_counts counts;
        if (only_app != APP_ANY && (int)app != only_app) {
            continue;
        }
        table_counts(table, (uint16_t)app, &counts);
        size_t at = n;
        while (at > 0 && n_online[at - 1] < counts.n_users[USER_ONLINE]) {
            at--;
        }
        if (at == ONLINE_N_APPS_MAX) {
            continue;
        }
        n += n < ONLINE_N_APPS_MAX;
        memmove(&n_online[at + 1], &n_online[at], (n - at - 1) * sizeof(n_online[0]));
        memmove(&ret_apps[at + 1], &ret_apps[at], (n - at - 1) * sizeof(ret_apps[0]));
        n_online[at] = counts.n_users[USER_ONLINE];
        ret_apps[at] = (uint16_t)app;
    }
    return n;
}

static void write_apps(struct json_writer *json, const struct status_config *config, const uint16_t *apps,
                       size_t n_apps, const struct span *span)
{
    json_begin_array(json, "apps");
    for (size_t i = 0; i < n_apps; i++) {
        json_begin_object(json, NULL);
        json_u64(json, "app", table_app_id(config->table, apps[i]));
        write_series(json, breakdown_of_app(config->breakdown, apps[i]), span);
        json_end_object(json);
    }
    json_end_array(json);
}

static void write_platforms(struct json_writer *json, const struct status_config *config,
                            const struct span *span)
{
    const struct platform_names *names = table_platform_names(config->table);
    json_begin_array(json, "platforms");
    for (unsigned i = 0; i < platform_count(names); i++) {
        struct online_minutes *minutes = breakdown_of_platform(config->breakdown, i);
        if (minutes != NULL) {
            json_begin_object(json, NULL);
            json_str(json, "platform", platform_name(names, (uint8_t)i));
            write_series(json, minutes, span);
            json_end_object(json);
        }
    }
    json_end_array(json);
}

/* The total and the platforms are included if the request may be about any app, or if there is only one
 * app. */
struct http_reply *online_answer(const struct status_config *config, int only_app)
{
    struct span span = {0};
    struct buf body = {0};
    struct json_writer json = {.out = &body};
    uint16_t apps[ONLINE_N_APPS_MAX];
    bool is_whole = only_app == APP_ANY || table_n_apps(config->table) == 1;
    size_t n_apps = choose_apps(config->table, only_app, apps);
    for (size_t i = 0; i < n_apps; i++) {
        widen(&span, breakdown_of_app(config->breakdown, apps[i]));
    }
    if (is_whole) {
        widen(&span, config->online_minutes);
    }
    json_begin_object(&json, NULL);
    if (span.end_unix_ms == 0) {
        json_null(&json, "start_time");
    } else {
        json_u64(&json, "start_time", span.begin_unix_ms);
    }
    json_u64(&json, "interval_ms", ONLINE_MINUTE_MS);
    if (is_whole) {
        write_series(&json, config->online_minutes, &span);
    }
    write_apps(&json, config, apps, n_apps, &span);
    if (is_whole) {
        write_platforms(&json, config, &span);
    }
    json_end_object(&json);
    return answer_json(200, &body);
}

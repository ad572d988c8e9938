/* SPDX-License-Identifier: MIT */
#include "ask.h"
#include "text.h"
#include "when.h"

#include "presenced/array.h"

static uint64_t number(const cJSON *object, const char *name)
{
    uint64_t value = 0;
    (void)member_u64(object, name, &value);
    return value;
}

static void append_process(const struct ask *ask, const cJSON *stats, struct buf *out)
{
    const cJSON *health = member(stats, "health");
    struct str status = member_text(health, "status");
    struct str degraded = member_text(health, "degraded");
    buf_append(out, STR("presenced "));
    text_append_safe(out, member_text(stats, "version"));
    buf_append(out, STR(" is "));
    tint_append(out, str_equal(status, STR("ready")) ? TINT_GOOD : TINT_BAD, ask->screen.tints, status);
    if (degraded.len > 0) {
        buf_append(out, STR(", but degraded: "));
        tint_append(out, TINT_BAD, ask->screen.tints, degraded);
    }
    buf_append(out, STR(", up for "));
    when_append_span(out, number(stats, "uptime_ms"));
    buf_append_char(out, '\n');
}

static void append_warnings(const struct ask *ask, const cJSON *stats, struct buf *out)
{
    const cJSON *warning;
    cJSON_ArrayForEach(warning, member(stats, "warnings"))
    {
        cleanup(buf_fini) struct buf text = {0};
        buf_append(out, STR("warning: "));
        text_append_safe(&text, member_text(warning, "text"));
        tint_append(out, TINT_MIDDLE, ask->screen.tints, buf_str(&text));
        buf_append_char(out, '\n');
    }
}

/* Appends an object of numbers in the form "Web 3, iOS 1". Zeros are omitted. */
static void append_numbers(const cJSON *object, struct buf *out)
{
    const cJSON *item;
    bool is_first = true;
    cJSON_ArrayForEach(item, object)
    {
        if (cJSON_IsNumber(item) && item->valuedouble != 0) {
            buf_appendf(out, "%s%s %.0f", is_first ? "" : ", ", item->string, item->valuedouble);
            is_first = false;
        }
    }
}

static void append_apps(const struct ask *ask, const cJSON *stats, struct buf *out)
{
    static const char *const heads[] = {"APP", "USERS", "ONLINE", "PUSH ONLINE", "OFFLINE", "DEVICES ONLINE"};
    cleanup(table_fini) struct table table;
    const cJSON *app;
    table_init(&table, heads, N_ELEMENTS(heads));
    cJSON_ArrayForEach(app, member(stats, "apps"))
    {
        cleanup(buf_fini) struct buf devices = {0};
        const cJSON *states = member(app, "states");
        append_numbers(member(app, "online_devices"), &devices);
        table.failed |= devices.failed;
        table_add_number(&table, number(app, "app"));
        table_add_number(&table, number(app, "users"));
        table_add_number(&table, number(states, "online"));
        table_add_number(&table, number(states, "push_online"));
        table_add_number(&table, number(states, "offline"));
        table_add(&table, TINT_NONE, buf_str(&devices));
    }
    buf_append_char(out, '\n');
    table_write(&table, ask->screen.width, ask->screen.tints, out);
}

/* Appends a table of the event counters above 0. */
static void append_events(const struct ask *ask, const cJSON *stats, struct buf *out)
{
    static const char *const heads[] = {"CALLBACKS", "COUNT"};
    cleanup(table_fini) struct table table;
    const cJSON *item;
    table_init(&table, heads, N_ELEMENTS(heads));
    cJSON_ArrayForEach(item, member(stats, "events"))
    {
        if (cJSON_IsNumber(item) && item->valuedouble > 0) {
            table_add(&table, TINT_NONE, str_from(item->string));
            table_add_number(&table, (uint64_t)item->valuedouble);
        }
    }
    buf_append_char(out, '\n');
    table_write(&table, ask->screen.width, ask->screen.tints, out);
    if (table.n_cells == 0) {
        buf_append(out, STR("no callbacks since the start\n"));
    }
}

static void append_listeners(const struct ask *ask, const cJSON *stats, struct buf *out)
{
    static const char *const heads[] = {"LISTENER", "CONNECTIONS", "OF",        "ACCEPTED",
                                        "REQUESTS", "MALFORMED",   "TIMED OUT", "HANDSHAKES FAILED"};
    static const char *const names[] = {"connections",      "connections_max",    "accepted",
                                        "requests",         "requests_malformed", "timed_out",
                                        "handshakes_failed"};
    cleanup(table_fini) struct table table;
    const cJSON *listener;
    table_init(&table, heads, N_ELEMENTS(heads));
    cJSON_ArrayForEach(listener, member(stats, "listeners"))
    {
        table_add(&table, TINT_NONE, str_from(listener->string));
        for (size_t i = 0; i < N_ELEMENTS(names); i++) {
            table_add_number(&table, number(listener, names[i]));
        }
    }
    buf_append_char(out, '\n');
    table_write(&table, ask->screen.width, ask->screen.tints, out);
}

static void append_parts(const cJSON *stats, struct buf *out)
{
    static const char *const names[] = {"store", "replication"};
    buf_append_char(out, '\n');
    for (size_t i = 0; i < N_ELEMENTS(names); i++) {
        const cJSON *part = member(stats, names[i]);
        buf_appendf(out, "%s: ", names[i]);
        text_append_safe(out, member_text(part, "state"));
        if (!str_equal(member_text(part, "state"), STR("off"))) {
            buf_append(out, STR("; "));
            append_numbers(part, out);
        }
        buf_append_char(out, '\n');
    }
}

int ctl_stats(const struct arguments *arguments)
{
    cleanup(ask_fini) struct ask ask;
    cleanup(ask_answer_fini) struct ask_answer answer = {.document = NULL};
    cleanup(buf_fini) struct buf text = {0};
    int r = ask_begin(arguments, &ask);
    if (r != 0) {
        return r;
    }
    r = ask_get(&ask, "/v1/stats", &answer);
    if (r != 0) {
        return r;
    }
    if (arguments->json) {
        return ask_put_json(&answer, CTL_YES);
    }
    append_process(&ask, answer.document, &text);
    append_warnings(&ask, answer.document, &text);
    append_apps(&ask, answer.document, &text);
    append_events(&ask, answer.document, &text);
    append_listeners(&ask, answer.document, &text);
    append_parts(answer.document, &text);
    return screen_put(&text, CTL_YES);
}

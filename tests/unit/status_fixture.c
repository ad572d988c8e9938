/* SPDX-License-Identifier: MIT */
#include "status_fixture.h"

#include "presenced/clock.h"
#include "presenced/log.h"
#include "must.h"

#define N_HEADERS_MAX 16

struct fixture fixture;

struct http_reply {
    unsigned status;
    size_t n_headers;
    char *names[N_HEADERS_MAX];
    char *values[N_HEADERS_MAX];
    struct buf body; /* NUL-terminated */
    const struct http_stream *stream;
    void *stream_cls;
};

/* In the place of the listener's: src/http/reply.c and request.c. */

struct http_reply *http_reply_once(unsigned status, const struct http_header *headers, struct buf *body)
{
    struct buf bytes = *body;
    *body = (struct buf){0};
    if (fixture.memory_is_gone) {
        buf_fini(&bytes);
        return NULL;
    }
    struct http_reply *reply = calloc(1, sizeof(*reply));
    ck_assert_ptr_nonnull(reply);
    reply->status = status;
    for (; headers->name != NULL; headers++) {
        ck_assert_uint_lt(reply->n_headers, N_HEADERS_MAX);
        reply->names[reply->n_headers] = strdup(headers->name);
        reply->values[reply->n_headers++] = strdup(headers->value);
    }
    ck_assert(!bytes.failed);
    buf_append_char(&bytes, '\0');
    reply->body = bytes;
    return reply;
}

struct http_reply *http_reply_stream(unsigned status, const struct http_header *headers,
                                     const struct http_stream *stream, void *cls)
{
    struct buf empty = {0};
    struct http_reply *reply = http_reply_once(status, headers, &empty);
    if (reply == NULL) {
        stream->free(cls);
        return NULL;
    }
    reply->stream = stream;
    reply->stream_cls = cls;
    return reply;
}

const struct http_stream *reply_stream(const struct http_reply *reply, void **ret_cls)
{
    *ret_cls = reply->stream_cls;
    return reply->stream;
}

void http_reply_free(struct http_reply *reply)
{
    if (reply == NULL) {
        return;
    }
    if (reply->stream != NULL) {
        reply->stream->free(reply->stream_cls);
    }
    for (size_t i = 0; i < reply->n_headers; i++) {
        free(reply->names[i]);
        free(reply->values[i]);
    }
    buf_fini(&reply->body);
    free(reply);
}

struct str http_request_header(const struct http_request *request, const char *name, unsigned nth)
{
    for (const struct http_header *header = request->connection; header->name != NULL; header++) {
        if (str_equal_fold(str_from(header->name), str_from(name)) && nth-- == 0) {
            return str_from(header->value);
        }
    }
    return (struct str){NULL, 0};
}

static uint64_t read_now(void)
{
    return fixture.now_ms;
}

static uint64_t read_monotonic(void)
{
    return fixture.monotonic_ms;
}

static void count_wake(void *cls)
{
    unsigned *n_wakes = cls;
    (*n_wakes)++;
}

static struct status_health read_health(void *cls)
{
    return *(const struct status_health *)cls;
}

/* Some of what the daemon's parts have. */

static void visit_callback(void *cls, const struct metric_visitor *visitor)
{
    static const struct metric requests = {.name = "presenced_callback_requests_total",
                                           .type = METRIC_COUNTER,
                                           .labels = {"answer", "outcome"},
                                           .help = "R.",
                                           .key = ""};
    static const struct metric durations = {.name = "presenced_callback_duration_seconds",
                                            .type = METRIC_HISTOGRAM,
                                            .unit = METRIC_US,
                                            .help = "D."};
    static const struct metric restamped = {.name = "presenced_callback_events_restamped_total",
                                            .type = METRIC_COUNTER,
                                            .help = "S.",
                                            .key = "restamped"};
    static const uint64_t bounds[] = {1000};
    const struct histogram_counts counts = {bounds, 1, .n = {3, 1}, .sum = 5000};
    (void)cls;
    metric_visit(visitor, &requests, 12, STR("ok"), STR("applied"));
    metric_visit(visitor, &requests, 3, STR("refused"), STR("refused_sign"));
    visitor->visit(visitor->cls, &(struct metric_sample){.metric = &durations, .histogram = &counts});
    metric_visit(visitor, &restamped, 2);
}

static void visit_reloads(void *cls, const struct metric_visitor *visitor)
{
    static const struct metric reloads = {.name = "presenced_config_reloads_total",
                                          .type = METRIC_COUNTER,
                                          .labels = {"result"},
                                          .help = "R.",
                                          .key = "reloads_"};
    static const struct metric loaded = {.name = "presenced_config_loaded_timestamp_seconds",
                                         .type = METRIC_GAUGE,
                                         .unit = METRIC_MS,
                                         .help = "L.",
                                         .key = "loaded_time"};
    (void)cls;
    metric_visit(visitor, &reloads, 4, STR("successful"));
    metric_visit(visitor, &reloads, 1, STR("failed"));
    metric_visit(visitor, &loaded, NOW_MS - 2500);
}

struct listener {
    struct str name;
    uint64_t n_connections;
};

static void visit_listener(void *cls, const struct metric_visitor *visitor)
{
    static const struct metric connections[] = {
        {.name = "presenced_connections",
         .type = METRIC_GAUGE,
         .labels = {"listener"},
         .help = "C.",
         .key = "connections",
         .offset = offsetof(struct listener, n_connections)},
    };
    static const struct metric handshakes = {.name = "presenced_tls_handshakes_total",
                                             .type = METRIC_COUNTER,
                                             .labels = {"listener", "result"},
                                             .help = "H.",
                                             .key = "handshakes_"};
    const struct listener *listener = cls;
    metrics_visit(connections, 1, listener, listener->name, visitor);
    metric_visit(visitor, &handshakes, 5, listener->name, STR("full"));
    metric_visit(visitor, &handshakes, 6, listener->name, STR("failed"));
}

static void visit_store(void *cls, const struct metric_visitor *visitor)
{
    static const struct metric commits = {
        .name = "presenced_store_commits_total", .type = METRIC_COUNTER, .help = "C.", .key = "commits"};
    (void)cls;
    metric_visit(visitor, &commits, 9);
}

static void visit_log(void *cls, const struct metric_visitor *visitor)
{
    (void)cls;
    log_metrics(visitor);
}

static const char *read_state(void *cls)
{
    (void)cls;
    return fixture.health.degraded == NULL ? "ok" : "degraded";
}

static void start(unsigned n_apps)
{
    static struct listener listeners[] = {{{"callback", 8}, 7}, {{"status", 6}, 1}};
    static const struct status_part parts[] = {
        {.key = "events", .visit = visit_callback},
        {.key = "configuration", .visit = visit_reloads},
        {.group = "listeners", .key = "callback", .visit = visit_listener, .cls = &listeners[0]},
        {.group = "listeners", .key = "status", .visit = visit_listener, .cls = &listeners[1]},
        {.key = "store", .visit = visit_store, .state = read_state},
        {.key = "replication"},
        {.key = "log", .visit = visit_log},
    };
    static const struct status_settings no_settings;
    struct table_config table_config = {
        .push_online_window_ms = WINDOW_MS,
        .forget_after_ms = FORGET_AFTER_MS,
        .changes_max_entries = 1024,
    };
    uint16_t app;
    fixture = (struct fixture){
        .now_ms = NOW_MS, .health = {STATUS_READY, NULL}, .user_events = fixture.user_events};
    ck_assert_int_eq(table_new(&table_config, &fixture.table), 0);
    ck_assert_int_eq(online_minutes_new(&fixture.online_minutes), 0);
    ck_assert_int_eq(breakdown_new(fixture.table, &fixture.breakdown), 0);
    ck_assert_int_eq(warnings_new(&fixture.warnings), 0);
    ck_assert_int_eq(refused_list_new(&fixture.refused), 0);
    for (unsigned i = 0; i < n_apps; i++) {
        ck_assert_int_eq(table_add_app(fixture.table, APP_ID + i, &app), 0);
        ck_assert_uint_eq(app, i);
    }
    struct status_config config = {
        .table = fixture.table,
        .online_minutes = fixture.online_minutes,
        .breakdown = fixture.breakdown,
        .user_events = fixture.user_events,
        .version = "1.2.3",
        .started_unix_ms = NOW_MS - 5000,
        .started_monotonic_ms = clock_monotonic_ms(),
        .unix_ms = read_now,
        .monotonic_ms = read_monotonic,
        .max_streams = FIXTURE_MAX_STREAMS,
        .wake_streams = count_wake,
        .wake_cls = &fixture.n_wakes,
        .health = read_health,
        .health_cls = &fixture.health,
        .warnings = fixture.warnings,
        .refused = fixture.refused,
        .parts = parts,
        .n_parts = sizeof(parts) / sizeof(parts[0]),
    };
    ck_assert_int_eq(status_new(&config, &no_settings, &fixture.status), 0);
}

void fixture_start_one_app(void)
{
    start(1);
}

void fixture_start_two_apps(void)
{
    start(2);
}

void fixture_stop(void)
{
    status_free(fixture.status);
    refused_list_free(fixture.refused);
    warnings_free(fixture.warnings);
    breakdown_free(fixture.breakdown);
    online_minutes_free(fixture.online_minutes);
    table_free(fixture.table);
}

void happen(struct event event)
{
    struct table_applied applied;
    struct table_event table_event = {
        .kind = event.kind,
        .reason = event.reason,
        .platform = event.platform,
        .app = event.app,
        .user_id = str_from(event.user),
        .has_event_time = true,
        .event_time_ms = event.time_ms,
        .custom_status = str_from(event.custom_status == NULL ? "" : event.custom_status),
    };
    if (event.client != NULL) {
        ck_assert(address_parse(str_from(event.client), &table_event.client));
    }
    must(table_apply(fixture.table, &table_event, event.time_ms + 100, &applied) == TABLE_CHANGED);
}

static struct http_request make_request(const struct http_header *headers, const char *method,
                                        const char *target)
{
    struct http_request request = {
        .method = str_from(method),
        .target = str_from(target),
        .connection = (void *)(uintptr_t)headers,
    };
    request.query = request.target;
    (void)str_split(&request.query, '?', &request.path);
    return request;
}

struct http_reply *ask_with(const struct http_header *headers, const char *method, const char *target,
                            struct str body)
{
    const struct http_handler *handler = status_handler();
    struct http_request request = make_request(headers, method, target);
    struct http_reply *reply = handler->on_headers(fixture.status, &request);
    if (reply == NULL) {
        request.body = body;
        reply = handler->on_request(fixture.status, &request);
    }
    return reply;
}

static const struct http_header from_localhost[] = {{"Host", "localhost:8080"}, {NULL, NULL}};

struct http_reply *get(const char *target)
{
    return ask_with(from_localhost, "GET", target, STR(""));
}

struct http_reply *post(const char *target, const char *body)
{
    return ask_with(from_localhost, "POST", target, str_from(body));
}

unsigned reply_status(const struct http_reply *reply)
{
    return reply->status;
}

const char *reply_body(const struct http_reply *reply)
{
    return reply->body.ptr;
}

const char *reply_header(const struct http_reply *reply, const char *name)
{
    for (size_t i = 0; i < reply->n_headers; i++) {
        if (strcasecmp(reply->names[i], name) == 0) {
            return reply->values[i];
        }
    }
    return NULL;
}

cJSON *reply_json(const struct http_reply *reply)
{
    ck_assert(str_is_utf8(str_from(reply->body.ptr)));
    cJSON *json = cJSON_ParseWithOpts(reply->body.ptr, NULL, true);
    ck_assert_msg(json != NULL, "not JSON: %s", reply->body.ptr);
    return json;
}

void expect_body(struct http_reply *reply, unsigned status, const char *body)
{
    ck_assert_ptr_nonnull(reply);
    ck_assert_str_eq(reply->body.ptr, body);
    ck_assert_uint_eq(reply->status, status);
    ck_assert_str_eq(reply_header(reply, "Content-Type"), "application/json");
    cJSON_Delete(reply_json(reply));
    http_reply_free(reply);
}

void expect_problem(struct http_reply *reply, unsigned status, const char *detail)
{
    ck_assert_ptr_nonnull(reply);
    cJSON *json = reply_json(reply);
    ck_assert_str_eq(cJSON_GetObjectItem(json, "detail")->valuestring, detail);
    ck_assert_str_eq(cJSON_GetObjectItem(json, "type")->valuestring, "about:blank");
    ck_assert_int_eq(cJSON_GetObjectItem(json, "status")->valueint, (int)status);
    ck_assert_uint_eq(reply->status, status);
    ck_assert_str_eq(reply_header(reply, "Content-Type"), "application/problem+json");
    cJSON_Delete(json);
    http_reply_free(reply);
}

void use_settings(const struct status_settings *settings)
{
    struct status_settings *prepared = NULL;
    ck_assert_int_eq(status_prepare(settings, &prepared), 0);
    status_adopt(fixture.status, prepared);
}

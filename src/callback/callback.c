/* SPDX-License-Identifier: MIT */
/* The stages of a request, and where it can end:
 *
 *   on_headers()  health check? Otherwise request_check.c: path, method,   if rejected: reply at once
 *                 peer, SdkAppid, Sign, duplicate parameters,              if accepted: the decision is
 *                 CallbackCommand                                          stored in the context
 *   (The listener reads the body. It rejects one without a length or that is too long: on_refusal().)
 *   on_request()  body -> struct state_change -> table                     OK, or FAIL with a reason
 *   on_resume()   once the change is durable, if the answer had to wait for that
 *
 * Every end is a callback_outcome with its own counter, log rate limit, and reply that is created at the
 * start. */
#include "counters.h"
#include "json_tree.h"
#include "outcome.h"
#include "request_check.h"
#include "presenced/array.h"
#include "presenced/clock.h"
#include "presenced/json.h"
#include "presenced/query.h"
#include "presenced/reply.h"

#include <errno.h>
#include <stdatomic.h>

#define LOG_LINES_PER_SECOND 5
#define LOG_LINES_BURST 20

struct callback {
    _Atomic(struct rules *) rules; /* the current rules; requests may still be reading older ones */
    struct table *table;
    struct callback_store store;
    struct callback_history history;
    bool (*is_ready)(void *cls);
    void *is_ready_cls;
    uint64_t (*unix_ms)(void);
    struct http_reply *replies[CALLBACK_N_OUTCOMES];
    struct log_limit log_limits[CALLBACK_N_OUTCOMES];
    struct refused_list *refused;
    struct counters counters;
};

static const struct rules *current_rules(const struct callback *callback)
{
    return atomic_load_explicit(&callback->rules, memory_order_acquire);
}

/* State of a request, passed from on_headers() to on_request() and on_resume(). */
struct context {
    bool is_authentic; /* false: on_headers() has rejected it */
    enum callback_outcome outcome;
    uint16_t counter_index;  /* COUNTERS_NO_APP or COUNTERS_OF_APP() */
    struct str opt_platform; /* query parameter, still percent-encoded */
    struct str client_ip;    /* likewise */
    uint64_t revision;       /* revision that must be durable before the answer may be OK; 0: none */
};

static unsigned counter_index(const struct http_request *request)
{
    return http_request_context(request, const struct context)->counter_index;
}

/* For an authentic request of a configured app: returns the app's index in the table. */
static uint16_t app_of(const struct context *context)
{
    return (uint16_t)(context->counter_index - COUNTERS_OF_APP(0));
}

/* Returns whether a rejected request was probably meant as a callback, and not a port scan or a health check.
 */
static bool is_meant_for_callback(const struct refused_request *refused, enum callback_outcome outcome)
{
    return outcome != CALLBACK_URL_CHECK && (refused->app.ptr != NULL || refused->command.ptr != NULL ||
                                             callback_outcomes[outcome].status == 403);
}

/* Records a rejected request. Sign, token, body and other query parameters are never recorded. */
static void record_refused(struct callback *callback, const struct http_request *request,
                           enum callback_outcome outcome, const char *reason)
{
    struct refused_request refused = {
        .unix_ms = callback->unix_ms(),
        .listener = "callback",
        .outcome = callback_outcomes[outcome].name,
        .reason = reason,
    };
    check_describe(current_rules(callback), request, outcome, refused.unix_ms, &refused);
    if (is_meant_for_callback(&refused, outcome)) {
        counters_count_not_ok(&callback->counters, counter_index(request), outcome);
    }
    refused_list_add(callback->refused, &refused);
    refused_log(&callback->log_limits[outcome], callback_outcomes[outcome].level, "callback answered FAIL",
                &refused);
}

static void count_and_log(struct callback *callback, const struct http_request *request,
                          enum callback_outcome outcome, const char *reason)
{
    counters_count(&callback->counters, counter_index(request), outcome);
    if (reason[0] != '\0' && outcome != CALLBACK_NOT_READY) {
        record_refused(callback, request, outcome, reason);
    }
}

static struct http_reply *conclude(struct callback *callback, const struct http_request *request,
                                   enum callback_outcome outcome)
{
    count_and_log(callback, request, outcome, callback_outcomes[outcome].error_info);
    return callback->replies[outcome];
}

/* As conclude(), for an authentic callback. */
static struct http_reply *conclude_authentic(struct callback *callback, const struct http_request *request,
                                             enum callback_outcome outcome)
{
    histogram_add(&callback->counters.durations, clock_monotonic_us() - request->begun_us);
    return conclude(callback, request, outcome);
}

static const struct http_header json_headers[] = {{"Content-Type", "application/json"}, {NULL, NULL}};

static void write_answer(struct buf *body, const char *error_info)
{
    struct json_writer json = {.out = body};
    bool ok = error_info[0] == '\0';
    json_begin_object(&json, NULL);
    json_str(&json, "ActionStatus", ok ? STR("OK") : STR("FAIL"));
    json_u64(&json, "ErrorCode", ok ? 0 : 1);
    json_str(&json, "ErrorInfo", str_from(error_info));
    json_end_object(&json);
}

/* Answers with an error text specific to the request. */
static struct http_reply *refuse_with(struct callback *callback, const struct http_request *request,
                                      enum callback_outcome outcome, unsigned status, const char *error)
{
    cleanup(buf_fini) struct buf body = {0};
    count_and_log(callback, request, outcome, error);
    write_answer(&body, error);
    struct http_reply *reply = http_reply_once(status, json_headers, &body);
    return reply != NULL ? reply : callback->replies[outcome];
}

static enum callback_outcome check_health(const struct callback *callback, const struct http_request *request)
{
    if (!str_equal(request->method, STR("GET")) && !str_equal(request->method, STR("HEAD"))) {
        return CHECK_PASSED;
    }
    if (str_equal(request->path, STR("/livez"))) {
        return CALLBACK_HEALTHY;
    }
    if (str_equal(request->path, STR("/readyz"))) {
        return callback->is_ready(callback->is_ready_cls) ? CALLBACK_HEALTHY : CALLBACK_NOT_READY;
    }
    return CHECK_PASSED;
}

static struct http_reply *on_headers(void *cls, struct http_request *request)
{
    struct callback *callback = cls;
    enum callback_outcome health = check_health(callback, request);
    if (health != CHECK_PASSED) {
        return conclude(callback, request, health);
    }
    uint64_t now_ms = callback->unix_ms();
    struct decision decision = check_request(current_rules(callback), request, now_ms);
    *http_request_context(request, struct context) = (struct context){
        .is_authentic = decision.authentic,
        .outcome = decision.outcome,
        .counter_index = (uint16_t)(decision.app < 0 ? COUNTERS_NO_APP : COUNTERS_OF_APP(decision.app)),
        .opt_platform = decision.opt_platform,
        .client_ip = decision.client_ip,
    };
    if (decision.outcome == CALLBACK_REFUSED_CERTIFICATE) {
        return refuse_with(callback, request, decision.outcome, callback_outcomes[decision.outcome].status,
                           http_request_client_problem(request));
    }
    if (!decision.authentic) {
        return conclude(callback, request, decision.outcome);
    }
    if (decision.app >= 0) {
        counters_count_authentic(&callback->counters, (uint16_t)decision.app, decision.token, now_ms);
    }
    return NULL;
}

static void read_device(struct platform_names *names, const struct context *context,
                        struct table_event *event)
{
    char platform_bytes[PLATFORM_NAME_MAX];
    char client_bytes[ADDRESS_TEXT_SIZE];
    struct str platform = STR(""); /* also stays empty if it is too long: PLATFORM_UNKNOWN */
    struct str client;
    (void)query_decode(context->opt_platform, sizeof(platform_bytes), platform_bytes, &platform);
    event->platform = platform_intern(names, platform);
    if (query_decode(context->client_ip, sizeof(client_bytes), client_bytes, &client) == 0) {
        (void)address_parse(client, &event->client);
    }
}

static enum callback_outcome apply(struct callback *callback, const struct table_event *event,
                                   uint64_t now_ms, struct table_applied *ret_applied)
{
    *ret_applied = (struct table_applied){.restamped = true};
    int r = table_apply(callback->table, event, now_ms, ret_applied);
    if (r == TABLE_CHANGED && ret_applied->restamped) {
        counters_count_restamped(&callback->counters);
    }
    if (!ret_applied->restamped) {
        histogram_add(&callback->counters.lags,
                      now_ms > event->event_time_ms ? now_ms - event->event_time_ms : 0);
    }
    switch (r) {
    case TABLE_CHANGED:
        return CALLBACK_APPLIED;
    case TABLE_UNCHANGED:
        return CALLBACK_UNCHANGED;
    case TABLE_FORGOTTEN:
        return CALLBACK_FORGOTTEN;
    case TABLE_FULL:
        return CALLBACK_FULL;
    default:
        return CALLBACK_NO_MEMORY;
    }
}

static struct str request_id(const struct http_request *request, char storage[static USER_EVENT_TEXT_MAX])
{
    static const struct str names[] = {{"RequestId", 9}, {"RequestID", 9}};
    struct query_value values[N_ELEMENTS(names)];
    struct str id = STR("");
    query_find(request->query, names, N_ELEMENTS(names), values);
    (void)query_decode(values[values[0].n > 0 ? 0 : 1].encoded, USER_EVENT_TEXT_MAX, storage, &id);
    return id;
}

static void list_kicked(const struct platform_names *names, const struct table_event *event,
                        struct user_event *ret_event)
{
    ret_event->n_kicked = 0;
    for (unsigned i = 0; event->kind == TABLE_LOGIN && i < platform_count(names); i++) {
        if (platform_set_has(&event->kicked, (uint8_t)i)) {
            ret_event->kicked[ret_event->n_kicked++] = platform_name(names, (uint8_t)i);
        }
    }
}

/* Adds the event to the history. `event` is NULL if the body was rejected, so that only its user is known. */
static void record_event(const struct callback *callback, const struct http_request *request,
                         const struct table_event *event, struct str user_id, uint64_t now_ms,
                         const char *outcome)
{
    const struct context *context = http_request_context(request, const struct context);
    const struct platform_names *names = table_platform_names(callback->table);
    char request_id_bytes[USER_EVENT_TEXT_MAX];
    struct user_event record;
    record.received_unix_ms = now_ms;
    record.origin = CHANGE_BY_CALLBACK;
    record.outcome = str_from(outcome);
    record.request_id = request_id(request, request_id_bytes);
    record.peer = check_client(current_rules(callback), request);
    record.has_event_time = event != NULL && event->has_event_time;
    record.event_time_ms = record.has_event_time ? event->event_time_ms : 0;
    if (event == NULL) {
        record.action = record.reason = record.platform = STR("");
        record.client = (struct address){0};
        record.n_kicked = 0;
    } else {
        record.action = state_change_action_name(event->kind);
        record.reason = event->kind == TABLE_CUSTOM_STATUS ? STR("") : row_reason_name(event->reason);
        record.platform = platform_name(names, event->platform);
        record.client = event->client;
        list_kicked(names, event, &record);
    }
    callback->history.add(callback->history.cls, table_app_id(callback->table, app_of(context)), user_id,
                          &record);
}

/* Adds a rejected event to the history if its user can be read. */
static void record_refused_event(const struct callback *callback, const struct http_request *request,
                                 enum callback_outcome outcome)
{
    char storage[USER_ID_MAX];
    struct str user_id;
    if (callback->history.add != NULL && state_change_find_user(request->body, storage, &user_id)) {
        record_event(callback, request, NULL, user_id, callback->unix_ms(), callback_outcomes[outcome].name);
    }
}

/* The history distinguishes two reasons for the outcome "unchanged". */
static const char *history_outcome(enum callback_outcome outcome, const struct table_applied *applied)
{
    if (outcome == CALLBACK_UNCHANGED) {
        return applied->is_repeat ? "repeated" : "older";
    }
    return callback_outcomes[outcome].name;
}

/* Logs each event at level debug, so that an operator can check whether the event of a user arrived and what
 * its outcome was. EventTime is 0 if it was missing. */
static void log_event(const struct callback *callback, const struct table_event *event,
                      enum callback_outcome outcome)
{
    if (!log_takes(LOG_LEVEL_DEBUG)) {
        return;
    }
    struct platform_names *names = table_platform_names(callback->table);
    log_debug("event", log_u64("app", table_app_id(callback->table, event->app)),
              log_user("user", event->user_id), log_str("platform", platform_name(names, event->platform)),
              log_str("action", state_change_action_name(event->kind)),
              log_str("reason", row_reason_name(event->reason)), log_u64("event_time", event->event_time_ms),
              log_text("outcome", callback_outcomes[outcome].name));
}

/* Applies the event in the body. Sets `context->revision` to the revision that must be durable before the
 * answer. */
static enum callback_outcome apply_state_change(struct callback *callback, const struct http_request *request,
                                                struct context *context)
{
    struct platform_names *names = table_platform_names(callback->table);
    cleanup(state_change_fini) struct state_change change = {.tree = NULL};
    int r = state_change_parse(request->body, STR(STATE_CHANGE_COMMAND), names, &change);
    if (r < 0) {
        return CALLBACK_NO_MEMORY;
    }
    if (r > 0) {
        enum callback_outcome outcome = (enum callback_outcome)(CALLBACK_BODY_EMPTY - STATE_CHANGE_EMPTY + r);
        record_refused_event(callback, request, outcome);
        return outcome;
    }
    struct table_event event = {
        .kind = change.kind,
        .reason = (uint8_t)change.reason,
        .app = app_of(context),
        .user_id = change.user_id,
        .has_event_time = change.has_event_time,
        .event_time_ms = change.event_time_ms,
        .kicked = change.kicked,
        .custom_status = change.custom_status,
    };
    read_device(names, context, &event);
    struct table_applied applied;
    uint64_t now_ms = callback->unix_ms();
    enum callback_outcome outcome = apply(callback, &event, now_ms, &applied);
    context->revision = applied.rests_on_revision;
    log_event(callback, &event, outcome);
    if (callback->history.add != NULL) {
        record_event(callback, request, &event, event.user_id, now_ms, history_outcome(outcome, &applied));
    }
    return outcome;
}

/* Answers OK once the outcome of the event is durable, or FAIL if it cannot be stored. */
static struct http_reply *on_resume(void *cls, struct http_request *request)
{
    struct callback *callback = cls;
    const struct callback_store *store = &callback->store;
    const struct context *context = http_request_context(request, struct context);
    if (context->revision == 0 || store->durable_revision == NULL ||
        store->durable_revision(store->cls) >= context->revision) {
        return conclude_authentic(callback, request, context->outcome);
    }
    return store->problem(store->cls) == NULL ? http_reply_later()
                                              : conclude_authentic(callback, request, CALLBACK_NOT_STORED);
}

static struct http_reply *on_request(void *cls, struct http_request *request)
{
    struct context *context = http_request_context(request, struct context);
    if (!context->is_authentic) {
        return NULL;
    }
    if (context->outcome == CHECK_PASSED) {
        context->outcome = apply_state_change(cls, request, context);
    }
    return on_resume(cls, request);
}

static const struct http_header json_allow_headers[] = {
    {"Content-Type", "application/json"}, {"Allow", "POST"}, {NULL, NULL}};

/* The error text varies, so the reply is created on demand. If out of memory, the prepared reply is sent. */
static struct http_reply *on_refusal(void *cls, struct http_request *request, enum http_refusal why,
                                     const char *error)
{
    struct callback *callback = cls;
    switch (why) {
    case HTTP_REFUSAL_LENGTH_REQUIRED:
        return conclude(callback, request, CALLBACK_NO_LENGTH);
    case HTTP_REFUSAL_TOO_LARGE:
        return conclude(callback, request, CALLBACK_TOO_LARGE);
    case HTTP_REFUSAL_HEAD_TOO_LARGE:
        return refuse_with(callback, request, CALLBACK_BAD_FRAMING, 431, error);
    case HTTP_REFUSAL_VERSION:
        return refuse_with(callback, request, CALLBACK_BAD_FRAMING, 505, error);
    case HTTP_REFUSAL_BAD_FRAMING:
        break;
    }
    return refuse_with(callback, request, CALLBACK_BAD_FRAMING,
                       callback_outcomes[CALLBACK_BAD_FRAMING].status, error);
}

const struct http_handler *callback_handler(void)
{
    static const struct http_handler handler = {
        .on_headers = on_headers,
        .on_request = on_request,
        .on_resume = on_resume,
        .on_refusal = on_refusal,
    };
    return &handler;
}

int callback_prepare(struct callback *callback, const struct callback_config *config,
                     struct rules **ret_rules)
{
    for (size_t i = 0; i < config->n_apps; i++) {
        int r = counters_add_app(&callback->counters, config->apps[i].app);
        if (r < 0) {
            return r;
        }
    }
    return rules_new(config, ret_rules);
}

void callback_discard(struct rules *rules)
{
    rules_free(rules);
}

void callback_adopt(struct callback *callback, struct rules *rules)
{
    for (size_t i = 0; i < rules->n_apps; i++) {
        const struct callback_app *app = &rules->apps[i];
        counters_set_tokens(&callback->counters, app->app, app->key.n_tokens);
    }
    rules->older = atomic_load_explicit(&callback->rules, memory_order_relaxed);
    atomic_store(&callback->rules, rules);
}

static void free_with_older(struct rules *rules)
{
    while (rules != NULL) {
        struct rules *older = rules->older;
        rules_free(rules);
        rules = older;
    }
}

void callback_reclaim(struct callback *callback)
{
    struct rules *rules = atomic_load_explicit(&callback->rules, memory_order_relaxed);
    free_with_older(rules->older);
    rules->older = NULL;
}

static int make_replies(struct callback *callback)
{
    for (size_t i = 0; i < CALLBACK_N_OUTCOMES; i++) {
        cleanup(buf_fini) struct buf body = {0};
        write_answer(&body, callback_outcomes[i].error_info);
        if (body.failed) {
            return -ENOMEM;
        }
        int r = http_reply_new(callback_outcomes[i].status,
                               i == CALLBACK_OTHER_METHOD ? json_allow_headers : json_headers, buf_str(&body),
                               &callback->replies[i]);
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

int callback_new(const struct callback_config *config, struct callback **ret_callback)
{
    int r = signature_prepare();
    if (r < 0) {
        return r;
    }
    json_tree_prepare();
    cleanup(callback_freep) struct callback *callback = calloc(1, sizeof(*callback));
    if (callback == NULL) {
        return -ENOMEM;
    }
    callback->table = config->table;
    callback->store = config->store;
    callback->history = config->history;
    callback->refused = config->refused;
    callback->is_ready = config->is_ready;
    callback->is_ready_cls = config->is_ready_cls;
    callback->unix_ms = config->unix_ms != NULL ? config->unix_ms : clock_unix_ms;
    for (size_t i = 0; i < CALLBACK_N_OUTCOMES; i++) {
        callback->log_limits[i].per_second = LOG_LINES_PER_SECOND;
        callback->log_limits[i].burst = LOG_LINES_BURST;
    }
    struct rules *rules = NULL;
    r = make_replies(callback);
    if (r < 0) {
        return r;
    }
    r = counters_init(&callback->counters, callback->table);
    if (r < 0) {
        return r;
    }
    r = callback_prepare(callback, config, &rules);
    if (r < 0) {
        return r;
    }
    callback_adopt(callback, rules);
    *ret_callback = take_pointer(callback);
    return 0;
}

void callback_free(struct callback *callback)
{
    if (callback == NULL) {
        return;
    }
    free_with_older(atomic_load_explicit(&callback->rules, memory_order_relaxed));
    for (size_t i = 0; i < CALLBACK_N_OUTCOMES; i++) {
        http_reply_free(callback->replies[i]);
    }
    counters_fini(&callback->counters);
    free(callback);
}

void callback_stats(const struct callback *callback, struct callback_stats *ret_stats)
{
    counters_read(&callback->counters, ret_stats);
}

bool callback_app_stats(const struct callback *callback, uint16_t app, struct callback_app_stats *ret_stats)
{
    return counters_read_app(&callback->counters, app, ret_stats);
}

void callback_listener_stats(const struct callback *callback, struct callback_app_stats *ret_stats)
{
    counters_read_listener(&callback->counters, ret_stats);
}

void callback_metrics(const struct callback *callback, const struct metric_visitor *visitor)
{
    counters_metrics(&callback->counters, visitor);
}

/* SPDX-License-Identifier: MIT */
/* A request's way, and where it can end:
 *
 *   on_headers()  health? → request_check.c: path → method → peer → SdkAppid   refused: its reply, at once
 *                 → Sign → parameters that came twice, CallbackCommand        the decision: into the context
 *   (the listener reads the body, and refuses one that has no length or is too long: on_refusal())
 *   on_request()  body → struct state_change → table                          OK, or FAIL with a reason
 *   on_resume()   once it is stored, if the answer had to wait for that
 *
 * Every end is a callback_outcome; each has its counter, its limit on log lines and its reply, made at the
 * start. */
#include "counters.h"
#include "json_tree.h"
#include "outcome.h"
#include "request_check.h"
#include "presenced/clock.h"
#include "presenced/json.h"
#include "presenced/query.h"
#include "presenced/reply.h"

#include <errno.h>
#include <stdatomic.h>

#define LOG_LINES_PER_SECOND 5
#define LOG_LINES_BURST 20

struct callback {
    _Atomic(struct rules *) rules; /* the newest; requests may still be reading older ones */
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

static const struct rules *current(const struct callback *callback)
{
    return atomic_load_explicit(&callback->rules, memory_order_acquire);
}

/* What on_headers() leaves to on_request(), and that to on_resume(). */
struct context {
    bool is_authentic; /* else on_headers() has not let it pass */
    enum callback_outcome outcome;
    uint16_t counted_as;     /* OF_NO_APP, or OF_APP of its index in the table */
    struct str opt_platform; /* of the query, still percent-encoded */
    struct str client_ip;    /* likewise */
    uint64_t revision;       /* must be durable before the answer may say OK; 0: nothing has to */
};

static unsigned counted_as(const struct http_request *request)
{
    return http_request_context(request, const struct context)->counted_as;
}

/* Of a request that is authentic and counted under its app. */
static uint16_t app_of(const struct context *context)
{
    return (uint16_t)(context->counted_as - OF_APP(0));
}

/* Whether it is one that should have been a callback's, and not a scanner's or a health check's. */
static bool is_meant_for_callback(const struct refused_request *refused, enum callback_outcome outcome)
{
    return outcome != CALLBACK_URL_CHECK && (refused->app.ptr != NULL || refused->command.ptr != NULL ||
                                             callback_outcomes[outcome].status == 403);
}

/* Never Sign, token or body, nor anything else out of the query. */
static void keep_refused(struct callback *callback, const struct http_request *request,
                         enum callback_outcome outcome, const char *reason)
{
    struct refused_request refused = {
        .unix_ms = callback->unix_ms(),
        .listener = "callback",
        .outcome = callback_outcomes[outcome].name,
        .reason = reason,
    };
    check_describe(current(callback), request, outcome, refused.unix_ms, &refused);
    if (is_meant_for_callback(&refused, outcome)) {
        counters_note_not_ok(&callback->counters, counted_as(request), outcome);
    }
    refused_list_add(callback->refused, &refused);
    refused_log(&callback->log_limits[outcome], callback_outcomes[outcome].level, "callback answered FAIL",
                &refused);
}

static void count_and_log(struct callback *callback, const struct http_request *request,
                          enum callback_outcome outcome, const char *reason)
{
    counters_count(&callback->counters, counted_as(request), outcome);
    if (reason[0] != '\0' && outcome != CALLBACK_NOT_READY) {
        keep_refused(callback, request, outcome, reason);
    }
}

static struct http_reply *conclude(struct callback *callback, const struct http_request *request,
                                   enum callback_outcome outcome)
{
    count_and_log(callback, request, outcome, callback_outcomes[outcome].error_info);
    return callback->replies[outcome];
}

/* The same for an authentic callback. */
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

/* In words of the request's own. */
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
    struct decision decision = check_request(current(callback), request, now_ms);
    *http_request_context(request, struct context) = (struct context){
        .is_authentic = decision.authentic,
        .outcome = decision.outcome,
        .counted_as = (uint16_t)(decision.app < 0 ? OF_NO_APP : OF_APP(decision.app)),
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
        counters_note_authentic(&callback->counters, (uint16_t)decision.app, decision.token, now_ms);
    }
    return NULL;
}

static void read_device(struct platform_names *names, const struct context *context,
                        struct table_event *event)
{
    char platform_bytes[PLATFORM_NAME_MAX];
    char client_bytes[ADDRESS_TEXT_SIZE];
    struct str platform = STR(""); /* also one too long: Unknown */
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
        counters_note_restamped(&callback->counters);
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
    struct query_value values[sizeof(names) / sizeof(names[0])];
    struct str id = STR("");
    query_find(request->query, names, sizeof(names) / sizeof(names[0]), values);
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

/* `event` NULL: the body was refused, and nothing but its user is known. */
static void remember(const struct callback *callback, const struct http_request *request,
                     const struct table_event *event, struct str user_id, uint64_t now_ms,
                     const char *outcome)
{
    const struct context *context = http_request_context(request, const struct context);
    const struct platform_names *names = table_platform_names(callback->table);
    char request_id_bytes[USER_EVENT_TEXT_MAX];
    struct user_event remembered;
    remembered.received_unix_ms = now_ms;
    remembered.origin = CHANGE_BY_CALLBACK;
    remembered.outcome = str_from(outcome);
    remembered.request_id = request_id(request, request_id_bytes);
    remembered.peer = check_client(current(callback), request);
    remembered.has_event_time = event != NULL && event->has_event_time;
    remembered.event_time_ms = remembered.has_event_time ? event->event_time_ms : 0;
    if (event == NULL) {
        remembered.action = remembered.reason = remembered.platform = STR("");
        remembered.client = (struct address){0};
        remembered.n_kicked = 0;
    } else {
        remembered.action = state_change_action_name(event->kind);
        remembered.reason = event->kind == TABLE_CUSTOM_STATUS ? STR("") : row_reason_name(event->reason);
        remembered.platform = platform_name(names, event->platform);
        remembered.client = event->client;
        list_kicked(names, event, &remembered);
    }
    callback->history.add(callback->history.cls, table_app_id(callback->table, app_of(context)), user_id,
                          &remembered);
}

/* Where its user can be read. */
static void remember_refused(const struct callback *callback, const struct http_request *request,
                             enum callback_outcome outcome)
{
    char storage[USER_ID_MAX];
    struct str user_id;
    if (callback->history.add != NULL && state_change_find_user(request->body, storage, &user_id)) {
        remember(callback, request, NULL, user_id, callback->unix_ms(), callback_outcomes[outcome].name);
    }
}

/* What the counters call unchanged is two things to who asks about a user. */
static const char *remembered_outcome(enum callback_outcome outcome, const struct table_applied *applied)
{
    if (outcome == CALLBACK_UNCHANGED) {
        return applied->is_repeat ? "repeated" : "older";
    }
    return callback_outcomes[outcome].name;
}

/* Whether the event of a certain user came, and what the table made of it: for who turns on debug to ask
 * that. EventTime is 0 where it was missing. */
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

/* Sets `context->revision`, of an outcome of table_apply(), to what it rests on. */
static enum callback_outcome take_state_change(struct callback *callback, const struct http_request *request,
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
        remember_refused(callback, request, outcome);
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
        remember(callback, request, &event, event.user_id, now_ms, remembered_outcome(outcome, &applied));
    }
    return outcome;
}

/* OK is said when what the event came to is stored; when it cannot be, FAIL. */
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
        context->outcome = take_state_change(cls, request, context);
    }
    return on_resume(cls, request);
}

static const struct http_header json_allow_headers[] = {
    {"Content-Type", "application/json"}, {"Allow", "POST"}, {NULL, NULL}};

/* The text varies, so the reply is made when it is needed; if memory is gone, the prepared one is sent. */
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

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
#include "json_tree.h"
#include "request_check.h"
#include "presenced/clock.h"
#include "presenced/json.h"
#include "presenced/query.h"
#include "presenced/reply.h"

#include <errno.h>
#include <stdatomic.h>

#define LOG_LINES_PER_SECOND 5
#define LOG_LINES_BURST 20

#define N(array) (sizeof(array) / sizeof((array)[0]))

static const struct {
    const char *name;
    unsigned status;
    enum log_level level;
    const char *error_info;
} outcomes[CALLBACK_N_OUTCOMES] = {
#define AS_ROW(id, name, status, level, text) [CALLBACK_##id] = {name, status, LOG_LEVEL_##level, text},
    CALLBACK_OUTCOMES(AS_ROW)
#undef AS_ROW
#define AS_ROW(id, name, text) [CALLBACK_BODY_##id] = {"bad_body_" name, 200, LOG_LEVEL_WARNING, text},
        STATE_CHANGE_OUTCOMES(AS_ROW)
#undef AS_ROW
};

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
    _Atomic uint64_t n[CALLBACK_N_OUTCOMES];
    _Atomic uint64_t n_restamped;
    struct histogram durations;
    struct histogram lags;
};

/* Around what is usual, 30 us to 1 ms, and where the sender gives up, 2 s. */
static const uint64_t duration_bounds_us[] = {25,     50,     100,     250,     500,     1000,
                                              2500,   5000,   10000,   25000,   50000,   100000,
                                              250000, 500000, 1000000, 2000000, 5000000, 10000000};
static const uint64_t lag_bounds_ms[] = {50,    100,   250,   500,    1000,    2000,    5000,
                                         10000, 30000, 60000, 300000, 3600000, 86400000};

static const struct rules *current(const struct callback *callback)
{
    return atomic_load_explicit(&callback->rules, memory_order_acquire);
}

/* Never Sign, token or body, nor anything else out of the query. */
static void log_refusal(struct callback *callback, const struct http_request *request,
                        enum callback_outcome outcome, const char *reason)
{
    uint64_t n_suppressed;
    if (!log_limit_pass(&callback->log_limits[outcome], &n_suppressed)) {
        return;
    }
    struct address client = check_client(current(callback), request);
    log_at(outcomes[outcome].level, "callback answered FAIL", log_text("outcome", outcomes[outcome].name),
           log_text("reason", reason), log_address("peer", &client), log_u64("suppressed", n_suppressed));
}

static void count_and_log(struct callback *callback, const struct http_request *request,
                          enum callback_outcome outcome, const char *reason)
{
    (void)atomic_fetch_add_explicit(&callback->n[outcome], 1, memory_order_relaxed);
    if (reason[0] != '\0') {
        log_refusal(callback, request, outcome, reason);
    }
}

static struct http_reply *conclude(struct callback *callback, const struct http_request *request,
                                   enum callback_outcome outcome)
{
    count_and_log(callback, request, outcome, outcomes[outcome].error_info);
    return callback->replies[outcome];
}

/* The same for an authentic callback. */
static struct http_reply *conclude_authentic(struct callback *callback, const struct http_request *request,
                                             enum callback_outcome outcome)
{
    histogram_add(&callback->durations, clock_monotonic_us() - request->begun_us);
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

/* What on_headers() leaves to on_request(), and that to on_resume(). */
struct context {
    bool is_authentic; /* else on_headers() has not let it pass */
    enum callback_outcome outcome;
    uint16_t app;
    struct str opt_platform; /* of the query, still percent-encoded */
    struct str client_ip;    /* likewise */
    uint64_t revision;       /* must be durable before the answer may say OK; 0: nothing has to */
};

static struct http_reply *on_headers(void *cls, struct http_request *request)
{
    struct callback *callback = cls;
    enum callback_outcome health = check_health(callback, request);
    if (health != CHECK_PASSED) {
        return conclude(callback, request, health);
    }
    struct decision decision = check_request(current(callback), request, callback->unix_ms());
    if (decision.outcome == CALLBACK_REFUSED_CERTIFICATE) {
        return refuse_with(callback, request, decision.outcome, outcomes[decision.outcome].status,
                           http_request_client_problem(request));
    }
    if (!decision.authentic) {
        return conclude(callback, request, decision.outcome);
    }
    *http_request_context(request, struct context) = (struct context){
        .is_authentic = true,
        .outcome = decision.outcome,
        .app = decision.app,
        .opt_platform = decision.opt_platform,
        .client_ip = decision.client_ip,
    };
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
        (void)atomic_fetch_add_explicit(&callback->n_restamped, 1, memory_order_relaxed);
    }
    if (!ret_applied->restamped) {
        histogram_add(&callback->lags, now_ms > event->event_time_ms ? now_ms - event->event_time_ms : 0);
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
    struct query_value values[N(names)];
    struct str id = STR("");
    query_find(request->query, names, N(names), values);
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
    callback->history.add(callback->history.cls, table_app_id(callback->table, context->app), user_id,
                          &remembered);
}

/* Where its user can be read. */
static void remember_refused(const struct callback *callback, const struct http_request *request,
                             enum callback_outcome outcome)
{
    char storage[USER_ID_MAX];
    struct str user_id;
    if (callback->history.add != NULL && state_change_find_user(request->body, storage, &user_id)) {
        remember(callback, request, NULL, user_id, callback->unix_ms(), outcomes[outcome].name);
    }
}

/* What the counters call unchanged is two things to who asks about a user. */
static const char *remembered_outcome(enum callback_outcome outcome, const struct table_applied *applied)
{
    if (outcome == CALLBACK_UNCHANGED) {
        return applied->is_repeat ? "repeated" : "older";
    }
    return outcomes[outcome].name;
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
              log_text("outcome", outcomes[outcome].name));
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
        .app = context->app,
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
    return refuse_with(callback, request, CALLBACK_BAD_FRAMING, outcomes[CALLBACK_BAD_FRAMING].status, error);
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

int callback_prepare(const struct callback_config *config, struct rules **ret_rules)
{
    return rules_new(config, ret_rules);
}

void callback_discard(struct rules *rules)
{
    rules_free(rules);
}

void callback_adopt(struct callback *callback, struct rules *rules)
{
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
        write_answer(&body, outcomes[i].error_info);
        if (body.failed) {
            return -ENOMEM;
        }
        int r = http_reply_new(outcomes[i].status,
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
    callback->is_ready = config->is_ready;
    callback->is_ready_cls = config->is_ready_cls;
    callback->unix_ms = config->unix_ms != NULL ? config->unix_ms : clock_unix_ms;
    histogram_init(&callback->durations, duration_bounds_us, N(duration_bounds_us));
    histogram_init(&callback->lags, lag_bounds_ms, N(lag_bounds_ms));
    for (size_t i = 0; i < CALLBACK_N_OUTCOMES; i++) {
        callback->log_limits[i].per_second = LOG_LINES_PER_SECOND;
        callback->log_limits[i].burst = LOG_LINES_BURST;
    }
    struct rules *rules = NULL;
    r = make_replies(callback);
    if (r == 0) {
        r = rules_new(config, &rules);
    }
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
    free(callback);
}

const char *callback_outcome_name(enum callback_outcome outcome)
{
    return outcomes[outcome].name;
}

const char *callback_outcome_answer(enum callback_outcome outcome)
{
    if (outcome == CALLBACK_HEALTHY || outcome == CALLBACK_NOT_READY) {
        return "health";
    }
    if (outcomes[outcome].status != 200) {
        return "refused";
    }
    return outcomes[outcome].error_info[0] == '\0' ? "ok" : "fail";
}

const struct histogram *callback_durations(const struct callback *callback)
{
    return &callback->durations;
}

const struct histogram *callback_lags(const struct callback *callback)
{
    return &callback->lags;
}

void callback_stats(const struct callback *callback, struct callback_stats *ret_stats)
{
    for (size_t i = 0; i < CALLBACK_N_OUTCOMES; i++) {
        ret_stats->n[i] = atomic_load_explicit(&callback->n[i], memory_order_relaxed);
    }
    ret_stats->n_restamped = atomic_load_explicit(&callback->n_restamped, memory_order_relaxed);
}

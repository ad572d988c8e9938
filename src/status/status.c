/* SPDX-License-Identifier: MIT */
/* How a request is handled: on_headers() finds the route, checks access and stores the route in the request's
 * context; on_request() calls the route's function. */
#include "presenced/status.h"

#include "answer.h"
#include "app_choice.h"
#include "bearer.h"
#include "description.h"
#include "events.h"
#include "health.h"
#include "host.h"
#include "live_settings.h"
#include "presenced/array.h"
#include "presenced/query.h"
#include "metrics.h"
#include "online.h"
#include "page.h"
#include "refused.h"
#include "stats.h"
#include "user_history.h"
#include "user_list.h"
#include "user_lookup.h"
#include "users_query.h"
#include "vendor_query.h"

#include <errno.h>
#include <stdatomic.h>

/* Reasons for refusing a request: name, and level of the log line. */
#define REFUSALS(X)                        \
    X(HOST, "refused_host", WARNING)       \
    X(TOKEN, "refused_token", WARNING)     \
    X(OTHER_PATH, "other_path", INFO)      \
    X(OTHER_METHOD, "other_method", INFO)  \
    X(BAD_FRAMING, "bad_framing", WARNING) \
    X(NO_LENGTH, "no_length", WARNING)     \
    X(TOO_LARGE, "too_large", WARNING)

enum refusal {
#define REFUSAL_AS_ENUM(id, name, level) REFUSAL_##id,
    REFUSALS(REFUSAL_AS_ENUM)
#undef REFUSAL_AS_ENUM
        N_REFUSALS,
};

static const struct {
    const char *name;
    enum log_level level;
} refusals[N_REFUSALS] = {
#define REFUSAL_AS_ROW(id, name, level) [REFUSAL_##id] = {name, LOG_LEVEL_##level},
    REFUSALS(REFUSAL_AS_ROW)
#undef REFUSAL_AS_ROW
};

#define LOG_LINES_PER_SECOND 2
#define LOG_LINES_BURST 10

struct status {
    struct status_config config;
    struct feed *feed;
    struct live_settings live;
    struct log_limit log_limits[N_REFUSALS];
    /* See struct status_admission. */
    _Atomic uint64_t n_admitted;
    _Atomic uint64_t n_not_admitted;
    _Atomic(const char *) not_admitted_reason;
};

enum method {
    METHOD_GET = 1, /* and HEAD, for which the listener omits the body */
    METHOD_POST = 2,
};

enum access {
    ACCESS_TOKEN, /* needs an allowed Host and, if a token is configured, a token */
    ACCESS_PAGE,  /* needs an allowed Host but no token, because the page asks the user for the token */
    ACCESS_OPEN,  /* needs neither */
};

struct route {
    struct str path;
    struct str suffix; /* what follows the variable segment */
    struct http_reply *(*answer)(struct status *status, const struct http_request *request);
    enum method method;
    bool has_tail; /* `path` is followed by a variable segment: a user id, or a file of the page */
    enum access access;
    bool accepts_app_token; /* the answer respects only_app(), so the token of an app is accepted */
};

#define USERS_PATH "/v1/users/"

/* Set by on_headers() for on_request(). */
struct context {
    const struct route *route; /* NULL: the request was refused, but there was no memory for the reply */
    int only_app;
};

/* Returns the index of the only app that the request may be about, or APP_ANY. */
static int only_app(const struct http_request *request)
{
    return http_request_context(request, const struct context)->only_app;
}

static struct http_reply *answer_livez(struct status *status, const struct http_request *request)
{
    (void)status;
    (void)request;
    return health_answer_alive();
}

static struct http_reply *answer_readyz(struct status *status, const struct http_request *request)
{
    (void)request;
    return health_answer_ready(status->config.health(status->config.health_cls));
}

#define HISTORY_SUFFIX "/history"

/* Returns the percent-encoded user id in a path for which path_fits() has returned true. */
static struct str user_of_path(struct str path, size_t suffix_len)
{
    size_t skip = sizeof(USERS_PATH) - 1;
    return (struct str){path.ptr + skip, path.len - skip - suffix_len};
}

static struct http_reply *answer_user(struct status *status, const struct http_request *request)
{
    return user_lookup_answer(status->config.table, only_app(request), status->config.unix_ms(), request,
                              user_of_path(request->path, 0));
}

static struct http_reply *answer_user_history(struct status *status, const struct http_request *request)
{
    return user_history_answer(&status->config, only_app(request), request,
                               user_of_path(request->path, sizeof(HISTORY_SUFFIX) - 1));
}

static struct http_reply *answer_list(struct status *status, const struct http_request *request)
{
    const struct status_config *config = &status->config;
    return user_list_answer(config->table, only_app(request), config->started_unix_ms, config->unix_ms(),
                            request);
}

static struct http_reply *answer_users_query(struct status *status, const struct http_request *request)
{
    return users_query_answer(status->config.table, only_app(request), status->config.unix_ms(), request);
}

static struct http_reply *answer_online_status(struct status *status, const struct http_request *request)
{
    return vendor_query_answer(status->config.table, only_app(request), status->config.unix_ms(),
                               ONLINE_QUERY_STATUS, request);
}

static struct http_reply *answer_state(struct status *status, const struct http_request *request)
{
    return vendor_query_answer(status->config.table, only_app(request), status->config.unix_ms(),
                               ONLINE_QUERY_STATE, request);
}

static struct http_reply *answer_refused(struct status *status, const struct http_request *request)
{
    return refused_answer(status->config.refused, request);
}

static struct http_reply *answer_stats(struct status *status, const struct http_request *request)
{
    return stats_answer(&status->config, only_app(request));
}

static struct http_reply *answer_metrics(struct status *status, const struct http_request *request)
{
    (void)request;
    return metrics_answer(&status->config);
}

static struct http_reply *answer_events(struct status *status, const struct http_request *request)
{
    return events_answer(status->feed, &status->config, only_app(request), request);
}

static bool asks_for_token(const struct status_settings *settings)
{
    return settings->token.len > 0 || settings->n_app_tokens > 0;
}

#define PAGE_PATH "/"

/* Returns the name for page_find() in a path of one segment. */
static struct str page_name(struct str path)
{
    return (struct str){path.ptr + sizeof(PAGE_PATH) - 1, path.len - (sizeof(PAGE_PATH) - 1)};
}

static struct http_reply *answer_page(struct status *status, const struct http_request *request)
{
    const struct status_settings *settings = live_settings_acquire(&status->live);
    bool needs_token = asks_for_token(settings);
    live_settings_release(&status->live);
    return page_answer(page_find(page_name(request->path)), request, needs_token);
}

static struct http_reply *answer_online(struct status *status, const struct http_request *request)
{
    return online_answer(&status->config, only_app(request));
}

static struct http_reply *answer_description(struct status *status, const struct http_request *request)
{
    (void)status;
    (void)request;
    return description_answer();
}

#define PATH(literal)                   \
    {                                   \
        "" literal, sizeof(literal) - 1 \
    }

static const struct route routes[] = {
    {.path = PATH("/livez"), .method = METHOD_GET, .access = ACCESS_OPEN, .answer = answer_livez},
    {.path = PATH("/readyz"), .method = METHOD_GET, .access = ACCESS_OPEN, .answer = answer_readyz},
    {.path = PATH("/v1/users"), .method = METHOD_GET, .accepts_app_token = true, .answer = answer_list},
    {.path = PATH("/v1/users/query"),
     .method = METHOD_POST,
     .accepts_app_token = true,
     .answer = answer_users_query},
    {.path = PATH(USERS_PATH),
     .has_tail = true,
     .method = METHOD_GET,
     .accepts_app_token = true,
     .answer = answer_user},
    {.path = PATH(USERS_PATH),
     .has_tail = true,
     .suffix = PATH(HISTORY_SUFFIX),
     .method = METHOD_GET,
     .accepts_app_token = true,
     .answer = answer_user_history},
    {.path = PATH("/v1/events"), .method = METHOD_GET, .accepts_app_token = true, .answer = answer_events},
    {.path = PATH("/v1/openapi.json"),
     .method = METHOD_GET,
     .accepts_app_token = true,
     .answer = answer_description},
    {.path = PATH("/v1/refused"), .method = METHOD_GET, .answer = answer_refused},
    {.path = PATH("/v1/stats"), .method = METHOD_GET, .accepts_app_token = true, .answer = answer_stats},
    {.path = PATH("/v1/stats/online"),
     .method = METHOD_GET,
     .accepts_app_token = true,
     .answer = answer_online},
    {.path = PATH(PAGE_PATH),
     .has_tail = true,
     .method = METHOD_GET,
     .access = ACCESS_PAGE,
     .answer = answer_page},
    {.path = PATH("/metrics"), .method = METHOD_GET, .answer = answer_metrics},
    {.path = PATH(ONLINE_QUERY_PATH),
     .method = METHOD_POST,
     .accepts_app_token = true,
     .answer = answer_online_status},
    {.path = PATH(ONLINE_QUERY_OLD_PATH),
     .method = METHOD_POST,
     .accepts_app_token = true,
     .answer = answer_state},
};
#define N_ROUTES N_ELEMENTS(routes)

struct match {
    const struct route *route; /* the route with this path and method, or NULL */
    unsigned methods;          /* bits of all methods that the path supports; 0: no such path */
    enum access access;
};

static bool path_fits(const struct route *route, struct str path)
{
    if (!route->has_tail) {
        return str_equal(path, route->path);
    }
    size_t fixed_len = route->path.len + route->suffix.len;
    if (path.len < fixed_len || !str_starts_with(path, route->path)) {
        return false;
    }
    struct str end = {path.ptr + path.len - route->suffix.len, route->suffix.len};
    return str_equal(end, route->suffix) &&
           memchr(path.ptr + route->path.len, '/', path.len - fixed_len) == NULL &&
           (route->access != ACCESS_PAGE || page_find(page_name(path)) != NULL);
}

static unsigned method_of(const struct http_request *request)
{
    if (str_equal(request->method, STR("GET")) || str_equal(request->method, STR("HEAD"))) {
        return METHOD_GET;
    }
    return str_equal(request->method, STR("POST")) ? METHOD_POST : 0;
}

static struct match find_route(const struct http_request *request)
{
    struct match match = {0};
    unsigned method = method_of(request);
    for (size_t i = 0; i < N_ROUTES; i++) {
        if (path_fits(&routes[i], request->path)) {
            match.methods |= routes[i].method;
            match.access = routes[i].access;
            if (routes[i].method == method) {
                match.route = &routes[i];
            }
        }
    }
    return match;
}

static const char *allow_header(unsigned methods)
{
    switch (methods) {
    case METHOD_GET:
        return "GET, HEAD";
    case METHOD_POST:
        return "POST";
    default:
        return "GET, HEAD, POST";
    }
}

/* Returns the path without a user id, because log lines contain no user ids. */
static struct str path_without_user(struct str path)
{
    bool has_user = str_starts_with(path, STR(USERS_PATH)) && !str_equal(path, STR(USERS_PATH "query"));
    return has_user ? (struct str){path.ptr, sizeof(USERS_PATH) - 1} : path;
}

/* Adds the request to the list shown at /v1/refused, and logs it. */
static void record_refused(struct status *status, const struct http_request *request, enum refusal why,
                           const char *reason)
{
    static const struct str app_name = {"app", 3};
    struct query_value app;
    query_find(request->query, &app_name, 1, &app);
    const struct refused_request refused = {
        .unix_ms = status->config.unix_ms(),
        .listener = "status",
        .outcome = refusals[why].name,
        .reason = reason,
        .peer = request->peer,
        .app = app.encoded,
        .path = path_without_user(request->path),
    };
    refused_list_add(status->config.refused, &refused);
    refused_log(&status->log_limits[why], refusals[why].level, "status request refused", &refused);
}

static struct http_reply *refuse(struct status *status, const struct http_request *request, enum refusal why,
                                 struct problem problem, struct http_header extra)
{
    record_refused(status, request, why, problem.detail);
    return answer_problem_with(problem, extra);
}

static const struct http_header no_header = {NULL, NULL};

/* A request without Host (HTTP/1.0) is accepted, because browsers always send Host. Returns a problem with
 * status 0 if Host is allowed. */
static struct problem check_host(const struct http_request *request, const struct status_settings *settings)
{
    struct str host = http_request_header(request, "Host", 0);
    if (host.ptr == NULL) {
        return (struct problem){0, NULL};
    }
    if (http_request_header(request, "Host", 1).ptr != NULL) {
        return (struct problem){400, "the Host header is given twice"};
    }
    if (!host_is_allowed(host, settings->allowed_hosts, settings->n_allowed_hosts)) {
        return (struct problem){
            403, "the Host header names neither localhost nor an IP address nor one of allowed_hosts"};
    }
    return (struct problem){0, NULL};
}

/* Compares with every token, so that the time taken does not reveal which of them matches. */
static bool find_token(struct str authorization, const struct status_settings *settings, int *ret_only_app)
{
    bool found = false;
    for (size_t i = 0; i < settings->n_app_tokens; i++) {
        if (bearer_matches(authorization, settings->app_tokens[i].token)) {
            *ret_only_app = settings->app_tokens[i].app;
            found = true;
        }
    }
    if (settings->token.len > 0 && bearer_matches(authorization, settings->token)) {
        *ret_only_app = APP_ANY;
        found = true;
    }
    return found;
}

/* Returns whether the request has a valid token, or needs none. `ret_only_app` is the app whose token it is,
 * or APP_ANY. */
static bool check_token(const struct http_request *request, const struct status_settings *settings,
                        int *ret_only_app)
{
    struct str authorization = http_request_header(request, "Authorization", 0);
    if (!asks_for_token(settings)) {
        *ret_only_app = APP_ANY;
        return true;
    }
    return authorization.ptr != NULL && http_request_header(request, "Authorization", 1).ptr == NULL &&
           find_token(authorization, settings, ret_only_app);
}

/* Returns a problem with status 0 if the request may be answered, for the app `*ret_only_app` (or
 * APP_ANY). */
static struct problem check_access(struct status *status, const struct http_request *request,
                                   const struct match *match, int *ret_only_app)
{
    const struct status_settings *settings = live_settings_acquire(&status->live);
    struct problem problem = check_host(request, settings);
    if (problem.status == 0 && match->access == ACCESS_TOKEN &&
        !check_token(request, settings, ret_only_app)) {
        problem = (struct problem){401, "the bearer token of this listener is needed"};
    }
    live_settings_release(&status->live);
    if (problem.status == 0 && *ret_only_app != APP_ANY && match->route != NULL &&
        !match->route->accepts_app_token) {
        return (struct problem){403,
                                "the token of an app does not open this: that of the listener is needed"};
    }
    return problem;
}

/* `token_app` is the app whose token the request has, or APP_ANY. */
static struct http_reply *refuse_access(struct status *status, const struct http_request *request,
                                        struct problem problem, int token_app)
{
    bool is_host = problem.status != 401 && token_app == APP_ANY;
    (void)atomic_fetch_add_explicit(&status->n_not_admitted, 1, memory_order_relaxed);
    atomic_store_explicit(&status->not_admitted_reason, problem.detail, memory_order_relaxed);
    if (problem.status == 401) {
        return refuse(status, request, REFUSAL_TOKEN, problem,
                      (struct http_header){"WWW-Authenticate", "Bearer"});
    }
    return refuse(status, request, is_host ? REFUSAL_HOST : REFUSAL_TOKEN, problem, no_header);
}

static struct http_reply *on_headers(void *cls, struct http_request *request)
{
    struct status *status = cls;
    struct match match = find_route(request);
    struct context *context = http_request_context(request, struct context);
    *context = (struct context){.route = NULL, .only_app = APP_ANY};
    if (match.access != ACCESS_OPEN) {
        struct problem problem = check_access(status, request, &match, &context->only_app);
        if (problem.status != 0) {
            return refuse_access(status, request, problem, context->only_app);
        }
    }
    if (match.access == ACCESS_TOKEN) {
        (void)atomic_fetch_add_explicit(&status->n_admitted, 1, memory_order_relaxed);
    }
    if (match.methods == 0) {
        return refuse(status, request, REFUSAL_OTHER_PATH,
                      (struct problem){404, "there is nothing at this path"}, no_header);
    }
    if (match.route == NULL) {
        return refuse(status, request, REFUSAL_OTHER_METHOD,
                      (struct problem){405, "this path knows other methods, see Allow"},
                      (struct http_header){"Allow", allow_header(match.methods)});
    }
    context->route = match.route;
    return NULL;
}

static struct http_reply *on_request(void *cls, struct http_request *request)
{
    const struct route *route = http_request_context(request, struct context)->route;
    return route == NULL ? NULL : route->answer(cls, request);
}

static struct http_reply *on_refusal(void *cls, struct http_request *request, enum http_refusal why,
                                     const char *error)
{
    static const struct {
        unsigned status;
        enum refusal refusal;
    } of[] = {
        [HTTP_REFUSAL_BAD_FRAMING] = {400, REFUSAL_BAD_FRAMING},
        [HTTP_REFUSAL_LENGTH_REQUIRED] = {411, REFUSAL_NO_LENGTH},
        [HTTP_REFUSAL_TOO_LARGE] = {413, REFUSAL_TOO_LARGE},
        [HTTP_REFUSAL_HEAD_TOO_LARGE] = {431, REFUSAL_BAD_FRAMING},
        [HTTP_REFUSAL_VERSION] = {505, REFUSAL_BAD_FRAMING},
    };
    return refuse(cls, request, of[why].refusal, (struct problem){of[why].status, error}, no_header);
}

static int make_feed(struct status *status)
{
    struct status_config *config = &status->config;
    const struct feed_config feed_config = {
        .table = config->table,
        .epoch = config->started_unix_ms,
        .max_streams = config->max_streams,
        .wake = config->wake_streams,
        .wake_cls = config->wake_cls,
    };
    int r = feed_new(&feed_config, &status->feed);
    if (r < 0) {
        return r;
    }
    config->streams = (struct status_part){.key = "streams", .visit = feed_metrics, .cls = status->feed};
    return 0;
}

int status_new(const struct status_config *config, const struct status_settings *settings,
               struct status **ret_status)
{
    cleanup(cleanup_freep) struct status *status = calloc(1, sizeof(*status));
    struct status_settings *copy;
    if (status == NULL) {
        return -ENOMEM;
    }
    status->config = *config;
    for (size_t i = 0; i < N_REFUSALS; i++) {
        status->log_limits[i].per_second = LOG_LINES_PER_SECOND;
        status->log_limits[i].burst = LOG_LINES_BURST;
    }
    int r = make_feed(status);
    if (r < 0) {
        return r;
    }
    r = live_settings_copy(settings, &copy);
    if (r < 0) {
        feed_free(status->feed);
        return r;
    }
    live_settings_init(&status->live, copy);
    *ret_status = take_pointer(status);
    return 0;
}

void status_free(struct status *status)
{
    if (status != NULL) {
        feed_free(status->feed);
        live_settings_fini(&status->live);
        free(status);
    }
}

int status_prepare(const struct status_settings *settings, struct status_settings **ret_prepared)
{
    return live_settings_copy(settings, ret_prepared);
}

void status_discard(struct status_settings *prepared)
{
    live_settings_free(prepared);
}

void status_adopt(struct status *status, struct status_settings *prepared)
{
    live_settings_adopt(&status->live, prepared);
}

void status_admission(const struct status *status, struct status_admission *ret_admission)
{
    *ret_admission = (struct status_admission){
        .n_admitted = atomic_load_explicit(&status->n_admitted, memory_order_relaxed),
        .n_not_admitted = atomic_load_explicit(&status->n_not_admitted, memory_order_relaxed),
        .not_admitted_reason = atomic_load_explicit(&status->not_admitted_reason, memory_order_relaxed),
    };
}

const struct http_handler *status_handler(void)
{
    static const struct http_handler handler = {
        .on_headers = on_headers, .on_request = on_request, .on_refusal = on_refusal};
    return &handler;
}

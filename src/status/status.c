/* SPDX-License-Identifier: MIT */
/* A request's way: on_headers() finds its route, refuses who may not ask, and leaves the route in the
 * request's context; on_request() does what the route says. */
#include "presenced/status.h"

#include "answer.h"
#include "bearer.h"
#include "health.h"
#include "host.h"
#include "live_settings.h"
#include "presenced/log.h"
#include "metrics.h"
#include "stats.h"
#include "user_list.h"
#include "user_lookup.h"
#include "users_query.h"
#include "vendor_query.h"

#include <assert.h>
#include <errno.h>

struct status {
    struct status_config config;
    struct live_settings live;
};

enum method {
    METHOD_GET = 1, /* HEAD too: the listener leaves out the body */
    METHOD_POST = 2,
};

struct route {
    struct str path;
    bool has_tail; /* one more segment follows: a user */
    bool is_open;  /* answers any Host, and without the token */
    enum method method;
    struct http_reply *(*answer)(struct status *status, const struct http_request *request);
};

#define USERS_PATH "/v1/users/"

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

static struct http_reply *answer_user(struct status *status, const struct http_request *request)
{
    size_t skip = sizeof(USERS_PATH) - 1;
    struct str encoded_id = {request->path.ptr + skip, request->path.len - skip};
    return user_lookup_answer(status->config.table, status->config.unix_ms(), request, encoded_id);
}

static struct http_reply *answer_list(struct status *status, const struct http_request *request)
{
    const struct status_config *config = &status->config;
    return user_list_answer(config->table, config->started_unix_ms, config->unix_ms(), request);
}

static struct http_reply *answer_users_query(struct status *status, const struct http_request *request)
{
    return users_query_answer(status->config.table, status->config.unix_ms(), request);
}

static struct http_reply *answer_online_status(struct status *status, const struct http_request *request)
{
    return vendor_query_answer(status->config.table, status->config.unix_ms(), ONLINE_QUERY_STATUS, request);
}

static struct http_reply *answer_state(struct status *status, const struct http_request *request)
{
    return vendor_query_answer(status->config.table, status->config.unix_ms(), ONLINE_QUERY_STATE, request);
}

static struct http_reply *answer_stats(struct status *status, const struct http_request *request)
{
    (void)request;
    return stats_answer(&status->config);
}

static struct http_reply *answer_metrics(struct status *status, const struct http_request *request)
{
    (void)request;
    return metrics_answer(&status->config);
}

#define PATH(literal)                   \
    {                                   \
        "" literal, sizeof(literal) - 1 \
    }

static const struct route routes[] = {
    {.path = PATH("/livez"), .method = METHOD_GET, .is_open = true, .answer = answer_livez},
    {.path = PATH("/readyz"), .method = METHOD_GET, .is_open = true, .answer = answer_readyz},
    {.path = PATH("/v1/users"), .method = METHOD_GET, .answer = answer_list},
    {.path = PATH("/v1/users/query"), .method = METHOD_POST, .answer = answer_users_query},
    {.path = PATH(USERS_PATH), .has_tail = true, .method = METHOD_GET, .answer = answer_user},
    {.path = PATH("/v1/stats"), .method = METHOD_GET, .answer = answer_stats},
    {.path = PATH("/metrics"), .method = METHOD_GET, .answer = answer_metrics},
    {.path = PATH(ONLINE_QUERY_PATH), .method = METHOD_POST, .answer = answer_online_status},
    {.path = PATH(ONLINE_QUERY_OLD_PATH), .method = METHOD_POST, .answer = answer_state},
};
#define N_ROUTES (sizeof(routes) / sizeof(routes[0]))

struct match {
    const struct route *route; /* path and method fit; or NULL */
    unsigned methods;          /* all that are known for the path, 0: no such path */
    bool is_open;
};

static bool path_fits(const struct route *route, struct str path)
{
    if (!route->has_tail) {
        return str_equal(path, route->path);
    }
    return str_starts_with(path, route->path) &&
           memchr(path.ptr + route->path.len, '/', path.len - route->path.len) == NULL;
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
            match.is_open |= routes[i].is_open;
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

/* A browser always sends Host; who sends none (HTTP/1.0) is not one. status 0: all is well. */
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

static bool has_token(const struct http_request *request, const struct status_settings *settings)
{
    struct str authorization = http_request_header(request, "Authorization", 0);
    return settings->token.len == 0 ||
           (authorization.ptr != NULL && http_request_header(request, "Authorization", 1).ptr == NULL &&
            bearer_matches(authorization, settings->token));
}

/* status 0: the request may be answered. */
static struct problem check_access(struct status *status, const struct http_request *request)
{
    const struct status_settings *settings = live_settings_acquire(&status->live);
    struct problem problem = check_host(request, settings);
    if (problem.status == 0 && !has_token(request, settings)) {
        problem = (struct problem){401, "the bearer token of this listener is needed"};
    }
    live_settings_release(&status->live);
    return problem;
}

static struct http_reply *refuse_access(struct problem problem)
{
    if (problem.status == 401) {
        return answer_problem_with(problem, (struct http_header){"WWW-Authenticate", "Bearer"});
    }
    return answer_problem(problem);
}

/* What on_headers() leaves to on_request(). */
struct context {
    const struct route *route; /* NULL: the request was refused, though memory was gone to say so */
};

static_assert(sizeof(struct context) <= HTTP_CONTEXT_SIZE, "it has room");

static struct context *context_of(struct http_request *request)
{
    return (struct context *)(void *)request->context;
}

static struct http_reply *on_headers(void *cls, struct http_request *request)
{
    struct match match = find_route(request);
    context_of(request)->route = NULL;
    if (!match.is_open) {
        struct problem problem = check_access(cls, request);
        if (problem.status != 0) {
            return refuse_access(problem);
        }
    }
    if (match.methods == 0) {
        return answer_problem((struct problem){404, "there is nothing at this path"});
    }
    if (match.route == NULL) {
        return answer_problem_with((struct problem){405, "this path knows other methods, see Allow"},
                                   (struct http_header){"Allow", allow_header(match.methods)});
    }
    context_of(request)->route = match.route;
    return NULL;
}

static struct http_reply *on_request(void *cls, struct http_request *request)
{
    const struct route *route = context_of(request)->route;
    return route == NULL ? NULL : route->answer(cls, request);
}

static struct http_reply *on_refusal(void *cls, struct http_request *request, enum http_refusal why,
                                     const char *error)
{
    static const unsigned statuses[] = {
        [HTTP_REFUSAL_BAD_FRAMING] = 400, [HTTP_REFUSAL_LENGTH_REQUIRED] = 411,
        [HTTP_REFUSAL_TOO_LARGE] = 413,   [HTTP_REFUSAL_HEAD_TOO_LARGE] = 431,
        [HTTP_REFUSAL_VERSION] = 505,
    };
    static struct log_limit limit = {.per_second = 2, .burst = 10};
    uint64_t n_suppressed = 0;
    (void)cls;
    if (log_limit_pass(&limit, &n_suppressed)) {
        log_warning("status request refused", log_u64("status", statuses[why]), log_text("reason", error),
                    log_address("peer", &request->peer), log_u64("suppressed", n_suppressed));
    }
    return answer_problem((struct problem){statuses[why], error});
}

int status_new(const struct status_config *config, const struct status_settings *settings,
               struct status **ret_status)
{
    struct status_settings *copy;
    struct status *status = calloc(1, sizeof(*status));
    if (status == NULL || live_settings_copy(settings, &copy) < 0) {
        free(status);
        return -ENOMEM;
    }
    live_settings_init(&status->live, copy);
    status->config = *config;
    *ret_status = status;
    return 0;
}

void status_free(struct status *status)
{
    if (status != NULL) {
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

const struct http_handler *status_handler(void)
{
    static const struct http_handler handler = {
        .on_headers = on_headers, .on_request = on_request, .on_refusal = on_refusal};
    return &handler;
}

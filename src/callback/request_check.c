/* SPDX-License-Identifier: MIT */
#include "request_check.h"

#include "forwarded.h"
#include "presenced/query.h"

/* The query parameters that are evaluated; others are ignored. */
enum parameter {
    PARAMETER_SDKAPPID,
    PARAMETER_SIGN,
    PARAMETER_REQUEST_TIME,
    PARAMETER_COMMAND,
    PARAMETER_CLIENT_IP,
    PARAMETER_OPT_PLATFORM,
    N_PARAMETERS,
};

static const struct str parameter_names[N_PARAMETERS] = {
    [PARAMETER_SDKAPPID] = {"SdkAppid", 8},         [PARAMETER_SIGN] = {"Sign", 4},
    [PARAMETER_REQUEST_TIME] = {"RequestTime", 11}, [PARAMETER_COMMAND] = {"CallbackCommand", 15},
    [PARAMETER_CLIENT_IP] = {"ClientIP", 8},        [PARAMETER_OPT_PLATFORM] = {"OptPlatform", 11},
};

/* If there are more headers than hops to examine, the list was not written by proxies, and the client is
 * unknown. */
struct address check_client(const struct rules *rules, const struct http_request *request)
{
    struct str values[FORWARDED_HOPS_MAX];
    size_t n = 0;
    if (rules->n_trusted_proxies == 0) {
        return request->peer;
    }
    for (;;) {
        struct str value = http_request_header(request, "X-Forwarded-For", (unsigned)n);
        if (value.ptr == NULL) {
            break;
        }
        if (n == FORWARDED_HOPS_MAX) {
            return (struct address){0};
        }
        values[n++] = value;
    }
    return forwarded_client(&request->peer, values, n, rules->trusted_proxies, rules->n_trusted_proxies);
}

static bool is_allowed(const struct rules *rules, const struct http_request *request)
{
    if (rules->n_allow == 0) {
        return true;
    }
    struct address client = check_client(rules, request);
    for (size_t i = 0; i < rules->n_allow; i++) {
        if (network_contains(&rules->allow[i], &client)) {
            return true;
        }
    }
    return false;
}

static enum callback_outcome check_head(const struct rules *rules, const struct http_request *request)
{
    if (!str_equal(request->path, rules->path)) {
        return CALLBACK_OTHER_PATH;
    }
    if (!str_equal(request->method, STR("POST"))) {
        return CALLBACK_OTHER_METHOD;
    }
    if (!is_allowed(rules, request)) {
        return CALLBACK_REFUSED_PEER;
    }
    if (rules->client_certificate_required && http_request_client_problem(request) != NULL) {
        return CALLBACK_REFUSED_CERTIFICATE;
    }
    return CHECK_PASSED;
}

struct credentials {
    struct str sign;
    struct str request_time;
    char sign_bytes[64];
    char request_time_bytes[20];
};

/* A value that is too long stays encoded, and signature_check() then rejects it. */
static enum callback_outcome read_credentials(const struct query_value *values,
                                              struct credentials *ret_credentials)
{
    ret_credentials->sign = values[PARAMETER_SIGN].encoded;
    ret_credentials->request_time = values[PARAMETER_REQUEST_TIME].encoded;
    if (values[PARAMETER_SIGN].n == 0 || values[PARAMETER_REQUEST_TIME].n == 0) {
        return CALLBACK_REFUSED_NO_SIGN;
    }
    if (query_decode(ret_credentials->sign, sizeof(ret_credentials->sign_bytes), ret_credentials->sign_bytes,
                     &ret_credentials->sign) == QUERY_BAD_ESCAPE) {
        return CALLBACK_REFUSED_SIGN_FORM;
    }
    if (query_decode(ret_credentials->request_time, sizeof(ret_credentials->request_time_bytes),
                     ret_credentials->request_time_bytes,
                     &ret_credentials->request_time) == QUERY_BAD_ESCAPE) {
        return CALLBACK_REFUSED_TIME_FORM;
    }
    return CHECK_PASSED;
}

static enum callback_outcome check_signature(const struct callback_app *app,
                                             const struct credentials *credentials, uint64_t now_ms,
                                             unsigned *ret_token)
{
    switch (signature_check(&app->key, credentials->sign, credentials->request_time, app->sign_tolerance_ms,
                            now_ms, ret_token)) {
    case 0:
        return CHECK_PASSED;
    case SIGNATURE_BAD_SIGN:
        return CALLBACK_REFUSED_SIGN_FORM;
    case SIGNATURE_BAD_TIME:
        return CALLBACK_REFUSED_TIME_FORM;
    case SIGNATURE_OUT_OF_TIME:
        return CALLBACK_REFUSED_TIME;
    case SIGNATURE_WRONG:
        return CALLBACK_REFUSED_SIGN;
    default:
        return CALLBACK_NO_MEMORY;
    }
}

static enum callback_outcome check_sign(const struct callback_app *app, const struct query_value *values,
                                        uint64_t now_ms, unsigned *ret_token)
{
    struct credentials credentials;
    enum callback_outcome outcome = read_credentials(values, &credentials);
    return outcome == CHECK_PASSED ? check_signature(app, &credentials, now_ms, ret_token) : outcome;
}

/* The check of the callback URL in the console sends no SdkAppid, so the token of any app is accepted. */
static enum callback_outcome check_url_check(const struct rules *rules, const struct query_value *values,
                                             uint64_t now_ms)
{
    enum callback_outcome outcome = CALLBACK_REFUSED_NO_APP;
    for (size_t i = 0; i < rules->n_apps; i++) {
        unsigned token;
        enum callback_outcome of_app = check_sign(&rules->apps[i], values, now_ms, &token);
        if (of_app == CALLBACK_NO_MEMORY) {
            return of_app;
        }
        if (of_app == CHECK_PASSED) {
            outcome = CALLBACK_URL_CHECK;
        }
    }
    return outcome;
}

static const struct callback_app *find_app(const struct rules *rules, struct str encoded)
{
    char storage[32]; /* longer than any app id */
    struct str sdkappid;
    int r = query_decode(encoded, sizeof(storage), storage, &sdkappid);
    return r == 0 ? rules_find_app(rules, sdkappid) : NULL;
}

static enum callback_outcome check_caller(const struct rules *rules, const struct query_value *values,
                                          uint64_t now_ms, struct decision *decision)
{
    unsigned token;

    if (values[PARAMETER_SDKAPPID].n > 1 || values[PARAMETER_SIGN].n > 1 ||
        values[PARAMETER_REQUEST_TIME].n > 1) {
        return CALLBACK_REFUSED_TWICE;
    }
    if (values[PARAMETER_SDKAPPID].n == 0) {
        return check_url_check(rules, values, now_ms);
    }
    const struct callback_app *app = find_app(rules, values[PARAMETER_SDKAPPID].encoded);
    if (app == NULL) {
        return CALLBACK_REFUSED_APP;
    }
    decision->app = app->app;
    if (app->key.n_tokens == 0) {
        return CHECK_PASSED;
    }
    enum callback_outcome outcome = check_sign(app, values, now_ms, &token);
    if (outcome == CHECK_PASSED) {
        decision->token = (int)token;
    }
    return outcome;
}

static enum callback_outcome check_command(const struct rules *rules, const struct query_value *values)
{
    struct str text;
    for (size_t i = PARAMETER_COMMAND; i < N_PARAMETERS; i++) {
        if (values[i].n > 1) {
            return CALLBACK_PARAMETER_TWICE;
        }
        if (query_decode(values[i].encoded, 0, NULL, &text) == QUERY_BAD_ESCAPE) {
            return CALLBACK_PARAMETER_ESCAPE;
        }
    }
    if (values[PARAMETER_COMMAND].encoded.len == 0) {
        return CALLBACK_NO_COMMAND;
    }
    if (query_equal(values[PARAMETER_COMMAND].encoded, STR(STATE_CHANGE_COMMAND))) {
        return CHECK_PASSED;
    }
    return rules->other_commands_ok ? CALLBACK_OTHER_COMMAND_OK : CALLBACK_OTHER_COMMAND;
}

struct decision check_request(const struct rules *rules, const struct http_request *request, uint64_t now_ms)
{
    struct query_value values[N_PARAMETERS];
    struct decision decision = {.outcome = check_head(rules, request), .app = -1, .token = -1};
    if (decision.outcome != CHECK_PASSED) {
        return decision;
    }
    query_find(request->query, parameter_names, N_PARAMETERS, values);
    decision.outcome = check_caller(rules, values, now_ms, &decision);
    decision.authentic = decision.outcome == CHECK_PASSED || decision.outcome == CALLBACK_URL_CHECK;
    if (decision.outcome == CHECK_PASSED) {
        decision.outcome = check_command(rules, values);
    }
    decision.opt_platform = values[PARAMETER_OPT_PLATFORM].encoded;
    decision.client_ip = values[PARAMETER_CLIENT_IP].encoded;
    return decision;
}

/* Computes how many seconds RequestTime is ahead of the clock; false if it is not a number. */
static bool read_skew(struct str encoded, uint64_t now_ms, int64_t *ret_skew_s)
{
    char storage[20];
    struct str text;
    uint64_t then_s;
    if (query_decode(encoded, sizeof(storage), storage, &text) != 0 ||
        !str_parse_u64(text, INT64_MAX, &then_s)) {
        return false;
    }
    *ret_skew_s = (int64_t)then_s - (int64_t)(now_ms / 1000);
    return true;
}

void check_describe(const struct rules *rules, const struct http_request *request,
                    enum callback_outcome outcome, uint64_t now_ms, struct refused_request *ret_refused)
{
    struct query_value values[N_PARAMETERS];
    char client_bytes[ADDRESS_TEXT_SIZE];
    struct str client;
    query_find(request->query, parameter_names, N_PARAMETERS, values);
    ret_refused->peer = check_client(rules, request);
    if (query_decode(values[PARAMETER_CLIENT_IP].encoded, sizeof(client_bytes), client_bytes, &client) == 0) {
        (void)address_parse(client, &ret_refused->client);
    }
    ret_refused->app = values[PARAMETER_SDKAPPID].encoded;
    ret_refused->command = values[PARAMETER_COMMAND].encoded;
    ret_refused->path = request->path;
    ret_refused->is_skewed = outcome == CALLBACK_REFUSED_TIME &&
                             read_skew(values[PARAMETER_REQUEST_TIME].encoded, now_ms, &ret_refused->skew_s);
}

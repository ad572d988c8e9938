/* SPDX-License-Identifier: MIT */
#include "verdict.h"

#include "location.h"
#include "when.h"

#include "presenced/array.h"
#include "presenced/signature.h"

#include <inttypes.h>

/* Decoded parameters of the URL. */
struct credentials {
    struct buf sdkappid;
    struct buf sign;
    struct buf request_time;
    int sdkappid_outcome; /* what location_find() has returned */
    int sign_outcome;
    int request_time_outcome;
};

static void credentials_fini(struct credentials *credentials)
{
    buf_fini(&credentials->sdkappid);
    buf_fini(&credentials->sign);
    buf_fini(&credentials->request_time);
}

static bool check_request_line(const struct capture *capture, const struct conf *conf, struct str path,
                               struct verdict *verdict)
{
    const char *wanted = conf->callback_path == NULL ? "/" : conf->callback_path;
    if (!str_equal(path, str_from(wanted))) {
        verdict_fail(verdict, "path", OUTCOME_OTHER_PATH, "%.*s, and [callback] path is %s", STR_FMT(path),
                     wanted);
        return false;
    }
    verdict_pass(verdict, "path", "%.*s", STR_FMT(path));
    if (!str_equal(capture->method, STR("POST"))) {
        verdict_fail(verdict, "method", OUTCOME_OTHER_METHOD, "%.*s: a callback comes by POST",
                     STR_FMT(capture->method));
        return false;
    }
    return true;
}

static void find_credentials(struct str query, struct credentials *ret_credentials)
{
    struct credentials *credentials = ret_credentials;
    *credentials = (struct credentials){.sdkappid_outcome = 0};
    credentials->sdkappid_outcome = location_find(query, "SdkAppid", &credentials->sdkappid);
    credentials->sign_outcome = location_find(query, "Sign", &credentials->sign);
    credentials->request_time_outcome = location_find(query, "RequestTime", &credentials->request_time);
}

static bool check_twice(const struct credentials *credentials, struct verdict *verdict)
{
    const char *name = credentials->sdkappid_outcome == LOCATION_TWICE       ? "SdkAppid"
                       : credentials->sign_outcome == LOCATION_TWICE         ? "Sign"
                       : credentials->request_time_outcome == LOCATION_TWICE ? "RequestTime"
                                                                             : NULL;
    if (name != NULL) {
        verdict_fail(verdict, name, OUTCOME_REFUSED_TWICE, "it comes twice");
    }
    return name == NULL;
}

/* Returns the name of the app's token with which the request was signed, or NULL. `ret_outcome` is the last
 * outcome of signature_check(). */
static const char *find_token(const struct conf_app *app, const struct credentials *credentials,
                              uint64_t now_ms, int *ret_outcome)
{
    *ret_outcome = SIGNATURE_WRONG;
    for (size_t i = 0; i < app->n_tokens; i++) {
        const struct signature_key key = {.tokens = {buf_str(&app->tokens[i].bytes)}, .n_tokens = 1};
        unsigned place;
        /* check_clock() checks the time separately. */
        *ret_outcome = signature_check(&key, buf_str(&credentials->sign), buf_str(&credentials->request_time),
                                       UINT64_MAX, now_ms, &place);
        if (*ret_outcome == 0) {
            return app->tokens[i].name;
        }
    }
    return NULL;
}

static void check_clock(const struct conf_app *app, const struct credentials *credentials, uint64_t now_ms,
                        struct verdict *verdict)
{
    cleanup(buf_fini) struct buf off = {0};
    uint64_t then_s = 0;
    uint64_t now_s = now_ms / 1000;
    uint64_t tolerance_s = app->sign_tolerance_ms / 1000;
    if (!str_parse_u64(buf_str(&credentials->request_time), UINT64_MAX / 1000, &then_s)) {
        verdict_fail(verdict, "RequestTime", OUTCOME_REFUSED_TIME, "it is beyond all time");
        return;
    }
    uint64_t distance_s = then_s > now_s ? then_s - now_s : now_s - then_s;
    bool is_within = distance_s <= tolerance_s;
    when_append_span(&off, distance_s * 1000);
    buf_appendf(&off, " %s this machine's clock, %" PRIu64 " s are allowed",
                then_s > now_s ? "ahead of" : "behind", tolerance_s);
    if (is_within) {
        verdict_pass(verdict, "RequestTime", "%.*s", STR_FMT(buf_str(&off)));
    } else {
        verdict_fail(verdict, "RequestTime", OUTCOME_REFUSED_TIME, "%.*s", STR_FMT(buf_str(&off)));
    }
}

static bool is_time(struct str text)
{
    bool digits = text.len >= 1 && text.len <= 20;
    for (size_t i = 0; i < text.len; i++) {
        digits &= text.ptr[i] >= '0' && text.ptr[i] <= '9';
    }
    return digits;
}

static void check_sign(const struct conf_app *app, const struct credentials *credentials, uint64_t now_ms,
                       struct verdict *verdict)
{
    int outcome;
    if (credentials->sign_outcome == LOCATION_ABSENT ||
        credentials->request_time_outcome == LOCATION_ABSENT) {
        verdict_fail(
            verdict, "Sign", OUTCOME_REFUSED_NO_SIGN,
            "Sign or RequestTime is missing, and the app has a token: is authentication on in the console?");
        return;
    }
    const char *token = find_token(app, credentials, now_ms, &outcome);
    if (credentials->sign_outcome == LOCATION_BAD_ESCAPE || outcome == SIGNATURE_BAD_SIGN) {
        verdict_fail(verdict, "Sign", OUTCOME_REFUSED_SIGN_FORM, "it is not 64 hexadecimal digits");
        return;
    }
    if (!is_time(buf_str(&credentials->request_time))) {
        verdict_fail(verdict, "RequestTime", OUTCOME_REFUSED_TIME_FORM, "it is not a number of seconds");
        return;
    }
    check_clock(app, credentials, now_ms, verdict);
    if (token != NULL) {
        verdict_pass(verdict, "Sign", "made with %s", token);
    } else {
        verdict_fail(verdict, "Sign", OUTCOME_REFUSED_SIGN, "made with none of the app's %zu token%s",
                     app->n_tokens, app->n_tokens == 1 ? "" : "s");
    }
}

/* Tencent's console checks the URL with a request without SdkAppid, so a Sign made with the token of any app
 * is accepted. */
static void check_url_check(const struct conf *conf, const struct credentials *credentials, uint64_t now_ms,
                            struct verdict *verdict)
{
    for (size_t i = 0; i < conf->n_apps; i++) {
        struct verdict of_app = {.outcome = NULL};
        check_sign(&conf->apps[i], credentials, now_ms, &of_app);
        bool is_signed = of_app.outcome == NULL;
        verdict_fini(&of_app);
        if (is_signed) {
            verdict_fail(verdict, "SdkAppid", OUTCOME_URL_CHECK,
                         "missing, as in the console's check of the URL; the Sign is one of app %s",
                         conf->apps[i].id);
            return;
        }
    }
    verdict_fail(verdict, "SdkAppid", OUTCOME_REFUSED_NO_APP,
                 "missing, and Sign is no valid one of an app that is configured");
}

static void check_caller(const struct conf *conf, const struct credentials *credentials, uint64_t now_ms,
                         struct verdict *verdict)
{
    if (credentials->sdkappid_outcome == LOCATION_ABSENT) {
        check_url_check(conf, credentials, now_ms, verdict);
        return;
    }
    struct str id = buf_str(&credentials->sdkappid);
    const struct conf_app *app = conf_find_app(conf, id);
    if (app == NULL) {
        verdict_fail(verdict, "SdkAppid", OUTCOME_REFUSED_APP, "%.*s is not one that is configured",
                     STR_FMT(id));
        return;
    }
    verdict_pass(verdict, "SdkAppid", "%.*s", STR_FMT(id));
    if (app->n_tokens > 0) {
        check_sign(app, credentials, now_ms, verdict);
    } else {
        verdict_pass(verdict, "Sign", "app %s has no token: it is not looked at", app->id);
    }
}

/* Returns whether the command is State.StateChange, so that the body is checked too. */
static bool check_command(struct str query, const struct conf *conf, struct verdict *verdict)
{
    static const char *const names[] = {"CallbackCommand", "ClientIP", "OptPlatform"};
    cleanup(buf_fini) struct buf command = {0};
    for (size_t i = 0; i < N_ELEMENTS(names); i++) {
        cleanup(buf_fini) struct buf value = {0};
        int outcome = location_find(query, names[i], &value);
        if (outcome == LOCATION_TWICE) {
            verdict_fail(verdict, names[i], OUTCOME_PARAMETER_TWICE, "it comes twice");
            return false;
        }
        if (outcome == LOCATION_BAD_ESCAPE) {
            verdict_fail(verdict, names[i], OUTCOME_PARAMETER_ESCAPE,
                         "it is not percent-encoded as it should be");
            return false;
        }
    }
    (void)location_find(query, "CallbackCommand", &command);
    if (command.len == 0) {
        verdict_fail(verdict, "CallbackCommand", OUTCOME_NO_COMMAND, "missing in the URL");
        return false;
    }
    if (str_equal(buf_str(&command), STR("State.StateChange"))) {
        verdict_pass(verdict, "CallbackCommand", "State.StateChange");
        return true;
    }
    bool is_ok = conf->callback_other_commands != NULL && strcmp(conf->callback_other_commands, "ok") == 0;
    if (is_ok) {
        verdict_pass(verdict, "CallbackCommand", "%.*s: another one, and other_commands = ok",
                     STR_FMT(buf_str(&command)));
    } else {
        verdict_fail(verdict, "CallbackCommand", OUTCOME_OTHER_COMMAND,
                     "%.*s: presenced serves State.StateChange alone", STR_FMT(buf_str(&command)));
    }
    return false;
}

bool check_head(const struct capture *capture, const struct conf *conf, uint64_t now_ms,
                struct verdict *verdict)
{
    struct str path;
    struct str query;
    cleanup(credentials_fini) struct credentials credentials;
    location_split(capture->target, &path, &query);
    find_credentials(query, &credentials);
    if (!check_request_line(capture, conf, path, verdict) || !check_twice(&credentials, verdict)) {
        return false;
    }
    check_caller(conf, &credentials, now_ms, verdict);
    return check_command(query, conf, verdict);
}

/* SPDX-License-Identifier: MIT */
#include "ctl.h"
#include "location.h"
#include "screen.h"
#include "table.h"
#include "target.h"
#include "text.h"
#include "verdict.h"

#include "presenced/clock.h"
#include "presenced/json.h"
#include "presenced/wipe.h"

/* Adds the token from the command line to the app given by --app, else to the app named in the request. */
static int add_given_token(const struct arguments *arguments, const struct capture *capture,
                           struct conf *conf)
{
    cleanup(wipe_buf) struct buf token = {0};
    cleanup(buf_fini) struct buf id = {0};
    struct str path;
    struct str query;
    location_split(capture->target, &path, &query);
    int outcome = arguments->app != 0 ? 0 : location_find(query, "SdkAppid", &id);
    if (arguments->app != 0) {
        buf_append_u64(&id, arguments->app);
    }
    if (outcome == LOCATION_ABSENT) {
        return complain("--app ID is missing: the request names no SdkAppid");
    }
    if (outcome != 0) {
        return 0; /* check_head() reports the invalid SdkAppid */
    }
    if (arguments->token != NULL) {
        buf_append(&token, str_from(arguments->token));
        return conf_add_token(conf, buf_str(&id), buf_str(&token), "--token") == 0 ? 0
                                                                                   : complain("no memory");
    }
    int r = target_read_token(arguments->token_file, &token);
    if (r != 0) {
        return r;
    }
    return conf_add_token(conf, buf_str(&id), buf_str(&token), arguments->token_file) == 0
               ? 0
               : complain("no memory");
}

/* Gets the configuration to check the request against: that of the daemon, or a given token and defaults. */
static int find_conf(const struct arguments *arguments, const struct capture *capture, struct conf *ret_conf)
{
    bool has_token = arguments->token != NULL || arguments->token_file != NULL;
    *ret_conf = (struct conf){0};
    if (!has_token || arguments->config != NULL) {
        int r = target_read_conf(arguments, ret_conf);
        if (r != 0) {
            return r;
        }
    }
    if (has_token) {
        return add_given_token(arguments, capture, ret_conf);
    }
    if (ret_conf->n_apps == 0) {
        return target_complain_missing(arguments, ret_conf, "--token-file FILE is missing");
    }
    for (size_t i = 0; i < ret_conf->n_apps; i++) {
        if (ret_conf->apps[i].token_error != NULL) {
            return complain("%s; --token-file names another", ret_conf->apps[i].token_error);
        }
    }
    return 0;
}

static void append_check(const struct screen *screen, const struct check *check, struct buf *out)
{
    tint_append(out, check->passed ? TINT_GOOD : TINT_BAD, screen->tints,
                check->passed ? STR("ok  ") : STR("NO  "));
    buf_appendf(out, "%-15s ", check->name);
    text_append_safe(out, buf_str(&check->text));
    buf_append_char(out, '\n');
}

static void append_verdict(const struct verdict *verdict, struct buf *out)
{
    if (verdict->outcome == NULL) {
        buf_append(out, STR("presenced would answer: 200 OK\n"));
        return;
    }
    buf_appendf(out, "presenced would answer: %u FAIL, as %s\n", verdict->status, verdict->outcome);
    if (strcmp(verdict->outcome, "refused_time") == 0) {
        buf_appendf(out, "its age aside: %s%s\n",
                    verdict->outcome_without_age == NULL ? "200 OK" : "FAIL, as ",
                    verdict->outcome_without_age == NULL ? "" : verdict->outcome_without_age);
    }
}

static void append_json(const struct verdict *verdict, struct buf *out)
{
    struct json_writer json = {.out = out};
    json_begin_object(&json, NULL);
    json_u64(&json, "status", verdict->outcome == NULL ? 200 : verdict->status);
    json_str(&json, "action_status", verdict->outcome == NULL ? STR("OK") : STR("FAIL"));
    if (verdict->outcome == NULL) {
        json_null(&json, "outcome");
    } else {
        json_str(&json, "outcome", str_from(verdict->outcome));
    }
    json_begin_array(&json, "checks");
    for (size_t i = 0; i < verdict->n_checks; i++) {
        json_begin_object(&json, NULL);
        json_str(&json, "check", str_from(verdict->checks[i].name));
        json_bool(&json, "passed", verdict->checks[i].passed);
        json_str(&json, "text", buf_str(&verdict->checks[i].text));
        json_end_object(&json);
    }
    json_end_array(&json);
    json_end_object(&json);
    buf_append_char(out, '\n');
}

int ctl_verify(const struct arguments *arguments)
{
    cleanup(capture_fini) struct capture capture = {.method = {NULL, 0}};
    cleanup(conf_fini) struct conf conf = {0};
    cleanup(verdict_fini) struct verdict verdict = {.outcome = NULL};
    cleanup(buf_fini) struct buf text = {0};
    struct screen screen = screen_detect();
    int r = capture_read(arguments, &capture);
    if (r != 0) {
        return r;
    }
    r = find_conf(arguments, &capture, &conf);
    if (r != 0) {
        return r;
    }
    if (check_head(&capture, &conf, clock_unix_ms(), &verdict)) {
        check_body(buf_str(&capture.body), &verdict);
    }
    if (arguments->json) {
        append_json(&verdict, &text);
    } else {
        for (size_t i = 0; i < verdict.n_checks; i++) {
            append_check(&screen, &verdict.checks[i], &text);
        }
        append_verdict(&verdict, &text);
    }
    return screen_put(&text, verdict.outcome == NULL ? CTL_YES : CTL_NO);
}

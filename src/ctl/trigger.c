/* SPDX-License-Identifier: MIT */
#include "capture.h"
#include "client.h"
#include "ctl.h"
#include "event.h"
#include "location.h"
#include "member.h"
#include "screen.h"
#include "text.h"
#include "when.h"

#include "presenced/clock.h"
#include "presenced/wipe.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#define DEFAULT_USER "alice"
#define DEFAULT_PLATFORM "Web"

struct trigger {
    const struct arguments *arguments;
    struct conf conf;
    struct target target;
    struct client *client;
    struct capture capture; /* the request, with --file */
    struct event event;     /* the event, without --file */
    uint64_t app;
    struct buf token; /* empty: requests are not signed */
    uint64_t n_ok;
    uint64_t n_failed;
    struct buf last; /* body of the last answer */
    long last_status;
};

static void trigger_fini(struct trigger *trigger)
{
    client_free(trigger->client);
    target_fini(&trigger->target);
    conf_fini(&trigger->conf);
    capture_fini(&trigger->capture);
    wipe_buf(&trigger->token);
    buf_fini(&trigger->last);
}

static int read_given_token(struct trigger *trigger)
{
    const struct arguments *arguments = trigger->arguments;
    if (arguments->token != NULL) {
        buf_append(&trigger->token, str_from(arguments->token));
        return 0;
    }
    return target_read_token(arguments->token_file, &trigger->token);
}

/* Returns the app given by --app, or the first configured app. */
static const struct conf_app *find_app(const struct trigger *trigger)
{
    cleanup(buf_fini) struct buf id = {0};
    if (trigger->arguments->app == 0) {
        return trigger->conf.n_apps == 0 ? NULL : &trigger->conf.apps[0];
    }
    buf_append_u64(&id, trigger->arguments->app);
    return conf_find_app(&trigger->conf, buf_str(&id));
}

static int find_identity(struct trigger *trigger)
{
    const struct arguments *arguments = trigger->arguments;
    const struct conf_app *app = find_app(trigger);
    trigger->app = arguments->app;
    if (trigger->app == 0 && app != NULL) {
        (void)str_parse_u64(str_from(app->id), UINT64_MAX, &trigger->app);
    }
    if (trigger->app == 0 && arguments->capture == NULL) {
        return target_complain_missing(arguments, &trigger->conf, "--app ID is missing");
    }
    if (arguments->token != NULL || arguments->token_file != NULL) {
        return read_given_token(trigger);
    }
    if (app != NULL && app->token_error != NULL) {
        return complain("%s; --token-file names another", app->token_error);
    }
    if (app != NULL && app->n_tokens > 0) {
        buf_append(&trigger->token, buf_str(&app->tokens[0].bytes));
    }
    return 0;
}

static int describe_event(struct trigger *trigger)
{
    const struct arguments *arguments = trigger->arguments;
    struct event *event = &trigger->event;
    const char *word = arguments->n_words > 1 ? arguments->words[1] : "";
    event->user = str_from(arguments->user == NULL ? DEFAULT_USER : arguments->user);
    event->platform = str_from(arguments->platform == NULL ? DEFAULT_PLATFORM : arguments->platform);
    event->kicked = str_from(arguments->kicked == NULL ? "" : arguments->kicked);
    if (!event_parse_action(str_from(word), event)) {
        return complain(
            "%s%swhat is to happen: login, logout, disconnect, custom-status or kick; or --file CAPTURE",
            word, word[0] == '\0' ? "" : ": ");
    }
    if (arguments->reason != NULL) {
        event->reason = str_from(arguments->reason);
    }
    if (strcmp(word, "custom-status") == 0 && arguments->custom_status == NULL) {
        return complain("custom-status: --custom-status TEXT is missing");
    }
    if (arguments->custom_status != NULL) {
        event->custom_status = str_from(arguments->custom_status);
    }
    return 0;
}

static int prepare(struct trigger *trigger)
{
    const struct arguments *arguments = trigger->arguments;
    bool has_all_arguments = arguments->url != NULL && arguments->app != 0 &&
                             (arguments->token != NULL || arguments->token_file != NULL);
    if (!has_all_arguments || arguments->config != NULL) {
        int r = target_read_conf(arguments, &trigger->conf);
        if (r != 0) {
            return r;
        }
    }
    int r = arguments->capture == NULL ? describe_event(trigger) : capture_read(arguments, &trigger->capture);
    if (r != 0) {
        return r;
    }
    r = find_identity(trigger);
    if (r != 0) {
        return r;
    }
    r = target_find_callback(arguments, &trigger->conf, &trigger->target);
    return r != 0 ? r : client_new(&trigger->target, &trigger->client);
}

/* Writes the query and body of the `nth` event, counted from 1. */
static int make_request(const struct trigger *trigger, uint64_t nth, struct buf *query, struct buf *body)
{
    const struct arguments *arguments = trigger->arguments;
    cleanup(buf_fini) struct buf user = {0};
    struct event event = trigger->event;
    uint64_t now_ms = clock_unix_ms();
    if (arguments->capture != NULL) {
        struct str path;
        struct str captured;
        location_split(trigger->capture.target, &path, &captured);
        if (trigger->token.len > 0) {
            event_append_unsigned(captured, query);
        } else {
            buf_appendf(query, "?%.*s", STR_FMT(captured));
        }
        buf_append(body, buf_str(&trigger->capture.body));
    } else {
        buf_append(&user, event.user);
        if (arguments->count > 1) {
            buf_appendf(&user, "-%" PRIu64, nth);
        }
        event.user = buf_str(&user);
        event.time_ms = now_ms;
        event_append_query(&event, trigger->app, query);
        event_append_body(&event, body);
    }
    if (trigger->token.len > 0 && event_append_sign(buf_str(&trigger->token), now_ms / 1000, query) < 0) {
        return complain("OpenSSL makes no SHA-256");
    }
    if (query->len > 0 && strchr(trigger->target.url, '?') != NULL) {
        query->ptr[0] = '&'; /* the URL has parameters of its own */
    }
    buf_append_char(query, '\0');
    return query->failed || body->failed || user.failed ? complain("no memory") : 0;
}

static int send_one(struct trigger *trigger, uint64_t nth)
{
    cleanup(buf_fini) struct buf query = {0};
    cleanup(buf_fini) struct buf body = {0};
    cleanup(answer_fini) struct answer answer = {0};
    int r = make_request(trigger, nth, &query, &body);
    if (r != 0) {
        return r;
    }
    r = client_post(trigger->client, query.ptr, buf_str(&body), &answer);
    if (r != 0) {
        return r;
    }
    cleanup(document_freep) cJSON *document = document_parse(buf_str(&answer.body));
    bool is_ok = answer.status == 200 && str_equal(member_text(document, "ActionStatus"), STR("OK"));
    trigger->n_ok += is_ok;
    trigger->n_failed += !is_ok;
    trigger->last_status = answer.status;
    buf_clear(&trigger->last);
    buf_append(&trigger->last, buf_str(&answer.body));
    return 0;
}

/* Waits until the `nth` event is due at a rate of `rate` events per second. */
static void pace(uint64_t begin_us, uint64_t nth, uint64_t rate)
{
    uint64_t now_us = clock_monotonic_us();
    uint64_t due_us = rate == 0 ? 0 : begin_us + (nth - 1) * 1000000 / rate;
    if (due_us > now_us) {
        uint64_t wait_us = due_us - now_us;
        (void)nanosleep(&(struct timespec){.tv_sec = (time_t)(wait_us / 1000000),
                                           .tv_nsec = (long)(wait_us % 1000000) * 1000},
                        NULL);
    }
}

/* Prints the answer; for several events, how many succeeded and, if one has failed, the last answer. */
static int put(const struct trigger *trigger, uint64_t took_us)
{
    cleanup(buf_fini) struct buf text = {0};
    int status = trigger->n_failed == 0 ? CTL_YES : CTL_NO;
    bool is_single = trigger->arguments->count <= 1;
    if (trigger->arguments->json && !is_single) {
        buf_appendf(&text, "{\"ok\":%" PRIu64 ",\"failed\":%" PRIu64 ",\"took_ms\":%" PRIu64 "}\n",
                    trigger->n_ok, trigger->n_failed, took_us / 1000);
        return screen_put(&text, status);
    }
    if (!is_single) {
        buf_appendf(&text, "%" PRIu64 " OK, %" PRIu64 " not, in ", trigger->n_ok, trigger->n_failed);
        when_append_span(&text, took_us / 1000);
        buf_append_char(&text, '\n');
    }
    if (is_single || trigger->n_failed > 0) {
        if (!trigger->arguments->json) {
            buf_appendf(&text, "%ld ", trigger->last_status);
        }
        text_append_safe(&text, buf_str(&trigger->last));
        buf_append_char(&text, '\n');
    }
    return screen_put(&text, status);
}

int ctl_trigger(const struct arguments *arguments)
{
    cleanup(trigger_fini) struct trigger trigger = {.arguments = arguments};
    uint64_t count = arguments->count == 0 ? 1 : arguments->count;
    int r = prepare(&trigger);
    uint64_t begin_us = clock_monotonic_us();
    for (uint64_t nth = 1; r == 0 && nth <= count; nth++) {
        pace(begin_us, nth, arguments->rate);
        r = send_one(&trigger, nth);
    }
    return r != 0 ? r : put(&trigger, clock_monotonic_us() - begin_us);
}

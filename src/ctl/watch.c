/* SPDX-License-Identifier: MIT */
/* The command watch. A stream that is interrupted is resumed after the last event, by its id. */
#include "ask.h"
#include "location.h"
#include "sse.h"
#include "text.h"
#include "user.h"

#include "presenced/clock.h"
#include "presenced/json.h"
#include "presenced/json_check.h"

#include <time.h>

#define RETRY_MS 2000 /* if the stream does not request another time */
#define RETRIES_MAX_MS 30000

struct watch {
    struct ask ask;
    struct sse sse;
    struct buf path;
    uint64_t n_failures; /* consecutive failures */
    bool has_greeted;
    bool has_failed; /* the output or an allocation has failed, or the stream is invalid */
};

static void watch_fini(struct watch *watch)
{
    ask_fini(&watch->ask);
    sse_fini(&watch->sse);
    buf_fini(&watch->path);
}

/* Appends `data`, which should be JSON, on one line. */
static void append_data(struct str data, struct buf *out)
{
    if (json_check(data) != 0) {
        buf_append(out, STR("null"));
        return;
    }
    for (size_t i = 0; i < data.len; i++) {
        buf_append_char(out, data.ptr[i] == '\n' ? ' ' : data.ptr[i]);
    }
}

static void append_json(const struct watch *watch, const struct sse_event *event, struct buf *out)
{
    struct json_writer json = {.out = out};
    json_begin_object(&json, NULL);
    json_str(&json, "event", event->name);
    json_str(&json, "id", buf_str(&watch->sse.id));
    buf_append(out, STR(",\"data\":"));
    append_data(event->data, out);
    json_end_object(&json);
    buf_append_char(out, '\n');
}

static void append_clock(const struct watch *watch, struct buf *out)
{
    char text[32];
    struct tm parts;
    time_t now = time(NULL);
    if (watch->ask.screen.is_terminal && localtime_r(&now, &parts) != NULL) {
        buf_append(out, (struct str){text, strftime(text, sizeof(text), "%H:%M:%S", &parts)});
    } else {
        ask_append_time(&watch->ask, clock_unix_ms(), out);
    }
    buf_append(out, STR("  "));
}

static bool is_later(const cJSON *device, const cJSON *than)
{
    uint64_t a = 0;
    uint64_t b = 0;
    (void)member_u64(device, "received_time", &a);
    (void)member_u64(than, "received_time", &b);
    return than == NULL || a > b;
}

/* Appends the event that was received last, which caused the change. */
static void append_cause(const cJSON *user, struct buf *out)
{
    const cJSON *device;
    const cJSON *latest = NULL;
    cJSON_ArrayForEach(device, member(user, "devices"))
    {
        latest = is_later(device, latest) ? device : latest;
    }
    if (latest != NULL) {
        buf_append(out, STR("  "));
        text_append_safe(out, member_text(latest, "platform"));
        buf_append_char(out, ' ');
        text_append_safe(out, member_text(latest, "action"));
        buf_append(out, STR(" ("));
        text_append_safe(out, member_text(latest, "reason"));
        buf_append_char(out, ')');
    }
}

static void append_presence(const struct watch *watch, const cJSON *user, struct buf *out)
{
    cleanup(buf_fini) struct buf platforms = {0};
    struct str state = member_text(user, "state");
    struct str custom = member_text(user, "custom_status");
    append_clock(watch, out);
    tint_append(out, user_state_tint(state), watch->ask.screen.tints, state);
    buf_appendf(out, "%*s", state.len < 11 ? (int)(11 - state.len) + 2 : 2, "");
    text_append_safe(out, member_text(user, "user"));
    append_cause(user, out);
    user_append_platforms(user, &platforms);
    if (platforms.len > 0) {
        buf_append(out, STR("  online on "));
        text_append_safe(out, buf_str(&platforms));
    }
    if (custom.len > 0) {
        buf_append(out, STR("  \""));
        text_append_safe(out, custom);
        buf_append_char(out, '"');
    }
    buf_append_char(out, '\n');
}

static void append_words(const struct watch *watch, const char *words, struct str foreign, struct buf *out)
{
    append_clock(watch, out);
    buf_append(out, str_from(words));
    text_append_safe(out, foreign);
    buf_append_char(out, '\n');
}

static struct str reset_reason(struct str reason)
{
    if (str_equal(reason, STR("other_run"))) {
        return STR("presenced was restarted");
    }
    return str_equal(reason, STR("gone")) ? STR("it was too much to be held") : reason;
}

static void append_for_people(const struct watch *watch, const struct sse_event *event, struct buf *out)
{
    cleanup(document_freep) cJSON *data = document_parse(event->data);
    if (str_equal(event->name, STR("presence"))) {
        append_presence(watch, data, out);
    } else if (str_equal(event->name, STR("forgotten"))) {
        append_words(watch, "forgotten    ", member_text(data, "user"), out);
    } else if (str_equal(event->name, STR("live"))) {
        append_words(watch, "that is how things stand; from here on as it happens", STR(""), out);
    } else if (str_equal(event->name, STR("reset"))) {
        append_words(watch, "what came meanwhile is not known, it goes on from here: ",
                     reset_reason(member_text(data, "reason")), out);
    }
}

/* Shows that the stream is open, because it may be a while until something happens. */
static void greet(struct watch *watch, struct buf *out)
{
    const struct target *target = &watch->ask.target;
    if (watch->ask.screen.is_terminal && !watch->has_greeted) {
        buf_appendf(out, "%s (%s): who comes and goes, as it happens; Ctrl-C ends it\n", target_name(target),
                    target->origin);
    }
    watch->has_greeted = true;
}

static void take_event(void *cls, const struct sse_event *event)
{
    struct watch *watch = cls;
    cleanup(buf_fini) struct buf text = {0};
    watch->n_failures = 0;
    if (watch->ask.arguments->json) {
        append_json(watch, event, &text);
    } else {
        greet(watch, &text);
        append_for_people(watch, event, &text);
    }
    watch->has_failed |= screen_put(&text, 0) != 0;
}

static bool take_piece(void *cls, struct str piece)
{
    struct watch *watch = cls;
    int r = sse_feed(&watch->sse, piece, take_event, watch);
    if (r < 0) {
        (void)complain("the stream is not as it should be: %s", strerror(-r));
        watch->has_failed = true;
    }
    return !watch->has_failed;
}

static int make_path(struct watch *watch)
{
    const struct arguments *arguments = watch->ask.arguments;
    struct buf *path = &watch->path;
    buf_clear(path);
    buf_append(path, STR("/v1/events"));
    ask_append_app(&watch->ask, path);
    if (arguments->user != NULL) {
        location_append_parameter(path, "user", str_from(arguments->user));
    }
    if (arguments->snapshot && watch->sse.id.len == 0) {
        location_append_number(path, "snapshot", 1);
    }
    buf_append_char(path, '\0');
    return path->failed ? complain("no memory") : 0;
}

/* Waits for the time that the server has requested, and longer after repeated failures. */
static void wait_before_retry(const struct watch *watch)
{
    uint64_t wait_ms = watch->sse.retry_ms != 0 ? watch->sse.retry_ms : RETRY_MS;
    for (uint64_t i = 1; i < watch->n_failures && wait_ms < RETRIES_MAX_MS; i++) {
        wait_ms *= 2;
    }
    (void)nanosleep(
        &(struct timespec){.tv_sec = (time_t)(wait_ms / 1000), .tv_nsec = (long)(wait_ms % 1000) * 1000000},
        NULL);
}

static void explain_refusal(const struct watch *watch, const struct answer *answer)
{
    if (answer->status == 404 && watch->sse.id.len == 0) {
        (void)complain("%s (%s): it has no /v1/events: is that an older presenced, or another program?",
                       target_name(&watch->ask.target), watch->ask.target.origin);
        return;
    }
    (void)client_explain(watch->ask.client, answer);
}

/* Follows the stream on one connection. Returns whether to connect again. */
static bool follow(struct watch *watch, bool is_first)
{
    cleanup(answer_fini) struct answer answer = {0};
    cleanup(buf_fini) struct buf error = {0};
    cleanup(buf_fini) struct buf id = {0};
    buf_append(&id, buf_str(&watch->sse.id));
    buf_append_char(&id, '\0');
    if (make_path(watch) != 0 || id.failed) {
        return false;
    }
    sse_restart(&watch->sse);
    enum client_end end = client_stream(watch->ask.client, watch->path.ptr,
                                        watch->sse.id.len == 0 ? NULL : id.ptr, take_piece, watch, &answer,
                                        &error);
    if (watch->has_failed) {
        return false;
    }
    if (end == CLIENT_REFUSED && answer.status != 503 && answer.status != 429) {
        explain_refusal(watch, &answer);
        return false;
    }
    if (end == CLIENT_CUT && is_first && answer.status == 0) {
        (void)complain("%.*s", STR_FMT(buf_str(&error)));
        return false;
    }
    watch->n_failures++;
    if (end == CLIENT_REFUSED) {
        (void)client_explain_with(watch->ask.client, &answer, "; trying again");
        return true;
    }
    (void)complain("the stream has ended; trying again%s%.*s", error.len == 0 ? "" : ": ",
                   STR_FMT(buf_str(&error)));
    return true;
}

/* Returns only if the stream cannot be continued; normally a signal ends the program. */
int ctl_watch(const struct arguments *arguments)
{
    cleanup(watch_fini) struct watch watch = {.n_failures = 0};
    int r = ask_begin(arguments, &watch.ask);
    if (r != 0) {
        return r;
    }
    for (bool is_first = true; follow(&watch, is_first); is_first = false) {
        wait_before_retry(&watch);
    }
    return CTL_WRONG;
}

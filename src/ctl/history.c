/* SPDX-License-Identifier: MIT */
#include "ask.h"
#include "location.h"
#include "when.h"

#include "presenced/array.h"

/* Adds a cell for an array of strings, such as "Web, iOS". */
static void add_list(struct table *table, const cJSON *list)
{
    cleanup(buf_fini) struct buf text = {0};
    const cJSON *item;
    cJSON_ArrayForEach(item, list)
    {
        const char *name = cJSON_GetStringValue(item);
        buf_append(&text, text.len == 0 ? STR("") : STR(", "));
        buf_append(&text, str_from(name == NULL ? "" : name));
    }
    table->failed |= text.failed;
    table_add(table, TINT_NONE, buf_str(&text));
}

static enum tint outcome_tint(struct str outcome)
{
    if (str_equal(outcome, STR("applied"))) {
        return TINT_GOOD;
    }
    return str_equal(outcome, STR("unchanged")) || str_equal(outcome, STR("forgotten")) ? TINT_NONE
                                                                                        : TINT_BAD;
}

/* Adds a cell with the time between an event and its receipt. */
static void add_delay(struct table *table, const cJSON *event, uint64_t received_ms)
{
    cleanup(buf_fini) struct buf text = {0};
    uint64_t happened_ms;
    if (member_u64(event, "event_time", &happened_ms) && happened_ms != 0) {
        bool is_late = happened_ms <= received_ms;
        buf_append_char(&text, is_late ? '+' : '-');
        when_append_span(&text, is_late ? received_ms - happened_ms : happened_ms - received_ms);
    }
    table->failed |= text.failed;
    table_add(table, TINT_NONE, buf_str(&text));
}

static void add_event(const struct ask *ask, struct table *table, const cJSON *event)
{
    struct str outcome = member_text(event, "outcome");
    struct str source = member_text(event, "source");
    uint64_t received_ms = 0;
    (void)member_u64(event, "received_time", &received_ms);
    ask_add_short_time(ask, table, event, "received_time");
    add_delay(table, event, received_ms);
    table_add(table, TINT_NONE, member_text(event, "action"));
    table_add(table, TINT_NONE, member_text(event, "reason"));
    table_add(table, TINT_NONE, member_text(event, "platform"));
    table_add(table, outcome_tint(outcome), outcome);
    add_list(table, member(event, "kicked"));
    table_add(table, TINT_NONE, member_text(event, "client_ip"));
    table_add(table, TINT_NONE, member_text(event, "peer"));
    table_add(table, TINT_NONE, str_equal(source, STR("callback")) ? STR("") : source);
}

static int put(const struct ask *ask, const cJSON *document, int status)
{
    static const char *const heads[] = {"RECEIVED", "AFTER",  "ACTION",  "REASON", "PLATFORM",
                                        "OUTCOME",  "KICKED", "ADDRESS", "PEER",   "SOURCE"};
    cleanup(buf_fini) struct buf text = {0};
    cleanup(table_fini) struct table table;
    const cJSON *event;
    table_init(&table, heads, N_ELEMENTS(heads));
    cJSON_ArrayForEach(event, member(document, "events"))
    {
        add_event(ask, &table, event);
    }
    table_write(&table, ask->screen.width, ask->screen.tints, &text);
    if (table.n_cells == 0) {
        buf_append(&text, STR("no event is kept of this user in that time\n"));
    }
    if (cJSON_IsFalse(member(document, "complete"))) {
        buf_append(
            &text,
            STR("there may be more: left out for --limit, given way to newer ones, or from before any was "
                "kept\n"));
    }
    return screen_put(&text, status);
}

static int append_path(const struct ask *ask, struct buf *path)
{
    const struct arguments *arguments = ask->arguments;
    uint64_t since_ms;
    buf_append(path, STR("/v1/users/"));
    location_append_escaped(path, str_from(arguments->words[1]));
    buf_append(path, STR("/history"));
    ask_append_app(ask, path);
    if (arguments->since != NULL) {
        if (!when_parse(str_from(arguments->since), ask->now_ms, &since_ms)) {
            return complain("--since %s: 30m, 2h, 1d or Unix time in ms is needed", arguments->since);
        }
        location_append_number(path, "since", since_ms);
    }
    if (arguments->limit != 0) {
        location_append_number(path, "limit", arguments->limit);
    }
    buf_append_char(path, '\0');
    return path->failed ? complain("no memory") : 0;
}

int ctl_history(const struct arguments *arguments)
{
    cleanup(ask_fini) struct ask ask;
    cleanup(ask_answer_fini) struct ask_answer answer = {.document = NULL};
    cleanup(buf_fini) struct buf path = {0};
    int r = ask_begin(arguments, &ask);
    if (r != 0) {
        return r;
    }
    r = append_path(&ask, &path);
    if (r != 0) {
        return r;
    }
    r = ask_get(&ask, path.ptr, &answer);
    if (r != 0) {
        return r;
    }
    int status = cJSON_GetArraySize(member(answer.document, "events")) > 0 ? CTL_YES : CTL_NO;
    return arguments->json ? ask_put_json(&answer, status) : put(&ask, answer.document, status);
}

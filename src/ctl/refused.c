/* SPDX-License-Identifier: MIT */
#include "ask.h"
#include "location.h"

#include "presenced/array.h"

#include <stdio.h>

/* Adds how far the request's time differs from presenced's clock; "+95 s" means that it is ahead. */
static void add_skew(struct table *table, const cJSON *refusal)
{
    const cJSON *skew = member(refusal, "skew_s");
    char text[32] = "";
    if (cJSON_IsNumber(skew)) {
        (void)snprintf(text, sizeof(text), "%+.0f s", skew->valuedouble);
    }
    table_add(table, TINT_NONE, str_from(text));
}

/* On a terminal, the usual text is omitted, so that there is room for the reason. */
static void add_unusual(const struct ask *ask, struct table *table, struct str text, struct str usual)
{
    bool is_left_out = ask->screen.is_terminal && str_equal(text, usual);
    table_add(table, TINT_NONE, is_left_out ? STR("") : text);
}

static void add_refusal(const struct ask *ask, struct table *table, const cJSON *refusal)
{
    struct str peer = member_text(refusal, "peer");
    ask_add_short_time(ask, table, refusal, "time");
    table_add(table, TINT_BAD, member_text(refusal, "outcome"));
    table_add(table, TINT_NONE, peer);
    add_unusual(ask, table, member_text(refusal, "client_ip"), peer);
    table_add(table, TINT_NONE, member_text(refusal, "app"));
    add_unusual(ask, table, member_text(refusal, "command"), STR("State.StateChange"));
    table_add(table, TINT_NONE, member_text(refusal, "path"));
    add_skew(table, refusal);
    table_add(table, TINT_NONE, member_text(refusal, "reason"));
}

int ctl_refused(const struct arguments *arguments)
{
    static const char *const heads[] = {"TIME",    "OUTCOME", "PEER",      "CLIENT", "APP",
                                        "COMMAND", "PATH",    "CLOCK OFF", "REASON"};
    cleanup(ask_fini) struct ask ask;
    cleanup(ask_answer_fini) struct ask_answer answer = {.document = NULL};
    cleanup(table_fini) struct table table;
    cleanup(buf_fini) struct buf path = {0};
    cleanup(buf_fini) struct buf text = {0};
    const cJSON *refusal;
    table_init(&table, heads, N_ELEMENTS(heads));
    buf_append(&path, STR("/v1/refused"));
    if (arguments->limit != 0) {
        location_append_number(&path, "limit", arguments->limit);
    }
    buf_append_char(&path, '\0');
    int r = ask_begin(arguments, &ask);
    if (r != 0) {
        return r;
    }
    r = path.failed ? complain("no memory") : ask_get(&ask, path.ptr, &answer);
    if (r != 0) {
        return r;
    }
    if (arguments->json) {
        return ask_put_json(&answer, CTL_YES);
    }
    cJSON_ArrayForEach(refusal, member(answer.document, "refused"))
    {
        add_refusal(&ask, &table, refusal);
    }
    table_write(&table, ask.screen.width, ask.screen.tints, &text);
    if (table.n_cells == 0) {
        buf_append(&text, STR("nothing was refused since the start\n"));
    }
    return screen_put(&text, CTL_YES);
}

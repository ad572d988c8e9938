/* SPDX-License-Identifier: MIT */
#include "ask.h"
#include "ask_tencent.h"
#include "text.h"

#include "presenced/json.h"

#include <inttypes.h>

/* Results of the checks, for people and for programs. */
struct findings {
    bool is_alive;
    bool is_ready;
    bool needs_person;
    struct buf text;
    struct buf asked; /* results of asking Tencent, as elements of a JSON array */
    struct json_writer asked_json;
};

static void findings_fini(struct findings *findings)
{
    buf_fini(&findings->text);
    buf_fini(&findings->asked);
}

static void add(struct findings *findings, const struct screen *screen, bool is_well, const char *what,
                struct str safe)
{
    findings->needs_person |= !is_well;
    tint_append(&findings->text, is_well ? TINT_GOOD : TINT_BAD, screen->tints,
                is_well ? STR("ok   ") : STR("LOOK "));
    buf_appendf(&findings->text, "%s%.*s\n", what, STR_FMT(safe));
}

/* Returns 0, or an exit status if /livez does not answer 200. */
static int check_alive(struct ask *ask, struct findings *findings)
{
    cleanup(answer_fini) struct answer answer = {0};
    int r = client_get(ask->client, "/livez", &answer);
    if (r != 0) {
        return r;
    }
    findings->is_alive = answer.status == 200;
    if (!findings->is_alive) {
        return client_explain(ask->client, &answer);
    }
    add(findings, &ask->screen, true, "it runs, and answers at ", str_from(target_name(&ask->target)));
    return 0;
}

static int check_ready(struct ask *ask, struct findings *findings)
{
    cleanup(answer_fini) struct answer answer = {0};
    cleanup(buf_fini) struct buf text = {0};
    int r = client_get(ask->client, "/readyz", &answer);
    if (r != 0) {
        return r;
    }
    cleanup(document_freep) cJSON *document = document_parse(buf_str(&answer.body));
    struct str degraded = member_text(document, "degraded");
    findings->is_ready = answer.status == 200;
    text_append_safe(&text, findings->is_ready ? degraded : member_text(document, "status"));
    if (!findings->is_ready) {
        add(findings, &ask->screen, false, "load balancers send nothing here: it is ", buf_str(&text));
    } else if (degraded.len > 0) {
        add(findings, &ask->screen, false, "it takes events, but not all is well: ", buf_str(&text));
    } else {
        add(findings, &ask->screen, true, "it takes events", STR(""));
    }
    return 0;
}

/* An app without a token is configured that way, so its warning is shown but does not make the check fail. */
static void add_warning(const struct ask *ask, const cJSON *warning, struct findings *findings)
{
    cleanup(buf_fini) struct buf text = {0};
    bool is_well = str_equal(member_text(warning, "code"), STR("app_unsigned"));
    text_append_safe(&text, member_text(warning, "text"));
    add(findings, &ask->screen, is_well, "", buf_str(&text));
}

static void check_warnings(struct ask *ask, const cJSON *stats, struct findings *findings)
{
    const cJSON *warning;
    cJSON_ArrayForEach(warning, member(stats, "warnings"))
    {
        add_warning(ask, warning, findings);
    }
    if (cJSON_GetArraySize(member(stats, "warnings")) == 0) {
        add(findings, &ask->screen, true, "there are no warnings", STR(""));
    }
}

/* Appends how far Tencent's clock differs from ours, if known. */
static void append_clock(const cJSON *document, struct buf *out)
{
    const cJSON *min = member(document, "clock_ahead_min_ms");
    const cJSON *max = member(document, "clock_ahead_max_ms");
    if (cJSON_IsNumber(min) && cJSON_IsNumber(max)) {
        double ahead_s = (min->valuedouble + max->valuedouble) / 2000;
        buf_appendf(out, ", its clock %.1f s %s ours", ahead_s < 0 ? -ahead_s : ahead_s,
                    ahead_s < 0 ? "behind" : "ahead of");
    }
}

static int ask_of_app(const struct ask *ask, uint64_t app, struct findings *findings)
{
    cleanup(tencent_fini) struct tencent tencent;
    cleanup(buf_fini) struct buf text = {0};
    int r = tencent_ask(ask->arguments, app, NULL, 0, &tencent);
    if (r != 0) {
        return r;
    }
    struct str problem = tencent.document == NULL ? buf_str(&tencent.refusal)
                                                  : member_text(tencent.document, "problem");
    buf_appendf(&text, "app %" PRIu64 ": ", app);
    text_append_safe(&text, problem.len > 0 ? problem : STR("Tencent answers"));
    append_clock(tencent.document, &text);
    add(findings, &ask->screen, problem.len == 0, "", buf_str(&text));
    findings->asked_json.out = &findings->asked;
    json_begin_object(&findings->asked_json, NULL);
    json_u64(&findings->asked_json, "app", app);
    if (problem.len > 0) {
        json_str(&findings->asked_json, "problem", problem);
    } else {
        json_null(&findings->asked_json, "problem");
    }
    json_end_object(&findings->asked_json);
    return 0;
}

static int check_asking(const struct ask *ask, const cJSON *stats, struct findings *findings)
{
    const cJSON *app;
    bool is_any = false;
    cJSON_ArrayForEach(app, member(stats, "apps"))
    {
        uint64_t id;
        if (str_equal(member_text(member(app, "reconcile"), "state"), STR("on")) &&
            member_u64(app, "app", &id) && (ask->arguments->app == 0 || ask->arguments->app == id)) {
            is_any = true;
            int r = ask_of_app(ask, id, findings);
            if (r != 0) {
                return r;
            }
        }
    }
    if (!is_any) {
        add(findings, &ask->screen, false, "Tencent is not asked: no app has admin and secret_key_file",
            STR(""));
    }
    return 0;
}

static int put_json(const struct ask *ask, const struct findings *findings, const cJSON *stats, int status)
{
    cleanup(buf_fini) struct buf text = {0};
    char *warnings = cJSON_PrintUnformatted(member(stats, "warnings"));
    buf_appendf(&text, "{\"alive\":%s,\"ready\":%s,\"needs_person\":%s,\"warnings\":%s",
                findings->is_alive ? "true" : "false", findings->is_ready ? "true" : "false",
                findings->needs_person ? "true" : "false", warnings == NULL ? "[]" : warnings);
    if (ask->arguments->ask) {
        buf_appendf(&text, ",\"tencent\":[%.*s]", STR_FMT(buf_str(&findings->asked)));
    }
    buf_append(&text, STR("}\n"));
    cJSON_free(warnings);
    return screen_put(&text, status);
}

static int check_all(struct ask *ask, struct findings *findings, struct ask_answer *stats)
{
    int r = check_alive(ask, findings);
    if (r != 0) {
        return r;
    }
    r = check_ready(ask, findings);
    if (r != 0) {
        return r;
    }
    r = ask_get(ask, "/v1/stats", stats);
    if (r != 0) {
        return r;
    }
    check_warnings(ask, stats->document, findings);
    return ask->arguments->ask ? check_asking(ask, stats->document, findings) : 0;
}

int ctl_check(const struct arguments *arguments)
{
    cleanup(ask_fini) struct ask ask;
    cleanup(ask_answer_fini) struct ask_answer stats = {.document = NULL};
    cleanup(findings_fini) struct findings findings = {0};
    int r = ask_begin(arguments, &ask);
    if (r != 0) {
        return r;
    }
    r = check_all(&ask, &findings, &stats);
    if (r != 0) {
        return arguments->json ? r : screen_put(&findings.text, r);
    }
    int status = findings.needs_person ? CTL_NO : CTL_YES;
    return arguments->json ? put_json(&ask, &findings, stats.document, status)
                           : screen_put(&findings.text, status);
}

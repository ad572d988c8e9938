/* SPDX-License-Identifier: MIT */
/* The commands reload, drain and log-level. */
#include "orders.h"

#include "ctl.h"
#include "member.h"
#include "screen.h"
#include "text.h"

#include "presenced/json.h"

/* Time-out for an order. A reload reads files, which may be slow. */
#define ORDER_TIMEOUT_S 90L

static void append_lines(const cJSON *lines, const char *before, struct buf *out)
{
    const cJSON *line;
    cJSON_ArrayForEach(line, lines)
    {
        const char *text = cJSON_GetStringValue(line);
        buf_append(out, str_from(before));
        text_append_safe(out, str_from(text == NULL ? "" : text));
        buf_append_char(out, '\n');
    }
}

/* Prints to standard error, so that the message is in the service manager's journal. */
static int put_refusal(const struct answer *answer)
{
    cleanup(document_freep) cJSON *document = document_parse(buf_str(&answer->body));
    cleanup(buf_fini) struct buf text = {0};
    text_append_safe(&text, member_text(document, "detail"));
    buf_append(&text, STR(":\n"));
    append_lines(member(document, "errors"), "", &text);
    while (text.len > 0 && text.ptr[text.len - 1] == '\n') {
        text.len--;
    }
    (void)complain("%.*s", STR_FMT(buf_str(&text)));
    return CTL_NO;
}

static int put_done(const struct answer *answer, const char *done)
{
    cleanup(document_freep) cJSON *document = document_parse(buf_str(&answer->body));
    cleanup(buf_fini) struct buf text = {0};
    append_lines(member(document, "warnings"), "warning: ", &text);
    buf_appendf(&text, "%s\n", done);
    return screen_put(&text, CTL_YES);
}

static int put_json(const struct answer *answer, int status)
{
    cleanup(buf_fini) struct buf text = {0};
    buf_append(&text, buf_str(&answer->body));
    buf_append_char(&text, '\n');
    return screen_put(&text, status);
}

int order_give(const struct arguments *arguments, const char *path, struct str body,
               struct answer *ret_answer)
{
    cleanup(target_fini) struct target target = {0};
    cleanup(client_freep) struct client *client = NULL;
    int r = target_find_control(arguments, &target);
    if (r != 0) {
        return r;
    }
    r = client_new(&target, &client);
    if (r != 0) {
        return r;
    }
    client_set_timeout(client, ORDER_TIMEOUT_S);
    r = client_post(client, path, body, ret_answer);
    if (r != 0) {
        return r;
    }
    return ret_answer->status == 200 || ret_answer->status == 409 ? 0 : client_explain(client, ret_answer);
}

static int give(const struct arguments *arguments, const char *path, struct str body, const char *done)
{
    cleanup(answer_fini) struct answer answer = {0};
    int r = order_give(arguments, path, body, &answer);
    if (r != 0) {
        return r;
    }
    if (arguments->json) {
        return put_json(&answer, answer.status == 200 ? CTL_YES : CTL_NO);
    }
    return answer.status == 200 ? put_done(&answer, done) : put_refusal(&answer);
}

int ctl_reload(const struct arguments *arguments)
{
    return give(arguments, "/v1/control/reload", STR(""),
                "reloaded: all of the configuration was taken over");
}

int ctl_drain(const struct arguments *arguments)
{
    return give(arguments, "/v1/control/drain", STR(""),
                "draining: /readyz says 503, so that load balancers look elsewhere; a restart ends it");
}

int ctl_log_level(const struct arguments *arguments)
{
    cleanup(buf_fini) struct buf body = {0};
    struct json_writer json = {.out = &body};
    json_begin_object(&json, NULL);
    json_str(&json, "level", str_from(arguments->words[1]));
    json_end_object(&json);
    return body.failed
               ? complain("no memory")
               : give(arguments, "/v1/control/log-level", buf_str(&body), "changed, until the next reload");
}

/* SPDX-License-Identifier: MIT */
#include "ask.h"

#include "location.h"
#include "when.h"

#include "presenced/clock.h"

int ask_begin(const struct arguments *arguments, struct ask *ret_ask)
{
    *ret_ask = (struct ask){
        .arguments = arguments,
        .screen = screen_detect(),
        .now_ms = clock_unix_ms(),
    };
    int r = target_find_status(arguments, &ret_ask->target);
    return r != 0 ? r : client_new(&ret_ask->target, &ret_ask->client);
}

void ask_fini(struct ask *ask)
{
    client_free(ask->client);
    target_fini(&ask->target);
}

void ask_answer_fini(struct ask_answer *answer)
{
    answer_fini(&answer->answer);
    cJSON_Delete(answer->document);
}

static int read_document(const struct ask *ask, struct ask_answer *answer)
{
    if (answer->answer.status != 200) {
        return client_explain(ask->client, &answer->answer);
    }
    answer->document = document_parse(buf_str(&answer->answer.body));
    if (answer->document == NULL) {
        return complain("%s (%s): the answer is not JSON: is that presenced's status listener?",
                        target_name(&ask->target), ask->target.origin);
    }
    return 0;
}

int ask_get(struct ask *ask, const char *path, struct ask_answer *ret_answer)
{
    *ret_answer = (struct ask_answer){.document = NULL};
    int r = client_get(ask->client, path, &ret_answer->answer);
    return r != 0 ? r : read_document(ask, ret_answer);
}

int ask_post(struct ask *ask, const char *path, struct str body, struct ask_answer *ret_answer)
{
    *ret_answer = (struct ask_answer){.document = NULL};
    int r = client_post(ask->client, path, body, &ret_answer->answer);
    return r != 0 ? r : read_document(ask, ret_answer);
}

int ask_put_json(const struct ask_answer *answer, int status)
{
    cleanup(buf_fini) struct buf text = {0};
    buf_append(&text, buf_str(&answer->answer.body));
    if (text.len > 0 && text.ptr[text.len - 1] != '\n') {
        buf_append_char(&text, '\n');
    }
    return screen_put(&text, status);
}

void ask_append_app(const struct ask *ask, struct buf *path)
{
    if (ask->arguments->app != 0) {
        location_append_number(path, "app", ask->arguments->app);
    }
}

void ask_append_time(const struct ask *ask, uint64_t unix_ms, struct buf *out)
{
    when_append(out, unix_ms, ask->now_ms, ask->screen.is_terminal);
}

void ask_add_time(const struct ask *ask, struct table *table, const cJSON *object, const char *name)
{
    cleanup(buf_fini) struct buf text = {0};
    uint64_t unix_ms;
    if (member_u64(object, name, &unix_ms)) {
        ask_append_time(ask, unix_ms, &text);
    }
    table->failed |= text.failed;
    table_add(table, TINT_NONE, buf_str(&text));
}

void ask_add_short_time(const struct ask *ask, struct table *table, const cJSON *object, const char *name)
{
    cleanup(buf_fini) struct buf text = {0};
    uint64_t unix_ms;
    if (!ask->screen.is_terminal) {
        ask_add_time(ask, table, object, name);
        return;
    }
    if (member_u64(object, name, &unix_ms)) {
        when_append_short(&text, unix_ms, ask->now_ms);
    }
    table->failed |= text.failed;
    table_add(table, TINT_NONE, buf_str(&text));
}

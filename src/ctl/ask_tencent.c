/* SPDX-License-Identifier: MIT */
#include "ask_tencent.h"

#include "orders.h"
#include "screen.h"
#include "table.h"
#include "text.h"
#include "user.h"

#include "presenced/array.h"
#include "presenced/json.h"

#include <inttypes.h>

static void write_question(uint64_t app, char *const *users, size_t n_users, struct buf *body)
{
    struct json_writer json = {.out = body};
    json_begin_object(&json, NULL);
    if (app != 0) {
        json_u64(&json, "app", app);
    }
    json_begin_array(&json, "users");
    for (size_t i = 0; i < n_users; i++) {
        json_str(&json, NULL, str_from(users[i]));
    }
    json_end_array(&json);
    json_end_object(&json);
}

static void read_refusal(const struct answer *answer, struct buf *ret_refusal)
{
    cleanup(document_freep) cJSON *document = document_parse(buf_str(&answer->body));
    const cJSON *line;
    text_append_safe(ret_refusal, member_text(document, "detail"));
    cJSON_ArrayForEach(line, member(document, "errors"))
    {
        const char *text = cJSON_GetStringValue(line);
        buf_append(ret_refusal, STR(": "));
        text_append_safe(ret_refusal, str_from(text == NULL ? "" : text));
    }
}

int tencent_ask(const struct arguments *arguments, uint64_t app, char *const *users, size_t n_users,
                struct tencent *ret_tencent)
{
    cleanup(buf_fini) struct buf body = {0};
    cleanup(answer_fini) struct answer answer = {0};
    *ret_tencent = (struct tencent){.document = NULL};
    write_question(app, users, n_users, &body);
    if (body.failed) {
        return complain("no memory");
    }
    int r = order_give(arguments, "/v1/control/ask", buf_str(&body), &answer);
    if (r != 0) {
        return r;
    }
    if (answer.status == 409) {
        read_refusal(&answer, &ret_tencent->refusal);
        return 0;
    }
    ret_tencent->document = document_parse(buf_str(&answer.body));
    return ret_tencent->document != NULL ? 0 : complain("what the control socket answers is not JSON");
}

void tencent_fini(struct tencent *tencent)
{
    cJSON_Delete(tencent->document);
    buf_fini(&tencent->refusal);
}

/* Texts that are missing in the answer are "", which gives an empty cell. */
static void add_row(struct table *table, struct str user, struct str platform, struct str known,
                    struct str tencent, struct str what)
{
    bool differs = tencent.len > 0 && !str_equal(known, tencent);
    table_add(table, TINT_NONE, user);
    table_add(table, TINT_NONE, platform);
    table_add(table, user_state_tint(known), known);
    table_add(table, differs ? TINT_BAD : user_state_tint(tencent), tencent);
    table_add(table, TINT_NONE, what);
}

/* Compares the state of a user as a whole. A user that presenced does not know counts as offline. */
static bool is_same(const cJSON *user)
{
    struct str known = member_text(user, "known");
    struct str tencent = member_text(user, "tencent");
    return str_equal(known, tencent) ||
           (str_equal(known, STR("unknown")) && (tencent.len == 0 || str_equal(tencent, STR("offline"))));
}

static void add_user(struct table *table, const cJSON *user)
{
    const cJSON *device;
    struct str id = member_text(user, "user");
    uint64_t code = 0;
    cleanup(buf_fini) struct buf error = {0};
    if (member_u64(user, "error_code", &code) && code != 0) {
        buf_appendf(&error, "Tencent answers %" PRIu64, code);
    }
    add_row(table, id, STR("all"), member_text(user, "known"), member_text(user, "tencent"), buf_str(&error));
    cJSON_ArrayForEach(device, member(user, "devices"))
    {
        bool is_corrected = cJSON_IsTrue(member(device, "corrected"));
        add_row(table, id, member_text(device, "platform"), member_text(device, "known"),
                member_text(device, "tencent"), is_corrected ? STR("corrected") : STR(""));
    }
}

static bool put_users(const struct screen *screen, const cJSON *document, struct buf *out)
{
    static const char *const heads[] = {"USER", "PLATFORM", "PRESENCED", "TENCENT", "OUTCOME"};
    const cJSON *user;
    cleanup(table_fini) struct table table;
    bool are_same = true;
    table_init(&table, heads, N_ELEMENTS(heads));
    cJSON_ArrayForEach(user, member(document, "users"))
    {
        are_same &= is_same(user);
        add_user(&table, user);
    }
    table_write(&table, screen->width, screen->tints, out);
    return are_same;
}

static int put_json(const cJSON *document, int status)
{
    cleanup(buf_fini) struct buf text = {0};
    char *json = cJSON_PrintUnformatted(document);
    if (json == NULL) {
        return complain("no memory");
    }
    buf_appendf(&text, "%s\n", json);
    cJSON_free(json);
    return screen_put(&text, status);
}

int ctl_ask(const struct arguments *arguments)
{
    cleanup(tencent_fini) struct tencent tencent;
    cleanup(buf_fini) struct buf text = {0};
    cleanup(buf_fini) struct buf problem = {0};
    const struct screen screen = screen_detect();
    size_t n_users = arguments->n_words - 1;
    int r = tencent_ask(arguments, arguments->app, arguments->words + 1, n_users, &tencent);
    if (r != 0) {
        return r;
    }
    if (tencent.document == NULL) {
        (void)complain("%.*s", STR_FMT(buf_str(&tencent.refusal)));
        return CTL_NO;
    }
    bool are_same = put_users(&screen, tencent.document, &text);
    bool is_whole = (size_t)cJSON_GetArraySize(member(tencent.document, "users")) == n_users;
    text_append_safe(&problem, member_text(tencent.document, "problem"));
    int status = are_same && is_whole && problem.len == 0 ? CTL_YES : CTL_NO;
    if (problem.len > 0) {
        (void)complain("%.*s", STR_FMT(buf_str(&problem)));
    }
    return arguments->json ? put_json(tencent.document, status) : screen_put(&text, status);
}

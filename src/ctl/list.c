/* SPDX-License-Identifier: MIT */
#include "location.h"
#include "user.h"

#define PAGE_MAX 1000
#define SHOWN_BY_DEFAULT 100

static int append_path(const struct ask *ask, const struct buf *cursor, uint64_t limit, struct buf *path)
{
    const struct arguments *arguments = ask->arguments;
    buf_append(path, STR("/v1/users"));
    ask_append_app(ask, path);
    if (arguments->state != NULL) {
        location_append_parameter(path, "state", str_from(arguments->state));
    }
    if (arguments->platform != NULL) {
        location_append_parameter(path, "platform", str_from(arguments->platform));
    }
    location_append_number(path, "limit", limit < PAGE_MAX ? limit : PAGE_MAX);
    if (cursor->len > 0) {
        location_append_parameter(path, "cursor", buf_str(cursor));
    }
    buf_append_char(path, '\0');
    return path->failed ? complain("no memory") : 0;
}

/* Prints one line for each user. */
static int put_json(const cJSON *users)
{
    cleanup(buf_fini) struct buf text = {0};
    const cJSON *user;
    cJSON_ArrayForEach(user, users)
    {
        char *line = cJSON_PrintUnformatted(user);
        buf_append(&text, str_from(line == NULL ? "" : line));
        buf_append_char(&text, '\n');
        text.failed |= line == NULL;
        cJSON_free(line);
    }
    return screen_put(&text, 0);
}

/* Only the first page has column heads. */
static int put_table(const struct ask *ask, const cJSON *users, bool is_first)
{
    cleanup(buf_fini) struct buf text = {0};
    cleanup(table_fini) struct table table;
    const cJSON *user;
    users_begin(&table);
    table.heads = is_first ? table.heads : NULL;
    cJSON_ArrayForEach(user, users)
    {
        users_add(ask, &table, user);
    }
    table_write(&table, ask->screen.width, ask->screen.tints, &text);
    return screen_put(&text, 0);
}

/* Prints the page at `cursor` and sets `cursor` to the next page; empty if this was the last. */
static int put_page(struct ask *ask, struct buf *cursor, uint64_t limit, uint64_t *n_shown)
{
    cleanup(buf_fini) struct buf path = {0};
    cleanup(ask_answer_fini) struct ask_answer answer = {.document = NULL};
    int r = append_path(ask, cursor, limit, &path);
    if (r != 0) {
        return r;
    }
    r = ask_get(ask, path.ptr, &answer);
    if (r != 0) {
        return r;
    }
    const cJSON *users = member(answer.document, "users");
    r = ask->arguments->json ? put_json(users) : put_table(ask, users, *n_shown == 0);
    *n_shown += (uint64_t)cJSON_GetArraySize(users);
    buf_clear(cursor);
    buf_append(cursor, member_text(answer.document, "next_cursor"));
    return r;
}

int ctl_list(const struct arguments *arguments)
{
    cleanup(ask_fini) struct ask ask;
    cleanup(buf_fini) struct buf cursor = {0};
    uint64_t limit = arguments->limit != 0 ? arguments->limit : SHOWN_BY_DEFAULT;
    uint64_t n_shown = 0;
    limit = arguments->all ? UINT64_MAX : limit;
    int r = ask_begin(arguments, &ask);
    if (r != 0) {
        return r;
    }
    do {
        r = put_page(&ask, &cursor, limit - n_shown, &n_shown);
        if (r != 0) {
            return r;
        }
    } while (cursor.len > 0 && n_shown < limit);
    if (cursor.len > 0 && ask.screen.is_terminal) {
        (void)complain("more users follow: --limit N shows more of them, --all all");
    }
    return n_shown > 0 ? CTL_YES : CTL_NO;
}

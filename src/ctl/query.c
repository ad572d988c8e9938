/* SPDX-License-Identifier: MIT */
#include "user.h"

#include "presenced/json.h"

#include <stdio.h>

#define USERS_A_REQUEST_MAX 1000

/* The ids to query, from the command line or standard input. */
struct ids {
    const struct arguments *arguments;
    size_t next; /* index of the next word of the command line */
    bool is_from_stdin;
    char *line;
    size_t line_size;
};

static void ids_fini(struct ids *ids)
{
    free(ids->line);
}

static bool next_id(struct ids *ids, struct str *ret_id)
{
    if (!ids->is_from_stdin) {
        if (ids->next == ids->arguments->n_words) {
            return false;
        }
        *ret_id = str_from(ids->arguments->words[ids->next++]);
        return true;
    }
    ssize_t n = getline(&ids->line, &ids->line_size, stdin);
    if (n < 0) {
        return false;
    }
    *ret_id = (struct str){ids->line, (size_t)n - (ids->line[n - 1] == '\n')};
    return true;
}

/* Writes the body of a request for the next ids. Returns how many; 0 at the end. */
static size_t write_body(struct ids *ids, struct buf *body)
{
    struct json_writer json = {.out = body};
    struct str id;
    size_t n = 0;
    json_begin_object(&json, NULL);
    if (ids->arguments->app != 0) {
        json_u64(&json, "app", ids->arguments->app);
    }
    json_begin_array(&json, "users");
    while (n < USERS_A_REQUEST_MAX && next_id(ids, &id)) {
        json_str(&json, NULL, id);
        n++;
    }
    json_end_array(&json);
    json_end_object(&json);
    return n;
}

static void put_users(const struct ask *ask, struct table *table, const cJSON *document, bool *all_known)
{
    const cJSON *user;
    cJSON_ArrayForEach(user, member(document, "users"))
    {
        *all_known &= !str_equal(member_text(user, "state"), STR("unknown"));
        users_add(ask, table, user);
    }
}

static int query(struct ask *ask, struct ids *ids, struct table *table, bool *all_known)
{
    for (;;) {
        cleanup(buf_fini) struct buf body = {0};
        cleanup(ask_answer_fini) struct ask_answer answer = {.document = NULL};
        if (write_body(ids, &body) == 0) {
            return 0;
        }
        int r = body.failed ? complain("no memory")
                            : ask_post(ask, "/v1/users/query", buf_str(&body), &answer);
        if (r != 0) {
            return r;
        }
        put_users(ask, table, answer.document, all_known);
        if (ask->arguments->json && ask_put_json(&answer, 0) != 0) {
            return CTL_WRONG;
        }
    }
}

int ctl_query(const struct arguments *arguments)
{
    cleanup(ask_fini) struct ask ask;
    cleanup(table_fini) struct table table;
    cleanup(buf_fini) struct buf text = {0};
    cleanup(ids_fini) struct ids ids = {
        .arguments = arguments,
        .next = 1,
        .is_from_stdin = arguments->n_words == 2 && strcmp(arguments->words[1], "-") == 0,
    };
    bool all_known = true;
    users_begin(&table);
    int r = ask_begin(arguments, &ask);
    if (r != 0) {
        return r;
    }
    r = query(&ask, &ids, &table, &all_known);
    if (r != 0) {
        return r;
    }
    if (!arguments->json) {
        table_write(&table, ask.screen.width, ask.screen.tints, &text);
    }
    return screen_put(&text, all_known ? CTL_YES : CTL_NO);
}

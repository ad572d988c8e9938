/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_CTL_ASK_H
#define PRESENCED_CTL_ASK_H

/* What the commands that ask the status listener begin with. */

#include "client.h"
#include "ctl.h"
#include "member.h"
#include "screen.h"
#include "table.h"

struct ask {
    const struct arguments *arguments;
    struct target target;
    struct client *client;
    struct screen screen;
    uint64_t now_ms;
};

/* 0, or an exit status: it has been said why. For ask_fini() in any case. */
int ask_begin(const struct arguments *arguments, struct ask *ret_ask);
void ask_fini(struct ask *ask);

/* A document that was answered with 200, and the answer itself. 0, or an exit status: it has been said why.
 */
struct ask_answer {
    struct answer answer;
    cJSON *document;
};

int ask_get(struct ask *ask, const char *path, struct ask_answer *ret_answer);
int ask_post(struct ask *ask, const char *path, struct str body, struct ask_answer *ret_answer);
void ask_answer_fini(struct ask_answer *answer);

/* The document as it came, on a line of its own. Returns `status`, or CTL_WRONG. */
int ask_put_json(const struct ask_answer *answer, int status);

/* Appends "?app=" where --app says so. */
void ask_append_app(const struct ask *ask, struct buf *path);

/* Appends when that was, as the screen wants it. */
void ask_append_time(const struct ask *ask, uint64_t unix_ms, struct buf *out);

/* A cell with the time that stands in a member; without one the cell is empty. */
void ask_add_time(const struct ask *ask, struct table *table, const cJSON *object, const char *name);

/* The same where many columns stand beside it. */
void ask_add_short_time(const struct ask *ask, struct table *table, const cJSON *object, const char *name);

#endif

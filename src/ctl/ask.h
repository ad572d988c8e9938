/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_CTL_ASK_H
#define PRESENCED_CTL_ASK_H

/* What the commands that query the status listener have in common. */

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

/* Finds the status listener and creates a client for it. Returns 0, or an exit status after printing the
 * error. `ret_ask` must be passed to ask_fini() in either case. */
int ask_begin(const struct arguments *arguments, struct ask *ret_ask);
void ask_fini(struct ask *ask);

struct ask_answer {
    struct answer answer;
    cJSON *document; /* the parsed body */
};

/* Send a request and parse the answer. Return 0 if its status is 200 and it is JSON, or an exit status after
 * printing the error. `ret_answer` must be passed to ask_answer_fini() in either case. */
int ask_get(struct ask *ask, const char *path, struct ask_answer *ret_answer);
int ask_post(struct ask *ask, const char *path, struct str body, struct ask_answer *ret_answer);
void ask_answer_fini(struct ask_answer *answer);

/* Prints the body of the answer as it is, followed by a newline. Returns `status`, or CTL_WRONG if printing
 * fails. */
int ask_put_json(const struct ask_answer *answer, int status);

/* Appends the parameter "app" if --app was given. */
void ask_append_app(const struct ask *ask, struct buf *path);

/* Appends a time in the format for the screen: when_append(). */
void ask_append_time(const struct ask *ask, uint64_t unix_ms, struct buf *out);

/* Adds a cell with the time in a member of `object`; an empty cell if there is none. */
void ask_add_time(const struct ask *ask, struct table *table, const cJSON *object, const char *name);

/* The same with a shorter format on a terminal, for tables with many columns. */
void ask_add_short_time(const struct ask *ask, struct table *table, const cJSON *object, const char *name);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_CTL_CLIENT_H
#define PRESENCED_CTL_CLIENT_H

/* Asks a target over HTTP (libcurl), on a connection that is kept. What fails is said on standard error, with
 * what was tried. */

#include "target.h"

struct client;

/* The target outlives the client. 0 or CTL_WRONG. */
int client_new(const struct target *target, struct client **ret_client);
void client_free(struct client *client);
DEFINE_CLEANUP(struct client *, client_free)

struct answer {
    long status;
    struct buf body;
};

void answer_fini(struct answer *answer);

/* `path` is what follows the target's address. 0 for an answer of any status; CTL_WRONG where there is none.
 * `ret_answer` is empty before, and for answer_fini(). */
int client_get(struct client *client, const char *path, struct answer *ret_answer);
int client_post(struct client *client, const char *path, struct str body, struct answer *ret_answer);

/* Gets what does not end (Server-Sent Events): hands each piece of it to `take`, which says whether to go on.
 * `last_id` NULL: from now on. Says nothing. CLIENT_ENDED when it ended in order or `take` said so;
 * CLIENT_CUT when not, and `ret_error` says why; CLIENT_REFUSED with an answer in `ret_answer`. */
enum client_end {
    CLIENT_ENDED,
    CLIENT_CUT,
    CLIENT_REFUSED,
};

enum client_end client_stream(struct client *client, const char *path, const char *last_id,
                              bool (*take)(void *cls, struct str piece), void *cls, struct answer *ret_answer,
                              struct buf *ret_error);

/* For how long an answer may be awaited; 30 s where nothing is said. */
void client_set_timeout(struct client *client, long timeout_s);

/* Says on standard error what an answer other than 200 means. Returns CTL_NO for what is not found or not
 * done, else CTL_WRONG. */
int client_explain(const struct client *client, const struct answer *answer);

/* The same, with what to do about it, or what is done, as the end of the sentence. */
int client_explain_with(const struct client *client, const struct answer *answer, const char *todo);

#endif

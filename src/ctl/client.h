/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_CTL_CLIENT_H
#define PRESENCED_CTL_CLIENT_H

/* An HTTP client for one target (libcurl), which reuses its connection. Errors are printed on standard error,
 * with the target. */

#include "target.h"

struct client;

/* `target` must outlive the client. Returns 0 or CTL_WRONG. */
int client_new(const struct target *target, struct client **ret_client);
void client_free(struct client *client);
DEFINE_CLEANUP(struct client *, client_free)

struct answer {
    long status;
    struct buf body;
};

void answer_fini(struct answer *answer);

/* Send a request. `path` is appended to the target's URL. Return 0 for an answer with any status, or
 * CTL_WRONG if there is none. `ret_answer` must be empty before the call, and must be passed to answer_fini()
 * in either case. */
int client_get(struct client *client, const char *path, struct answer *ret_answer);
int client_post(struct client *client, const char *path, struct str body, struct answer *ret_answer);

enum client_end {
    CLIENT_ENDED,   /* the stream has ended regularly, or take() has returned false */
    CLIENT_CUT,     /* the stream was interrupted, or could not be opened; `ret_error` says why */
    CLIENT_REFUSED, /* the status is not 200; the answer is in `ret_answer` */
};

/* Reads a stream (Server-Sent Events) and passes each piece of it to `take`, which returns whether to
 * continue. `last_id` is the id of the last event seen, or NULL. Prints nothing. */

enum client_end client_stream(struct client *client, const char *path, const char *last_id,
                              bool (*take)(void *cls, struct str piece), void *cls, struct answer *ret_answer,
                              struct buf *ret_error);

/* Sets how long to wait for an answer; 30 s by default. */
void client_set_timeout(struct client *client, long timeout_s);

/* Prints on standard error what an answer with a status other than 200 means. Returns CTL_NO for 404 and 409,
 * else CTL_WRONG. */
int client_explain(const struct client *client, const struct answer *answer);

/* The same, followed by `todo`: what the user can do, or what presencectl does next. */
int client_explain_with(const struct client *client, const struct answer *answer, const char *todo);

#endif

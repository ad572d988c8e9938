/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_CALLS_H
#define PRESENCED_CALLS_H

/* HTTP calls under way, all on one thread: libcurl's multi interface, which keeps connections. Its time-outs
 * bound every call. calls_wake() may be called by any thread. */

#include "inquiry.h"

#define CALLS_ERROR_SIZE 128

/* One call. */
struct call {
    void *owner;
    struct user_batch batch;
    struct inquiry *inquiry; /* whose users these are; NULL: the owner's choice */
    unsigned host;           /* of the owner's */
    uint64_t usersig_number; /* of the owner's */
    uint64_t sent_unix_ms;
    /* The outcome. */
    bool is_answered; /* whole; else `error` says why not */
    long http_status;
    uint64_t date_s; /* its Date; 0: none */
    struct buf answer;
    char error[CALLS_ERROR_SIZE]; /* never holds the URL */
    struct transfer *transfer;    /* while it is under way */
    struct call *next;            /* the calls' */
    struct call *previous;
};

void call_free(struct call *call);
DEFINE_CLEANUP(struct call *, call_free)

struct calls;

/* Once a process at a time. 0, -ENOMEM or -EIO. */
int calls_new(struct calls **ret_calls);

/* Ends and frees those under way. */
void calls_free(struct calls *calls);

/* POSTs `body`, which is consumed, to a URL, which is a secret. Consumes the call: calls_next_done() gives it
 * back. 0 or -ENOMEM with nothing consumed. */
int calls_start(struct calls *calls, struct call *call, const struct buf *url, struct buf *body);

/* Waits for up to `timeout_ms` for something to happen, and lets it. */
void calls_wait(struct calls *calls, unsigned timeout_ms);
void calls_wake(struct calls *calls);

/* One that has ended, the caller's; NULL: none. */
struct call *calls_next_done(struct calls *calls);

/* Ends all of that owner's and hands each to `ended`, which frees it. */
void calls_end_of(struct calls *calls, const void *owner, void (*ended)(void *owner, struct call *call));

#endif

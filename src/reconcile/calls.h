/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_CALLS_H
#define PRESENCED_CALLS_H

/* HTTP calls in progress, by libcurl's multi interface, which reuses connections. Every call has a timeout.
 * For one thread; calls_wake() may be called by any thread. */

#include "inquiry.h"

#define CALLS_ERROR_SIZE 128

struct call {
    void *owner;
    struct user_batch batch;
    struct inquiry *inquiry; /* the inquiry it belongs to; NULL: the owner has chosen the users */
    unsigned host;           /* index of the host, for the owner */
    uint64_t usersig_number; /* of the owner's credential */
    uint64_t sent_unix_ms;
    /* The result, set by calls_next_done(): */
    bool is_answered; /* a complete reply was received; else `error` says why not */
    long http_status;
    uint64_t date_s; /* the header Date in Unix time; 0: none */
    struct buf answer;
    char error[CALLS_ERROR_SIZE]; /* never contains the URL */
    struct transfer *transfer;    /* while in progress */
    struct call *next;            /* used by calls.c */
    struct call *previous;
};

void call_free(struct call *call);
DEFINE_CLEANUP(struct call *, call_free)

struct calls;

/* Initialises libcurl, so only one may exist at a time. Returns 0, -ENOMEM or -EIO. */
int calls_new(struct calls **ret_calls);

/* Aborts and frees the calls in progress. */
void calls_free(struct calls *calls);

/* POSTs `body` to `url`, which contains a secret. Returns 0, and then `call`, which calls_next_done()
 * returns later, and the contents of `body` are consumed; or -ENOMEM, and nothing is consumed. */
int calls_start(struct calls *calls, struct call *call, const struct buf *url, struct buf *body);

/* Makes progress with the calls and waits for up to `timeout_ms` for network events or calls_wake(). */
void calls_wait(struct calls *calls, unsigned timeout_ms);
void calls_wake(struct calls *calls);

/* Returns a finished call, which the caller owns, or NULL. */
struct call *calls_next_done(struct calls *calls);

/* Aborts all calls of an owner and passes each to `ended`, which frees it. */
void calls_end_of(struct calls *calls, const void *owner, void (*ended)(void *owner, struct call *call));

#endif

/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_REFUSED_H
#define PRESENCED_REFUSED_H

/* The most recent requests that the listeners' handlers rejected or answered FAIL, for diagnosis. All memory
 * is allocated at the start. Any thread may call everything here except refused_list_new() and
 * refused_list_free(). */

#include "presenced/address.h"
#include "presenced/log.h"

#define REFUSED_LIST_N_MAX 200
#define REFUSED_TEXT_MAX 64

struct refused_request {
    uint64_t unix_ms;
    /* Constant texts. Two requests are of the same kind if listener and outcome are the same pointers. */
    const char *listener;
    const char *outcome;
    const char *reason;
    struct address peer;   /* address of the client, taking trusted proxies into account */
    struct address client; /* ClientIP of the request; no address if it has none */
    bool is_skewed;
    int64_t skew_s; /* how many seconds the request's own time is ahead of the clock */
    /* As received, so they must be escaped for output; ptr NULL: not present. */
    struct str app;
    struct str command;
    struct str path;
};

struct refused_list;

/* Returns 0 or -ENOMEM. */
int refused_list_new(struct refused_list **ret_list);
void refused_list_free(struct refused_list *list);
DEFINE_CLEANUP(struct refused_list *, refused_list_free)

/* Copies a request. Texts are cut to REFUSED_TEXT_MAX bytes, and before a Sign. If the list has
 * REFUSED_LIST_N_MAX entries, the oldest entry of the most frequent kind is dropped, so that a flood of one
 * kind does not displace the others. */
void refused_list_add(struct refused_list *list, const struct refused_request *request);

/* Visits up to `limit` requests, newest first, with the list's lock held, which blocks refused_list_add(). */
void refused_list_each(struct refused_list *list, size_t limit,
                       void (*visit)(void *cls, const struct refused_request *request), void *cls);

/* Logs a request, if `limit` allows it. */
void refused_log(struct log_limit *limit, enum log_level level, const char *message,
                 const struct refused_request *request);

#endif

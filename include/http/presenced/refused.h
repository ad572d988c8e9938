/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_REFUSED_H
#define PRESENCED_REFUSED_H

/* The last requests that the handlers of listeners have refused or answered FAIL, for who asks what was wrong
 * with them. Their memory is taken at the start. Any thread may call everything here but refused_list_new()
 * and refused_list_free(). */

#include "presenced/address.h"
#include "presenced/log.h"

#define REFUSED_LIST_N_MAX 200
#define REFUSED_TEXT_MAX 64

struct refused_request {
    uint64_t unix_ms;
    const char
        *listener; /* these three are constant texts of ours; two requests are of one kind where listener */
    const char *outcome; /* and outcome are the same pointers */
    const char *reason;
    struct address peer;   /* who called, as far as that is believed */
    struct address client; /* of whom the request speaks; none where it does not say */
    bool is_skewed;
    int64_t skew_s; /* how far ahead of the clock the request's own time is */
    /* As they came, so they are to be escaped; ptr NULL: they did not. */
    struct str app;
    struct str command;
    struct str path;
};

struct refused_list;

/* 0 or -ENOMEM. */
int refused_list_new(struct refused_list **ret_list);
void refused_list_free(struct refused_list *list);
DEFINE_CLEANUP(struct refused_list *, refused_list_free)

/* Copies it, with texts cut to REFUSED_TEXT_MAX, and before a Sign. Where there are REFUSED_LIST_N_MAX, the
 * oldest of the most frequent kind goes, so that many of one kind leave the few of another. */
void refused_list_add(struct refused_list *list, const struct refused_request *request);

/* Visits at most `limit`, the newest first, under a lock that refused_list_add() waits for. */
void refused_list_each(struct refused_list *list, size_t limit,
                       void (*visit)(void *cls, const struct refused_request *request), void *cls);

/* A line that says the same, as far as `limit` lets it pass. */
void refused_log(struct log_limit *limit, enum log_level level, const char *message,
                 const struct refused_request *request);

#endif

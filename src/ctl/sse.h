/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_CTL_SSE_H
#define PRESENCED_CTL_SSE_H

/* Parses a stream of Server-Sent Events (WHATWG HTML, section 9.2.6), which may arrive in pieces of any
 * size. */

#include "presenced/str.h"

/* Limit for an event; those of presenced are shorter. */
#define SSE_EVENT_MAX_BYTES ((size_t)4 << 20)

struct sse_event {
    struct str name; /* "message" if the stream names none */
    struct str data; /* lines separated by newlines */
};

/* All zero is the beginning of a stream. */
struct sse {
    struct buf line; /* the incomplete line */
    struct buf name; /* name and data of the incomplete event */
    struct buf data;
    struct buf id;      /* id of the last complete event, to resume the stream after; empty: none */
    struct buf next_id; /* id of the incomplete event */
    uint64_t retry_ms;  /* the reconnection time requested by the stream; 0: none */
    bool has_data;
    bool ended_in_cr; /* the last byte was a CR, so a LF that follows belongs to it */
    bool has_begun;   /* the first line has been parsed; only it may have a byte order mark */
};

void sse_fini(struct sse *sse);

/* Prepares for the next stream: drops the incomplete event and keeps id and retry_ms. */
void sse_restart(struct sse *sse);

/* Parses a piece and passes each complete event to `take`. The event's texts are valid until `take` returns;
 * sse->id is the id of that event. Returns 0, -EMSGSIZE if an event exceeds SSE_EVENT_MAX_BYTES, or
 * -ENOMEM. */
int sse_feed(struct sse *sse, struct str piece, void (*take)(void *cls, const struct sse_event *event),
             void *cls);

#endif

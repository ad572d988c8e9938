/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_CTL_SSE_H
#define PRESENCED_CTL_SSE_H

/* Takes a stream of Server-Sent Events apart (WHATWG HTML, 9.2.6), in whatever pieces it comes. */

#include "presenced/str.h"

/* Longer than any event of ours. */
#define SSE_EVENT_MAX_BYTES ((size_t)4 << 20)

struct sse_event {
    struct str name; /* "message" where the stream says nothing */
    struct str data; /* its lines parted by newlines */
};

/* All zero is a stream that begins. */
struct sse {
    struct buf line; /* one that has not ended */
    struct buf name;
    struct buf data;
    struct buf id;      /* the last one that came: where to resume; empty: nowhere */
    struct buf next_id; /* of the event that has not ended */
    uint64_t retry_ms;  /* what the stream asks for; 0: nothing */
    bool has_data;
    bool ended_in_cr; /* a LF that follows belongs to it */
    bool has_begun;   /* a byte order mark may stand at the beginning only */
};

void sse_fini(struct sse *sse);

/* After a stream was cut: forgets the event that had not ended; id and retry stay. */
void sse_restart(struct sse *sse);

/* Hands each event that has ended to `take`, whose texts are valid until it returns; sse->id is that event's
 * already. 0; -EMSGSIZE for an event that does not end; -ENOMEM. */
int sse_feed(struct sse *sse, struct str piece, void (*take)(void *cls, const struct sse_event *event),
             void *cls);

#endif

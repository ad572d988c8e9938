/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_TESTS_STREAM_H
#define PRESENCED_TESTS_STREAM_H

/* Reads Server-Sent Events as a browser does: over a wire, chunked, one event after the other. Fails the
 * running test when what comes is not well-formed. */

#include "wire.h"

struct stream;

/* Asks for `target` over `wire`, which it takes, and expects 200. `last_event_id` NULL: none. */
struct stream *stream_open(struct wire *wire, const char *target, const char *last_event_id);

/* The same, showing a token; NULL: none. */
struct stream *stream_open_with(struct wire *wire, const char *target, const char *last_event_id,
                                const char *token);

/* Leaves. */
void stream_free(struct stream *stream);
DEFINE_CLEANUP(struct stream *, stream_free)

struct message {
    const char *id; /* of this event; "" where it has none. Until the next */
    const char *event;
    const char *data;
};

/* The next event, as soon as it is there. False at the end of the stream, or where it broke off. */
bool stream_next(struct stream *stream, struct message *ret_message);

/* The next of that name, which must come; others are passed over. */
void stream_await(struct stream *stream, const char *event, struct message *ret_message);

/* Whether the stream has ended in order: behind its last event, with the last chunk. */
bool stream_has_ended(const struct stream *stream);

/* The last id that was read, "" before the first; until the next event. */
const char *stream_last_id(const struct stream *stream);

#endif

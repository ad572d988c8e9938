/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_TESTS_STREAM_H
#define PRESENCED_TESTS_STREAM_H

/* Reads Server-Sent Events, like a browser, from a chunked reply, event by event. Every function fails the
 * running test if the stream is not well-formed. */

#include "wire.h"

struct stream;

/* Requests `target` over `wire` and expects 200. Takes ownership of `wire`. `last_event_id` NULL: none. */
struct stream *stream_open(struct wire *wire, const char *target, const char *last_event_id);

/* The same with a bearer token; NULL: none. */
struct stream *stream_open_with(struct wire *wire, const char *target, const char *last_event_id,
                                const char *token);

/* Closes the connection. */
void stream_free(struct stream *stream);
DEFINE_CLEANUP(struct stream *, stream_free)

/* Texts are valid until the next event is read. */
struct message {
    const char *id; /* id of this event; "": none */
    const char *event;
    const char *data;
};

/* Waits for the next event. Returns false if the stream has ended or was interrupted. */
bool stream_next(struct stream *stream, struct message *ret_message);

/* Waits for the next event with that name and ignores others. Fails the test if the stream ends before. */
void stream_await(struct stream *stream, const char *event, struct message *ret_message);

/* Returns whether the stream has ended regularly, with the last chunk after a complete event. */
bool stream_has_ended(const struct stream *stream);

/* Returns the last id that was read, or ""; valid until the next event is read. */
const char *stream_last_id(const struct stream *stream);

#endif

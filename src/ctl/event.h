/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_CTL_EVENT_H
#define PRESENCED_CTL_EVENT_H

/* Callbacks in the shape that Tencent gives them. */

#include "presenced/str.h"

struct event {
    struct str action; /* as Info.Action has it */
    struct str reason;
    struct str user;
    struct str platform;
    struct str kicked;        /* names parted by commas; "": none */
    struct str custom_status; /* ptr NULL: none */
    uint64_t time_ms;
};

/* What a word of the command line means: login, logout, disconnect, custom-status, kick. False: nothing. Sets
 * action, reason and, for kick, which is a logout by Tencent's own API, the platform. */
bool event_parse_action(struct str word, struct event *event);

/* Appends a URL's query, with its '?', unsigned; and the body. */
void event_append_query(const struct event *event, uint64_t app, struct buf *out);
void event_append_body(const struct event *event, struct buf *out);

/* Appends RequestTime and Sign. 0; -ENOMEM or -ENOTSUP. */
int event_append_sign(struct str token, uint64_t unix_s, struct buf *out);

/* A query without its RequestTime and Sign, to be signed anew. */
void event_append_unsigned(struct str query, struct buf *out);

#endif

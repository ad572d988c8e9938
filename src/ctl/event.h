/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_CTL_EVENT_H
#define PRESENCED_CTL_EVENT_H

/* Writes callbacks in the form in which Tencent sends them. */

#include "presenced/str.h"

struct event {
    struct str action; /* value of Info.Action */
    struct str reason;
    struct str user;
    struct str platform;
    struct str kicked;        /* names of platforms, separated by commas; "": none */
    struct str custom_status; /* ptr NULL: none */
    uint64_t time_ms;
};

/* Parses a word of the command line: login, logout, disconnect, custom-status or kick. Sets action and
 * reason; for kick, which is a logout by Tencent's REST API, also the platform. Returns false for any other
 * word. */
bool event_parse_action(struct str word, struct event *event);

/* Append the query of the URL, with its '?' but without a signature, and the body. */
void event_append_query(const struct event *event, uint64_t app, struct buf *out);
void event_append_body(const struct event *event, struct buf *out);

/* Appends RequestTime and Sign. Returns 0, -ENOMEM, or -ENOTSUP if OpenSSL has no SHA-256. */
int event_append_sign(struct str token, uint64_t unix_s, struct buf *out);

/* Appends a query without its RequestTime and Sign, so that it can be signed again. */
void event_append_unsigned(struct str query, struct buf *out);

#endif

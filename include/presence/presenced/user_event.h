/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_USER_EVENT_H
#define PRESENCED_USER_EVENT_H

/* An event of a user as it is remembered for people who ask why somebody is shown as they are: what came,
 * from whom, and what came of it; with names, so that it can be read by another process. Borrowed texts. */

#include "presenced/changes.h"
#include "presenced/row.h"

#define USER_EVENT_TEXT_MAX 64 /* bytes of each text that are remembered */

struct user_event {
    uint64_t received_unix_ms;
    bool has_event_time;
    uint64_t event_time_ms;
    enum change_origin origin;
    struct str action; /* "": it could not be read; as the others */
    struct str reason;
    struct str platform;
    struct str outcome;    /* "applied" */
    struct str request_id; /* "": none */
    struct address client;
    struct address peer;
    size_t n_kicked;
    struct str kicked[PLATFORM_N_MAX]; /* platforms */
};

#endif

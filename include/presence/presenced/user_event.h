/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_USER_EVENT_H
#define PRESENCED_USER_EVENT_H

/* A received event, kept to explain why a user is shown as it is: what was received, from whom, and with what
 * outcome. Platforms are stored by name, so that another process can read it. All texts are borrowed. */

#include "presenced/changes.h"
#include "presenced/row.h"

#define USER_EVENT_TEXT_MAX 64 /* maximum stored bytes of each text */

struct user_event {
    uint64_t received_unix_ms;
    bool has_event_time;
    uint64_t event_time_ms;
    enum change_origin origin;
    struct str action; /* "" if it could not be parsed; the same for the texts below */
    struct str reason;
    struct str platform;
    struct str outcome;    /* "applied" */
    struct str request_id; /* "" if there is none */
    struct address client;
    struct address peer;
    size_t n_kicked;
    struct str kicked[PLATFORM_N_MAX]; /* names of platforms */
};

#endif

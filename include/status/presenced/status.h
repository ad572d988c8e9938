/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_STATUS_H
#define PRESENCED_STATUS_H

/* The handler of the status listener, where local programs and people ask who is online. The handler is
 * called on the listener's threads; status_adopt() and status_admission() may be called at the same time from
 * any thread. */

#include "presenced/breakdown.h"
#include "presenced/online_minutes.h"
#include "presenced/metric.h"
#include "presenced/refused.h"
#include "presenced/request.h"
#include "presenced/table.h"
#include "presenced/user_event.h"
#include "presenced/warnings.h"

/* Value for the listener's max_body_bytes: the longest query has 1000 ids of 256 bytes, and most of their
 * bytes may be escaped. */
#define STATUS_MAX_BODY_BYTES ((size_t)1 << 20)

enum status_readiness {
    STATUS_STARTING,
    STATUS_LEARNING, /* still learning from the other nodes what they know */
    STATUS_READY,
    STATUS_DRAINING,
    STATUS_N_READINESS,
};

struct status_health {
    enum status_readiness readiness;
    const char *degraded; /* constant text: what is wrong although events are accepted; NULL: nothing */
};

/* A part of the daemon whose metrics are shown. Its functions are called on any of the listener's threads. */
struct status_part {
    /* Key of an object in /v1/stats that encloses the objects of adjacent parts with the same group. NULL:
     * none. */
    const char *group;
    const char *key; /* key of the part's object in /v1/stats; NULL: shown in /metrics only */
    void (*visit)(void *cls, const struct metric_visitor *visitor); /* NULL: the part is off */
    const char *(*state)(void *cls); /* returns the part's state in one word; NULL: no state is shown */
    void *cls;
};

/* A part whose metrics are shown in the object of each app in /v1/stats. */
struct status_app_part {
    /* Returns false if the part is off for the app. NULL: it is off for all apps. */
    bool (*visit)(void *cls, uint16_t app, const struct metric_visitor *visitor);
    void *cls;
};

struct status_user_events_query {
    uint64_t app_id;
    struct str user_id;
    uint64_t since_unix_ms; /* 0: all stored events */
    uint64_t limit;
};

/* Access to the stored events of users. */
struct status_user_events {
    /* Passes the user's events to `visit`, newest first. Sets `*ret_complete` to whether all requested events
     * were passed. Returns 0, a value above 0 if reading would take too long, or -ENOMEM. NULL: no events are
     * stored. */
    int (*read)(void *cls, const struct status_user_events_query *query,
                void (*visit)(void *cls, const struct user_event *event), void *visit_cls,
                bool *ret_complete);
    void *cls;
};

/* Copied; everything it points to is borrowed for the life of the status. Its functions are called on any of
 * the listener's threads. */
struct status_config {
    struct table *table;
    struct online_minutes *online_minutes;
    const struct breakdown *breakdown;
    struct status_user_events user_events;
    const char *version;
    uint64_t started_unix_ms;
    uint64_t started_monotonic_ms;
    uint64_t (*unix_ms)(void); /* clock_unix_ms(), or the clock of a test */
    uint64_t (*monotonic_ms)(void);
    unsigned max_streams;            /* limit for open streams of GET /v1/events */
    void (*wake_streams)(void *cls); /* http_listener_wake_streams(); called with locks of the table held */
    void *wake_cls;
    struct status_health (*health)(void *cls);
    void *health_cls;
    struct warnings *warnings;
    struct refused_list *refused;    /* shown at /v1/refused; refused status requests are added to it */
    const struct status_part *parts; /* in the order in which they are shown */
    size_t n_parts;
    struct status_app_part reconcile;
    struct status_part streams; /* set by status_new() */
};

/* A token that gives access to the data of one app. */
struct status_app_token {
    uint16_t app; /* in the table */
    struct str token;
};

/* The settings that a reload may change; copied by the functions below. If there is any token, requests must
 * present one of them. */
struct status_settings {
    const struct str *allowed_hosts; /* in addition to localhost and IP literals */
    size_t n_allowed_hosts;
    struct str token; /* the listener's token, which gives access to everything; empty: none */
    const struct status_app_token *app_tokens;
    size_t n_app_tokens;
};

struct status;

/* Returns 0 or -ENOMEM. */
int status_new(const struct status_config *config, const struct status_settings *settings,
               struct status **ret_status);
void status_free(struct status *status);
DEFINE_CLEANUP(struct status *, status_free)

/* Copies settings for status_adopt() or status_discard(). Returns 0 or -ENOMEM. */
int status_prepare(const struct status_settings *settings, struct status_settings **ret_prepared);

/* Frees settings that were not adopted. Accepts NULL. */
void status_discard(struct status_settings *prepared);
DEFINE_CLEANUP(struct status_settings *, status_discard)

/* Makes these the settings that requests are checked against. Takes ownership. */
void status_adopt(struct status *status, struct status_settings *prepared);

/* How many requests passed the checks of the Host header and the token, and how many were refused by them.
 * Requests that need no token are not counted as admitted. */
struct status_admission {
    uint64_t n_admitted;
    uint64_t n_not_admitted;
    const char *not_admitted_reason; /* constant text about the last refused request; NULL: none yet */
};

void status_admission(const struct status *status, struct status_admission *ret_admission);

/* Returns the handler for struct http_config; its handler_cls is the struct status. */
const struct http_handler *status_handler(void);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_STATUS_H
#define PRESENCED_STATUS_H

/* The status listener's handler: who is online, asked by local programs and people. Its calls come from the
 * listener's threads; status_adopt() may be called meanwhile. */

#include "presenced/breakdown.h"
#include "presenced/online_minutes.h"
#include "presenced/metric.h"
#include "presenced/refused.h"
#include "presenced/request.h"
#include "presenced/table.h"
#include "presenced/user_event.h"
#include "presenced/warnings.h"

/* What the listener's max_body_bytes should be: room for the longest query, 1000 ids of 256 bytes, most of
 * them escaped. */
#define STATUS_MAX_BODY_BYTES ((size_t)1 << 20)

enum status_readiness {
    STATUS_STARTING,
    STATUS_LEARNING, /* what other nodes know, before it can answer as they do */
    STATUS_READY,
    STATUS_DRAINING,
    STATUS_N_READINESS,
};

struct status_health {
    enum status_readiness readiness;
    const char *degraded; /* what is amiss though events are taken, a constant text; NULL: nothing */
};

/* A part of the daemon whose numbers are shown. Called from any of the listener's threads. */
struct status_part {
    const char
        *group;      /* an object of /v1/stats around this part and its neighbours of the same; NULL: none */
    const char *key; /* of its own object in /v1/stats; NULL: /metrics alone shows it */
    void (*visit)(void *cls, const struct metric_visitor *visitor); /* NULL: there is no such part here */
    const char *(*state)(void *cls); /* how it is, in a word; NULL for one that says nothing of it */
    void *cls;
};

/* The same of one app of the table, in that app's object of /v1/stats. */
struct status_app_part {
    /* False where it has nothing to do with the app. NULL: there is no such part here. */
    bool (*visit)(void *cls, uint16_t app, const struct metric_visitor *visitor);
    void *cls;
};

struct status_user_events_query {
    uint64_t app_id;
    struct str user_id;
    uint64_t since_unix_ms; /* 0: all that is kept */
    uint64_t limit;
};

/* Who remembers the events of users. */
struct status_user_events {
    /* Hands the user's events to `visit`, the newest first; `*ret_complete`: none of those asked for is
     * missing. 0, above 0 where that would take too long, or -ENOMEM. NULL: nobody does. */
    int (*read)(void *cls, const struct status_user_events_query *query,
                void (*visit)(void *cls, const struct user_event *event), void *visit_cls,
                bool *ret_complete);
    void *cls;
};

/* All is borrowed for the life of the status. Callbacks are called from any of the listener's threads. */
struct status_config {
    struct table *table;
    struct online_minutes *online_minutes;
    const struct breakdown *breakdown;
    struct status_user_events user_events;
    const char *version;
    uint64_t started_unix_ms;
    uint64_t started_monotonic_ms;
    uint64_t (*unix_ms)(void); /* clock_unix_ms(), or a test's */
    uint64_t (*monotonic_ms)(void);
    unsigned max_streams;            /* of GET /v1/events */
    void (*wake_streams)(void *cls); /* http_listener_wake_streams(); called under locks of the table */
    void *wake_cls;
    struct status_health (*health)(void *cls);
    void *health_cls;
    struct warnings *warnings;
    struct refused_list *refused;    /* shown, and takes the requests that are refused here */
    const struct status_part *parts; /* in the order in which they are shown */
    size_t n_parts;
    struct status_app_part reconcile;
    struct status_part streams; /* status_new() sets it */
};

/* A token with which an app's questions are answered, and no other's. */
struct status_app_token {
    uint16_t app; /* in the table */
    struct str token;
};

/* What a reload may change; copied. Where there is any token, one of them is asked for. */
struct status_settings {
    const struct str *allowed_hosts; /* beside localhost and any IP literal */
    size_t n_allowed_hosts;
    struct str token; /* that of the listener, which opens all; empty: none */
    const struct status_app_token *app_tokens;
    size_t n_app_tokens;
};

struct status;

/* 0 or -ENOMEM. */
int status_new(const struct status_config *config, const struct status_settings *settings,
               struct status **ret_status);
void status_free(struct status *status);
DEFINE_CLEANUP(struct status *, status_free)

/* A copy of settings for status_adopt(). 0 or -ENOMEM. */
int status_prepare(const struct status_settings *settings, struct status_settings **ret_prepared);

/* Frees settings that are not adopted. Takes NULL. */
void status_discard(struct status_settings *prepared);
DEFINE_CLEANUP(struct status_settings *, status_discard)

/* Requests are checked against these from now on. Consumes them. */
void status_adopt(struct status *status, struct status_settings *prepared);

/* Of requests for what is not open to anybody: who was let in, and who was not, for Host or token. */
struct status_admission {
    uint64_t n_admitted;
    uint64_t n_not_admitted;
    const char *not_admitted_reason; /* of the last, in words; NULL: none yet */
};

void status_admission(const struct status *status, struct status_admission *ret_admission);

/* For struct http_config, with the status as its handler_cls. */
const struct http_handler *status_handler(void);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_STATUS_H
#define PRESENCED_STATUS_H

/* The status listener's handler: who is online, asked by local programs and people. Its calls come from the
 * listener's threads; status_adopt() may be called meanwhile. */

#include "presenced/histogram.h"
#include "presenced/history.h"
#include "presenced/request.h"
#include "presenced/table.h"
#include "presenced/warnings.h"

/* What the listener's max_body_bytes should be: room for the longest query, 1000 ids of 256 bytes, most of
 * them escaped. */
#define STATUS_MAX_BODY_BYTES ((size_t)1 << 20)

enum status_readiness {
    STATUS_STARTING,
    STATUS_READY,
    STATUS_DRAINING,
    STATUS_N_READINESS,
};

struct status_health {
    enum status_readiness readiness;
    const char *degraded; /* what is amiss though events are taken, a constant text; NULL: nothing */
};

/* A number that someone else keeps. Times are in ms or us, as the name says. */
struct status_number {
    const char *name;   /* its key in /v1/stats, and what metrics.h knows it by */
    const char *answer; /* of callbacks by outcome, how those are answered: "ok"; else NULL */
    uint64_t value;
};

struct status_visitor {
    void (*visit)(void *cls, const struct status_number *number);
    void *cls;
};

static inline void status_tell(const struct status_visitor *visitor, const char *name, uint64_t value)
{
    visitor->visit(visitor->cls, &(struct status_number){.name = name, .value = value});
}

/* A group of them: each() hands every one to the visitor. `name`: a key for JSON. */
struct status_counters {
    const char *name;
    void (*each)(void *cls, const struct status_visitor *visitor);
    void *cls;
};

/* What is told of the asking of Tencent for one app of the table: hands its numbers to the visitor. False
 * where that app has no key. */
struct status_reconcile {
    bool (*each)(void *cls, uint16_t app,
                 const struct status_visitor *visitor); /* NULL: it is not known here */
    void *cls;
};

/* All is borrowed for the life of the status. Callbacks are called from any of the listener's threads. */
struct status_config {
    struct table *table;
    struct history *history;
    const char *version;
    uint64_t started_unix_ms;
    uint64_t started_monotonic_ms;
    uint64_t (*unix_ms)(void); /* clock_unix_ms(), or a test's */
    struct status_health (*health)(void *cls);
    void *health_cls;
    struct warnings *warnings;
    struct status_counters events;        /* callbacks by outcome */
    struct status_counters configuration; /* what became of reloads */
    struct status_counters store;         /* each NULL: there is none */
    struct status_reconcile reconcile;
    const struct status_counters *listeners; /* one a listener, named as it */
    size_t n_listeners;
    const struct histogram *callback_durations; /* us */
    const struct histogram *event_lags;         /* ms */
};

/* What a reload may change; copied. */
struct status_settings {
    const struct str *allowed_hosts; /* beside localhost and any IP literal */
    size_t n_allowed_hosts;
    struct str token; /* empty: none is asked for */
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

/* For struct http_config, with the status as its handler_cls. */
const struct http_handler *status_handler(void);

#endif

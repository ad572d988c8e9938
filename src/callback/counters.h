/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_CALLBACK_COUNTERS_H
#define PRESENCED_CALLBACK_COUNTERS_H

/* Counters of callback outcomes by app, and their metrics. counters_init(), counters_fini(),
 * counters_add_app() and counters_set_tokens() are for one thread at a time; any thread may call the rest. */

#include "outcome.h"
#include "presenced/histogram.h"

#include <stdalign.h>
#include <stdatomic.h>

/* Index of the counters of a request: those of its app, or COUNTERS_NO_APP if SdkAppid is missing, unknown or
 * not configured. */
#define COUNTERS_NO_APP 0U
#define COUNTERS_OF_APP(index) (1U + (unsigned)(index))
#define COUNTERS_N (1U + TABLE_N_APPS_MAX)

/* The counters that each event updates are in the first cache line. */
struct app_counters {
    alignas(64) _Atomic uint64_t authentic_unix_ms; /* updated at most once a second; 0: none yet */
    _Atomic uint64_t n_by_token[SIGNATURE_N_TOKENS_MAX];
    _Atomic uint64_t n[CALLBACK_N_OUTCOMES];
    _Atomic uint64_t n_not_ok;
    _Atomic unsigned last_not_ok; /* enum callback_outcome */
    _Atomic unsigned n_tokens;    /* number of configured tokens */
};

struct counters {
    const struct table *table;
    _Atomic(struct app_counters *) apps[COUNTERS_N]; /* by index; NULL: the app was never configured */
    _Atomic uint64_t n_restamped;
    struct histogram durations; /* us; authentic callbacks, from http_request's begun_us to the reply */
    struct histogram lags;      /* ms; events whose EventTime is accepted, from it to their arrival */
};

/* Returns 0 or -ENOMEM. */
int counters_init(struct counters *counters, const struct table *table);
void counters_fini(struct counters *counters);

/* Creates the counters of an app, if there are none, before requests of it are counted. Returns 0 or -ENOMEM.
 */
int counters_add_app(struct counters *counters, uint16_t app);
void counters_set_tokens(struct counters *counters, uint16_t app, size_t n_tokens);

void counters_count(struct counters *counters, unsigned counter_index, enum callback_outcome outcome);

/* Called in addition to counters_count(); see n_not_ok in struct callback_app_stats. */
void counters_count_not_ok(struct counters *counters, unsigned counter_index, enum callback_outcome outcome);

/* Counts an authentic request. `token` is as in struct decision. */
void counters_count_authentic(struct counters *counters, uint16_t app, int token, uint64_t now_unix_ms);

void counters_count_restamped(struct counters *counters);

/* See callback_stats() and the functions after it in callback.h. */
void counters_read(const struct counters *counters, struct callback_stats *ret_stats);
bool counters_read_app(const struct counters *counters, uint16_t app, struct callback_app_stats *ret_stats);
void counters_read_listener(const struct counters *counters, struct callback_app_stats *ret_stats);
void counters_metrics(const struct counters *counters, const struct metric_visitor *visitor);

#endif

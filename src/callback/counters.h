/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_CALLBACK_COUNTERS_H
#define PRESENCED_CALLBACK_COUNTERS_H

/* What became of callbacks, counted by app, and their metrics. counters_add_app(), counters_set_tokens() and
 * what makes and ends the counters: one thread at a time; all else: any thread. */

#include "outcome.h"
#include "presenced/histogram.h"

#include <stdalign.h>
#include <stdatomic.h>

/* Where a request is counted: under its app, by its index in the table, or where SdkAppid is not of one that
 * is configured, or is not known, under none. */
#define OF_NO_APP 0U
#define OF_APP(index) (1U + (unsigned)(index))
#define COUNTERS_N (1U + TABLE_N_APPS_MAX)

/* What each event touches is in the first cache line. */
struct app_counters {
    alignas(64) _Atomic uint64_t authentic_unix_ms; /* another value in another second; 0: none came yet */
    _Atomic uint64_t n_by_token[SIGNATURE_N_TOKENS_MAX];
    _Atomic uint64_t n[CALLBACK_N_OUTCOMES];
    _Atomic uint64_t n_not_ok;
    _Atomic unsigned last_not_ok; /* outcome */
    _Atomic unsigned n_tokens;    /* that are configured */
};

struct counters {
    const struct table *table;
    _Atomic(struct app_counters *) of[COUNTERS_N]; /* NULL: the app was never configured */
    _Atomic uint64_t n_restamped;
    struct histogram durations; /* us; of authentic callbacks, from http_request's begun_us to the reply */
    struct histogram lags;      /* ms; of events whose EventTime is believed, from it to their arrival */
};

/* 0 or -ENOMEM. */
int counters_init(struct counters *counters, const struct table *table);
void counters_fini(struct counters *counters);

/* Before requests are counted under it; nothing where it was there. 0 or -ENOMEM. */
int counters_add_app(struct counters *counters, uint16_t app);
void counters_set_tokens(struct counters *counters, uint16_t app, size_t n_tokens);

void counters_count(struct counters *counters, unsigned counted_as, enum callback_outcome outcome);

/* Beside counters_count(): see struct callback_app_stats. */
void counters_note_not_ok(struct counters *counters, unsigned counted_as, enum callback_outcome outcome);

/* `token`: as in struct decision. */
void counters_note_authentic(struct counters *counters, uint16_t app, int token, uint64_t now_unix_ms);

void counters_note_restamped(struct counters *counters);

/* As callback.h says of callback_stats() and so on. */
void counters_read(const struct counters *counters, struct callback_stats *ret_stats);
bool counters_read_app(const struct counters *counters, uint16_t app, struct callback_app_stats *ret_stats);
void counters_read_listener(const struct counters *counters, struct callback_app_stats *ret_stats);
void counters_metrics(const struct counters *counters, const struct metric_visitor *visitor);

#endif

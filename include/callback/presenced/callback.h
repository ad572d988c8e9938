/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_CALLBACK_H
#define PRESENCED_CALLBACK_H

/* The callback listener's handler: checks a request, parses an authentic State.StateChange, applies it to the
 * table and words the answer. Its calls come from the listener's threads; callback_adopt() and
 * callback_stats() may be called meanwhile. */

#include "presenced/callback_outcomes.h"
#include "presenced/log.h"
#include "presenced/metric.h"
#include "presenced/refused.h"
#include "presenced/request.h"
#include "presenced/signature.h"
#include "presenced/state_change.h"
#include "presenced/user_event.h"

struct callback;

struct callback_app {
    struct str sdkappid;      /* compared as text */
    uint16_t app;             /* its index in the table */
    struct signature_key key; /* without a token callbacks of this app are taken unsigned */
    uint64_t sign_tolerance_ms;
};

/* Where a store keeps the table: how far it has come and what hinders it. From any of the listener's threads.
 */
struct callback_store {
    uint64_t (*durable_revision)(void *cls); /* NULL: there is no store */
    const char *(*problem)(void *cls);       /* NULL: none */
    void *cls;
};

/* Who remembers the events of users. Is told of each authentic one whose user can be read, with what came of
 * it, and waits for nothing. From any of the listener's threads. */
struct callback_history {
    void (*add)(void *cls, uint64_t app_id, struct str user_id,
                const struct user_event *event); /* NULL: nobody */
    void *cls;
};

/* Copied, but for table, store, history, refused, readiness and clock, which callback_new() alone reads and
 * which outlive the callback. */
struct callback_config {
    struct str path;
    const struct callback_app *apps;
    size_t n_apps;
    const struct network *allow; /* none: any peer may call */
    size_t n_allow;
    const struct network *trusted_proxies;
    size_t n_trusted_proxies;
    bool client_certificate_required;
    bool other_commands_ok;
    struct table *table;
    struct callback_store store;
    struct callback_history history;
    struct refused_list *refused; /* takes the requests that are not answered OK */
    bool (*is_ready)(void *cls);  /* what /readyz says; called from any of the listener's threads */
    void *is_ready_cls;
    uint64_t (*unix_ms)(void); /* NULL: clock_unix_ms() */
};

/* 0, -ENOMEM, or -ENOTSUP when OpenSSL has no SHA-256. */
int callback_new(const struct callback_config *config, struct callback **ret_callback);
void callback_free(struct callback *callback);
DEFINE_CLEANUP(struct callback *, callback_free)

/* What requests are checked against, made ready for callback_adopt(): the part of `config` that a reload may
 * change, copied; and counters for apps that are new. 0 or -ENOMEM. One thread at a time. */
struct rules;
int callback_prepare(struct callback *callback, const struct callback_config *config,
                     struct rules **ret_rules);
void callback_discard(struct rules *rules);
DEFINE_CLEANUP(struct rules *, callback_discard)

/* From now on requests are checked against `rules`, which are consumed. Those of before are kept until
 * callback_reclaim(), for requests may still be reading them. One thread at a time, as callback_reclaim(). */
void callback_adopt(struct callback *callback, struct rules *rules);

/* Frees rules that were superseded, once every thread of the listener has been outside of the handler since
 * (transport_listener_wait_round()): tokens that were taken out do not stay in memory. */
void callback_reclaim(struct callback *callback);

/* For struct http_config, with the callback as its handler_cls. */
const struct http_handler *callback_handler(void);

/* Of an authentic State.StateChange whose body is refused: state_change.h's, named bad_body_… */
enum callback_outcome {
#define CALLBACK_AS_ENUM(id, name, status, level, text) CALLBACK_##id,
    CALLBACK_OUTCOMES(CALLBACK_AS_ENUM)
#undef CALLBACK_AS_ENUM
#define CALLBACK_AS_ENUM(id, name, text) CALLBACK_BODY_##id,
        STATE_CHANGE_OUTCOMES(CALLBACK_AS_ENUM)
#undef CALLBACK_AS_ENUM
            CALLBACK_N_OUTCOMES,
};

const char *callback_outcome_name(enum callback_outcome outcome);

/* How it is answered: "ok", "fail", "refused" (an error of HTTP), or "health" for what was no callback. */
const char *callback_outcome_answer(enum callback_outcome outcome);

struct callback_stats {
    uint64_t n[CALLBACK_N_OUTCOMES]; /* requests by how they ended */
    uint64_t n_restamped;            /* of APPLIED: those whose EventTime was missing or too far ahead */
};

void callback_stats(const struct callback *callback, struct callback_stats *ret_stats);

/* Of an app, for who watches over it. */
struct callback_app_stats {
    uint64_t n_ok;
    uint64_t n_not_ok;          /* FAIL, or refused, with its SdkAppid */
    const char *not_ok_reason;  /* of the last, in words; NULL: none yet */
    uint64_t authentic_unix_ms; /* the last that was authentic, to a second; 0: none yet */
};

/* `app`: its index in the table. False where it was never configured. */
bool callback_app_stats(const struct callback *callback, uint16_t app, struct callback_app_stats *ret_stats);

/* Of the whole listener: what was answered OK; and what was not and is of no app that is configured, though
 * it seems meant for a callback: not the knocking of scanners. */
void callback_listener_stats(const struct callback *callback, struct callback_app_stats *ret_stats);

/* The same as metrics, and how long callbacks took and how late events were. */
void callback_metrics(const struct callback *callback, const struct metric_visitor *visitor);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_CALLBACK_H
#define PRESENCED_CALLBACK_H

/* The request handler of the callback listener: authenticates a request, parses a State.StateChange, applies
 * it to the table, and answers. The handler is called by the listener's threads; callback_adopt() and
 * callback_stats() may be called at the same time. */

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
    uint16_t app;             /* index of the app in the table */
    struct signature_key key; /* if it has no token, callbacks of this app are accepted unsigned */
    uint64_t sign_tolerance_ms;
};

/* How far the store has written the table, and what prevents it from writing. Called by any of the listener's
 * threads. */
struct callback_store {
    uint64_t (*durable_revision)(void *cls); /* NULL: there is no store */
    const char *(*problem)(void *cls);       /* NULL: none */
    void *cls;
};

/* Receives each authentic event whose user can be read, with its outcome, for the event history. Must not
 * block. Called by any of the listener's threads. */
struct callback_history {
    void (*add)(void *cls, uint64_t app_id, struct str user_id,
                const struct user_event *event); /* NULL: there is no history */
    void *cls;
};

/* Everything is copied except table, store, history, refused, is_ready and unix_ms, which only callback_new()
 * reads and which must outlive the callback. */
struct callback_config {
    struct str path;
    const struct callback_app *apps;
    size_t n_apps;
    const struct network *allow; /* empty: any peer may call */
    size_t n_allow;
    const struct network *trusted_proxies;
    size_t n_trusted_proxies;
    bool client_certificate_required;
    bool other_commands_ok;
    struct table *table;
    struct callback_store store;
    struct callback_history history;
    struct refused_list *refused; /* receives the requests that are not answered OK */
    bool (*is_ready)(void *cls);  /* the answer of /readyz; called by any of the listener's threads */
    void *is_ready_cls;
    uint64_t (*unix_ms)(void); /* NULL: clock_unix_ms() */
};

/* Returns 0, -ENOMEM, or -ENOTSUP if OpenSSL has no SHA-256. */
int callback_new(const struct callback_config *config, struct callback **ret_callback);
void callback_free(struct callback *callback);
DEFINE_CLEANUP(struct callback *, callback_free)

/* Prepares the rules that requests are checked against, for callback_adopt(): copies the part of `config`
 * that a reload may change, and creates counters for new apps. Returns 0 or -ENOMEM. For one thread at a
 * time. */
struct rules;
int callback_prepare(struct callback *callback, const struct callback_config *config,
                     struct rules **ret_rules);
void callback_discard(struct rules *rules);
DEFINE_CLEANUP(struct rules *, callback_discard)

/* Makes `rules` current and takes ownership of them. The previous rules are kept until callback_reclaim(),
 * because requests may still be reading them. For one thread at a time, together with callback_reclaim(). */
void callback_adopt(struct callback *callback, struct rules *rules);

/* Frees replaced rules, so that removed tokens do not stay in memory. May be called once every thread of the
 * listener has left the handler since callback_adopt() (transport_listener_wait_round()). */
void callback_reclaim(struct callback *callback);

/* The handler for struct http_config; the callback is its handler_cls. */
const struct http_handler *callback_handler(void);

/* The outcomes bad_body_… are those of state_change.h: the body of an authentic State.StateChange is
 * rejected. */
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

/* Returns how an outcome is answered: "ok", "fail", "refused" (an HTTP error), or "health" for a health
 * check. */
const char *callback_outcome_answer(enum callback_outcome outcome);

struct callback_stats {
    uint64_t n[CALLBACK_N_OUTCOMES]; /* requests by outcome */
    uint64_t n_restamped;            /* APPLIED events whose EventTime was missing or too far ahead */
};

void callback_stats(const struct callback *callback, struct callback_stats *ret_stats);

/* Counters of one app, for monitoring. */
struct callback_app_stats {
    uint64_t n_ok;
    uint64_t n_not_ok;          /* requests with its SdkAppid answered FAIL or refused */
    const char *not_ok_reason;  /* reason of the last one, in words; NULL: none yet */
    uint64_t authentic_unix_ms; /* time of the last authentic request, to a second; 0: none yet */
};

/* `app` is the index in the table. Returns false if it was never configured. */
bool callback_app_stats(const struct callback *callback, uint16_t app, struct callback_app_stats *ret_stats);

/* Counters of the whole listener: n_ok counts all apps. n_not_ok counts requests that belong to no configured
 * app but were probably meant as callbacks, which excludes port scans. */
void callback_listener_stats(const struct callback *callback, struct callback_app_stats *ret_stats);

/* Reports all counters as metrics, and histograms of the duration of callbacks and the delay of events. */
void callback_metrics(const struct callback *callback, const struct metric_visitor *visitor);

#endif

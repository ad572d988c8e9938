/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_CALLBACK_H
#define PRESENCED_CALLBACK_H

/* The callback listener's handler: checks a request, parses an authentic State.StateChange, applies it to the
 * table and words the answer. Its calls come from the listener's threads; callback_adopt() and
 * callback_stats() may be called meanwhile. */

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

/* How a request ends: outcome, name for counters, status, level of its log line, and what the answer's
 * ErrorInfo says: where it says something, the answer is FAIL and a line is logged. */
#define CALLBACK_OUTCOMES(X)                                                                               \
    X(APPLIED, "applied", 200, DEBUG, "")                                                                  \
    X(UNCHANGED, "unchanged", 200, DEBUG, "")                                                              \
    X(FORGOTTEN, "forgotten", 200, DEBUG, "")                                                              \
    X(OTHER_COMMAND_OK, "other_command_ok", 200, DEBUG, "")                                                \
    X(HEALTHY, "healthy", 200, DEBUG, "")                                                                  \
    X(NOT_READY, "not_ready", 503, DEBUG, "presenced is not ready")                                        \
    X(OTHER_PATH, "other_path", 404, INFO,                                                                 \
      "this is not the path of the callback URL; health checks are answered at /livez and /readyz")        \
    X(OTHER_METHOD, "other_method", 405, INFO,                                                             \
      "a callback comes by POST; health checks are answered at /livez and /readyz")                        \
    X(REFUSED_PEER, "refused_peer", 403, WARNING,                                                          \
      "the caller's address is in none of the networks of allow")                                          \
    X(REFUSED_CERTIFICATE, "refused_certificate", 403, WARNING,                                            \
      "a client certificate that client_ca signed is required")                                            \
    X(REFUSED_TWICE, "refused_twice", 403, WARNING, "SdkAppid, Sign or RequestTime comes twice")           \
    X(REFUSED_NO_APP, "refused_no_app", 403, WARNING,                                                      \
      "SdkAppid is missing, and Sign is no valid one of an app that is configured")                        \
    X(REFUSED_APP, "refused_app", 403, WARNING, "SdkAppid is not one that is configured")                  \
    X(REFUSED_NO_SIGN, "refused_no_sign", 403, WARNING,                                                    \
      "Sign or RequestTime is missing, and the app has a token: is authentication on in the console?")     \
    X(REFUSED_SIGN_FORM, "refused_sign_form", 403, WARNING, "Sign is not 64 hexadecimal digits")           \
    X(REFUSED_TIME_FORM, "refused_time_form", 403, WARNING, "RequestTime is not a number of seconds")      \
    X(REFUSED_TIME, "refused_time", 403, WARNING,                                                          \
      "RequestTime is further from this machine's clock than sign_tolerance")                              \
    X(REFUSED_SIGN, "refused_sign", 403, WARNING, "Sign was not made with a token of this app")            \
    X(URL_CHECK, "url_check", 200, NOTICE,                                                                 \
      "the callback URL works: the signed request names no SdkAppid, as the console's check does not")     \
    X(NO_COMMAND, "no_command", 200, WARNING, "CallbackCommand is missing in the URL")                     \
    X(OTHER_COMMAND, "other_command", 200, WARNING,                                                        \
      "presenced serves State.StateChange alone; FAIL to a callback before messages may block them: turn " \
      "that callback off in the console, or set other_commands = ok")                                      \
    X(PARAMETER_TWICE, "parameter_twice", 200, WARNING,                                                    \
      "CallbackCommand, OptPlatform or ClientIP comes twice")                                              \
    X(PARAMETER_ESCAPE, "parameter_escape", 200, WARNING,                                                  \
      "CallbackCommand, OptPlatform or ClientIP is not percent-encoded as it should be")                   \
    X(FULL, "full", 200, ERROR, "max_users users are held and none of them is offline")                    \
    X(NO_MEMORY, "no_memory", 200, ERROR, "presenced is out of memory")                                    \
    X(NOT_STORED, "not_stored", 200, ERROR, "presenced cannot store the event")                            \
    X(BAD_FRAMING, "bad_framing", 400, WARNING, "the request's framing is in doubt")                       \
    X(NO_LENGTH, "no_length", 411, WARNING, "Content-Length is missing")                                   \
    X(TOO_LARGE, "too_large", 413, WARNING, "the body is longer than max_body")

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

/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_TESTS_STATUS_FIXTURE_H
#define PRESENCED_TESTS_STATUS_FIXTURE_H

/* A struct status with a real table but without a listener: requests are passed to its handler, and its
 * replies can be read. */

#include "presenced/reply.h"
#include "presenced/status.h"

#include <check.h>
#include <cjson/cJSON.h>

#define NOW_MS UINT64_C(1700000000000)
#define WINDOW_MS UINT64_C(604800000)
#define FORGET_AFTER_MS (2 * WINDOW_MS)
#define APP_ID UINT64_C(1400000000)
#define OTHER_APP_ID UINT64_C(1400000001)

#define FIXTURE_MAX_STREAMS 3

struct fixture {
    struct table *table;
    struct online_minutes *online_minutes;
    struct breakdown *breakdown;
    struct warnings *warnings;
    struct refused_list *refused;
    struct status *status;
    uint64_t now_ms; /* the status's current time */
    uint64_t monotonic_ms;
    unsigned n_wakes;                      /* calls of status_config.wake_streams() */
    struct status_health health;           /* what status_config.health() returns */
    bool memory_is_gone;                   /* replies cannot be created */
    struct status_user_events user_events; /* used by the next fixture_start_…() */
};

extern struct fixture fixture;

/* For checked fixtures: one or two apps, and no settings. */
void fixture_start_one_app(void);
void fixture_start_two_apps(void);
void fixture_stop(void);

struct event {
    enum table_event_kind kind;
    uint16_t app;
    const char *user;
    uint8_t platform;
    uint8_t reason;
    uint64_t time_ms;
    const char *client; /* NULL: none */
    const char *custom_status;
};

/* Applies an event, received 100 ms after it happened. */
void happen(struct event event);

/* Makes a request and returns the reply. `headers` end with a name of NULL. */
struct http_reply *ask_with(const struct http_header *headers, const char *method, const char *target,
                            struct str body);

/* Make a request with the Host header localhost:8080 and no other header. */
struct http_reply *get(const char *target);
struct http_reply *post(const char *target, const char *body);

unsigned reply_status(const struct http_reply *reply);
const char *reply_body(const struct http_reply *reply);
const char *reply_header(const struct http_reply *reply, const char *name); /* NULL: none */

/* Returns the functions of a streaming reply, or NULL for another reply. */
const struct http_stream *reply_stream(const struct http_reply *reply, void **ret_cls);

/* Returns the parsed body; the caller calls cJSON_Delete(). */
cJSON *reply_json(const struct http_reply *reply);

/* Fail the test unless the reply has this status and body, or this problem. Free the reply. */
void expect_body(struct http_reply *reply, unsigned status, const char *body);
void expect_problem(struct http_reply *reply, unsigned status, const char *detail);

/* Replaces the settings of the fixture's status. */
void use_settings(const struct status_settings *settings);

#endif

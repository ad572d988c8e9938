/* SPDX-License-Identifier: MIT */
#include "event.h"

#include "location.h"

#include "presenced/array.h"
#include "presenced/json.h"
#include "presenced/signature.h"

#define COMMAND "State.StateChange"

bool event_parse_action(struct str word, struct event *event)
{
    static const struct {
        const char *word;
        const char *action;
        const char *reason;
        const char *platform; /* NULL: the platform given by the user */
    } actions[] = {
        {"login", "Login", "Register", NULL},
        {"logout", "Logout", "Unregister", NULL},
        {"disconnect", "Disconnect", "LinkClose", NULL},
        {"custom-status", "CustomStatusChange", "SetCustomStatus", NULL},
        {"kick", "Logout", "Unregister", "RESTAPI"},
    };
    for (size_t i = 0; i < N_ELEMENTS(actions); i++) {
        if (str_equal(word, str_from(actions[i].word))) {
            event->action = str_from(actions[i].action);
            event->reason = str_from(actions[i].reason);
            if (actions[i].platform != NULL) {
                event->platform = str_from(actions[i].platform);
            }
            return true;
        }
    }
    return false;
}

/* The parameters have the order seen in captured callbacks. */
void event_append_query(const struct event *event, uint64_t app, struct buf *out)
{
    location_append_parameter(out, "CallbackCommand", STR(COMMAND));
    location_append_parameter(out, "ClientIP", STR("127.0.0.1"));
    location_append_parameter(out, "OptPlatform", event->platform);
    location_append_number(out, "SdkAppid", app);
    location_append_parameter(out, "contenttype", STR("json"));
}

static void write_kicked(struct json_writer *json, struct str names)
{
    struct str name;
    json_begin_array(json, "KickedDevice");
    while (names.len > 0 && str_split(&names, ',', &name)) {
        json_begin_object(json, NULL);
        json_str(json, "Platform", str_trim(name));
        json_end_object(json);
    }
    json_end_array(json);
}

void event_append_body(const struct event *event, struct buf *out)
{
    struct json_writer json = {.out = out};
    json_begin_object(&json, NULL);
    json_str(&json, "CallbackCommand", STR(COMMAND));
    json_u64(&json, "EventTime", event->time_ms);
    json_begin_object(&json, "Info");
    json_str(&json, "To_Account", event->user);
    json_str(&json, "Action", event->action);
    json_str(&json, "Reason", event->reason);
    if (event->custom_status.ptr != NULL) {
        json_str(&json, "CustomStatus", event->custom_status);
    }
    json_end_object(&json);
    if (event->kicked.len > 0) {
        write_kicked(&json, event->kicked);
    }
    json_end_object(&json);
}

int event_append_sign(struct str token, uint64_t unix_s, struct buf *out)
{
    char sign[SIGNATURE_TEXT_SIZE];
    cleanup(buf_fini) struct buf time = {0};
    buf_append_u64(&time, unix_s);
    int r = signature_make(token, buf_str(&time), sign);
    if (r < 0) {
        return r;
    }
    location_append_parameter(out, "RequestTime", buf_str(&time));
    location_append_parameter(out, "Sign", str_from(sign));
    return 0;
}

void event_append_unsigned(struct str query, struct buf *out)
{
    struct str pair;
    bool is_first = true;
    while (query.len > 0 && str_split(&query, '&', &pair)) {
        if (!str_starts_with(pair, STR("Sign=")) && !str_starts_with(pair, STR("RequestTime="))) {
            buf_append_char(out, is_first ? '?' : '&');
            buf_append(out, pair);
            is_first = false;
        }
    }
}

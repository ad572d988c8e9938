/* SPDX-License-Identifier: MIT */
/* Input: the body of a State.StateChange. */
#include "presenced/state_change.h"

#include "fuzz.h"
#include "presenced/json.h"

static const char *const action_names[] = {
    [TABLE_LOGIN] = "Login",
    [TABLE_LOGOUT] = "Logout",
    [TABLE_DISCONNECT] = "Disconnect",
    [TABLE_CUSTOM_STATUS] = "CustomStatusChange",
};

static const char *const reason_names[] = {
    [ROW_REASON_REGISTER] = "Register",
    [ROW_REASON_UNREGISTER] = "Unregister",
    [ROW_REASON_LINK_CLOSE] = "LinkClose",
    [ROW_REASON_TIMEOUT] = "TimeOut",
    [ROW_REASON_KICKED] = NULL,
    [ROW_REASON_OTHER] = "Other",
};

static int parse(struct str body, struct platform_names *names, struct state_change *ret_change)
{
    return state_change_parse(body, STR(STATE_CHANGE_COMMAND), names, ret_change);
}

static void check_bounds(const struct state_change *change)
{
    FUZZ_CHECK(change->user_id.len >= 1 && change->user_id.len <= USER_ID_MAX);
    FUZZ_CHECK(str_is_utf8(change->user_id));
    FUZZ_CHECK(memchr(change->user_id.ptr, '\0', change->user_id.len) == NULL);
    FUZZ_CHECK(change->custom_status.len <= USER_CUSTOM_STATUS_MAX && str_is_utf8(change->custom_status));
    FUZZ_CHECK(change->event_time_ms <= EVENT_TIME_MAX_MS);
    FUZZ_CHECK(change->has_event_time || change->event_time_ms == 0);
    FUZZ_CHECK(change->reason != ROW_REASON_KICKED);
    FUZZ_CHECK(change->kind != TABLE_LOGOUT ||
               (change->reason != ROW_REASON_LINK_CLOSE && change->reason != ROW_REASON_TIMEOUT));
    FUZZ_CHECK(change->kind == TABLE_CUSTOM_STATUS || change->custom_status.len == 0);
}

static void write_kicked(struct json_writer *json, const struct state_change *change,
                         const struct platform_names *names)
{
    json_begin_array(json, "KickedDevice");
    for (unsigned i = 0; i < PLATFORM_N_MAX; i++) {
        if (platform_set_has(&change->kicked, (uint8_t)i)) {
            FUZZ_CHECK(change->kind == TABLE_LOGIN && i < platform_count(names));
            json_begin_object(json, NULL);
            json_str(json, "Platform", platform_name(names, (uint8_t)i));
            json_end_object(json);
        }
    }
    json_end_array(json);
}

static void write_change(struct buf *out, const struct state_change *change,
                         const struct platform_names *names)
{
    struct json_writer json = {.out = out};
    json_begin_object(&json, NULL);
    json_str(&json, "CallbackCommand", STR(STATE_CHANGE_COMMAND));
    if (change->has_event_time) {
        json_u64(&json, "EventTime", change->event_time_ms);
    }
    json_begin_object(&json, "Info");
    json_str(&json, "Action", str_from(action_names[change->kind]));
    json_str(&json, "To_Account", change->user_id);
    json_str(&json, "Reason", str_from(reason_names[change->reason]));
    json_str(&json, "CustomStatus", change->custom_status);
    json_end_object(&json);
    write_kicked(&json, change, names);
    json_end_object(&json);
    FUZZ_CHECK(!out->failed);
}

static void check_equal(const struct state_change *a, const struct state_change *b)
{
    FUZZ_CHECK(a->kind == b->kind && a->reason == b->reason);
    FUZZ_CHECK(str_equal(a->user_id, b->user_id) && str_equal(a->custom_status, b->custom_status));
    FUZZ_CHECK(a->has_event_time == b->has_event_time && a->event_time_ms == b->event_time_ms);
    FUZZ_CHECK(memcmp(&a->kicked, &b->kicked, sizeof(a->kicked)) == 0);
}

static void check_round_trip(const struct state_change *change, struct platform_names *names)
{
    cleanup(buf_fini) struct buf text = {0};
    struct state_change again;
    write_change(&text, change, names);
    FUZZ_CHECK(json_check(buf_str(&text)) == 0);
    FUZZ_CHECK(parse(buf_str(&text), names, &again) == 0);
    check_equal(change, &again);
    state_change_fini(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str body = {(const char *)data, size};
    struct state_change change;
    cleanup(platform_names_freep) struct platform_names *names = NULL;
    FUZZ_CHECK(platform_names_new(&names) == 0);
    int checked = json_check(body);
    int r = parse(body, names, &change);
    FUZZ_CHECK(r >= 0 && r < STATE_CHANGE_N_OUTCOMES); /* so cJSON reads all that json_check() passes */
    FUZZ_CHECK(checked == 0 ? r == 0 || r >= JSON_CHECK_N_OUTCOMES : r == checked);
    if (r != 0) {
        FUZZ_CHECK(platform_count(names) == PLATFORM_N_KNOWN);
        return 0;
    }
    check_bounds(&change);
    check_round_trip(&change, names);
    state_change_fini(&change);
    return 0;
}

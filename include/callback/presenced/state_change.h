/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_STATE_CHANGE_H
#define PRESENCED_STATE_CHANGE_H

/* Parses and validates the body of a State.StateChange callback (protocol.md). A struct state_change is used
 * by one thread at a time; different threads may use different ones. */

#include "presenced/json_check.h"
#include "presenced/table.h"

#define STATE_CHANGE_COMMAND "State.StateChange"

/* Outcome, its name in counters, and the text shown to people. The outcomes of json_check() come first and
 * have the same numbers. */
#define STATE_CHANGE_OUTCOMES(X)                                                                        \
    JSON_CHECK_OUTCOMES(X)                                                                              \
    X(NOT_OBJECT, "not_object", "the body is not a JSON object")                                        \
    X(DUPLICATE_KEY, "duplicate_key", "a key comes twice in one object of the body")                    \
    X(COMMAND_MISSING, "command_missing", "CallbackCommand is missing in the body, or is not a string") \
    X(COMMAND_MISMATCH, "command_mismatch", "CallbackCommand of the URL and of the body differ")        \
    X(INFO_MISSING, "info_missing", "Info is missing, or is not an object")                             \
    X(ACTION_MISSING, "action_missing", "Info.Action is missing, or is not a string")                   \
    X(ACTION_UNKNOWN, "action_unknown", "Info.Action is not one that is known")                         \
    X(USER_MISSING, "user_missing", "Info.To_Account is missing, or is not a string")                   \
    X(USER_LENGTH, "user_length", "Info.To_Account is not of 1 to 256 bytes")                           \
    X(REASON, "reason", "Info.Reason is not a string")                                                  \
    X(EVENT_TIME, "event_time", "EventTime is not an integer from 0 to 9007199254740991")               \
    X(KICKED_DEVICE, "kicked_device", "KickedDevice is not an array of objects with a Platform string") \
    X(STATUS_MISSING, "status_missing", "CustomStatus is missing, or is not a string")                  \
    X(STATUS_LENGTH, "status_length", "CustomStatus has more than 256 bytes")

enum state_change_outcome {
    STATE_CHANGE_OK,
#define STATE_CHANGE_AS_ENUM(id, name, text) STATE_CHANGE_##id,
    STATE_CHANGE_OUTCOMES(STATE_CHANGE_AS_ENUM)
#undef STATE_CHANGE_AS_ENUM
        STATE_CHANGE_N_OUTCOMES,
};

/* The fields are those of struct table_event. Strings are valid until state_change_fini(). */
struct state_change {
    enum table_event_kind kind;
    enum row_reason reason;
    struct str user_id;
    bool has_event_time;
    uint64_t event_time_ms;
    struct platform_set kicked; /* for TABLE_LOGIN */
    struct str custom_status;   /* for TABLE_CUSTOM_STATUS; "" if empty */
    struct cJSON *tree;
};

/* Parses a body. `command` is the CallbackCommand of the URL, which the body's must equal. Platform names are
 * interned only if everything else is valid. Returns 0, an outcome, or -ENOMEM. After 0, the caller releases
 * `ret_change` with state_change_fini(). */
int state_change_parse(struct str body, struct str command, struct platform_names *names,
                       struct state_change *ret_change);
void state_change_fini(struct state_change *change);

/* Finds the user in a body that state_change_parse() rejected, so that the history of that user can contain
 * the rejected event. The user id is copied into `storage`. Returns false if it cannot be read. */
bool state_change_find_user(struct str body, char storage[static USER_ID_MAX], struct str *ret_user);

/* Returns the spelling of Info.Action; constant. */
struct str state_change_action_name(enum table_event_kind kind);

#endif

/* SPDX-License-Identifier: MIT */
#include "member.h"
#include "verdict.h"

#include "presenced/array.h"
#include "presenced/json_check.h"

#define USER_ID_MAX 256
#define CUSTOM_STATUS_MAX 256

static const struct {
    const char *outcome;
    const char *text;
} json_outcomes[] = {
#define AS_ROW(id, name, text) [JSON_CHECK_##id] = {"bad_body_" name, text},
    JSON_CHECK_OUTCOMES(AS_ROW)
#undef AS_ROW
};

static void refuse(struct verdict *verdict, const char *outcome, const char *text)
{
    verdict_fail_body(verdict, outcome, "%s", text);
}

/* Returns the first key that occurs twice in one object, or NULL. */
static const char *find_duplicate(const cJSON *tree)
{
    for (const cJSON *a = tree->child; a != NULL; a = a->next) {
        const char *found = find_duplicate(a);
        for (const cJSON *b = a->next; found == NULL && cJSON_IsObject(tree) && b != NULL; b = b->next) {
            found = strcmp(a->string, b->string) == 0 ? a->string : NULL;
        }
        if (found != NULL) {
            return found;
        }
    }
    return NULL;
}

static bool check_command(const cJSON *tree, struct verdict *verdict)
{
    const char *command = cJSON_GetStringValue(member(tree, "CallbackCommand"));
    if (command == NULL) {
        refuse(verdict, "bad_body_command_missing",
               "CallbackCommand is missing in the body, or is not a string");
        return false;
    }
    if (strcmp(command, "State.StateChange") != 0) {
        refuse(verdict, "bad_body_command_mismatch", "CallbackCommand of the URL and of the body differ");
        return false;
    }
    return true;
}

static bool check_action(const cJSON *info, struct verdict *verdict)
{
    static const char *const known[] = {"Login", "Logout", "Disconnect", "CustomStatusChange"};
    const char *action = cJSON_GetStringValue(member(info, "Action"));
    if (action == NULL) {
        refuse(verdict, "bad_body_action_missing", "Info.Action is missing, or is not a string");
        return false;
    }
    for (size_t i = 0; i < N_ELEMENTS(known); i++) {
        if (strcmp(action, known[i]) == 0) {
            return true;
        }
    }
    verdict_fail_body(verdict, "bad_body_action_unknown",
                      "Info.Action is %s, not Login, Logout, Disconnect or CustomStatusChange", action);
    return false;
}

static bool check_user(const cJSON *info, struct verdict *verdict)
{
    const char *user = cJSON_GetStringValue(member(info, "To_Account"));
    if (user == NULL) {
        refuse(verdict, "bad_body_user_missing", "Info.To_Account is missing, or is not a string");
        return false;
    }
    if (user[0] == '\0' || strlen(user) > USER_ID_MAX) {
        refuse(verdict, "bad_body_user_length", "Info.To_Account is not of 1 to 256 bytes");
        return false;
    }
    return true;
}

static bool check_custom_status(const cJSON *tree, const cJSON *info, struct verdict *verdict)
{
    const cJSON *holder = member(info, "CustomStatus") != NULL ? info : tree;
    const char *status = cJSON_GetStringValue(member(holder, "CustomStatus"));
    if (status == NULL) {
        refuse(verdict, "bad_body_status_missing", "CustomStatus is missing, or is not a string");
        return false;
    }
    if (strlen(status) > CUSTOM_STATUS_MAX) {
        refuse(verdict, "bad_body_status_length", "CustomStatus has more than 256 bytes");
        return false;
    }
    return true;
}

static bool check_info(const cJSON *tree, struct verdict *verdict)
{
    const cJSON *info = member(tree, "Info");
    if (!cJSON_IsObject(info)) {
        refuse(verdict, "bad_body_info_missing", "Info is missing, or is not an object");
        return false;
    }
    if (!check_action(info, verdict) || !check_user(info, verdict)) {
        return false;
    }
    if (member(info, "Reason") != NULL && !cJSON_IsString(member(info, "Reason"))) {
        refuse(verdict, "bad_body_reason", "Info.Reason is not a string");
        return false;
    }
    return !str_equal(member_text(info, "Action"), STR("CustomStatusChange")) ||
           check_custom_status(tree, info, verdict);
}

static bool check_event_time(const cJSON *tree, struct verdict *verdict)
{
    const cJSON *time = member(tree, "EventTime");
    double value = cJSON_GetNumberValue(time);
    if (time != NULL && (!cJSON_IsNumber(time) || !(value >= 0 && value <= 9007199254740991.0) ||
                         value != (double)(uint64_t)value)) {
        refuse(verdict, "bad_body_event_time", "EventTime is not an integer from 0 to 9007199254740991");
        return false;
    }
    return true;
}

static bool is_kicked_list(const cJSON *devices)
{
    const cJSON *device;
    if (devices != NULL && !cJSON_IsArray(devices)) {
        return false;
    }
    cJSON_ArrayForEach(device, devices)
    {
        const cJSON *platform = member(device, "Platform");
        if (!cJSON_IsObject(device) || (platform != NULL && !cJSON_IsString(platform))) {
            return false;
        }
    }
    return true;
}

static bool check_kicked(const cJSON *tree, struct verdict *verdict)
{
    bool is_login = str_equal(member_text(member(tree, "Info"), "Action"), STR("Login"));
    if (is_login && !is_kicked_list(member(tree, "KickedDevice"))) {
        refuse(verdict, "bad_body_kicked_device",
               "KickedDevice is not an array of objects with a Platform string");
        return false;
    }
    return true;
}

static void check_tree(const cJSON *tree, struct verdict *verdict)
{
    const char *twice = cJSON_IsObject(tree) ? find_duplicate(tree) : NULL;
    if (!cJSON_IsObject(tree)) {
        refuse(verdict, "bad_body_not_object", "the body is not a JSON object");
        return;
    }
    if (twice != NULL) {
        verdict_fail_body(verdict, "bad_body_duplicate_key",
                          "the key %s comes twice in one object of the body", twice);
        return;
    }
    if (!check_command(tree, verdict) || !check_info(tree, verdict) || !check_event_time(tree, verdict) ||
        !check_kicked(tree, verdict)) {
        return;
    }
    const cJSON *info = member(tree, "Info");
    verdict_pass(verdict, "body", "%.*s of %.*s", STR_FMT(member_text(info, "Action")),
                 STR_FMT(member_text(info, "To_Account")));
}

void check_body(struct str body, struct verdict *verdict)
{
    int outcome = json_check(body);
    if (outcome != JSON_CHECK_OK) {
        refuse(verdict, json_outcomes[outcome].outcome, json_outcomes[outcome].text);
        return;
    }
    cleanup(document_freep) cJSON *tree = cJSON_ParseWithLength(body.ptr, body.len);
    check_tree(tree, verdict);
}

/* SPDX-License-Identifier: MIT */
#include "presenced/state_change.h"

#include "json_tree.h"
#include "presenced/array.h"
#include "presenced/json_read.h"

#include <cjson/cJSON.h>
#include <errno.h>

static bool text_member(const cJSON *object, const char *key, struct str *ret_text)
{
    return json_read_text(json_read_member(object, key), ret_text);
}

static int read_command(const cJSON *tree, struct str command)
{
    struct str value;
    if (!text_member(tree, "CallbackCommand", &value)) {
        return STATE_CHANGE_COMMAND_MISSING;
    }
    return str_equal(value, command) ? 0 : STATE_CHANGE_COMMAND_MISMATCH;
}

static const struct str action_names[] = {
    [TABLE_LOGIN] = {"Login", 5},
    [TABLE_LOGOUT] = {"Logout", 6},
    [TABLE_DISCONNECT] = {"Disconnect", 10},
    [TABLE_CUSTOM_STATUS] = {"CustomStatusChange", 18},
};

struct str state_change_action_name(enum table_event_kind kind)
{
    return action_names[kind];
}

static bool parse_action(struct str text, enum table_event_kind *ret_kind)
{
    for (unsigned kind = 0; kind < N_ELEMENTS(action_names); kind++) {
        if (str_equal(text, action_names[kind])) {
            *ret_kind = (enum table_event_kind)kind;
            return true;
        }
    }
    return false;
}

static const char *const event_reason_names[] = {
#define NAME_OF(id, name) [ROW_REASON_##id] = (name),
    ROW_EVENT_REASONS(NAME_OF)
#undef NAME_OF
};

/* The vendor may add reasons. Unknown ones count as ROW_REASON_OTHER and do not change what the action does.
 */
static enum row_reason parse_reason(struct str text)
{
    for (unsigned reason = 0; reason < N_ELEMENTS(event_reason_names); reason++) {
        if (str_equal(text, str_from(event_reason_names[reason]))) {
            return (enum row_reason)reason;
        }
    }
    /* The spelling before 2019. */
    if (str_equal(text, STR("Timeout"))) {
        return ROW_REASON_TIMEOUT;
    }
    return ROW_REASON_OTHER;
}

static int read_action(const cJSON *info, struct state_change *change)
{
    struct str text;
    if (!text_member(info, "Action", &text)) {
        return STATE_CHANGE_ACTION_MISSING;
    }
    return parse_action(text, &change->kind) ? 0 : STATE_CHANGE_ACTION_UNKNOWN;
}

static int read_user(const cJSON *info, struct state_change *change)
{
    if (!text_member(info, "To_Account", &change->user_id)) {
        return STATE_CHANGE_USER_MISSING;
    }
    return user_is_id(change->user_id) ? 0 : STATE_CHANGE_USER_LENGTH;
}

static int read_reason(const cJSON *info, struct state_change *change)
{
    struct str text = STR("");
    if (json_read_member(info, "Reason") != NULL && !text_member(info, "Reason", &text)) {
        return STATE_CHANGE_REASON;
    }
    change->reason = parse_reason(text);
    bool link_was_lost = change->reason == ROW_REASON_LINK_CLOSE || change->reason == ROW_REASON_TIMEOUT;
    if (change->kind == TABLE_LOGOUT && link_was_lost) {
        change->kind = TABLE_DISCONNECT; /* the format of 2016 reports lost connections as Logout */
    }
    return 0;
}

static int read_event_time(const cJSON *tree, struct state_change *change)
{
    const cJSON *item = json_read_member(tree, "EventTime");
    if (item == NULL) {
        return 0;
    }
    if (!json_read_u64(item, EVENT_TIME_MAX_MS, &change->event_time_ms)) {
        return STATE_CHANGE_EVENT_TIME;
    }
    change->has_event_time = true;
    return 0;
}

static int read_custom_status(const cJSON *tree, const cJSON *info, struct state_change *change)
{
    const cJSON *holder = json_read_member(info, "CustomStatus") != NULL ? info : tree;
    if (!text_member(holder, "CustomStatus", &change->custom_status)) {
        return STATE_CHANGE_STATUS_MISSING;
    }
    return change->custom_status.len <= USER_CUSTOM_STATUS_MAX ? 0 : STATE_CHANGE_STATUS_LENGTH;
}

static int check_kicked(const cJSON *devices)
{
    const cJSON *device;
    if (devices != NULL && !cJSON_IsArray(devices)) {
        return STATE_CHANGE_KICKED_DEVICE;
    }
    cJSON_ArrayForEach(device, devices)
    {
        if (!cJSON_IsObject(device)) {
            return STATE_CHANGE_KICKED_DEVICE;
        }
        const cJSON *platform = json_read_member(device, "Platform");
        if (platform != NULL && !cJSON_IsString(platform)) {
            return STATE_CHANGE_KICKED_DEVICE;
        }
    }
    return 0;
}

static void intern_kicked(const cJSON *devices, struct platform_names *names, struct platform_set *set)
{
    const cJSON *device;
    cJSON_ArrayForEach(device, devices)
    {
        struct str name;
        if (text_member(device, "Platform", &name)) {
            platform_set_add(set, platform_intern(names, name));
        } /* ignored without a name, because rejecting the callback would lose the login */
    }
}

static int read_info(const cJSON *tree, struct state_change *change)
{
    const cJSON *info = json_read_member(tree, "Info");
    if (!cJSON_IsObject(info)) {
        return STATE_CHANGE_INFO_MISSING;
    }
    int r = read_action(info, change);
    if (r != 0) {
        return r;
    }
    r = read_user(info, change);
    if (r != 0) {
        return r;
    }
    r = read_reason(info, change);
    if (r != 0) {
        return r;
    }
    return change->kind == TABLE_CUSTOM_STATUS ? read_custom_status(tree, info, change) : 0;
}

static int read_kicked(const cJSON *tree, struct platform_names *names, struct state_change *change)
{
    const cJSON *devices = json_read_member(tree, "KickedDevice");
    int r = check_kicked(devices);
    if (r != 0) {
        return r;
    }
    intern_kicked(devices, names, &change->kicked);
    return 0;
}

static int read_tree(const cJSON *tree, struct str command, struct platform_names *names,
                     struct state_change *change)
{
    if (!cJSON_IsObject(tree)) {
        return STATE_CHANGE_NOT_OBJECT;
    }
    int r = json_read_check_keys(tree);
    if (r != 0) {
        return r < 0 ? r : STATE_CHANGE_DUPLICATE_KEY;
    }
    r = read_command(tree, command);
    if (r != 0) {
        return r;
    }
    r = read_info(tree, change);
    if (r != 0) {
        return r;
    }
    r = read_event_time(tree, change);
    if (r != 0) {
        return r;
    }
    return change->kind == TABLE_LOGIN ? read_kicked(tree, names, change) : 0;
}

DEFINE_CLEANUP(cJSON *, json_tree_free)

int state_change_parse(struct str body, struct str command, struct platform_names *names,
                       struct state_change *ret_change)
{
    struct state_change change = {.user_id = STR(""), .custom_status = STR("")};
    int r = json_check(body);
    if (r != 0) {
        return r;
    }
    cleanup(json_tree_freep) cJSON *tree = json_tree_parse(body);
    if (tree == NULL) {
        return -ENOMEM; /* json_check() has accepted it, so cJSON does, too */
    }
    r = read_tree(tree, command, names, &change);
    if (r != 0) {
        return r;
    }
    change.tree = take_pointer(tree);
    *ret_change = change;
    return 0;
}

bool state_change_find_user(struct str body, char storage[static USER_ID_MAX], struct str *ret_user)
{
    cleanup(json_read_freep) cJSON *tree = NULL;
    struct str user;
    if (json_read(body, &tree) != 0 || !cJSON_IsObject(tree)) {
        return false;
    }
    const cJSON *info = json_read_member(tree, "Info");
    if (!cJSON_IsObject(info) || !text_member(info, "To_Account", &user) || !user_is_id(user)) {
        return false;
    }
    memcpy(storage, user.ptr, user.len);
    *ret_user = (struct str){storage, user.len};
    return true;
}

void state_change_fini(struct state_change *change)
{
    json_tree_free(change->tree);
    change->tree = NULL;
}

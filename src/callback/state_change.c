/* SPDX-License-Identifier: MIT */
#include "presenced/state_change.h"

#include "json_tree.h"

#include <cjson/cJSON.h>
#include <errno.h>

/* Objects with more keys than this are sorted to find one that comes twice, so that a body of thousands of
 * keys costs no thousands squared. */
#define FEW_KEYS 16

/* Mostly their first bytes tell. */
static bool equal_keys(const char *a, const char *b)
{
    return a[0] == b[0] && strcmp(a, b) == 0;
}

static int find_duplicate_of_few(const cJSON *object)
{
    for (const cJSON *a = object->child; a != NULL; a = a->next) {
        for (const cJSON *b = a->next; b != NULL; b = b->next) {
            if (equal_keys(a->string, b->string)) {
                return STATE_CHANGE_DUPLICATE_KEY;
            }
        }
    }
    return 0;
}

static int compare_keys(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int find_duplicate_of_many(const cJSON *object, size_t n_keys)
{
    size_t n = 0;
    cleanup(cleanup_freep) const char **keys = malloc(n_keys * sizeof(*keys));
    if (keys == NULL) {
        return -ENOMEM;
    }
    for (const cJSON *item = object->child; item != NULL; item = item->next) {
        keys[n++] = item->string;
    }
    qsort(keys, n, sizeof(*keys), compare_keys);
    for (size_t i = 1; i < n; i++) {
        if (strcmp(keys[i - 1], keys[i]) == 0) {
            return STATE_CHANGE_DUPLICATE_KEY;
        }
    }
    return 0;
}

/* In `tree` and all below it; json_check() has bounded the depth. cJSON has decoded the keys, so "a" and
 * "\u0061" are one. */
static int find_duplicate(const cJSON *tree)
{
    int r = 0;
    size_t n_children = 0;
    for (const cJSON *item = tree->child; item != NULL; item = item->next) {
        n_children++;
    }
    if (cJSON_IsObject(tree)) {
        r = n_children <= FEW_KEYS ? find_duplicate_of_few(tree) : find_duplicate_of_many(tree, n_children);
    }
    for (const cJSON *item = tree->child; r == 0 && item != NULL; item = item->next) {
        if (item->child != NULL) {
            r = find_duplicate(item);
        }
    }
    return r;
}

/* NULL where the key is absent or its value null. */
static const cJSON *member(const cJSON *object, const char *key)
{
    const cJSON *item = object->child;
    while (item != NULL && !equal_keys(item->string, key)) {
        item = item->next;
    }
    return cJSON_IsNull(item) ? NULL : item;
}

/* False where the member is absent, null or no string. json_check() lets no NUL into a string. */
static bool string_member(const cJSON *object, const char *key, struct str *ret_value)
{
    const cJSON *item = member(object, key);
    if (!cJSON_IsString(item)) {
        return false;
    }
    *ret_value = str_from(item->valuestring);
    return true;
}

static int read_command(const cJSON *tree, struct str command)
{
    struct str value;
    if (!string_member(tree, "CallbackCommand", &value)) {
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
    for (unsigned kind = 0; kind < sizeof(action_names) / sizeof(action_names[0]); kind++) {
        if (str_equal(text, action_names[kind])) {
            *ret_kind = (enum table_event_kind)kind;
            return true;
        }
    }
    return false;
}

/* Reasons may be added by the vendor; none of them changes what an action does. */
static enum row_reason parse_reason(struct str text)
{
    static const struct {
        struct str name;
        enum row_reason reason;
    } reasons[] = {
        {{"Register", 8}, ROW_REASON_REGISTER},    {{"Unregister", 10}, ROW_REASON_UNREGISTER},
        {{"LinkClose", 9}, ROW_REASON_LINK_CLOSE}, {{"TimeOut", 7}, ROW_REASON_TIMEOUT},
        {{"Timeout", 7}, ROW_REASON_TIMEOUT}, /* before 2019 */
    };
    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
        if (str_equal(text, reasons[i].name)) {
            return reasons[i].reason;
        }
    }
    return ROW_REASON_OTHER;
}

static int read_action(const cJSON *info, struct state_change *change)
{
    struct str text;
    if (!string_member(info, "Action", &text)) {
        return STATE_CHANGE_ACTION_MISSING;
    }
    return parse_action(text, &change->kind) ? 0 : STATE_CHANGE_ACTION_UNKNOWN;
}

static int read_user(const cJSON *info, struct state_change *change)
{
    if (!string_member(info, "To_Account", &change->user_id)) {
        return STATE_CHANGE_USER_MISSING;
    }
    return change->user_id.len >= 1 && change->user_id.len <= USER_ID_MAX ? 0 : STATE_CHANGE_USER_LENGTH;
}

static int read_reason(const cJSON *info, struct state_change *change)
{
    struct str text = STR("");
    if (member(info, "Reason") != NULL && !string_member(info, "Reason", &text)) {
        return STATE_CHANGE_REASON;
    }
    change->reason = parse_reason(text);
    bool link_was_lost = change->reason == ROW_REASON_LINK_CLOSE || change->reason == ROW_REASON_TIMEOUT;
    if (change->kind == TABLE_LOGOUT && link_was_lost) {
        change->kind = TABLE_DISCONNECT; /* as the edition of 2016 says it */
    }
    return 0;
}

/* By value: 1e3 and 1.0 are integers too. */
static int read_event_time(const cJSON *tree, struct state_change *change)
{
    const cJSON *item = member(tree, "EventTime");
    if (item == NULL) {
        return 0;
    }
    double value = cJSON_GetNumberValue(item);
    if (!cJSON_IsNumber(item) || !(value >= 0 && value <= (double)EVENT_TIME_MAX_MS) ||
        value != (double)(uint64_t)value) {
        return STATE_CHANGE_EVENT_TIME;
    }
    change->has_event_time = true;
    change->event_time_ms = (uint64_t)value;
    return 0;
}

static int read_custom_status(const cJSON *tree, const cJSON *info, struct state_change *change)
{
    const cJSON *holder = member(info, "CustomStatus") != NULL ? info : tree;
    if (!string_member(holder, "CustomStatus", &change->custom_status)) {
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
        const cJSON *platform = member(device, "Platform");
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
        if (string_member(device, "Platform", &name)) {
            platform_set_add(set, platform_intern(names, name));
        } /* else it says nothing: better than to lose the login over it */
    }
}

static int read_info(const cJSON *tree, struct state_change *change)
{
    const cJSON *info = member(tree, "Info");
    if (!cJSON_IsObject(info)) {
        return STATE_CHANGE_INFO_MISSING;
    }
    int r = read_action(info, change);
    if (r == 0) {
        r = read_user(info, change);
    }
    if (r == 0) {
        r = read_reason(info, change);
    }
    if (r == 0 && change->kind == TABLE_CUSTOM_STATUS) {
        r = read_custom_status(tree, info, change);
    }
    return r;
}

static int read_tree(const cJSON *tree, struct str command, struct platform_names *names,
                     struct state_change *change)
{
    if (!cJSON_IsObject(tree)) {
        return STATE_CHANGE_NOT_OBJECT;
    }
    int r = find_duplicate(tree);
    if (r == 0) {
        r = read_command(tree, command);
    }
    if (r == 0) {
        r = read_info(tree, change);
    }
    if (r == 0) {
        r = read_event_time(tree, change);
    }
    if (r == 0 && change->kind == TABLE_LOGIN) {
        const cJSON *devices = member(tree, "KickedDevice");
        r = check_kicked(devices);
        if (r == 0) {
            intern_kicked(devices, names, &change->kicked);
        }
    }
    return r;
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
        return -ENOMEM; /* what json_check() passes, cJSON reads */
    }
    r = read_tree(tree, command, names, &change);
    if (r != 0) {
        return r;
    }
    change.tree = take_pointer(tree);
    *ret_change = change;
    return 0;
}

void state_change_fini(struct state_change *change)
{
    json_tree_free(change->tree);
    change->tree = NULL;
}

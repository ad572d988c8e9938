/* SPDX-License-Identifier: MIT */
#include "line.h"

#include "presenced/json_check.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

DEFINE_CLEANUP(cJSON *, cJSON_Delete)

#define N_KEYS_MAX 6
#define NUMBER_MAX EVENT_TIME_MAX_MS /* what a JSON number carries exactly */
#define RECEIVED_MAX_MS ((UINT64_C(1) << 48) - 1)

struct parsing {
    struct platform_names *names;
    char *problem; /* LINE_PROBLEM_SIZE */
    struct line *line;
    struct str platforms[PLATFORM_N_MAX]; /* of the user's rows */
};

/* Keys of an object, and where their values stand. */
struct members {
    const char *keys[N_KEYS_MAX];
    const cJSON *values[N_KEYS_MAX];
};

__attribute__((format(printf, 2, 3))) static void describe(const struct parsing *parsing, const char *format,
                                                           ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(parsing->problem, LINE_PROBLEM_SIZE, format, arguments);
    va_end(arguments);
}

/* clang's analyser does not look into functions with variable arguments, so the outcome stands outside. */
#define wrong(...) (describe(__VA_ARGS__), LINE_WRONG)

static int take_member(const struct parsing *parsing, const cJSON *item, struct members *members)
{
    for (unsigned i = 0; i < N_KEYS_MAX && members->keys[i] != NULL; i++) {
        if (strcmp(item->string, members->keys[i]) == 0) {
            if (members->values[i] != NULL) {
                return wrong(parsing, "\"%s\" comes twice", members->keys[i]);
            }
            members->values[i] = item;
            return 0;
        }
    }
    return wrong(parsing, "a key is unknown; allowed here: \"%s\", \"%s\", …", members->keys[0],
                 members->keys[1]);
}

/* Each of the keys once, and no other. */
static int take_members(const struct parsing *parsing, const cJSON *object, struct members *members)
{
    for (const cJSON *item = object->child; item != NULL; item = item->next) {
        int r = take_member(parsing, item, members);
        if (r != 0) {
            return r;
        }
    }
    for (unsigned i = 0; i < N_KEYS_MAX && members->keys[i] != NULL; i++) {
        if (members->values[i] == NULL) {
            return wrong(parsing, "\"%s\" is missing", members->keys[i]);
        }
    }
    return 0;
}

static int take_number(const struct parsing *parsing, const cJSON *item, uint64_t max, uint64_t *ret_value)
{
    double value = cJSON_GetNumberValue(item);
    if (!cJSON_IsNumber(item) || !(value >= 0 && value <= (double)max) || value != (double)(uint64_t)value) {
        return wrong(parsing, "\"%s\" is not a whole number from 0 to %llu", item->string,
                     (unsigned long long)max);
    }
    *ret_value = (uint64_t)value;
    return 0;
}

/* json_check() has let no NUL pass. */
static int take_text(const struct parsing *parsing, const cJSON *item, size_t min, size_t max,
                     struct str *ret_text)
{
    struct str text = cJSON_IsString(item) ? str_from(item->valuestring) : STR("");
    if (!cJSON_IsString(item) || text.len < min || text.len > max) {
        return wrong(parsing, "\"%s\" is not a text of %zu to %zu bytes", item->string, min, max);
    }
    *ret_text = text;
    return 0;
}

static int take_words(const struct parsing *parsing, const cJSON *action, const cJSON *reason,
                      struct row *ret_row)
{
    struct row_words words = {
        cJSON_IsString(action) ? str_from(action->valuestring) : STR(""),
        cJSON_IsString(reason) ? str_from(reason->valuestring) : STR(""),
    };
    return row_read_words(&words, ret_row)
               ? 0
               : wrong(parsing, "\"action\" is none that is known, or not with that \"reason\"");
}

static int take_client(const struct parsing *parsing, const cJSON *item, struct address *ret_client)
{
    if (cJSON_IsNull(item)) {
        *ret_client = (struct address){0};
        return 0;
    }
    if (!cJSON_IsString(item) || !address_parse(str_from(item->valuestring), ret_client)) {
        return wrong(parsing, "\"client_ip\" is neither an IP address nor null");
    }
    return 0;
}

static int take_platform(const struct parsing *parsing, const cJSON *item, struct str *ret_name)
{
    int r = take_text(parsing, item, 1, PLATFORM_NAME_MAX, ret_name);
    if (r == 0 && !platform_is_name(*ret_name)) {
        return wrong(parsing, "\"platform\" is not printable ASCII");
    }
    return r;
}

static int take_row(const struct parsing *parsing, const cJSON *object, struct row *ret_row,
                    struct str *ret_platform)
{
    struct members members = {
        .keys = {"platform", "action", "reason", "event_time", "received_time", "client_ip"}};
    const cJSON **values = members.values;
    if (!cJSON_IsObject(object)) {
        return wrong(parsing, "a row is not an object");
    }
    int r = take_members(parsing, object, &members);
    if (r == 0) {
        r = take_platform(parsing, values[0], ret_platform);
    }
    if (r == 0) {
        r = take_words(parsing, values[1], values[2], ret_row);
    }
    if (r == 0) {
        r = take_number(parsing, values[3], EVENT_TIME_MAX_MS, &ret_row->event_time_ms);
    }
    if (r == 0) {
        r = take_number(parsing, values[4], RECEIVED_MAX_MS, &ret_row->received_unix_ms);
    }
    return r != 0 ? r : take_client(parsing, values[5], &ret_row->client);
}

static int take_rows(struct parsing *parsing, const cJSON *array)
{
    struct user *user = &parsing->line->user;
    const cJSON *item;
    if (!cJSON_IsArray(array)) {
        return wrong(parsing, "\"rows\" is not an array");
    }
    cJSON_ArrayForEach(item, array)
    {
        if (user->n_rows == PLATFORM_N_MAX) {
            return wrong(parsing, "more than %d rows", PLATFORM_N_MAX);
        }
        int r = take_row(parsing, item, &user->rows[user->n_rows], &parsing->platforms[user->n_rows]);
        if (r != 0) {
            return r;
        }
        user->n_rows++;
    }
    return 0;
}

static int take_custom_status(const struct parsing *parsing, const cJSON *text, const cJSON *time)
{
    struct user *user = &parsing->line->user;
    struct str status = STR("");
    if (cJSON_IsNull(text) != cJSON_IsNull(time)) {
        return wrong(parsing, "of \"custom_status\" and \"custom_status_time\" one is null");
    }
    if (cJSON_IsNull(text)) {
        return user->n_rows > 0 ? 0 : wrong(parsing, "a user with neither rows nor custom status");
    }
    int r = take_text(parsing, text, 0, USER_CUSTOM_STATUS_MAX, &status);
    if (r == 0) {
        r = take_number(parsing, time, EVENT_TIME_MAX_MS, &user->custom_status_time_ms);
    }
    if (r == 0) {
        user->has_custom_status = true;
        user->custom_status_len = (uint16_t)status.len;
        memcpy(user->custom_status, status.ptr, status.len);
    }
    return r;
}

static bool is_new_twice(const struct parsing *parsing, unsigned at)
{
    for (unsigned i = 0; i < at; i++) {
        if (str_equal_fold(parsing->platforms[i], parsing->platforms[at])) {
            return true;
        }
    }
    return false;
}

/* Only when all of them are as they should be are new names heard. */
static int number_platforms(const struct parsing *parsing)
{
    struct user *user = &parsing->line->user;
    struct platform_set seen = {0};
    unsigned n_new = 0;
    for (unsigned i = 0; i < user->n_rows; i++) {
        int known = platform_find(parsing->names, parsing->platforms[i]);
        if (known >= 0 ? platform_set_has(&seen, (uint8_t)known) : is_new_twice(parsing, i)) {
            return wrong(parsing, "two rows of platform \"%.*s\"", STR_FMT(parsing->platforms[i]));
        }
        if (known >= 0) {
            platform_set_add(&seen, (uint8_t)known);
        } else {
            n_new++;
        }
    }
    if (platform_count(parsing->names) + n_new > PLATFORM_N_MAX) {
        return wrong(parsing, "more than %d platforms beside those that are known", PLATFORM_N_EXTRA_MAX);
    }
    for (unsigned i = 0; i < user->n_rows; i++) {
        user->rows[i].platform = platform_intern(parsing->names, parsing->platforms[i]);
    }
    return 0;
}

static int parse_user(struct parsing *parsing, const cJSON *tree)
{
    struct members members = {.keys = {"app", "user", "rows", "custom_status", "custom_status_time"}};
    struct user *user = &parsing->line->user;
    struct str id = STR("");
    parsing->line->kind = LINE_USER;
    int r = take_members(parsing, tree, &members);
    if (r == 0) {
        r = take_number(parsing, members.values[0], NUMBER_MAX, &parsing->line->app_id);
    }
    if (r == 0) {
        r = take_text(parsing, members.values[1], 1, USER_ID_MAX, &id);
    }
    if (r == 0) {
        user->id_len = (uint16_t)id.len;
        memcpy(user->id, id.ptr, id.len);
        r = take_rows(parsing, members.values[2]);
    }
    if (r == 0) {
        r = take_custom_status(parsing, members.values[3], members.values[4]);
    }
    return r != 0 ? r : number_platforms(parsing);
}

static int parse_app(const struct parsing *parsing, const cJSON *tree)
{
    struct members members = {.keys = {"app", "forgotten_before"}};
    parsing->line->kind = LINE_APP;
    int r = take_members(parsing, tree, &members);
    if (r == 0) {
        r = take_number(parsing, members.values[0], NUMBER_MAX, &parsing->line->app_id);
    }
    if (r == 0) {
        r = take_number(parsing, members.values[1], EVENT_TIME_MAX_MS, &parsing->line->forgotten_before_ms);
    }
    return r;
}

static int parse_header(const struct parsing *parsing, const cJSON *tree)
{
    struct members members = {.keys = {"format", "version"}};
    uint64_t *version = &parsing->line->version;
    parsing->line->kind = LINE_HEADER;
    int r = take_members(parsing, tree, &members);
    if (r != 0) {
        return r;
    }
    if (!cJSON_IsString(members.values[0]) || strcmp(members.values[0]->valuestring, "presenced") != 0) {
        return wrong(parsing, "\"format\" is not \"presenced\"");
    }
    r = take_number(parsing, members.values[1], NUMBER_MAX, version);
    if (r == 0 && (*version == 0 || *version > LINE_FORMAT_VERSION)) {
        return wrong(parsing, "version %llu of the format, this presenced reads up to version %d",
                     (unsigned long long)*version, LINE_FORMAT_VERSION);
    }
    return r;
}

static int parse_end(const struct parsing *parsing, const cJSON *tree)
{
    struct members members = {.keys = {"apps", "users"}};
    parsing->line->kind = LINE_END;
    int r = take_members(parsing, tree, &members);
    if (r == 0) {
        r = take_number(parsing, members.values[0], NUMBER_MAX, &parsing->line->n_apps);
    }
    return r != 0 ? r : take_number(parsing, members.values[1], NUMBER_MAX, &parsing->line->n_users);
}

static int parse_tree(struct parsing *parsing, const cJSON *tree)
{
    if (!cJSON_IsObject(tree)) {
        return wrong(parsing, "not an object");
    }
    if (cJSON_GetObjectItemCaseSensitive(tree, "format") != NULL) {
        return parse_header(parsing, tree);
    }
    if (cJSON_GetObjectItemCaseSensitive(tree, "forgotten_before") != NULL) {
        return parse_app(parsing, tree);
    }
    if (cJSON_GetObjectItemCaseSensitive(tree, "users") != NULL) {
        return parse_end(parsing, tree);
    }
    return parse_user(parsing, tree);
}

static const char *describe_check(int outcome)
{
    static const char *const texts[JSON_CHECK_N_OUTCOMES] = {
#define AS_TEXT(id, name, text) [JSON_CHECK_##id] = name,
        JSON_CHECK_OUTCOMES(AS_TEXT)
#undef AS_TEXT
    };
    return texts[outcome];
}

int line_parse(struct str text, struct platform_names *names, struct line *ret_line,
               char ret_problem[static LINE_PROBLEM_SIZE])
{
    struct parsing parsing = {.names = names, .problem = ret_problem, .line = ret_line};
    int r = json_check(text);
    if (r != 0) {
        return wrong(&parsing, "malformed JSON: %s", describe_check(r));
    }
    cleanup(cJSON_Deletep) cJSON *tree = cJSON_ParseWithLengthOpts(text.ptr, text.len, NULL, 0);
    if (tree == NULL) {
        return -ENOMEM; /* what json_check() passes, cJSON reads */
    }
    memset(ret_line, 0, sizeof(*ret_line));
    return parse_tree(&parsing, tree);
}

/* SPDX-License-Identifier: MIT */
#include "presenced/portable_user.h"

#include "presenced/array.h"
#include "presenced/json_read.h"

#include <cjson/cJSON.h>
#include <stdio.h>

#define RECEIVED_MAX_MS ((UINT64_C(1) << 48) - 1)

static void write_client(struct json_writer *json, const struct address *client)
{
    char text[ADDRESS_TEXT_SIZE];
    size_t len = address_format(client, text);
    if (len == 0) {
        json_null(json, "client_ip");
    } else {
        json_str(json, "client_ip", (struct str){text, len});
    }
}

void portable_write_row(struct json_writer *json, const struct platform_names *names, const struct row *row,
                        struct str state)
{
    struct row_words words = row_words(row);
    json_str(json, "platform", platform_name(names, row->platform));
    if (state.ptr != NULL) {
        json_str(json, "state", state);
    }
    json_str(json, "action", words.action);
    json_str(json, "reason", words.reason);
    json_u64(json, "event_time", row->event_time_ms);
    json_u64(json, "received_time", row->received_unix_ms);
    write_client(json, &row->client);
}

void portable_write_user(struct json_writer *json, uint64_t app_id, const struct platform_names *names,
                         const struct user *user)
{
    json_begin_object(json, NULL);
    json_u64(json, "app", app_id);
    json_str(json, "user", user_id(user));
    json_begin_array(json, "rows");
    for (unsigned i = 0; i < user->n_rows; i++) {
        json_begin_object(json, NULL);
        portable_write_row(json, names, &user->rows[i], (struct str){NULL, 0});
        json_end_object(json);
    }
    json_end_array(json);
    if (user->has_custom_status) {
        json_str(json, "custom_status", user_custom_status(user));
        json_u64(json, "custom_status_time", user->custom_status_time_ms);
    } else {
        json_null(json, "custom_status");
        json_null(json, "custom_status_time");
    }
    json_end_object(json);
}

/* A user being read, before its platforms have numbers. */
struct reading {
    struct user *user;
    struct str platforms[PLATFORM_N_MAX]; /* platform names of the rows */
    char *problem;                        /* JSON_STRICT_PROBLEM_SIZE */
};

static int read_words(const struct reading *reading, const cJSON *action, const cJSON *reason,
                      struct row *ret_row)
{
    struct row_words words;
    if (!json_read_text(action, &words.action) || !json_read_text(reason, &words.reason) ||
        !row_read_words(&words, ret_row)) {
        return json_strict_wrong(reading->problem,
                                 "\"action\" is none that is known, or not with that \"reason\"");
    }
    return 0;
}

static int read_client(const struct reading *reading, const cJSON *member, struct address *ret_client)
{
    struct str text;
    if (cJSON_IsNull(member)) {
        return 0;
    }
    if (!json_read_text(member, &text) || !address_parse(text, ret_client)) {
        return json_strict_wrong(reading->problem, "\"client_ip\" is neither an IP address nor null");
    }
    return 0;
}

static int read_platform(const struct reading *reading, const cJSON *member, struct str *ret_name)
{
    int r = json_strict_text(member, 1, PLATFORM_NAME_MAX, ret_name, reading->problem);
    if (r != 0) {
        return r;
    }
    if (!platform_is_name(*ret_name)) {
        return json_strict_wrong(reading->problem, "\"platform\" is not printable ASCII");
    }
    return 0;
}

static int read_row(const struct reading *reading, const cJSON *object, struct row *ret_row,
                    struct str *ret_platform)
{
    static const char *const keys[] = {"platform",   "action",        "reason",
                                       "event_time", "received_time", "client_ip"};
    const cJSON *values[N_ELEMENTS(keys)];
    if (!cJSON_IsObject(object)) {
        return json_strict_wrong(reading->problem, "a row is not an object");
    }
    int r = json_strict_members(object, keys, N_ELEMENTS(keys), values, reading->problem);
    if (r != 0) {
        return r;
    }
    r = read_platform(reading, values[0], ret_platform);
    if (r != 0) {
        return r;
    }
    r = read_words(reading, values[1], values[2], ret_row);
    if (r != 0) {
        return r;
    }
    r = json_strict_u64(values[3], EVENT_TIME_MAX_MS, &ret_row->event_time_ms, reading->problem);
    if (r != 0) {
        return r;
    }
    r = json_strict_u64(values[4], RECEIVED_MAX_MS, &ret_row->received_unix_ms, reading->problem);
    if (r != 0) {
        return r;
    }
    return read_client(reading, values[5], &ret_row->client);
}

static int read_rows(struct reading *reading, const cJSON *array)
{
    struct user *user = reading->user;
    const cJSON *item;
    if (!cJSON_IsArray(array)) {
        return json_strict_wrong(reading->problem, "\"rows\" is not an array");
    }
    cJSON_ArrayForEach(item, array)
    {
        if (user->n_rows == PLATFORM_N_MAX) {
            return json_strict_wrong(reading->problem, "more than %d rows", PLATFORM_N_MAX);
        }
        int r = read_row(reading, item, &user->rows[user->n_rows], &reading->platforms[user->n_rows]);
        if (r != 0) {
            return r;
        }
        user->n_rows++;
    }
    return 0;
}

static int read_custom_status(const struct reading *reading, const cJSON *text, const cJSON *time)
{
    struct user *user = reading->user;
    struct str status;
    if (cJSON_IsNull(text) != cJSON_IsNull(time)) {
        return json_strict_wrong(reading->problem,
                                 "of \"custom_status\" and \"custom_status_time\" one is null");
    }
    if (cJSON_IsNull(text)) {
        return user->n_rows > 0
                   ? 0
                   : json_strict_wrong(reading->problem, "a user with neither rows nor custom status");
    }
    int r = json_strict_text(text, 0, USER_CUSTOM_STATUS_MAX, &status, reading->problem);
    if (r != 0) {
        return r;
    }
    user->has_custom_status = true;
    user->custom_status_len = (uint16_t)status.len;
    memcpy(user->custom_status, status.ptr, status.len);
    return json_strict_u64(time, EVENT_TIME_MAX_MS, &user->custom_status_time_ms, reading->problem);
}

static bool is_duplicate(const struct reading *reading, unsigned at)
{
    for (unsigned i = 0; i < at; i++) {
        if (str_equal_fold(reading->platforms[i], reading->platforms[at])) {
            return true;
        }
    }
    return false;
}

/* Replaces platform names by numbers. New names are added only after all rows have been checked. */
static int number_platforms(const struct reading *reading, struct platform_names *names)
{
    struct user *user = reading->user;
    struct platform_set seen = {0};
    unsigned n_new = 0;
    for (unsigned i = 0; i < user->n_rows; i++) {
        int known = platform_find(names, reading->platforms[i]);
        if (known >= 0 ? platform_set_has(&seen, (uint8_t)known) : is_duplicate(reading, i)) {
            return json_strict_wrong(reading->problem, "two rows of platform \"%.*s\"",
                                     STR_FMT(reading->platforms[i]));
        }
        if (known >= 0) {
            platform_set_add(&seen, (uint8_t)known);
        } else {
            n_new++;
        }
    }
    if (platform_count(names) + n_new > PLATFORM_N_MAX) {
        return json_strict_wrong(reading->problem, "more than %d platforms beside those that are known",
                                 PLATFORM_N_EXTRA_MAX);
    }
    for (unsigned i = 0; i < user->n_rows; i++) {
        user->rows[i].platform = platform_intern(names, reading->platforms[i]);
    }
    return 0;
}

int portable_read_user(const cJSON *object, struct platform_names *names, uint64_t *ret_app_id,
                       struct user *ret_user, char ret_problem[static JSON_STRICT_PROBLEM_SIZE])
{
    static const char *const keys[] = {"app", "user", "rows", "custom_status", "custom_status_time"};
    const cJSON *values[N_ELEMENTS(keys)];
    struct reading reading = {.user = ret_user, .problem = ret_problem};
    struct str id;
    memset(ret_user, 0, sizeof(*ret_user));
    int r = json_strict_members(object, keys, N_ELEMENTS(keys), values, ret_problem);
    if (r != 0) {
        return r;
    }
    r = json_strict_u64(values[0], PORTABLE_APP_MAX, ret_app_id, ret_problem);
    if (r != 0) {
        return r;
    }
    r = json_strict_text(values[1], 1, USER_ID_MAX, &id, ret_problem);
    if (r != 0) {
        return r;
    }
    ret_user->id_len = (uint16_t)id.len;
    memcpy(ret_user->id, id.ptr, id.len);
    r = read_rows(&reading, values[2]);
    if (r != 0) {
        return r;
    }
    r = read_custom_status(&reading, values[3], values[4]);
    if (r != 0) {
        return r;
    }
    return number_platforms(&reading, names);
}

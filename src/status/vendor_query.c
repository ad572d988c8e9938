/* SPDX-License-Identifier: MIT */
/* The vendor's request carries the caller's account and its signature too (identifier, usersig, random,
 * contenttype): they are taken and not looked at, for what guards this listener is its own bearer token. */
#include "vendor_query.h"

#include "app_choice.h"
#include "presenced/json.h"
#include "query_body.h"

#include <cjson/cJSON.h>

/* The vendor has no documented code for an sdkappid that is not the caller's in this query; it is told as a
 * request that cannot be read. */
#define ERROR_BAD_REQUEST 90001
#define ERROR_BAD_TO_ACCOUNT 90003
#define ERROR_TOO_MANY 90011
#define ERROR_NO_SUCH_USER 70107

struct vendor_error {
    unsigned code; /* 0: none */
    const char *info;
};

struct vendor_request {
    uint16_t app;
    bool needs_detail;
    const cJSON *to_account;
};

static void write_status_line(struct json_writer *json, struct vendor_error error)
{
    json_str(json, "ActionStatus", error.code == 0 ? STR("OK") : STR("FAIL"));
    json_str(json, "ErrorInfo", str_from(error.info));
    json_u64(json, "ErrorCode", error.code);
}

static struct http_reply *answer_fail(struct vendor_error error)
{
    struct buf body = {0};
    struct json_writer json = {.out = &body};
    json_begin_object(&json, NULL);
    write_status_line(&json, error);
    json_end_object(&json);
    return answer_json(200, &body);
}

static struct vendor_error read_app(const struct table *table, int only_app, struct str query,
                                    uint16_t *ret_app)
{
    static const struct str names[] = {{"sdkappid", 8}};
    struct query_value value;
    query_find(query, names, 1, &value);
    switch (app_choose_by_parameter(table, only_app, &value, ret_app)) {
    case 0:
        return (struct vendor_error){0, ""};
    case APP_UNKNOWN:
        return (struct vendor_error){ERROR_BAD_REQUEST, "sdkappid is not configured here"};
    case APP_NOT_NAMED:
        return (struct vendor_error){ERROR_BAD_REQUEST, "sdkappid is missing"};
    default:
        return (struct vendor_error){ERROR_BAD_REQUEST, "sdkappid is not the number of an app, given once"};
    }
}

static struct vendor_error read_body(const cJSON *root, struct vendor_request *request)
{
    uint64_t detail = 0;
    size_t n;
    if (root == NULL) {
        return (struct vendor_error){ERROR_BAD_REQUEST, "the body is not a JSON object in UTF-8"};
    }
    if (query_body_u64(root, "IsNeedDetail", 1, &detail) == QUERY_BODY_BAD) {
        return (struct vendor_error){ERROR_BAD_REQUEST, "IsNeedDetail is neither 0 nor 1"};
    }
    if (query_body_strings(root, "To_Account", &request->to_account, &n) != 0) {
        return (struct vendor_error){ERROR_BAD_TO_ACCOUNT, "To_Account is not an array of strings"};
    }
    if (n > VENDOR_QUERY_N_MAX) {
        return (struct vendor_error){ERROR_TOO_MANY, "To_Account holds more than 500 ids"};
    }
    request->needs_detail = detail == 1;
    return (struct vendor_error){0, ""};
}

static struct str status_name(enum user_state state)
{
    switch (state) {
    case USER_ONLINE:
        return STR("Online");
    case USER_PUSH_ONLINE:
        return STR("PushOnline");
    default:
        return STR("Offline");
    }
}

/* The names that this query has for some platforms differ from those of the callback. */
static struct str vendor_platform_name(const struct platform_names *names, uint8_t platform)
{
    switch (platform) {
    case PLATFORM_IOS:
        return STR("iPhone");
    case PLATFORM_WINDOWS:
        return STR("PC");
    default:
        return platform_name(names, platform);
    }
}

/* A platform on its own has the state of a user who has no other. */
static enum user_state row_state(const struct row *row, uint64_t window_ms, uint64_t now_ms)
{
    struct user_summary summary;
    struct user alone = {.n_rows = 1};
    alone.rows[0] = *row;
    user_summarise(&alone, window_ms, now_ms, &summary);
    return summary.state;
}

/* As in the vendor's answers, a platform that is offline is left out, and so is a Detail without any. */
static void write_detail(struct json_writer *json, struct table *table, uint64_t now_ms,
                         const struct user *user)
{
    bool has_any = false;
    for (size_t i = 0; i < user->n_rows; i++) {
        struct row row = user_effective_row(user, &user->rows[i]);
        enum user_state state = row_state(&row, table_push_online_window_ms(table), now_ms);
        if (state != USER_ONLINE && state != USER_PUSH_ONLINE) {
            continue;
        }
        if (!has_any) {
            json_begin_array(json, "Detail");
            has_any = true;
        }
        json_begin_object(json, NULL);
        json_str(json, "Platform", vendor_platform_name(table_platform_names(table), row.platform));
        json_str(json, "Status", status_name(state));
        json_end_object(json);
    }
    if (has_any) {
        json_end_array(json);
    }
}

static void write_known(struct json_writer *json, struct table *table, uint64_t now_ms,
                        const struct user *user, bool needs_detail)
{
    struct user_summary summary;
    user_summarise(user, table_push_online_window_ms(table), now_ms, &summary);
    json_begin_object(json, NULL);
    json_str(json, "To_Account", user_id(user));
    json_str(json, "Status", status_name(summary.state));
    if (needs_detail) {
        write_detail(json, table, now_ms, user);
    }
    json_end_object(json);
}

static void write_no_such_user(struct json_writer *errors, struct str id)
{
    json_begin_object(errors, NULL);
    json_str(errors, "To_Account", id);
    json_u64(errors, "ErrorCode", ERROR_NO_SUCH_USER);
    json_end_object(errors);
}

/* An id that no user can have, and a user of whom no login or logout was heard, are no such user either.
 * `errors` gets the elements of ErrorList. */
static void write_results(struct json_writer *json, struct json_writer *errors, struct table *table,
                          uint64_t now_ms, const struct vendor_request *request)
{
    struct user user;
    const cJSON *item;
    json_begin_array(json, "QueryResult");
    cJSON_ArrayForEach(item, request->to_account)
    {
        struct str id = str_from(item->valuestring);
        if (query_body_is_user_id(id) && table_get(table, request->app, id, &user) == 0 && user.n_rows > 0) {
            write_known(json, table, now_ms, &user, request->needs_detail);
        } else {
            write_no_such_user(errors, id);
        }
    }
    json_end_array(json);
}

static void write_error_list(struct json_writer *json, const struct buf *errors)
{
    if (errors->len > 0) {
        json_begin_array(json, "ErrorList");
        buf_append(json->out, buf_str(errors));
        json_end_array(json);
    }
    json->out->failed |= errors->failed;
}

struct http_reply *vendor_query_answer(struct table *table, int only_app, uint64_t now_ms,
                                       const struct http_request *request)
{
    struct vendor_request query;
    cleanup(buf_fini) struct buf errors = {0};
    struct buf body = {0};
    struct json_writer json = {.out = &body};
    struct json_writer errors_json = {.out = &errors};
    struct vendor_error error = read_app(table, only_app, request->query, &query.app);
    if (error.code != 0) {
        return answer_fail(error);
    }
    cleanup(query_body_freep) cJSON *root = query_body_parse(request->body);
    error = read_body(root, &query);
    if (error.code != 0) {
        return answer_fail(error);
    }
    json_begin_object(&json, NULL);
    write_status_line(&json, error);
    write_results(&json, &errors_json, table, now_ms, &query);
    write_error_list(&json, &errors);
    json_end_object(&json);
    return answer_json(200, &body);
}

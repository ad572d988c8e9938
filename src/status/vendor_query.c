/* SPDX-License-Identifier: MIT */
/* The parameters identifier, usersig, random and contenttype of Tencent's request are ignored: access to this
 * listener is controlled by its bearer token. */
#include "vendor_query.h"

#include "app_choice.h"
#include "presenced/vendor_error.h"

#include <assert.h>

static_assert(PLATFORM_N_MAX <= ONLINE_QUERY_N_DEVICES_MAX, "an answer has room for all rows of a user");

static struct http_reply *answer_failure(unsigned code, const char *info)
{
    struct buf body = {0};
    online_query_write_failure(&body, code, str_from(info));
    return answer_json(200, &body);
}

/* Returns NULL, or what is wrong with sdkappid. Tencent documents no error code for a wrong sdkappid in this
 * query; the caller answers with the code for a request that cannot be parsed. */
static const char *read_app(const struct table *table, int only_app, struct str query, uint16_t *ret_app)
{
    static const struct str names[] = {{"sdkappid", 8}};
    struct query_value value;
    query_find(query, names, 1, &value);
    switch (app_choose_by_parameter(table, only_app, &value, ret_app)) {
    case 0:
        return NULL;
    case APP_UNKNOWN:
        return "sdkappid is not configured here";
    case APP_NOT_NAMED:
        return "sdkappid is missing";
    default:
        return "sdkappid is not the number of an app, given once";
    }
}

static struct http_reply *refuse(int outcome)
{
    static const struct {
        unsigned code;
        const char *info;
    } failures[] = {[ONLINE_QUERY_REQUEST_OK] = {0, ""},
#define AS_ROW(id, code, text) [ONLINE_QUERY_REQUEST_##id] = {code, text},
                    ONLINE_QUERY_REQUEST_OUTCOMES(AS_ROW)
#undef AS_ROW
    };
    return answer_failure(failures[outcome].code, failures[outcome].info);
}

static enum online_status status_of(enum user_state state)
{
    switch (state) {
    case USER_ONLINE:
        return ONLINE_STATUS_ONLINE;
    case USER_PUSH_ONLINE:
        return ONLINE_STATUS_PUSH_ONLINE;
    default:
        return ONLINE_STATUS_OFFLINE;
    }
}

static enum online_status user_status(const struct user *user, const struct user_view *view)
{
    struct user_summary summary;
    user_summarise(user, view, &summary);
    return status_of(summary.state);
}

/* Returns the state of a platform: that of a user who has only this platform. */
static enum online_status row_status(const struct row *row, const struct user_view *view)
{
    struct user alone = {.n_rows = 1};
    alone.rows[0] = *row;
    return user_status(&alone, view);
}

/* Platforms that are offline are left out, as in Tencent's answers. */
static void find_devices(struct table *table, const struct user_view *view, const struct user *user,
                         struct online_query_result *result)
{
    for (size_t i = 0; i < user->n_rows; i++) {
        struct row row = user_effective_row(user, &user->rows[i]);
        enum online_status status = row_status(&row, view);
        if (status != ONLINE_STATUS_OFFLINE) {
            result->devices[result->n_devices++] = (struct online_query_device){
                .platform = platform_name(table_platform_names(table), row.platform), .status = status};
        }
    }
}

/* An invalid id, and a user without any login or logout, are also answered with VENDOR_NO_SUCH_USER. */
static void find_user(struct table *table, uint64_t now_ms, uint16_t app, bool needs_detail,
                      struct online_query_result *result)
{
    struct user user;
    struct user_view view = table_view(table, now_ms);
    result->error_code = 0;
    result->n_devices = 0;
    if (!user_is_id(result->user) || table_get(table, app, result->user, &user) != 0 || user.n_rows == 0) {
        result->error_code = VENDOR_NO_SUCH_USER;
        return;
    }
    result->status = user_status(&user, &view);
    if (needs_detail) {
        find_devices(table, &view, &user, result);
    }
}

struct http_reply *vendor_query_answer(struct table *table, int only_app, uint64_t now_ms,
                                       enum online_query_form form, const struct http_request *request)
{
    cleanup(online_query_request_fini) struct online_query_request query = {.tree = NULL};
    struct buf body = {0};
    struct online_query_writer writer;
    struct online_query_result result;
    uint16_t app;
    const char *wrong = read_app(table, only_app, request->query, &app);
    if (wrong != NULL) {
        return answer_failure(VENDOR_BAD_JSON, wrong);
    }
    int r = online_query_read_request(request->body, &query);
    if (r != 0) {
        return r < 0 ? NULL : refuse(r);
    }
    online_query_begin_answer(&writer, form, &body);
    while (online_query_next_user(&query, &result.user)) {
        find_user(table, now_ms, app, query.needs_detail, &result);
        online_query_add_result(&writer, &result);
    }
    online_query_end_answer(&writer);
    return answer_json(200, &body);
}

/* SPDX-License-Identifier: MIT */
#include "presenced/online_query.h"

#include "presenced/array.h"
#include "presenced/json_read.h"
#include "presenced/vendor_platform.h"

#include <cjson/cJSON.h>
#include <inttypes.h>

static const struct str status_names[] = {
    [ONLINE_STATUS_ONLINE] = {"Online", 6},
    [ONLINE_STATUS_PUSH_ONLINE] = {"PushOnline", 10},
    [ONLINE_STATUS_OFFLINE] = {"Offline", 7},
};

/* Percent-encodes everything except unreserved characters (RFC 3986). */
static void append_percent_encoded(struct buf *out, struct str text)
{
    static const char unreserved[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    for (size_t i = 0; i < text.len; i++) {
        if (memchr(unreserved, text.ptr[i], sizeof(unreserved) - 1) != NULL) {
            buf_append_char(out, text.ptr[i]);
        } else {
            buf_appendf(out, "%%%02X", (unsigned char)text.ptr[i]);
        }
    }
}

void online_query_write_target(struct buf *out, const struct online_query_caller *caller)
{
    buf_appendf(out, ONLINE_QUERY_PATH "?sdkappid=%" PRIu64 "&identifier=", caller->sdkappid);
    append_percent_encoded(out, caller->identifier);
    buf_append(out, STR("&usersig="));
    append_percent_encoded(out, caller->usersig);
    buf_appendf(out, "&random=%" PRIu32 "&contenttype=json", caller->random);
}

void online_query_write_request(struct buf *out, const struct str *users, size_t n_users)
{
    struct json_writer json = {.out = out};
    json_begin_object(&json, NULL);
    json_u64(&json, "IsNeedDetail", 1);
    json_begin_array(&json, "To_Account");
    for (size_t i = 0; i < n_users; i++) {
        json_str(&json, NULL, users[i]);
    }
    json_end_array(&json);
    json_end_object(&json);
}

/* Some clients send true and false instead of 1 and 0. */
static bool read_flag(const cJSON *item, bool *ret_flag)
{
    uint64_t number = 0;
    if (item != NULL && !cJSON_IsBool(item) && !json_read_u64(item, 1, &number)) {
        return false;
    }
    *ret_flag = number == 1 || cJSON_IsTrue(item);
    return true;
}

static int read_request(const cJSON *tree, struct online_query_request *request)
{
    const cJSON *users;
    const cJSON *item;
    if (!cJSON_IsObject(tree)) {
        return ONLINE_QUERY_REQUEST_BODY;
    }
    if (!read_flag(json_read_member(tree, "IsNeedDetail"), &request->needs_detail)) {
        return ONLINE_QUERY_REQUEST_DETAIL;
    }
    users = json_read_member(tree, "To_Account");
    if (!cJSON_IsArray(users)) {
        return ONLINE_QUERY_REQUEST_TO_ACCOUNT;
    }
    cJSON_ArrayForEach(item, users)
    {
        if (!cJSON_IsString(item)) {
            return ONLINE_QUERY_REQUEST_TO_ACCOUNT;
        }
        request->n_users++;
    }
    request->next = users->child;
    return request->n_users > ONLINE_QUERY_N_USERS_MAX ? ONLINE_QUERY_REQUEST_TOO_MANY : 0;
}

int online_query_read_request(struct str body, struct online_query_request *ret_request)
{
    struct online_query_request request = {.n_users = 0};
    cleanup(json_read_freep) cJSON *tree = NULL;
    int r = json_read(body, &tree);
    if (r != 0) {
        return r < 0 ? r : ONLINE_QUERY_REQUEST_BODY;
    }
    r = read_request(tree, &request);
    if (r != 0) {
        return r;
    }
    request.tree = take_pointer(tree);
    *ret_request = request;
    return 0;
}

void online_query_request_fini(struct online_query_request *request)
{
    json_read_free(request->tree);
    request->tree = NULL;
}

bool online_query_next_user(struct online_query_request *request, struct str *ret_user)
{
    if (!json_read_text(request->next, ret_user)) {
        return false;
    }
    request->next = request->next->next;
    return true;
}

static void write_head(struct json_writer *json, unsigned code, struct str info)
{
    json_begin_object(json, NULL);
    json_str(json, "ActionStatus", code == 0 ? STR("OK") : STR("FAIL"));
    json_str(json, "ErrorInfo", info);
    json_u64(json, "ErrorCode", code);
}

void online_query_write_failure(struct buf *out, unsigned code, struct str info)
{
    struct json_writer json = {.out = out};
    write_head(&json, code, info);
    json_end_object(&json);
}

void online_query_begin_answer(struct online_query_writer *writer, enum online_query_form form,
                               struct buf *out)
{
    *writer = (struct online_query_writer){.json = {.out = out}, .form = form};
    writer->errors_json.out = &writer->errors;
    write_head(&writer->json, 0, STR(""));
    json_begin_array(&writer->json, "QueryResult");
}

static const char *status_key(enum online_query_form form)
{
    return form == ONLINE_QUERY_STATUS ? "Status" : "State";
}

static void write_error(struct json_writer *json, struct str user, unsigned code)
{
    json_begin_object(json, NULL);
    json_str(json, "To_Account", user);
    json_u64(json, "ErrorCode", code);
    json_end_object(json);
}

/* As in Tencent's answers, Detail is omitted if there are no devices. */
static void write_devices(struct online_query_writer *writer, const struct online_query_result *result)
{
    struct json_writer *json = &writer->json;
    if (result->n_devices == 0) {
        return;
    }
    json_begin_array(json, "Detail");
    for (size_t i = 0; i < result->n_devices; i++) {
        json_begin_object(json, NULL);
        json_str(json, "Platform", vendor_platform_to_query(result->devices[i].platform));
        json_str(json, status_key(writer->form), status_names[result->devices[i].status]);
        json_end_object(json);
    }
    json_end_array(json);
}

void online_query_add_result(struct online_query_writer *writer, const struct online_query_result *result)
{
    struct json_writer *json = &writer->json;
    if (result->error_code != 0) {
        write_error(&writer->errors_json, result->user, result->error_code);
        return;
    }
    json_begin_object(json, NULL);
    json_str(json, "To_Account", result->user);
    json_str(json, status_key(writer->form), status_names[result->status]);
    write_devices(writer, result);
    json_end_object(json);
}

/* ErrorList is omitted if it is empty, because null breaks some clients. */
void online_query_end_answer(struct online_query_writer *writer)
{
    struct json_writer *json = &writer->json;
    json_end_array(json);
    if (writer->errors.len > 0) {
        json_begin_array(json, "ErrorList");
        buf_append(json->out, buf_str(&writer->errors));
        json_end_array(json);
    }
    json_end_object(json);
    json->out->failed |= writer->errors.failed;
    buf_fini(&writer->errors);
}

/* Returns false if there is no status. */
static bool read_status(const cJSON *object, enum online_status *ret_status)
{
    struct str name;
    const cJSON *item = json_read_member(object, status_key(ONLINE_QUERY_STATUS));
    if (item == NULL) {
        item = json_read_member(object, status_key(ONLINE_QUERY_STATE));
    }
    if (!json_read_text(item, &name)) {
        return false;
    }
    unsigned status = 0;
    while (status < N_ELEMENTS(status_names) && !str_equal(name, status_names[status])) {
        status++;
    }
    *ret_status = (enum online_status)status; /* ONLINE_STATUS_OTHER if not found */
    return true;
}

static bool read_device(const cJSON *item, struct online_query_device *ret_device)
{
    struct str name;
    if (!cJSON_IsObject(item) || !json_read_text(json_read_member(item, "Platform"), &name)) {
        return false;
    }
    ret_device->platform = vendor_platform_from_query(name);
    return read_status(item, &ret_device->status);
}

static int read_devices(const cJSON *detail, struct online_query_result *result)
{
    const cJSON *item;
    result->n_devices = 0;
    if (detail != NULL && !cJSON_IsArray(detail)) {
        return ONLINE_QUERY_ANSWER_DEVICES;
    }
    cJSON_ArrayForEach(item, detail)
    {
        if (result->n_devices == ONLINE_QUERY_N_DEVICES_MAX ||
            !read_device(item, &result->devices[result->n_devices])) {
            return ONLINE_QUERY_ANSWER_DEVICES;
        }
        result->n_devices++;
    }
    return 0;
}

static int read_result(const cJSON *item, struct online_query_result *result)
{
    result->error_code = 0;
    if (!cJSON_IsObject(item) || !json_read_text(json_read_member(item, "To_Account"), &result->user) ||
        !read_status(item, &result->status)) {
        return ONLINE_QUERY_ANSWER_RESULTS;
    }
    return read_devices(json_read_member(item, "Detail"), result);
}

static bool read_code(const cJSON *object, unsigned *ret_code)
{
    uint64_t code;
    if (!json_read_u64(json_read_member(object, "ErrorCode"), UINT32_MAX, &code)) {
        return false;
    }
    *ret_code = (unsigned)code;
    return true;
}

static int read_error(const cJSON *item, struct online_query_result *result)
{
    if (!cJSON_IsObject(item) || !json_read_text(json_read_member(item, "To_Account"), &result->user) ||
        !read_code(item, &result->error_code) || result->error_code == 0) {
        return ONLINE_QUERY_ANSWER_ERRORS;
    }
    return 0;
}

static int check_results(const cJSON *results, const cJSON *errors)
{
    struct online_query_result result;
    const cJSON *item;
    if (!cJSON_IsArray(results)) {
        return ONLINE_QUERY_ANSWER_RESULTS;
    }
    cJSON_ArrayForEach(item, results)
    {
        int r = read_result(item, &result);
        if (r != 0) {
            return r;
        }
    }
    if (errors != NULL && !cJSON_IsArray(errors)) {
        return ONLINE_QUERY_ANSWER_ERRORS;
    }
    cJSON_ArrayForEach(item, errors)
    {
        int r = read_error(item, &result);
        if (r != 0) {
            return r;
        }
    }
    return 0;
}

static int read_answer(const cJSON *tree, struct online_query_answer *answer)
{
    if (!cJSON_IsObject(tree)) {
        return ONLINE_QUERY_ANSWER_BODY;
    }
    if (!read_code(tree, &answer->error_code)) {
        return ONLINE_QUERY_ANSWER_CODE;
    }
    (void)json_read_text(json_read_member(tree, "ErrorInfo"), &answer->error_info);
    if (answer->error_code != 0) {
        return 0;
    }
    const cJSON *results = json_read_member(tree, "QueryResult");
    const cJSON *errors = json_read_member(tree, "ErrorList");
    int r = check_results(results, errors);
    if (r != 0) {
        return r;
    }
    answer->next = results->child;
    answer->errors = errors == NULL ? NULL : errors->child;
    return 0;
}

int online_query_read_answer(struct str body, struct online_query_answer *ret_answer)
{
    struct online_query_answer answer = {.error_info = STR("")};
    cleanup(json_read_freep) cJSON *tree = NULL;
    int r = json_read(body, &tree);
    if (r != 0) {
        return r < 0 ? r : ONLINE_QUERY_ANSWER_BODY;
    }
    r = read_answer(tree, &answer);
    if (r != 0) {
        return r;
    }
    answer.tree = take_pointer(tree);
    *ret_answer = answer;
    return 0;
}

void online_query_answer_fini(struct online_query_answer *answer)
{
    json_read_free(answer->tree);
    answer->tree = NULL;
}

bool online_query_next_result(struct online_query_answer *answer, struct online_query_result *ret_result)
{
    if (answer->next != NULL) {
        (void)read_result(answer->next, ret_result); /* already validated by check_results() */
        answer->next = answer->next->next;
        return true;
    }
    if (answer->errors != NULL) {
        (void)read_error(answer->errors, ret_result);
        answer->errors = answer->errors->next;
        return true;
    }
    return false;
}

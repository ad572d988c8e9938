/* SPDX-License-Identifier: MIT */
#include "event.h"

#include "presenced/clock.h"

#include <cjson/cJSON.h>
#include <ctype.h>
#include <inttypes.h>
#include <openssl/evp.h>

char *event_sign(const char *token, int64_t unix_s)
{
    char text[512];
    int len = snprintf(text, sizeof(text), "%s%" PRId64, token, unix_s);
    ck_assert_int_lt(len, (int)sizeof(text));
    unsigned char digest[32];
    size_t digest_len = 0;
    ck_assert_int_eq(EVP_Q_digest(NULL, "SHA256", NULL, text, (size_t)len, digest, &digest_len), 1);
    struct buf out = {0};
    buf_appendf(&out, "&RequestTime=%" PRId64 "&Sign=", unix_s);
    for (size_t i = 0; i < digest_len; i++) {
        buf_appendf(&out, "%02x", digest[i]);
    }
    (void)buf_text(&out);
    return out.ptr;
}

char *event_sign_now(const char *token)
{
    return event_sign(token, (int64_t)(clock_unix_ms() / 1000));
}

char *event_target(uint64_t app, const char *platform, const char *more)
{
    struct buf out = {0};
    buf_appendf(&out,
                "/?SdkAppid=%" PRIu64 "&CallbackCommand=State.StateChange&contenttype=json"
                "&ClientIP=192.0.2.4&OptPlatform=%s%s",
                app, platform, more);
    (void)buf_text(&out);
    return out.ptr;
}

char *event_body(const char *user, const char *action, const char *reason, uint64_t event_time_ms)
{
    struct buf out = {0};
    buf_append(&out, STR("{\"CallbackCommand\":\"State.StateChange\","));
    if (event_time_ms != 0) {
        buf_appendf(&out, "\"EventTime\":%" PRIu64 ",", event_time_ms);
    }
    buf_appendf(&out, "\"Info\":{\"To_Account\":\"%s\",\"Action\":\"%s\",\"Reason\":\"%s\"}}", user, action,
                reason);
    (void)buf_text(&out);
    return out.ptr;
}

void event_login(struct client *callback, const char *user, uint64_t event_time_ms)
{
    cleanup(cleanup_freep) char *target = event_target(EVENT_APP, "Web", "");
    cleanup(cleanup_freep) char *body = event_body(user, "Login", "Register", event_time_ms);
    cleanup(answer_fini) struct answer answer;
    client_post(callback, target, body, &answer);
    expect_callback(&answer, 200, "OK", 0);
}

CURLcode event_try_login(struct client *callback, const char *user, uint64_t event_time_ms,
                         struct answer *ret_answer)
{
    cleanup(cleanup_freep) char *target = event_target(EVENT_APP, "Web", "");
    cleanup(cleanup_freep) char *body = event_body(user, "Login", "Register", event_time_ms);
    const struct client_request request = {.method = "POST", .target = target, .body = body};
    return client_try(callback, &request, ret_answer);
}

bool event_is_ok(struct answer *answer)
{
    return answer->status == 200 && strstr(buf_text(&answer->body), "\"ActionStatus\":\"OK\"") != NULL;
}

static void expect_callback_json(const char *json, const char *action_status, int error_code)
{
    cJSON *object = cJSON_Parse(json);
    const char *status = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, "ActionStatus"));
    const char *info = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, "ErrorInfo"));
    const cJSON *code = cJSON_GetObjectItemCaseSensitive(object, "ErrorCode");
    ck_assert_msg(status != NULL && info != NULL && cJSON_IsNumber(code), "not an answer: %s", json);
    ck_assert_msg(strcmp(status, action_status) == 0 && code->valueint == error_code, "not %s / %d but: %s",
                  action_status, error_code, json);
    ck_assert_int_eq(cJSON_GetArraySize(object), 3);
    ck_assert_msg((*info == '\0') == (error_code == 0), "ErrorInfo: %s", json);
    cJSON_Delete(object);
}

void expect_callback(struct answer *answer, long status, const char *action_status, int error_code)
{
    const char *body = buf_text(&answer->body);
    ck_assert_msg(answer->status == status, "status %ld, not %ld: %s", answer->status, status, body);
    ck_assert_msg(answer_has_header(answer, "Content-Type: application/json"), "%s", buf_text(&answer->head));
    expect_callback_json(body, action_status, error_code);
}

void expect_callback_bytes(struct buf *bytes, int status, const char *action_status, int error_code)
{
    const char *text = buf_text(bytes);
    char line[32];
    int line_len = snprintf(line, sizeof(line), "HTTP/1.1 %d ", status);
    ck_assert_msg(strncmp(text, line, (size_t)line_len) == 0, "not %sbut: %s", line, text);
    ck_assert_msg(strcasestr(text, "\r\nContent-Type: application/json\r\n") != NULL, "%s", text);
    const char *body = strstr(text, "\r\n\r\n");
    ck_assert_ptr_nonnull(body);
    expect_callback_json(body + 4, action_status, error_code);
}

void expect_state(struct client *status, const char *user, const char *state)
{
    char target[512];
    (void)snprintf(target, sizeof(target), "/v1/users/%s?app=%d", user, EVENT_APP);
    cleanup(answer_fini) struct answer answer;
    client_get(status, target, &answer);
    if (*state == '\0') {
        ck_assert_msg(answer.status == 404, "%s is known: %s", user, buf_text(&answer.body));
        return;
    }
    char member[64];
    (void)snprintf(member, sizeof(member), "\"state\":\"%s\"", state);
    const char *body = buf_text(&answer.body);
    const char *found = strstr(body, "\"state\":");
    ck_assert_msg(found != NULL && strncmp(found, member, strlen(member)) == 0, "%s is not %s: %s", user,
                  state, body);
}

static size_t count_digits(struct str text)
{
    size_t n = 0;
    while (n < text.len && isdigit((unsigned char)text.ptr[n])) {
        n++;
    }
    return n;
}

void mask_times(struct buf *json, uint64_t from_ms)
{
    /* A missing EventTime is the time received or, if need be, a little later than the row it replaces. */
    uint64_t to_ms = clock_unix_ms() + 100;
    struct buf out = {0};
    struct str rest = buf_str(json);
    while (rest.len > 0) {
        size_t n = count_digits(rest);
        uint64_t value = 0;
        bool is_recent = n > 0 && str_parse_u64((struct str){rest.ptr, n}, UINT64_MAX, &value) &&
                         value >= from_ms && value <= to_ms;
        if (n == 0) {
            n = 1;
        }
        buf_append(&out, is_recent ? STR("NOW") : (struct str){rest.ptr, n});
        rest.ptr += n;
        rest.len -= n;
    }
    buf_fini(json);
    *json = out;
}

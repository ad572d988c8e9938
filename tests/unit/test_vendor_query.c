/* SPDX-License-Identifier: MIT */
#include "suite.h"

#include "../../src/status/vendor_query.h"
#include "status_fixture.h"

#include <stdio.h>

#define PATH "/v4/openim/query_online_status"
#define CREDENTIALS "&identifier=administrator&usersig=eJw*AA__&random=99999999&contenttype=json"
#define TARGET PATH "?sdkappid=1400000000" CREDENTIALS
#define OK_HEAD "{\"ActionStatus\":\"OK\",\"ErrorInfo\":\"\",\"ErrorCode\":0,\"QueryResult\":"

static void happen_to(enum table_event_kind kind, const char *user, uint8_t platform, uint64_t time_ms)
{
    enum row_reason reason = kind == TABLE_LOGIN    ? ROW_REASON_REGISTER
                             : kind == TABLE_LOGOUT ? ROW_REASON_UNREGISTER
                                                    : ROW_REASON_LINK_CLOSE;
    happen((struct event){kind, 0, user, platform, (uint8_t)reason, time_ms, NULL, NULL});
}

/* id1: a phone that can be pushed to, and the web; id2: gone; id3: a phone that can be pushed to; id4: never
 * heard of; id5: a custom status alone. */
static void setup(void)
{
    fixture_start_one_app();
    happen_to(TABLE_DISCONNECT, "id1", PLATFORM_IOS, NOW_MS - 5000);
    happen_to(TABLE_LOGIN, "id1", PLATFORM_WEB, NOW_MS - 4000);
    happen_to(TABLE_LOGOUT, "id2", PLATFORM_ANDROID, NOW_MS - 3000);
    happen_to(TABLE_DISCONNECT, "id3", PLATFORM_ANDROID, NOW_MS - 2000);
    happen((struct event){
        .kind = TABLE_CUSTOM_STATUS, .user = "id5", .time_ms = NOW_MS - 1000, .custom_status = "busy"});
}

START_TEST(the_documented_request_gets_the_documented_answer)
{
    expect_body(post(TARGET, "{\"IsNeedDetail\":1,\"To_Account\":[\"id1\",\"id2\",\"id4\"]}"), 200,
                OK_HEAD "[{\"To_Account\":\"id1\",\"Status\":\"Online\",\"Detail\":["
                        "{\"Platform\":\"iPhone\",\"Status\":\"PushOnline\"},"
                        "{\"Platform\":\"Web\",\"Status\":\"Online\"}]},"
                        "{\"To_Account\":\"id2\",\"Status\":\"Offline\"}],"
                        "\"ErrorList\":[{\"To_Account\":\"id4\",\"ErrorCode\":70107}]}");
}
END_TEST

START_TEST(the_older_name_answers_with_state)
{
    expect_body(post("/v4/openim/querystate?sdkappid=1400000000" CREDENTIALS,
                     "{\"IsNeedDetail\":1,\"To_Account\":[\"id1\",\"id2\",\"id4\"]}"),
                200,
                OK_HEAD "[{\"To_Account\":\"id1\",\"State\":\"Online\",\"Detail\":["
                        "{\"Platform\":\"iPhone\",\"State\":\"PushOnline\"},"
                        "{\"Platform\":\"Web\",\"State\":\"Online\"}]},"
                        "{\"To_Account\":\"id2\",\"State\":\"Offline\"}],"
                        "\"ErrorList\":[{\"To_Account\":\"id4\",\"ErrorCode\":70107}]}");
}
END_TEST

#define ALL_STATES                                                                                     \
    "[{\"To_Account\":\"id1\",\"Status\":\"Online\"},{\"To_Account\":\"id2\",\"Status\":\"Offline\"}," \
    "{\"To_Account\":\"id3\",\"Status\":\"PushOnline\"}]"

static const struct {
    const char *body;
    const char *result;
} good[] = {
    {"{\"To_Account\":[\"id1\",\"id2\",\"id3\"]}", ALL_STATES "}"},
    {"{\"IsNeedDetail\":0,\"To_Account\":[\"id1\",\"id2\",\"id3\"]}", ALL_STATES "}"},
    {"{\"IsNeedDetail\":null,\"To_Account\":[\"id1\",\"id2\",\"id3\"],\"Other\":1}", ALL_STATES "}"},
    {"{\"IsNeedDetail\":false,\"To_Account\":[\"id1\",\"id2\",\"id3\"]}", ALL_STATES "}"},
    {"{\"To_Account\":[\"id3\"],\"IsNeedDetail\":true}",
     "[{\"To_Account\":\"id3\",\"Status\":\"PushOnline\",\"Detail\":["
     "{\"Platform\":\"Android\",\"Status\":\"PushOnline\"}]}]}"},
    {"{\"To_Account\":[\"id4\",\"id2\",\"id5\",\"ID1\"]}",
     "[{\"To_Account\":\"id2\",\"Status\":\"Offline\"}],"
     "\"ErrorList\":[{\"To_Account\":\"id4\",\"ErrorCode\":70107},"
     "{\"To_Account\":\"id5\",\"ErrorCode\":70107},{\"To_Account\":\"ID1\",\"ErrorCode\":70107}]}"},
    {"{\"To_Account\":[\"\"]}", "[],\"ErrorList\":[{\"To_Account\":\"\",\"ErrorCode\":70107}]}"},
    {"{\"To_Account\":[]}", "[]}"},
};

START_TEST(what_is_well_formed_is_answered)
{
    char expected[1024];
    (void)snprintf(expected, sizeof(expected), OK_HEAD "%s", good[_i].result);
    expect_body(post(TARGET, good[_i].body), 200, expected);
}
END_TEST

static const struct {
    uint8_t platform;
    const char *name;
} platforms[] = {
    {PLATFORM_IOS, "iPhone"},  {PLATFORM_ANDROID, "Android"},   {PLATFORM_WEB, "Web"},
    {PLATFORM_WINDOWS, "PC"},  {PLATFORM_IPAD, "iPad"},         {PLATFORM_MAC, "Mac"},
    {PLATFORM_LINUX, "Linux"}, {PLATFORM_N_KNOWN, "HarmonyOS"},
};

START_TEST(platforms_have_the_names_of_this_query)
{
    char expected[256];
    ck_assert_uint_eq(platform_intern(table_platform_names(fixture.table), STR("HarmonyOS")),
                      PLATFORM_N_KNOWN);
    happen_to(TABLE_LOGIN, "id6", platforms[_i].platform, NOW_MS - 1000);
    (void)snprintf(expected, sizeof(expected),
                   OK_HEAD "[{\"To_Account\":\"id6\",\"Status\":\"Online\",\"Detail\":["
                           "{\"Platform\":\"%s\",\"Status\":\"Online\"}]}]}",
                   platforms[_i].name);
    expect_body(post(TARGET, "{\"IsNeedDetail\":1,\"To_Account\":[\"id6\"]}"), 200, expected);
}
END_TEST

START_TEST(the_window_ends_for_a_device_as_for_a_user)
{
    static const char body[] = "{\"IsNeedDetail\":1,\"To_Account\":[\"id1\",\"id3\"]}";
    fixture.now_ms = NOW_MS - 5000 + WINDOW_MS;
    expect_body(post(TARGET, body), 200,
                OK_HEAD "[{\"To_Account\":\"id1\",\"Status\":\"Online\",\"Detail\":["
                        "{\"Platform\":\"Web\",\"Status\":\"Online\"}]},"
                        "{\"To_Account\":\"id3\",\"Status\":\"PushOnline\",\"Detail\":["
                        "{\"Platform\":\"Android\",\"Status\":\"PushOnline\"}]}]}");
    fixture.now_ms = NOW_MS - 2000 + WINDOW_MS;
    expect_body(post(TARGET, body), 200,
                OK_HEAD "[{\"To_Account\":\"id1\",\"Status\":\"Online\",\"Detail\":["
                        "{\"Platform\":\"Web\",\"Status\":\"Online\"}]},"
                        "{\"To_Account\":\"id3\",\"Status\":\"Offline\"}]}");
}
END_TEST

START_TEST(a_device_ended_by_restapi_is_not_online)
{
    happen_to(TABLE_LOGOUT, "id1", PLATFORM_RESTAPI, NOW_MS - 1000);
    expect_body(post(TARGET, "{\"IsNeedDetail\":1,\"To_Account\":[\"id1\"]}"), 200,
                OK_HEAD "[{\"To_Account\":\"id1\",\"Status\":\"Offline\"}]}");
}
END_TEST

#define BAD_BODY "the body is not a JSON object in UTF-8, or holds \\\\u0000 or a key twice"
#define BAD_DETAIL "IsNeedDetail is neither 0 nor 1"
#define BAD_TO_ACCOUNT "To_Account is not an array of strings"

static const struct {
    const char *body;
    unsigned code;
    const char *info;
} bad[] = {
    {"", 90001, BAD_BODY},
    {"{", 90001, BAD_BODY},
    {"[]", 90001, BAD_BODY},
    {"{\"To_Account\":[\"id1\"],}", 90001, BAD_BODY},
    {"{\"To_Account\":[\"\xff\"]}", 90001, BAD_BODY},
    {"{\"IsNeedDetail\":2,\"To_Account\":[]}", 90001, BAD_DETAIL},
    {"{\"IsNeedDetail\":\"1\",\"To_Account\":[]}", 90001, BAD_DETAIL},
    {"{\"IsNeedDetail\":1,\"IsNeedDetail\":1,\"To_Account\":[]}", 90001, BAD_BODY},
    {"{}", 90003, BAD_TO_ACCOUNT},
    {"{\"To_Account\":null}", 90003, BAD_TO_ACCOUNT},
    {"{\"To_Account\":\"id1\"}", 90003, BAD_TO_ACCOUNT},
    {"{\"To_Account\":[1]}", 90003, BAD_TO_ACCOUNT},
    {"{\"to_account\":[\"id1\"]}", 90003, BAD_TO_ACCOUNT},
};

static void expect_fail(struct http_reply *reply, unsigned code, const char *info)
{
    char expected[256];
    (void)snprintf(expected, sizeof(expected),
                   "{\"ActionStatus\":\"FAIL\",\"ErrorInfo\":\"%s\",\"ErrorCode\":%u}", info, code);
    expect_body(reply, 200, expected);
}

START_TEST(what_is_not_fails_as_at_the_vendor)
{
    expect_fail(post(TARGET, bad[_i].body), bad[_i].code, bad[_i].info);
}
END_TEST

static struct http_reply *ask_for(unsigned n)
{
    struct buf body = {0};
    buf_append(&body, STR("{\"To_Account\":[\"id1\""));
    for (unsigned i = 1; i < n; i++) {
        buf_append(&body, STR(",\"id1\""));
    }
    buf_append(&body, STR("]}"));
    buf_append_char(&body, '\0');
    struct http_reply *reply = post(TARGET, body.ptr);
    buf_fini(&body);
    ck_assert_ptr_nonnull(reply);
    return reply;
}

START_TEST(five_hundred_ids_are_the_most)
{
    struct http_reply *reply = ask_for(ONLINE_QUERY_N_USERS_MAX);
    cJSON *json = reply_json(reply);
    ck_assert_int_eq(cJSON_GetArraySize(cJSON_GetObjectItem(json, "QueryResult")), ONLINE_QUERY_N_USERS_MAX);
    cJSON_Delete(json);
    http_reply_free(reply);
    expect_fail(ask_for(ONLINE_QUERY_N_USERS_MAX + 1), 90011, "To_Account holds more than 500 ids");
}
END_TEST

START_TEST(an_id_too_long_is_no_such_user)
{
    char id[258];
    char body[512];
    char expected[512];
    memset(id, 'x', 257);
    id[257] = '\0';
    (void)snprintf(body, sizeof(body), "{\"To_Account\":[\"%s\"]}", id);
    (void)snprintf(expected, sizeof(expected),
                   OK_HEAD "[],\"ErrorList\":[{\"To_Account\":\"%s\",\"ErrorCode\":70107}]}", id);
    expect_body(post(TARGET, body), 200, expected);
}
END_TEST

static const struct {
    const char *target;
    const char *info; /* NULL: it is answered */
} targets[] = {
    {PATH "?contenttype=json&sdkappid=1400000000", NULL},
    {PATH "?sdkappid=1400000000&identifier=a&identifier=b", NULL},
    {PATH "?sdkappid=", NULL},
    {PATH, NULL},
    {PATH "?sdkappid=1400000001", "sdkappid is not configured here"},
    {PATH "?sdkappid=88888888x", "sdkappid is not the number of an app, given once"},
    {PATH "?sdkappid=1400000000&sdkappid=1400000000", "sdkappid is not the number of an app, given once"},
};

START_TEST(sdkappid_names_the_app)
{
    static const char body[] = "{\"To_Account\":[\"id2\"]}";
    if (targets[_i].info != NULL) {
        expect_fail(post(targets[_i].target, body), 90001, targets[_i].info);
    } else {
        expect_body(post(targets[_i].target, body), 200,
                    OK_HEAD "[{\"To_Account\":\"id2\",\"Status\":\"Offline\"}]}");
    }
}
END_TEST

START_TEST(one_of_two_apps_must_be_named)
{
    expect_fail(post(PATH, "{\"To_Account\":[]}"), 90001, "sdkappid is missing");
    expect_body(post(PATH "?sdkappid=1400000001", "{\"To_Account\":[]}"), 200, OK_HEAD "[]}");
}
END_TEST

START_TEST(without_memory_there_is_no_answer)
{
    fixture.memory_is_gone = true;
    ck_assert_ptr_null(post(TARGET, "{\"To_Account\":[\"id1\",\"id4\"]}"));
    ck_assert_ptr_null(post(TARGET, ""));
}
END_TEST

#define N(array) ((int)(sizeof(array) / sizeof((array)[0])))

Suite *test_suite(void)
{
    Suite *suite = suite_create("vendor_query");
    TCase *one = tcase_create("one app");
    TCase *two = tcase_create("two apps");
    tcase_add_checked_fixture(one, setup, fixture_stop);
    tcase_add_checked_fixture(two, fixture_start_two_apps, fixture_stop);
    tcase_add_test(one, the_documented_request_gets_the_documented_answer);
    tcase_add_test(one, the_older_name_answers_with_state);
    tcase_add_loop_test(one, what_is_well_formed_is_answered, 0, N(good));
    tcase_add_loop_test(one, platforms_have_the_names_of_this_query, 0, N(platforms));
    tcase_add_test(one, the_window_ends_for_a_device_as_for_a_user);
    tcase_add_test(one, a_device_ended_by_restapi_is_not_online);
    tcase_add_loop_test(one, what_is_not_fails_as_at_the_vendor, 0, N(bad));
    tcase_add_test(one, five_hundred_ids_are_the_most);
    tcase_add_test(one, an_id_too_long_is_no_such_user);
    tcase_add_loop_test(one, sdkappid_names_the_app, 0, N(targets));
    tcase_add_test(one, without_memory_there_is_no_answer);
    tcase_add_test(two, one_of_two_apps_must_be_named);
    suite_add_tcase(suite, one);
    suite_add_tcase(suite, two);
    return suite;
}

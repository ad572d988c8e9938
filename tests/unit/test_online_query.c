/* SPDX-License-Identifier: MIT */
#include "presenced/online_query.h"

#include "presenced/vendor_error.h"
#include "presenced/vendor_platform.h"
#include "suite.h"

static struct online_query_answer read_good_answer(struct str body)
{
    struct online_query_answer answer;
    ck_assert_int_eq(online_query_read_answer(body, &answer), 0);
    return answer;
}

static void expect_text(struct str text, const char *expected)
{
    ck_assert_msg(str_equal(text, str_from(expected)), "\"%.*s\" is not \"%s\"", STR_FMT(text), expected);
}

START_TEST(a_request_is_written_as_documented)
{
    const struct str users[] = {STR("id1"), STR("a\"b"), STR("\xe4\xbd\xa0")};
    cleanup(buf_fini) struct buf body = {0};
    online_query_write_request(&body, users, 3);
    expect_text(buf_str(&body), "{\"IsNeedDetail\":1,\"To_Account\":[\"id1\",\"a\\\"b\",\"\xe4\xbd\xa0\"]}");
}
END_TEST

START_TEST(a_target_names_who_asks)
{
    const struct online_query_caller caller = {1400000000, STR("admin &1"), STR("eJw*-A__"), 4294967295};
    cleanup(buf_fini) struct buf target = {0};
    online_query_write_target(&target, &caller);
    expect_text(buf_str(&target), "/v4/openim/query_online_status?sdkappid=1400000000&identifier=admin%20%261"
                                  "&usersig=eJw%2A-A__&random=4294967295&contenttype=json");
}
END_TEST

START_TEST(what_is_asked_is_read_again)
{
    const struct str users[] = {STR("id1"), STR(""), STR("id1"), STR("\xe4\xbd\xa0")};
    cleanup(buf_fini) struct buf body = {0};
    struct online_query_request request;
    struct str user;
    online_query_write_request(&body, users, 4);
    ck_assert_int_eq(online_query_read_request(buf_str(&body), &request), 0);
    ck_assert(request.needs_detail);
    ck_assert_uint_eq(request.n_users, 4);
    for (size_t i = 0; i < 4; i++) {
        ck_assert(online_query_next_user(&request, &user));
        ck_assert(str_equal(user, users[i]));
    }
    ck_assert(!online_query_next_user(&request, &user));
    online_query_request_fini(&request);
}
END_TEST

static const struct {
    const char *body;
    int outcome;
} requests[] = {
    {"{\"To_Account\":[\"a\"]}", 0},
    {"{\"IsNeedDetail\":false,\"To_Account\":[]}", 0},
    {"{\"To_Account\":[],\"IsReturnInstid\":1}", 0},
    {"[]", ONLINE_QUERY_REQUEST_BODY},
    {"{\"To_Account\":[],\"x\":1,\"x\":2}", ONLINE_QUERY_REQUEST_BODY},
    {"{\"To_Account\":[],\"IsNeedDetail\":2}", ONLINE_QUERY_REQUEST_DETAIL},
    {"{\"To_Account\":[],\"IsNeedDetail\":[]}", ONLINE_QUERY_REQUEST_DETAIL},
    {"{\"IsNeedDetail\":1}", ONLINE_QUERY_REQUEST_TO_ACCOUNT},
    {"{\"To_Account\":[\"a\",null]}", ONLINE_QUERY_REQUEST_TO_ACCOUNT},
};

START_TEST(a_request_is_checked_whole)
{
    struct online_query_request request = {.tree = NULL};
    ck_assert_int_eq(online_query_read_request(str_from(requests[_i].body), &request), requests[_i].outcome);
    ck_assert(!request.needs_detail);
    online_query_request_fini(&request);
}
END_TEST

#define DOCUMENTED(key)                                                                 \
    "{\"ActionStatus\":\"OK\",\"ErrorInfo\":\"\",\"ErrorCode\":0,\"QueryResult\":["     \
    "{\"To_Account\":\"id1\",\"" key "\":\"Online\",\"Detail\":["                       \
    "{\"Platform\":\"iPhone\",\"" key "\":\"PushOnline\"},{\"Platform\":\"Web\",\"" key \
    "\":\"Online\"}]},{\"To_Account\":\"id2\",\"" key "\":\"Offline\"}],"               \
    "\"ErrorList\":[{\"To_Account\":\"id4\",\"ErrorCode\":70107}]}"

static void expect_documented(struct str body)
{
    struct online_query_answer answer = read_good_answer(body);
    struct online_query_result result;
    ck_assert_uint_eq(answer.error_code, 0);
    ck_assert(online_query_next_result(&answer, &result));
    expect_text(result.user, "id1");
    ck_assert_uint_eq(result.error_code, 0);
    ck_assert_int_eq(result.status, ONLINE_STATUS_ONLINE);
    ck_assert_uint_eq(result.n_devices, 2);
    expect_text(result.devices[0].platform, "iOS");
    ck_assert_int_eq(result.devices[0].status, ONLINE_STATUS_PUSH_ONLINE);
    expect_text(result.devices[1].platform, "Web");
    ck_assert_int_eq(result.devices[1].status, ONLINE_STATUS_ONLINE);
    ck_assert(online_query_next_result(&answer, &result));
    expect_text(result.user, "id2");
    ck_assert_int_eq(result.status, ONLINE_STATUS_OFFLINE);
    ck_assert_uint_eq(result.n_devices, 0);
    ck_assert(online_query_next_result(&answer, &result));
    expect_text(result.user, "id4");
    ck_assert_uint_eq(result.error_code, VENDOR_NO_SUCH_USER);
    ck_assert(!online_query_next_result(&answer, &result));
    online_query_answer_fini(&answer);
}

START_TEST(the_documented_answer_is_read)
{
    expect_documented(STR(DOCUMENTED("Status")));
    expect_documented(STR(DOCUMENTED("State")));
}
END_TEST

static void write_again(struct str body, enum online_query_form form, struct buf *ret_body)
{
    struct online_query_answer answer = read_good_answer(body);
    struct online_query_writer writer;
    struct online_query_result result;
    online_query_begin_answer(&writer, form, ret_body);
    while (online_query_next_result(&answer, &result)) {
        online_query_add_result(&writer, &result);
    }
    online_query_end_answer(&writer);
    online_query_answer_fini(&answer);
    ck_assert(!ret_body->failed);
}

START_TEST(the_documented_answer_is_written_byte_for_byte)
{
    cleanup(buf_fini) struct buf status = {0};
    cleanup(buf_fini) struct buf state = {0};
    write_again(STR(DOCUMENTED("State")), ONLINE_QUERY_STATUS, &status);
    expect_text(buf_str(&status), DOCUMENTED("Status"));
    write_again(STR(DOCUMENTED("Status")), ONLINE_QUERY_STATE, &state);
    expect_text(buf_str(&state), DOCUMENTED("State"));
}
END_TEST

START_TEST(a_failure_has_code_and_words)
{
    cleanup(buf_fini) struct buf body = {0};
    struct online_query_result result;
    online_query_write_failure(&body, 70001, STR("the \"UserSig\""));
    expect_text(buf_str(&body),
                "{\"ActionStatus\":\"FAIL\",\"ErrorInfo\":\"the \\\"UserSig\\\"\",\"ErrorCode\":70001}");
    struct online_query_answer answer = read_good_answer(buf_str(&body));
    ck_assert_uint_eq(answer.error_code, 70001);
    expect_text(answer.error_info, "the \"UserSig\"");
    ck_assert(!online_query_next_result(&answer, &result));
    online_query_answer_fini(&answer);
}
END_TEST

#define HEAD "{\"ErrorCode\":0,\"QueryResult\":"
#define ID "{\"To_Account\":\"a\","

static const struct {
    const char *body;
    int outcome;
} answers[] = {
    {HEAD "[]}", 0},
    {HEAD "[],\"ErrorList\":null,\"ErrorInfo\":7}", 0},
    {HEAD "[" ID "\"Status\":\"Online\",\"Detail\":null}]}", 0},
    {HEAD "[" ID "\"Status\":\"Online\",\"Detail\":[],\"Instid\":[1]}]}", 0},
    {"{\"ErrorCode\":60002,\"QueryResult\":7}", 0},
    {"", ONLINE_QUERY_ANSWER_BODY},
    {"<html>502 Bad Gateway</html>", ONLINE_QUERY_ANSWER_BODY},
    {"[]", ONLINE_QUERY_ANSWER_BODY},
    {HEAD "[]", ONLINE_QUERY_ANSWER_BODY}, /* cut */
    {HEAD "[],\"QueryResult\":[]}", ONLINE_QUERY_ANSWER_BODY},
    {"{\"QueryResult\":[]}", ONLINE_QUERY_ANSWER_CODE},
    {"{\"ErrorCode\":\"0\",\"QueryResult\":[]}", ONLINE_QUERY_ANSWER_CODE},
    {"{\"ErrorCode\":-1}", ONLINE_QUERY_ANSWER_CODE},
    {"{\"ErrorCode\":0}", ONLINE_QUERY_ANSWER_RESULTS},
    {HEAD "{}}", ONLINE_QUERY_ANSWER_RESULTS},
    {HEAD "[7]}", ONLINE_QUERY_ANSWER_RESULTS},
    {HEAD "[{\"Status\":\"Online\"}]}", ONLINE_QUERY_ANSWER_RESULTS},
    {HEAD "[" ID "\"Status\":1}]}", ONLINE_QUERY_ANSWER_RESULTS},
    {HEAD "[" ID "\"status\":\"Online\"}]}", ONLINE_QUERY_ANSWER_RESULTS},
    {HEAD "[" ID "\"Status\":\"Online\"},{}]}", ONLINE_QUERY_ANSWER_RESULTS},
    {HEAD "[" ID "\"Status\":\"Online\",\"Detail\":{}}]}", ONLINE_QUERY_ANSWER_DEVICES},
    {HEAD "[" ID "\"Status\":\"Online\",\"Detail\":[[]]}]}", ONLINE_QUERY_ANSWER_DEVICES},
    {HEAD "[" ID "\"Status\":\"Online\",\"Detail\":[{\"Status\":\"Online\"}]}]}",
     ONLINE_QUERY_ANSWER_DEVICES},
    {HEAD "[" ID "\"Status\":\"Online\",\"Detail\":[{\"Platform\":\"PC\"}]}]}", ONLINE_QUERY_ANSWER_DEVICES},
    {HEAD "[],\"ErrorList\":{}}", ONLINE_QUERY_ANSWER_ERRORS},
    {HEAD "[],\"ErrorList\":[1]}", ONLINE_QUERY_ANSWER_ERRORS},
    {HEAD "[],\"ErrorList\":[{\"ErrorCode\":70107}]}", ONLINE_QUERY_ANSWER_ERRORS},
    {HEAD "[],\"ErrorList\":[" ID "\"ErrorCode\":0}]}", ONLINE_QUERY_ANSWER_ERRORS},
};

START_TEST(an_answer_is_checked_whole)
{
    struct online_query_answer answer = {.tree = NULL};
    ck_assert_int_eq(online_query_read_answer(str_from(answers[_i].body), &answer), answers[_i].outcome);
    online_query_answer_fini(&answer);
}
END_TEST

START_TEST(a_status_that_is_news_is_told_as_such)
{
    struct online_query_answer answer = read_good_answer(
        STR(HEAD "[" ID "\"Status\":\"Busy\",\"Detail\":[{\"Platform\":\"Watch\",\"Status\":\"\"}]}]}"));
    struct online_query_result result;
    ck_assert(online_query_next_result(&answer, &result));
    ck_assert_int_eq(result.status, ONLINE_STATUS_OTHER);
    ck_assert_uint_eq(result.n_devices, 1);
    expect_text(result.devices[0].platform, "Watch");
    ck_assert_int_eq(result.devices[0].status, ONLINE_STATUS_OTHER);
    online_query_answer_fini(&answer);
}
END_TEST

static int read_devices(unsigned n_devices)
{
    cleanup(buf_fini) struct buf body = {0};
    struct online_query_answer answer = {.tree = NULL};
    buf_append(&body, STR(HEAD "[" ID "\"Status\":\"Online\",\"Detail\":["));
    for (unsigned i = 0; i < n_devices; i++) {
        buf_appendf(&body, "%s{\"Platform\":\"P%u\",\"Status\":\"Online\"}", i == 0 ? "" : ",", i);
    }
    buf_append(&body, STR("]}]}"));
    int r = online_query_read_answer(buf_str(&body), &answer);
    online_query_answer_fini(&answer);
    return r;
}

START_TEST(a_user_has_no_more_devices_than_there_is_room_for)
{
    ck_assert_int_eq(read_devices(ONLINE_QUERY_N_DEVICES_MAX), 0);
    ck_assert_int_eq(read_devices(ONLINE_QUERY_N_DEVICES_MAX + 1), ONLINE_QUERY_ANSWER_DEVICES);
}
END_TEST

static const struct {
    const char *name;
    const char *query_name;
    bool is_in_query;
} platforms[] = {
    {"iOS", "iPhone", true},   {"Android", "Android", true},  {"Web", "Web", true},
    {"Windows", "PC", true},   {"iPad", "iPad", true},        {"Mac", "Mac", true},
    {"Linux", "Linux", false}, {"RESTAPI", "RESTAPI", false}, {"HarmonyOS", "HarmonyOS", false},
};

START_TEST(platforms_have_names_of_their_own_in_the_query)
{
    expect_text(vendor_platform_to_query(str_from(platforms[_i].name)), platforms[_i].query_name);
    expect_text(vendor_platform_from_query(str_from(platforms[_i].query_name)), platforms[_i].name);
    ck_assert(vendor_platform_is_in_query(str_from(platforms[_i].name)) == platforms[_i].is_in_query);
    expect_text(vendor_platform_to_query(STR("IOS")), "iPhone");
    expect_text(vendor_platform_from_query(STR("IPHONE")), "iOS");
}
END_TEST

#define N(cases) (int)(sizeof(cases) / sizeof((cases)[0]))

Suite *test_suite(void)
{
    Suite *suite = suite_create("online_query");
    TCase *request = tcase_create("request");
    TCase *answer = tcase_create("answer");
    tcase_add_test(request, a_request_is_written_as_documented);
    tcase_add_test(request, a_target_names_who_asks);
    tcase_add_test(request, what_is_asked_is_read_again);
    tcase_add_loop_test(request, a_request_is_checked_whole, 0, N(requests));
    tcase_add_test(answer, the_documented_answer_is_read);
    tcase_add_test(answer, the_documented_answer_is_written_byte_for_byte);
    tcase_add_test(answer, a_failure_has_code_and_words);
    tcase_add_loop_test(answer, an_answer_is_checked_whole, 0, N(answers));
    tcase_add_test(answer, a_status_that_is_news_is_told_as_such);
    tcase_add_test(answer, a_user_has_no_more_devices_than_there_is_room_for);
    tcase_add_loop_test(answer, platforms_have_names_of_their_own_in_the_query, 0, N(platforms));
    suite_add_tcase(suite, request);
    suite_add_tcase(suite, answer);
    return suite;
}

/* SPDX-License-Identifier: MIT */
#include "suite.h"

#include "../../src/status/users_query.h"
#include "status_fixture.h"

#define PATH "/v1/users/query"
#define BAD_BODY "the body is not a JSON object in UTF-8, or holds \\u0000 or a key twice"
#define BAD_USERS "users is not an array of strings"
#define BAD_APP "app is not the number of an app, given once"
#define BAD_ID "users holds an id that is not of 1 to 256 bytes"

static void log_in(uint16_t app, const char *user)
{
    happen(
        (struct event){TABLE_LOGIN, app, user, PLATFORM_WEB, ROW_REASON_REGISTER, NOW_MS - 1000, NULL, NULL});
}

#define ALICE                                                                                         \
    "{\"app\":1400000000,\"user\":\"alice\",\"state\":\"online\",\"since\":1699999999000,"            \
    "\"custom_status\":null,\"custom_status_time\":null,\"devices\":[{\"platform\":\"Web\","          \
    "\"state\":\"online\",\"action\":\"Login\",\"reason\":\"Register\",\"event_time\":1699999999000," \
    "\"received_time\":1699999999100,\"client_ip\":null}]}"
#define UNKNOWN(app, user)                                                                                \
    "{\"app\":" app ",\"user\":\"" user "\",\"state\":\"unknown\",\"since\":null,\"custom_status\":null," \
    "\"custom_status_time\":null,\"devices\":[]}"

START_TEST(users_come_in_the_order_asked)
{
    log_in(0, "alice");
    expect_body(post(PATH, "{\"users\":[\"bob\",\"alice\",\"carol\",\"alice\"]}"), 200,
                "{\"users\":[" UNKNOWN("1400000000", "bob") "," ALICE "," UNKNOWN("1400000000",
                                                                                  "carol") "," ALICE "]}");
}
END_TEST

static const struct {
    const char *body;
    const char *answer;
} good[] = {
    {"{\"users\":[]}", "{\"users\":[]}"},
    {" \t\r\n{ \"users\" : [ ] , \"app\" : 1400000000 } \r\n", "{\"users\":[]}"},
    {"{\"app\":null,\"users\":[\"b\"],\"more\":{\"users\":7}}",
     "{\"users\":[" UNKNOWN("1400000000", "b") "]}"},
    {"{\"app\":1.4e9,\"users\":[]}", "{\"users\":[]}"},
    {"{\"users\":[\"\\u4f60/\\\"?%2F\\\\u0000\"]}",
     "{\"users\":[" UNKNOWN("1400000000", "\xe4\xbd\xa0/\\\"?%2F\\\\u0000") "]}"},
    {"{\"users\":[\"\\ud83d\\ude00\"]}", "{\"users\":[" UNKNOWN("1400000000", "\xf0\x9f\x98\x80") "]}"},
};

START_TEST(what_is_well_formed_is_answered)
{
    expect_body(post(PATH, good[_i].body), 200, good[_i].answer);
}
END_TEST

static const struct {
    const char *body;
    unsigned status;
    const char *detail;
} bad[] = {
    {"", 400, BAD_BODY},
    {" ", 400, BAD_BODY},
    {"{", 400, BAD_BODY},
    {"{}x", 400, BAD_BODY},
    {"{}{}", 400, BAD_BODY},
    {"{\"users\":[]}\x01", 400, BAD_BODY},
    {"\x0b{\"users\":[]}", 400, BAD_BODY},
    {"null", 400, BAD_BODY},
    {"[]", 400, BAD_BODY},
    {"[\"a\"]", 400, BAD_BODY},
    {"\"users\"", 400, BAD_BODY},
    {"{\"users\":[\"a\",]}", 400, BAD_BODY},
    {"{'users':['a']}", 400, BAD_BODY},
    {"{\"users\":[\"a\nb\"]}", 400, BAD_BODY},
    {"{\"users\":[\"\xff\"]}", 400, BAD_BODY},
    {"{\"users\":[\"\xed\xa0\x80\"]}", 400, BAD_BODY},
    {"{\"users\":[\"\\ud800\"]}", 400, BAD_BODY},
    {"{\"users\":[\"a\\u0000b\"]}", 400, BAD_BODY},
    {"{\"users\":[\"\\\\\\u0000\"]}", 400, BAD_BODY},
    {"{\"users\":[\"\\x\"]}", 400, BAD_BODY},
    {"{\"users\":[],\"users\":[\"a\"]}", 400, BAD_BODY},
    {"{\"app\":1400000000,\"users\":[],\"\\u0061pp\":1400000000}", 400, BAD_BODY},

    {"{}", 400, BAD_USERS},
    {"{\"Users\":[]}", 400, BAD_USERS},
    {"{\"users\":null}", 400, BAD_USERS},
    {"{\"users\":\"a\"}", 400, BAD_USERS},
    {"{\"users\":{\"a\":\"b\"}}", 400, BAD_USERS},
    {"{\"users\":[1]}", 400, BAD_USERS},
    {"{\"users\":[\"a\",null]}", 400, BAD_USERS},
    {"{\"users\":[[\"a\"]]}", 400, BAD_USERS},

    {"{\"users\":[\"\"]}", 400, BAD_ID},

    {"{\"app\":\"1400000000\",\"users\":[]}", 400, BAD_APP},
    {"{\"app\":true,\"users\":[]}", 400, BAD_APP},
    {"{\"app\":-1,\"users\":[]}", 400, BAD_APP},
    {"{\"app\":1400000000.5,\"users\":[]}", 400, BAD_APP},
    {"{\"app\":9007199254740992,\"users\":[]}", 400, BAD_APP},
    {"{\"app\":1e999,\"users\":[]}", 400, BAD_APP},
    {"{\"app\":1400000001,\"users\":[]}", 404, "no such app is configured"},
    {"{\"app\":9007199254740991,\"users\":[]}", 404, "no such app is configured"},
};

START_TEST(what_is_not_is_refused)
{
    expect_problem(post(PATH, bad[_i].body), bad[_i].status, bad[_i].detail);
}
END_TEST

START_TEST(a_nul_byte_does_not_end_the_body)
{
    static const struct http_header local[] = {{"Host", "localhost"}, {NULL, NULL}};
    expect_problem(ask_with(local, "POST", PATH, STR("{\"users\":[]}\0")), 400, BAD_BODY);
    expect_problem(ask_with(local, "POST", PATH, STR("{\"users\":[]}\0{}")), 400, BAD_BODY);
    expect_problem(ask_with(local, "POST", PATH, STR("{\"users\":[\"a\0b\"]}")), 400, BAD_BODY);
}
END_TEST

/* Deeper than cJSON follows. */
START_TEST(a_deep_body_is_refused)
{
    struct buf body = {0};
    for (int i = 0; i < 100000; i++) {
        buf_append(&body, STR("{\"a\":"));
    }
    buf_append_char(&body, '\0');
    expect_problem(post(PATH, body.ptr), 400, BAD_BODY);
    buf_fini(&body);
}
END_TEST

static void append_ids(struct buf *body, size_t n, size_t id_len)
{
    buf_append(body, STR("{\"users\":["));
    for (size_t i = 0; i < n; i++) {
        buf_append(body, i == 0 ? STR("\"") : STR(",\""));
        for (size_t k = 0; k < id_len; k++) {
            buf_append_char(body, 'x');
        }
        buf_append_char(body, '"');
    }
    buf_append(body, STR("]}"));
    buf_append_char(body, '\0');
}

static struct http_reply *ask_for(size_t n, size_t id_len)
{
    struct buf body = {0};
    append_ids(&body, n, id_len);
    struct http_reply *reply = post(PATH, body.ptr);
    buf_fini(&body);
    ck_assert_ptr_nonnull(reply);
    return reply;
}

START_TEST(a_thousand_ids_are_the_most)
{
    struct http_reply *reply = ask_for(USERS_QUERY_N_MAX, 256);
    cJSON *json = reply_json(reply);
    ck_assert_uint_eq(reply_status(reply), 200);
    ck_assert_int_eq(cJSON_GetArraySize(cJSON_GetObjectItem(json, "users")), USERS_QUERY_N_MAX);
    cJSON_Delete(json);
    http_reply_free(reply);
    expect_problem(ask_for(USERS_QUERY_N_MAX + 1, 1), 400, "users holds more than 1000 ids");
}
END_TEST

START_TEST(an_id_of_256_bytes_is_the_longest)
{
    expect_problem(ask_for(1, 257), 400, BAD_ID);
}
END_TEST

START_TEST(one_of_two_apps_must_be_named)
{
    expect_problem(post(PATH, "{\"users\":[\"alice\"]}"), 400,
                   "app is missing; it may be left out only where one app is configured");
    expect_body(post(PATH, "{\"users\":[\"alice\"],\"app\":1400000001}"), 200,
                "{\"users\":[" UNKNOWN("1400000001", "alice") "]}");
}
END_TEST

START_TEST(without_memory_there_is_no_answer)
{
    fixture.memory_is_gone = true;
    ck_assert_ptr_null(post(PATH, "{\"users\":[\"alice\"]}"));
    ck_assert_ptr_null(post(PATH, ""));
}
END_TEST

#define N(array) ((int)(sizeof(array) / sizeof((array)[0])))

Suite *test_suite(void)
{
    Suite *suite = suite_create("users_query");
    TCase *one = tcase_create("one app");
    TCase *two = tcase_create("two apps");
    tcase_add_checked_fixture(one, fixture_start_one_app, fixture_stop);
    tcase_add_checked_fixture(two, fixture_start_two_apps, fixture_stop);
    tcase_add_test(one, users_come_in_the_order_asked);
    tcase_add_loop_test(one, what_is_well_formed_is_answered, 0, N(good));
    tcase_add_loop_test(one, what_is_not_is_refused, 0, N(bad));
    tcase_add_test(one, a_nul_byte_does_not_end_the_body);
    tcase_add_test(one, a_deep_body_is_refused);
    tcase_add_test(one, a_thousand_ids_are_the_most);
    tcase_add_test(one, an_id_of_256_bytes_is_the_longest);
    tcase_add_test(one, without_memory_there_is_no_answer);
    tcase_add_test(two, one_of_two_apps_must_be_named);
    suite_add_tcase(suite, one);
    suite_add_tcase(suite, two);
    return suite;
}

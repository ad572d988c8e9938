/* SPDX-License-Identifier: MIT */
/* What clients of Tencent's query send when they are pointed here instead, byte for byte in their own HTTP
 * libraries' ways, and what they need of the answer. */
#include "../unit/suite.h"
#include "event.h"
#include "wire.h"

#include "presenced/json_read.h"

#include <cjson/cJSON.h>
#include <strings.h>

#define CONFIG \
    "[callback]\nlisten = 127.0.0.1:0\ntls = off\n[status]\nlisten = 127.0.0.1:0\n[app 1400000000]\n"

/* Made by the vendor's own package for Node.js, tls-sig-api-v2 1.0.2. */
#define USERSIG                                                                                    \
    "eJyrVgrxCdYrSy1SslIy0jNQ0gHzM1NS80oy0zLBwokpuZl5mcUlRYkl*UVQBcUp2YkFBZkpSlaGJgZQAJEpycxNVbIy" \
    "NEcVTa0oyCxKVbKyMDOBCRVnpitZKUWE51Q5hpWmObuk6Vc4FXoEJBZ6u5h4JjrqV2Ylp6aYZrj45kUV5*T7mXvaKtUC" \
    "AL4xNG0_"
#define QUERY "/v4/openim/query_online_status?"
#define STATE "/v4/openim/querystate?"

struct request {
    const char *client;
    const char *target;
    const char *headers; /* but Host and Content-Length */
    const char *body;
    const char *key; /* what the state of a user is called in the answer */
    bool has_detail;
};

static const struct request requests[] = {
    {"Go: dobyte/tencent-im",
     QUERY "sdkappid=1400000000&identifier=administrator&usersig=" USERSIG
           "&random=2596996162&contenttype=json",
     "User-Agent: Go-http-client/1.1\r\nContent-Type: application/json\r\nAccept-Encoding: gzip\r\n",
     "{\"IsNeedDetail\":1,\"To_Account\":[\"alice\",\"nobody\"]}", "Status", true},
    {"Java: qcloud-im-server-sdk-java, OkHttp",
     QUERY "sdkappid=1400000000&identifier=administrator&usersig=" USERSIG "&random=17&contenttype=json",
     "Content-Type: application/json; charset=utf-8\r\nConnection: Keep-Alive\r\nAccept-Encoding: gzip\r\n"
     "User-Agent: okhttp/4.9.3\r\n",
     "{\"To_Account\":[\"alice\",\"nobody\"],\"IsNeedDetail\":0}", "Status", false},
    {"Java: tencentcloud-im-sdk-java, generated",
     QUERY "sdkappid=1400000000&identifier=administrator&usersig=" USERSIG
           "&random=4294967295&contenttype=json",
     "Accept: application/json\r\nUser-Agent: OpenAPI-Generator/1.0.0/java\r\n"
     "Content-Type: application/json\r\nConnection: Keep-Alive\r\nAccept-Encoding: gzip\r\n",
     "{\"To_Account\":[\"alice\",\"nobody\"]}", "Status", false},
    {"Java: HttpURLConnection",
     STATE "usersig=" USERSIG
           "&identifier=administrator&sdkappid=1400000000&random=99999999&contenttype=json",
     "User-Agent: Java/1.8.0_352\r\nAccept: text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2\r\n"
     "Connection: keep-alive\r\nContent-type: application/x-www-form-urlencoded\r\n",
     "{\"To_Account\":[\"alice\",\"nobody\"]}", "State", false},
    {"Python: requests, a body without a type",
     QUERY "sdkappid=1400000000&identifier=administrator&usersig=" USERSIG
           "&random=836482736&contenttype=json",
     "User-Agent: python-requests/2.31.0\r\nAccept-Encoding: gzip, deflate\r\nAccept: */*\r\n"
     "Connection: keep-alive\r\n",
     "{\"IsNeedDetail\": 1, \"To_Account\": [\"alice\", \"nobody\"]}", "Status", true},
    {"Python: requests, true for 1",
     QUERY "sdkappid=1400000000&identifier=administrator&usersig=" USERSIG "&random=1&contenttype=json",
     "User-Agent: python-requests/2.31.0\r\nAccept-Encoding: gzip, deflate\r\nAccept: */*\r\n"
     "Connection: keep-alive\r\nContent-Type: application/json\r\n",
     "{\"To_Account\": [\"alice\", \"nobody\"], \"IsNeedDetail\": true}", "Status", true},
    {"PHP: Guzzle",
     QUERY "sdkappid=1400000000&identifier=administrator&usersig=" USERSIG
           "&contenttype=json&random=1804289383",
     "User-Agent: GuzzleHttp/7\r\nContent-Type: application/json\r\nAccept-Encoding: gzip\r\n",
     "{\"To_Account\":[\"alice\",\"nobody\"],\"IsNeedDetail\":1}", "Status", true},
    {"PHP: curl, a form's type, an account that is not escaped",
     QUERY "usersig=" USERSIG "&identifier=admin@a/b&sdkappid=1400000000&random=0&contenttype=json",
     "Accept: */*\r\nAccept-Encoding: deflate, gzip\r\nContent-Type: application/x-www-form-urlencoded\r\n",
     "{\"To_Account\":[\"alice\",\"nobody\"],\"IsNeedDetail\":1}", "Status", true},
    {"Node.js: axios, a number of 21 digits",
     QUERY "sdkappid=1400000000&identifier=administrator&usersig=" USERSIG
           "&random=123456789012345680000&contenttype=json",
     "Accept: application/json, text/plain, */*\r\nContent-Type: application/json\r\n"
     "User-Agent: axios/1.6.8\r\nAccept-Encoding: gzip, compress, deflate, br\r\nConnection: keep-alive\r\n",
     "{\"To_Account\":[\"alice\",\"nobody\"],\"IsNeedDetail\":1}", "Status", true},
    {"C#: HttpClient, indented, with a member of newer samples",
     QUERY "sdkappid=1400000000&identifier=administrator&usersig=" USERSIG "&random=5&contenttype=json",
     "Content-Type: application/json; charset=utf-8\r\n",
     "{\r\n  \"IsNeedDetail\": 1,\r\n  \"To_Account\": [\r\n    \"alice\",\r\n    \"nobody\"\r\n  ],\r\n"
     "  \"IsReturnInstid\": 1\r\n}",
     "Status", true},
};

static struct sandbox *sandbox;
static struct instance *instance;

static void set_up(void)
{
    sandbox = sandbox_new();
    instance = instance_start(sandbox, CONFIG);
    cleanup(client_freep) struct client *callback = client_new("http", instance_callback_port(instance));
    event_login(callback, "alice", 0);
}

static void tear_down(void)
{
    instance_stop(instance);
    sandbox_free(sandbox);
}

static void send_request(struct wire *wire, const struct request *request)
{
    cleanup(buf_fini) struct buf bytes = {0};
    buf_appendf(&bytes, "POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\n%sContent-Length: %zu\r\n\r\n%s",
                request->target, request->headers, strlen(request->body), request->body);
    ck_assert(wire_send(wire, buf_str(&bytes)));
}

static cJSON *expect_json(const char *client, struct buf *answer)
{
    cJSON *tree = NULL;
    const char *text = buf_text(answer);
    ck_assert_msg(strncmp(text, "HTTP/1.1 200 ", 13) == 0, "%s: %s", client, text);
    ck_assert_msg(strcasestr(text, "\r\nContent-Type: application/json\r\n") != NULL, "%s: %s", client, text);
    ck_assert_msg(strcasestr(text, "\r\nContent-Encoding:") == NULL, "%s: %s", client, text);
    ck_assert_int_eq(json_read(str_from(strstr(text, "\r\n\r\n") + 4), &tree), 0);
    return tree;
}

static const char *text_of(const cJSON *object, const char *key)
{
    const char *text = cJSON_GetStringValue(json_read_member(object, key));
    return text == NULL ? "" : text;
}

static void expect_error_list(const char *client, const cJSON *tree)
{
    uint64_t code = 0;
    const cJSON *errors = json_read_member(tree, "ErrorList");
    ck_assert_msg(cJSON_IsArray(errors) && cJSON_GetArraySize(errors) == 1, "%s", client);
    ck_assert_str_eq(text_of(errors->child, "To_Account"), "nobody");
    ck_assert(json_read_u64(json_read_member(errors->child, "ErrorCode"), UINT32_MAX, &code));
    ck_assert_uint_eq(code, 70107);
}

START_TEST(a_client_of_tencent_gets_what_it_needs)
{
    const struct request *request = &requests[_i];
    cleanup(buf_fini) struct buf answer = {0};
    cleanup(wire_freep) struct wire *wire = wire_open(instance_status_port(instance));
    send_request(wire, request);
    wire_await(wire, "70107}]}", &answer);
    cJSON *tree = expect_json(request->client, &answer);
    ck_assert_str_eq(text_of(tree, "ActionStatus"), "OK");
    ck_assert_str_eq(text_of(tree, "ErrorInfo"), "");
    const cJSON *results = json_read_member(tree, "QueryResult");
    ck_assert_msg(cJSON_IsArray(results) && cJSON_GetArraySize(results) == 1, "%s", request->client);
    ck_assert_str_eq(text_of(results->child, "To_Account"), "alice");
    ck_assert_str_eq(text_of(results->child, request->key), "Online");
    const cJSON *detail = json_read_member(results->child, "Detail");
    ck_assert_msg((detail != NULL) == request->has_detail, "%s", request->client);
    if (detail != NULL) {
        ck_assert_str_eq(text_of(detail->child, "Platform"), "Web");
        ck_assert_str_eq(text_of(detail->child, request->key), "Online");
    }
    expect_error_list(request->client, tree);
    cJSON_Delete(tree);
}
END_TEST

/* A list that is null, or an object, breaks some: it is left out. */
START_TEST(a_list_of_errors_is_never_null)
{
    struct request request = requests[0];
    request.body = "{\"To_Account\":[\"alice\"]}";
    cleanup(buf_fini) struct buf answer = {0};
    cleanup(wire_freep) struct wire *wire = wire_open(instance_status_port(instance));
    send_request(wire, &request);
    wire_await(wire, "}]}", &answer);
    cJSON *tree = expect_json(request.client, &answer);
    ck_assert_ptr_null(json_read_member(tree, "ErrorList"));
    cJSON_Delete(tree);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("clients");
    TCase *tcase = tcase_create("clients");
    tcase_set_timeout(tcase, HARNESS_DEADLINE_MS / 1000);
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_loop_test(tcase, a_client_of_tencent_gets_what_it_needs, 0,
                        (int)(sizeof(requests) / sizeof(requests[0])));
    tcase_add_test(tcase, a_list_of_errors_is_never_null);
    suite_add_tcase(suite, tcase);
    return suite;
}

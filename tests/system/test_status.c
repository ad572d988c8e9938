/* SPDX-License-Identifier: MIT */
#include "../unit/suite.h"
#include "event.h"

#include "presenced/clock.h"

#include <cjson/cJSON.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define CALLBACK "[callback]\nlisten = 127.0.0.1:0\ntls = off\n[app 1400000000]\n"
#define STATUS "[status]\nlisten = 127.0.0.1:0\n"

static struct sandbox *sandbox;
static struct instance *instance;
static struct client *callback;
static struct client *status;

static void start(const char *config)
{
    sandbox = sandbox_new();
    instance = instance_start(sandbox, config);
    callback = client_new("http", instance_callback_port(instance));
    status = client_new("http", instance_status_port(instance));
}

static void start_plain(void)
{
    start(CALLBACK STATUS);
}

static void stop(void)
{
    client_free(status);
    client_free(callback);
    instance_stop(instance);
    sandbox_free(sandbox);
}

/* Queries. */

START_TEST(shows_a_user)
{
    uint64_t started_ms = clock_unix_ms();
    event_login(callback, "alice", 1629883332497);
    cleanup(answer_fini) struct answer answer;
    client_get(status, "/v1/users/alice?app=1400000000", &answer);
    ck_assert_int_eq(answer.status, 200);
    mask_times(&answer.body, started_ms);
    ck_assert_str_eq(
        buf_text(&answer.body),
        "{\"app\":1400000000,\"user\":\"alice\",\"state\":\"online\",\"since\":1629883332497,"
        "\"custom_status\":null,\"custom_status_time\":null,\"devices\":[{\"platform\":\"Web\","
        "\"state\":\"online\",\"action\":\"Login\",\"reason\":\"Register\",\"event_time\":1629883332497,"
        "\"received_time\":NOW,\"client_ip\":\"192.0.2.4\"}]}");
}
END_TEST

START_TEST(an_event_answered_ok_is_seen_at_once)
{
    for (int i = 0; i < 100; i++) {
        char user[32];
        (void)snprintf(user, sizeof(user), "user%d", i);
        event_login(callback, user, 0);
        expect_state(status, user, "online");
    }
}
END_TEST

START_TEST(answers_a_query_in_the_order_asked)
{
    event_login(callback, "alice", 1);
    event_login(callback, "bob", 2);
    cleanup(answer_fini) struct answer answer;
    client_post(status, "/v1/users/query", "{\"app\":1400000000,\"users\":[\"bob\",\"nobody\",\"alice\"]}",
                &answer);
    ck_assert_int_eq(answer.status, 200);
    const char *body = buf_text(&answer.body);
    const char *bob = strstr(body, "\"user\":\"bob\",\"state\":\"online\"");
    const char *nobody = strstr(body, "\"user\":\"nobody\",\"state\":\"unknown\"");
    const char *alice = strstr(body, "\"user\":\"alice\",\"state\":\"online\"");
    ck_assert_msg(bob != NULL && nobody != NULL && alice != NULL && bob < nobody && nobody < alice, "%s",
                  body);
}
END_TEST

START_TEST(lists_every_user_once_over_the_pages)
{
    for (int i = 0; i < 25; i++) {
        char user[32];
        (void)snprintf(user, sizeof(user), "user%02d", i);
        event_login(callback, user, 1);
    }
    unsigned n_seen[25] = {0};
    char cursor[256] = "";
    for (int page = 0; page < 25; page++) {
        char target[512];
        (void)snprintf(target, sizeof(target), "/v1/users?state=online&limit=10%s%s",
                       *cursor == '\0' ? "" : "&cursor=", cursor);
        cleanup(answer_fini) struct answer answer;
        client_get(status, target, &answer);
        ck_assert_int_eq(answer.status, 200);
        cJSON *object = cJSON_Parse(buf_text(&answer.body));
        const cJSON *user;
        cJSON_ArrayForEach(user, cJSON_GetObjectItemCaseSensitive(object, "users"))
        {
            const char *id = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(user, "user"));
            uint64_t number;
            ck_assert(id != NULL && str_parse_u64(str_from(id + 4), 24, &number));
            n_seen[number]++;
        }
        const char *next = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, "next_cursor"));
        (void)snprintf(cursor, sizeof(cursor), "%s", next == NULL ? "" : next);
        cJSON_Delete(object);
        if (*cursor == '\0') {
            break;
        }
    }
    ck_assert_str_eq(cursor, "");
    for (int i = 0; i < 25; i++) {
        ck_assert_uint_eq(n_seen[i], 1);
    }
}
END_TEST

START_TEST(counts_users_and_outcomes)
{
    event_login(callback, "alice", 1);
    event_login(callback, "alice", 1);
    event_login(callback, "bob", 1);
    cleanup(answer_fini) struct answer answer;
    client_get(status, "/v1/stats", &answer);
    ck_assert_int_eq(answer.status, 200);
    const char *body = buf_text(&answer.body);
    ck_assert_msg(strstr(body, "\"states\":{\"online\":2,\"push_online\":0,\"offline\":0") != NULL, "%s",
                  body);
    ck_assert_msg(strstr(body, "\"Web\":2") != NULL, "%s", body);
    ck_assert_msg(strstr(body, "\"revision\":2") != NULL, "%s", body);
}
END_TEST

struct problem_case {
    const char *method;
    const char *target;
    const char *header;
    const char *body;
    long status;
};

static const struct problem_case problems[] = {
    {"GET", "/v1/users/nobody", NULL, NULL, 404},
    {"GET", "/v1/users/nobody?app=1400000009", NULL, NULL, 404},
    {"GET", "/v1/users/nobody?app=x", NULL, NULL, 400},
    {"GET", "/v1/users/%ff", NULL, NULL, 400},
    {"GET", "/v1/users/a%00b", NULL, NULL, 400},
    {"GET", "/v1/users/a%2", NULL, NULL, 400},
    {"GET", "/v1/nothing", NULL, NULL, 404},
    {"GET", "/v1/users?limit=0", NULL, NULL, 400},
    {"GET", "/v1/users?cursor=x", NULL, NULL, 400},
    {"GET", "/v1/users?state=asleep", NULL, NULL, 400},
    {"DELETE", "/v1/users/nobody", NULL, NULL, 405},
    {"GET", "/v1/users/query", NULL, NULL, 404},
    {"POST", "/v1/users/query", NULL, "{", 400},
    {"POST", "/v1/users/query", NULL, "{\"users\":\"alice\"}", 400},
    {"POST", "/v1/stats", NULL, "{}", 405},
    {"GET", "/v1/stats", "Host: attacker.example", NULL, 403},
    {"GET", "/v1/stats", "Host: attacker.example:8080", NULL, 403},
    {"GET", "/v1/users/nobody", "Host: 127.0.0.1.attacker.example", NULL, 403},
};

#define N_PROBLEMS (sizeof(problems) / sizeof(problems[0]))

START_TEST(says_what_is_wrong_as_problem_json)
{
    const struct problem_case *problem = &problems[_i];
    const struct client_request request = {
        .method = problem->method,
        .target = problem->target,
        .headers = (const char *const[]){problem->header, NULL},
        .body = problem->body,
    };
    cleanup(answer_fini) struct answer answer;
    client_send(status, &request, &answer);
    ck_assert_msg(answer.status == problem->status, "%s %s: %ld %s", problem->method, problem->target,
                  answer.status, buf_text(&answer.body));
    ck_assert(answer_has_header(&answer, "Content-Type: application/problem+json"));
    cJSON *object = cJSON_Parse(buf_text(&answer.body));
    const cJSON *code = cJSON_GetObjectItemCaseSensitive(object, "status");
    ck_assert(cJSON_IsNumber(code) && code->valueint == problem->status);
    ck_assert_ptr_nonnull(cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, "title")));
    cJSON_Delete(object);
}
END_TEST

static const char *const good_hosts[] = {"localhost", "LocalHost:8080", "127.0.0.1", "[::1]:8080",
                                         "192.0.2.1:1"};

START_TEST(answers_hosts_that_no_web_page_can_have)
{
    char header[128];
    (void)snprintf(header, sizeof(header), "Host: %s", good_hosts[_i]);
    const struct client_request request = {.target = "/v1/stats",
                                           .headers = (const char *const[]){header, NULL}};
    cleanup(answer_fini) struct answer answer;
    client_send(status, &request, &answer);
    ck_assert_int_eq(answer.status, 200);
}
END_TEST

START_TEST(tells_its_health_to_any_host)
{
    static const char *const targets[] = {"/livez", "/readyz"};
    for (size_t i = 0; i < 2; i++) {
        const struct client_request request = {
            .target = targets[i], .headers = (const char *const[]){"Host: attacker.example", NULL}};
        cleanup(answer_fini) struct answer answer;
        client_send(status, &request, &answer);
        ck_assert_int_eq(answer.status, 200);
    }
}
END_TEST

START_TEST(keeps_browsers_from_making_more_of_it)
{
    cleanup(answer_fini) struct answer answer;
    client_get(status, "/v1/stats", &answer);
    ck_assert(answer_has_header(&answer, "X-Content-Type-Options: nosniff"));
    ck_assert(answer_has_header(&answer, "Cache-Control: no-store"));
    ck_assert(!answer_has_header(&answer, "Access-Control-Allow-Origin: *"));
}
END_TEST

/* As a browser asks for the page: whole, by its head, and again. */
START_TEST(serves_the_page_as_http_has_it)
{
    cleanup(answer_fini) struct answer whole;
    cleanup(answer_fini) struct answer head;
    cleanup(answer_fini) struct answer again;
    char length[48];
    char if_none_match[64];
    char etag[24];
    client_get(status, "/", &whole);
    ck_assert_int_eq(whole.status, 200);
    ck_assert_ptr_nonnull(strstr(buf_text(&whole.body), "</html>"));
    const char *found = strcasestr(buf_text(&whole.head), "\r\nETag: ");
    ck_assert_ptr_nonnull(found);
    ck_assert_int_eq(sscanf(found, "\r\n%*s %23s", etag), 1);
    (void)snprintf(length, sizeof(length), "Content-Length: %zu", strlen(buf_text(&whole.body)));

    client_send(status, &(struct client_request){.method = "HEAD", .target = "/"}, &head);
    ck_assert_int_eq(head.status, 200);
    ck_assert(answer_has_header(&head, length) && head.body.len == 0);

    (void)snprintf(if_none_match, sizeof(if_none_match), "If-None-Match: %s", etag);
    const char *const headers[] = {if_none_match, NULL};
    client_send(status, &(struct client_request){.target = "/", .headers = headers}, &again);
    ck_assert_int_eq(again.status, 304);
    ck_assert_uint_eq(again.body.len, 0);
    ck_assert_int_eq(again.n_connects, 0); /* the connection is in order after each of them */
    client_await(status, "/v1/stats", "\"version\"");
}
END_TEST

START_TEST(refuses_a_query_of_more_than_1000)
{
    for (int n = 1000; n <= 1001; n++) {
        cleanup(buf_fini) struct buf body = {0};
        buf_append(&body, STR("{\"users\":["));
        for (int i = 0; i < n; i++) {
            buf_appendf(&body, "%s\"user%d\"", i == 0 ? "" : ",", i);
        }
        buf_append(&body, STR("]}"));
        cleanup(answer_fini) struct answer answer;
        client_post(status, "/v1/users/query", buf_text(&body), &answer);
        ck_assert_int_eq(answer.status, n == 1000 ? 200 : 400);
    }
}
END_TEST

/* Where it listens. */

/* Far more than a socket takes at once, as the first that a connection over TLS asks for. */
START_TEST(sends_a_long_first_reply_over_tls)
{
    enum { N_PLATFORMS = 50, N_USERS = 1000 };
    start(CALLBACK STATUS "certificate = @DIR@/server.pem\nprivate_key = @DIR@/server.key\n");
    cleanup(client_freep) struct client *reader = client_new("https", instance_status_port(instance));
    client_trust(reader, sandbox);
    cleanup(cleanup_freep) char *login = event_body("alice", "Login", "Register", 1629883332497);
    for (int i = 0; i < N_PLATFORMS; i++) {
        char platform[32];
        (void)snprintf(platform, sizeof(platform), "Platform%d", i);
        cleanup(cleanup_freep) char *target = event_target(EVENT_APP, platform, "");
        cleanup(answer_fini) struct answer answer;
        client_post(callback, target, login, &answer);
        expect_callback(&answer, 200, "OK", 0);
    }
    cleanup(buf_fini) struct buf query = {0};
    buf_append(&query, STR("{\"app\":1400000000,\"users\":["));
    for (int i = 0; i < N_USERS; i++) {
        buf_append(&query, i == 0 ? STR("\"alice\"") : STR(",\"alice\""));
    }
    buf_append(&query, STR("]}"));
    cleanup(answer_fini) struct answer answer;
    client_post(reader, "/v1/users/query", buf_text(&query), &answer);
    ck_assert_int_eq(answer.status, 200);
    ck_assert_int_eq(answer.n_connects, 1);
    ck_assert_uint_gt(answer.body.len, 6 << 20);
    stop();
}
END_TEST

START_TEST(listens_on_a_unix_socket_for_its_group)
{
    start("[status]\nlisten = unix:@DIR@/status.sock\n" CALLBACK);
    client_unix(status, sandbox, "status.sock");
    event_login(callback, "alice", 0);
    expect_state(status, "alice", "online");
    cleanup(cleanup_freep) char *path = sandbox_expand(sandbox, "@DIR@/status.sock");
    struct stat entry;
    ck_assert_int_eq(stat(path, &entry), 0);
    ck_assert_uint_eq(entry.st_mode & 0777, 0660);
    stop();
}
END_TEST

/* What a process leaves that had no time to remove it. */
static void leave_socket(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    ck_assert_uint_lt(strlen(path), sizeof(address.sun_path));
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    cleanup(cleanup_closep) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    ck_assert_int_eq(listen(fd, 1), 0);
}

START_TEST(replaces_a_unix_socket_left_by_a_dead_process)
{
    sandbox = sandbox_new();
    cleanup(cleanup_freep) char *path = sandbox_expand(sandbox, "@DIR@/status.sock");
    leave_socket(path);
    instance = instance_start(sandbox, "[status]\nlisten = unix:@DIR@/status.sock\n" CALLBACK);
    cleanup(client_freep) struct client *local = client_new("http", 0);
    client_unix(local, sandbox, "status.sock");
    expect_state(local, "nobody", "");
    instance_stop(instance);
    sandbox_free(sandbox);
}
END_TEST

START_TEST(listens_on_several_sockets)
{
    start("[status]\nlisten = 127.0.0.1:0\nlisten = unix:@DIR@/status.sock\n" CALLBACK);
    cleanup(client_freep) struct client *local = client_new("http", 0);
    client_unix(local, sandbox, "status.sock");
    event_login(callback, "alice", 0);
    expect_state(status, "alice", "online");
    expect_state(local, "alice", "online");
    stop();
}
END_TEST

/* Token and HTTPS. */

static const struct {
    const char *header; /* NULL: none */
    long status;
} tokens[] = {
    {"Authorization: Bearer s3cret", 200},   {NULL, 401},
    {"Authorization: Bearer s3cre", 401},    {"Authorization: Bearer s3crets", 401},
    {"Authorization: Bearer S3CRET", 401},   {"Authorization: Basic s3cret", 401},
    {"Authorization: bearer s3cret", 200},   {"Authorization: Bearer", 401},
    {"Authorization: Bearer s3cret x", 401},
};

#define N_TOKENS (sizeof(tokens) / sizeof(tokens[0]))

#define WITH_TOKEN \
    STATUS "certificate = @DIR@/server.pem\nprivate_key = @DIR@/server.key\ntoken_file = @DIR@/token\n"

static void start_with_token(void)
{
    sandbox = sandbox_new();
    sandbox_write(sandbox, "token", "s3cret\n");
    instance = instance_start(sandbox, WITH_TOKEN "allowed_hosts = status.example\n" CALLBACK);
    callback = client_new("http", instance_callback_port(instance));
    status = client_new("https", instance_status_port(instance));
    client_trust(status, sandbox);
}

START_TEST(asks_for_the_bearer_token)
{
    start_with_token();
    const struct client_request request = {.target = "/v1/stats",
                                           .headers = (const char *const[]){tokens[_i].header, NULL}};
    cleanup(answer_fini) struct answer answer;
    client_send(status, &request, &answer);
    ck_assert_int_eq(answer.status, tokens[_i].status);
    ck_assert_int_eq(answer_has_header(&answer, "WWW-Authenticate: Bearer"), tokens[_i].status == 401);
    stop();
}
END_TEST

START_TEST(tells_its_health_without_the_token)
{
    start_with_token();
    cleanup(answer_fini) struct answer answer;
    client_get(status, "/readyz", &answer);
    ck_assert_int_eq(answer.status, 200);
    stop();
}
END_TEST

START_TEST(answers_the_names_it_is_allowed)
{
    start_with_token();
    const struct client_request request = {
        .target = "/v1/stats",
        .headers = (const char *const[]){"Authorization: Bearer s3cret", "Host: Status.Example:8443", NULL}};
    cleanup(answer_fini) struct answer answer;
    client_send(status, &request, &answer);
    ck_assert_int_eq(answer.status, 200);
    stop();
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("status");
    TCase *plain = tcase_create("plain");
    tcase_set_timeout(plain, HARNESS_DEADLINE_MS / 1000);
    tcase_add_checked_fixture(plain, start_plain, stop);
    tcase_add_test(plain, shows_a_user);
    tcase_add_test(plain, an_event_answered_ok_is_seen_at_once);
    tcase_add_test(plain, answers_a_query_in_the_order_asked);
    tcase_add_test(plain, lists_every_user_once_over_the_pages);
    tcase_add_test(plain, counts_users_and_outcomes);
    tcase_add_loop_test(plain, says_what_is_wrong_as_problem_json, 0, (int)N_PROBLEMS);
    tcase_add_loop_test(plain, answers_hosts_that_no_web_page_can_have, 0,
                        (int)(sizeof(good_hosts) / sizeof(good_hosts[0])));
    tcase_add_test(plain, tells_its_health_to_any_host);
    tcase_add_test(plain, keeps_browsers_from_making_more_of_it);
    tcase_add_test(plain, serves_the_page_as_http_has_it);
    tcase_add_test(plain, refuses_a_query_of_more_than_1000);
    suite_add_tcase(suite, plain);
    TCase *listening = tcase_create("listening");
    tcase_set_timeout(listening, HARNESS_DEADLINE_MS / 1000);
    tcase_add_test(listening, listens_on_a_unix_socket_for_its_group);
    tcase_add_test(listening, replaces_a_unix_socket_left_by_a_dead_process);
    tcase_add_test(listening, listens_on_several_sockets);
    tcase_add_test(listening, sends_a_long_first_reply_over_tls);
    tcase_add_loop_test(listening, asks_for_the_bearer_token, 0, (int)N_TOKENS);
    tcase_add_test(listening, tells_its_health_without_the_token);
    tcase_add_test(listening, answers_the_names_it_is_allowed);
    suite_add_tcase(suite, listening);
    return suite;
}

/* SPDX-License-Identifier: MIT */
#include "../unit/suite.h"
#include "event.h"

#include "presenced/clock.h"

/* Each row of the table of answers: what the caller gets, and that a refused request changes nothing. */

enum answer_config {
    TOKEN,     /* the app has a token, the other app two */
    OTHERS_OK, /* the same, with other_commands = ok */
    ALLOW,     /* only 192.0.2.0/24 and 2001:db8::/32 may call */
    PROXY,     /* the same, with a proxy on loopback that is believed */
    UNSIGNED,
    N_CONFIGS,
};

#define CALLBACK "[callback]\nlisten = 127.0.0.1:0\ntls = off\nmax_body = 4K\n"
#define STATUS "[status]\nlisten = 127.0.0.1:0\n"
#define TOKENS "[app 1400000000]\ntoken = xxxxyyyy\n[app 1400000001]\ntoken = new\ntoken = old\n"
#define NETWORKS "allow = 192.0.2.0/24\nallow = 2001:db8::/32\n"

static const char *const configs[N_CONFIGS] = {
    [TOKEN] = CALLBACK STATUS TOKENS,
    [OTHERS_OK] = CALLBACK "other_commands = ok\n" STATUS TOKENS,
    [ALLOW] = CALLBACK NETWORKS STATUS "[app 1400000000]\n",
    [PROXY] = CALLBACK NETWORKS "trusted_proxies = 127.0.0.0/8\n" STATUS "[app 1400000000]\n",
    [UNSIGNED] = CALLBACK STATUS "[app 1400000000]\n",
};

/* In targets: @SIGN@ is replaced by RequestTime and Sign of the app's token now, @TIME@ by the time alone. */
#define EVENT_QUERY "/?SdkAppid=1400000000&CallbackCommand=State.StateChange&OptPlatform=Web"
#define SIGNED_EVENT EVENT_QUERY "@SIGN@"
#define LOGIN                                                                 \
    "{\"CallbackCommand\":\"State.StateChange\",\"EventTime\":1665113769034," \
    "\"Info\":{\"Action\":\"Login\",\"To_Account\":\"alice\",\"Reason\":\"Register\"}}"

struct answer_case {
    const char *what;
    enum answer_config config;
    const char *method;
    const char *target;
    const char *header; /* NULL: none */
    const char *body;
    long status;
    const char *action_status;
};

#define OK(what, config, target, body)                      \
    {                                                       \
        what, config, "POST", target, NULL, body, 200, "OK" \
    }
#define FAIL(what, config, target, body)                      \
    {                                                         \
        what, config, "POST", target, NULL, body, 200, "FAIL" \
    }
#define REFUSED(what, config, target)                          \
    {                                                          \
        what, config, "POST", target, NULL, LOGIN, 403, "FAIL" \
    }

static const struct answer_case cases[] = {
    OK("applied", TOKEN, SIGNED_EVENT, LOGIN),
    OK("parameters in another order", TOKEN,
       "/?OptPlatform=Web@SIGN@&CallbackCommand=State.StateChange&SdkAppid=1400000000", LOGIN),
    OK("unknown parameters, twice", TOKEN, SIGNED_EVENT "&tenant=a&tenant=b&RequestId=1", LOGIN),
    OK("an invalid ClientIP is none", TOKEN, SIGNED_EVENT "&ClientIP=192.0.2.256", LOGIN),
    OK("the second token", TOKEN,
       "/?SdkAppid=1400000001&CallbackCommand=State.StateChange&OptPlatform=Web@SIGN:old@", LOGIN),
    OK("the first token", TOKEN,
       "/?SdkAppid=1400000001&CallbackCommand=State.StateChange&OptPlatform=Web@SIGN:new@", LOGIN),
    OK("Sign in capitals", TOKEN, EVENT_QUERY "@CAPITALS@", LOGIN),
    OK("a percent-encoded command", TOKEN,
       "/?SdkAppid=1400000000&CallbackCommand=State%2eStateChange&OptPlatform=Web@SIGN@", LOGIN),
    {"a Content-Type that is not JSON's", TOKEN, "POST", SIGNED_EVENT, "Content-Type: text/plain", LOGIN, 200,
     "OK"},
    {"chunked", TOKEN, "POST", SIGNED_EVENT, "Transfer-Encoding: chunked", LOGIN, 200, "OK"},

    FAIL("not JSON", TOKEN, SIGNED_EVENT, "Login"),
    FAIL("no body", TOKEN, SIGNED_EVENT, ""),
    FAIL("bytes behind the JSON", TOKEN, SIGNED_EVENT, LOGIN "x"),
    FAIL(
        "bytes that are not UTF-8", TOKEN, SIGNED_EVENT,
        "{\"CallbackCommand\":\"State.StateChange\",\"Info\":{\"Action\":\"Login\",\"To_Account\":\"al\xff\"}}"),
    FAIL(
        "a NUL in the user", TOKEN, SIGNED_EVENT,
        "{\"CallbackCommand\":\"State.StateChange\",\"Info\":{\"Action\":\"Login\",\"To_Account\":\"alice\\u0000\"}}"),
    FAIL(
        "a key twice", TOKEN, SIGNED_EVENT,
        "{\"CallbackCommand\":\"State.StateChange\",\"Info\":{\"Action\":\"Login\",\"To_Account\":\"mallory\","
        "\"To_Account\":\"alice\"}}"),
    FAIL("no Info", TOKEN, SIGNED_EVENT, "{\"CallbackCommand\":\"State.StateChange\"}"),
    FAIL("no To_Account", TOKEN, SIGNED_EVENT,
         "{\"CallbackCommand\":\"State.StateChange\",\"Info\":{\"Action\":\"Login\"}}"),
    FAIL("no Action", TOKEN, SIGNED_EVENT,
         "{\"CallbackCommand\":\"State.StateChange\",\"Info\":{\"To_Account\":\"alice\"}}"),
    FAIL("no CallbackCommand in the body", TOKEN, SIGNED_EVENT,
         "{\"Info\":{\"Action\":\"Login\",\"To_Account\":\"alice\"}}"),
    FAIL("a number for a user", TOKEN, SIGNED_EVENT,
         "{\"CallbackCommand\":\"State.StateChange\",\"Info\":{\"Action\":\"Login\",\"To_Account\":1}}"),
    FAIL("EventTime is text", TOKEN, SIGNED_EVENT,
         "{\"CallbackCommand\":\"State.StateChange\",\"EventTime\":\"1\",\"Info\":{\"Action\":\"Login\","
         "\"To_Account\":\"alice\"}}"),
    FAIL(
        "an unknown Action", TOKEN, SIGNED_EVENT,
        "{\"CallbackCommand\":\"State.StateChange\",\"Info\":{\"Action\":\"Sleep\",\"To_Account\":\"alice\"}}"),
    FAIL("query and body name two commands", TOKEN, SIGNED_EVENT,
         "{\"CallbackCommand\":\"State.Other\",\"Info\":{\"Action\":\"Login\",\"To_Account\":\"alice\"}}"),

    FAIL("another command", TOKEN, "/?SdkAppid=1400000000&CallbackCommand=C2C.CallbackBeforeSendMsg@SIGN@",
         "{\"CallbackCommand\":\"C2C.CallbackBeforeSendMsg\"}"),
    OK("another command, which is to be OK", OTHERS_OK,
       "/?SdkAppid=1400000000&CallbackCommand=C2C.CallbackBeforeSendMsg@SIGN@",
       "{\"CallbackCommand\":\"C2C.CallbackBeforeSendMsg\"}"),
    FAIL("a command in other letters is another", TOKEN,
         "/?SdkAppid=1400000000&CallbackCommand=state.statechange@SIGN@", LOGIN),
    FAIL("no CallbackCommand", TOKEN, "/?SdkAppid=1400000000@SIGN@", LOGIN),
    FAIL("no CallbackCommand, where others are OK", OTHERS_OK, "/?SdkAppid=1400000000@SIGN@", LOGIN),
    FAIL("CallbackCommand twice", TOKEN, SIGNED_EVENT "&CallbackCommand=State.StateChange", LOGIN),
    FAIL("OptPlatform twice", TOKEN, SIGNED_EVENT "&OptPlatform=Web", LOGIN),
    FAIL("ClientIP twice", TOKEN, SIGNED_EVENT "&ClientIP=192.0.2.1&ClientIP=192.0.2.1", LOGIN),
    FAIL("the console's check of the URL", TOKEN, "/?@SIGN@", "{}"),
    FAIL("the same with the other app's token", TOKEN, "/?@SIGN:old@", "{}"),

    REFUSED("no SdkAppid, no Sign", TOKEN, "/?CallbackCommand=State.StateChange"),
    REFUSED("no query", TOKEN, "/"),
    REFUSED("no SdkAppid and nobody's Sign", TOKEN, "/?CallbackCommand=State.StateChange@SIGN:nobody@"),
    REFUSED("an app that is not configured", TOKEN,
            "/?SdkAppid=1400000009&CallbackCommand=State.StateChange@SIGN@"),
    REFUSED("an app that is not configured, unsigned", UNSIGNED,
            "/?SdkAppid=1400000009&CallbackCommand=State.StateChange"),
    REFUSED("SdkAppid is compared as text", TOKEN,
            "/?SdkAppid=01400000000&CallbackCommand=State.StateChange@SIGN@"),
    REFUSED("SdkAppid empty", TOKEN, "/?SdkAppid=&CallbackCommand=State.StateChange@SIGN@"),
    REFUSED("SdkAppid twice", TOKEN, SIGNED_EVENT "&SdkAppid=1400000000"),
    REFUSED("Sign missing", TOKEN, EVENT_QUERY "&RequestTime=@TIME@"),
    REFUSED("RequestTime missing", TOKEN, EVENT_QUERY "@SIGN-ALONE@"),
    REFUSED("both missing", TOKEN, EVENT_QUERY),
    REFUSED("Sign empty", TOKEN, EVENT_QUERY "&RequestTime=@TIME@&Sign="),
    REFUSED("Sign twice", TOKEN, SIGNED_EVENT "@SIGN-ALONE@"),
    REFUSED("RequestTime twice", TOKEN, SIGNED_EVENT "&RequestTime=@TIME@"),
    REFUSED("another app's token", TOKEN, EVENT_QUERY "@SIGN:old@"),
    REFUSED("a token as the misprint has it", TOKEN, EVENT_QUERY "@SIGN:xxxyyy@"),
    REFUSED("Sign is no hex", TOKEN,
            EVENT_QUERY "&RequestTime=@TIME@&Sign="
                        "g7773bc39a671d7b9aa835458704d2a6db81360a5940292b587d6d760d484061"),
    REFUSED("Sign too short", TOKEN, EVENT_QUERY "&RequestTime=@TIME@&Sign=17773bc3"),
    REFUSED("Sign and more", TOKEN, SIGNED_EVENT "0"),
    REFUSED("RequestTime with a sign", TOKEN, EVENT_QUERY "&RequestTime=%2B1669872112@SIGN-ALONE@"),
    REFUSED("RequestTime with a point", TOKEN, EVENT_QUERY "&RequestTime=1669872112.0@SIGN-ALONE@"),
    REFUSED("RequestTime huge", TOKEN, EVENT_QUERY "&RequestTime=99999999999999999999@SIGN-ALONE@"),
    REFUSED("Sign of two minutes ago", TOKEN, EVENT_QUERY "@PAST@"),
    REFUSED("Sign of two minutes ahead", TOKEN, EVENT_QUERY "@FUTURE@"),
    REFUSED("the vector of 2022", TOKEN,
            EVENT_QUERY "&RequestTime=1669872112&Sign="
                        "17773bc39a671d7b9aa835458704d2a6db81360a5940292b587d6d760d484061"),
    REFUSED("another command, unsigned", OTHERS_OK,
            "/?SdkAppid=1400000000&CallbackCommand=C2C.CallbackBeforeSendMsg"),

    REFUSED("a peer that is not allowed", ALLOW, EVENT_QUERY),
    {"X-Forwarded-For of nobody", ALLOW, "POST", EVENT_QUERY, "X-Forwarded-For: 192.0.2.7", LOGIN, 403,
     "FAIL"},
    REFUSED("a proxy without X-Forwarded-For", PROXY, EVENT_QUERY),
    {"through a proxy", PROXY, "POST", EVENT_QUERY, "X-Forwarded-For: 192.0.2.7", LOGIN, 200, "OK"},
    {"IPv6 through a proxy", PROXY, "POST", EVENT_QUERY, "X-Forwarded-For: 2001:db8::7", LOGIN, 200, "OK"},
    {"through two proxies", PROXY, "POST", EVENT_QUERY, "X-Forwarded-For: 192.0.2.7, 127.0.0.9", LOGIN, 200,
     "OK"},
    {"what stands before the right-most is the caller's own word", PROXY, "POST", EVENT_QUERY,
     "X-Forwarded-For: 192.0.2.7, 198.51.100.1", LOGIN, 403, "FAIL"},
    {"X-Forwarded-For that is none", PROXY, "POST", EVENT_QUERY, "X-Forwarded-For: 192.0.2.7, unknown", LOGIN,
     403, "FAIL"},

    {"GET", TOKEN, "GET", SIGNED_EVENT, NULL, NULL, 405, "FAIL"},
    {"PUT", TOKEN, "PUT", SIGNED_EVENT, NULL, LOGIN, 405, "FAIL"},
    {"DELETE", TOKEN, "DELETE", SIGNED_EVENT, NULL, NULL, 405, "FAIL"},
    {"OPTIONS", TOKEN, "OPTIONS", SIGNED_EVENT, NULL, NULL, 405, "FAIL"},
    {"another method comes before Sign", TOKEN, "PUT", "/", NULL, LOGIN, 405, "FAIL"},
    {"another path", TOKEN, "POST", "/callback?SdkAppid=1400000000@SIGN@", NULL, LOGIN, 404, "FAIL"},
    {"another path and method", TOKEN, "GET", "/favicon.ico", NULL, NULL, 404, "FAIL"},
    {"two slashes are another path", TOKEN, "POST", "//?SdkAppid=1400000000@SIGN@", NULL, LOGIN, 404, "FAIL"},
};

#define N_CASES (sizeof(cases) / sizeof(cases[0]))

/* Marks in targets. */

static char *sign_of_mark(struct str mark)
{
    int64_t now_s = (int64_t)(clock_unix_ms() / 1000);
    if (str_starts_with(mark, STR("SIGN:"))) {
        char token[64];
        (void)snprintf(token, sizeof(token), "%.*s", (int)mark.len - 5, mark.ptr + 5);
        return event_sign(token, now_s);
    }
    int64_t offset_s = str_equal(mark, STR("PAST")) ? -120 : str_equal(mark, STR("FUTURE")) ? 120 : 0;
    return event_sign("xxxxyyyy", now_s + offset_s);
}

/* "&RequestTime=…&Sign=…" cut to what the mark asks for. */
static void append_mark(struct buf *out, struct str mark)
{
    cleanup(cleanup_freep) char *sign = sign_of_mark(mark);
    char *sign_begin = strstr(sign, "&Sign=");
    if (str_equal(mark, STR("TIME"))) {
        const char *time = strchr(sign, '=') + 1;
        buf_append(out, (struct str){time, (size_t)(sign_begin - time)});
        return;
    }
    if (str_equal(mark, STR("CAPITALS"))) {
        for (char *c = sign_begin + strlen("&Sign="); *c != '\0'; c++) {
            *c = (char)(*c >= 'a' && *c <= 'f' ? *c - 'a' + 'A' : *c);
        }
    }
    buf_append(out, str_from(str_equal(mark, STR("SIGN-ALONE")) ? sign_begin : sign));
}

static void expand_target(const char *target, struct buf *out)
{
    struct str rest = str_from(target);
    struct str part;
    bool is_mark = false;
    while (str_split(&rest, '@', &part)) {
        if (is_mark) {
            append_mark(out, part);
        } else {
            buf_append(out, part);
        }
        is_mark = !is_mark;
    }
}

/* Cases. */

static struct sandbox *sandbox;
static struct instance *instance;
static struct client *callback;
static struct client *status;

static void start(enum answer_config config)
{
    sandbox = sandbox_new();
    instance = instance_start(sandbox, configs[config]);
    callback = client_new("http", instance_callback_port(instance));
    status = client_new("http", instance_status_port(instance));
}

static void stop(void)
{
    client_free(status);
    client_free(callback);
    instance_stop(instance);
    sandbox_free(sandbox);
}

static void expect_users(bool has_user)
{
    cleanup(answer_fini) struct answer answer;
    client_get(status, "/v1/users", &answer);
    ck_assert_int_eq(answer.status, 200);
    bool is_empty = strstr(buf_text(&answer.body), "\"users\":[]") != NULL;
    ck_assert_msg(is_empty != has_user, "%s", buf_text(&answer.body));
}

static bool is_applied(const struct answer_case *answer_case)
{
    return strcmp(answer_case->action_status, "OK") == 0 && strcmp(answer_case->body, LOGIN) == 0;
}

START_TEST(answers_as_the_table_says)
{
    const struct answer_case *answer_case = &cases[_i];
    start(answer_case->config);
    cleanup(buf_fini) struct buf target = {0};
    expand_target(answer_case->target, &target);
    const struct client_request request = {
        .method = answer_case->method,
        .target = buf_text(&target),
        .headers = (const char *const[]){answer_case->header, NULL},
        .body = answer_case->body,
    };
    cleanup(answer_fini) struct answer answer;
    client_send(callback, &request, &answer);
    ck_assert_msg(answer.status == answer_case->status, "%s: %ld %s", answer_case->what, answer.status,
                  buf_text(&answer.body));
    expect_callback(&answer, answer_case->status, answer_case->action_status,
                    strcmp(answer_case->action_status, "OK") == 0 ? 0 : 1);
    ck_assert_int_eq(answer_has_header(&answer, "Allow: POST"), answer.status == 405);
    expect_users(is_applied(answer_case));
    stop();
}
END_TEST

/* HEAD has no body to look at. */
START_TEST(answers_head_without_a_body)
{
    start(TOKEN);
    cleanup(answer_fini) struct answer answer;
    client_send(callback, &(struct client_request){.method = "HEAD", .target = "/"}, &answer);
    ck_assert_int_eq(answer.status, 405);
    ck_assert(answer_has_header(&answer, "Allow: POST"));
    ck_assert_uint_eq(answer.body.len, 0);
    stop();
}
END_TEST

START_TEST(accepts_events_that_share_a_sign_and_repeats)
{
    start(TOKEN);
    cleanup(cleanup_freep) char *sign = event_sign_now("xxxxyyyy");
    cleanup(cleanup_freep) char *target = event_target(EVENT_APP, "Web", sign);
    static const char *const users[] = {"alice", "bob", "alice", "bob"};
    for (size_t i = 0; i < sizeof(users) / sizeof(users[0]); i++) {
        cleanup(cleanup_freep) char *body = event_body(users[i], "Login", "Register", 1665113769034);
        cleanup(answer_fini) struct answer answer;
        client_post(callback, target, body, &answer);
        expect_callback(&answer, 200, "OK", 0);
    }
    expect_state(status, "alice", "online");
    expect_state(status, "bob", "online");
    stop();
}
END_TEST

/* An answer that tells what a secret is would be in the caller's logs and ours. */
START_TEST(repeats_no_secret_in_answer_or_log)
{
    start(TOKEN);
    cleanup(cleanup_freep) char *wrong = event_sign_now("forged");
    cleanup(cleanup_freep) char *right = event_sign_now("xxxxyyyy");
    cleanup(cleanup_freep) char *target = event_target(EVENT_APP, "Web", wrong);
    cleanup(answer_fini) struct answer answer;
    client_post(callback, target, LOGIN, &answer);
    expect_callback(&answer, 403, "FAIL", 1);
    instance_await_log(instance, "127.0.0.1");
    cleanup(buf_fini) struct buf log = instance_log(instance);
    const char *const secrets[] = {strstr(wrong, "&Sign=") + 6, strstr(right, "&Sign=") + 6, "xxxxyyyy",
                                   "alice"};
    for (size_t i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++) {
        ck_assert_ptr_null(strstr(buf_text(&answer.body), secrets[i]));
        ck_assert_ptr_null(strstr(buf_text(&log), secrets[i]));
    }
    stop();
}
END_TEST

START_TEST(health_is_told_to_any_peer)
{
    start(ALLOW);
    static const char *const targets[] = {"/livez", "/readyz"};
    for (size_t i = 0; i < 2; i++) {
        cleanup(answer_fini) struct answer answer;
        client_get(callback, targets[i], &answer);
        ck_assert_msg(answer.status == 200, "%s: %ld", targets[i], answer.status);
    }
    stop();
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("answers");
    TCase *tcase = tcase_create("answers");
    tcase_set_timeout(tcase, HARNESS_DEADLINE_MS / 1000);
    tcase_add_loop_test(tcase, answers_as_the_table_says, 0, (int)N_CASES);
    tcase_add_test(tcase, answers_head_without_a_body);
    tcase_add_test(tcase, accepts_events_that_share_a_sign_and_repeats);
    tcase_add_test(tcase, repeats_no_secret_in_answer_or_log);
    tcase_add_test(tcase, health_is_told_to_any_peer);
    suite_add_tcase(suite, tcase);
    return suite;
}

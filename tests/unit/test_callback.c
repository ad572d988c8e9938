/* SPDX-License-Identifier: MIT */
#include "presenced/callback.h"

#include "presenced/clock.h"
#include "presenced/json_check.h"
#include "presenced/record.h"
#include "presenced/reply.h"
#include "scarce_memory.h"
#include "suite.h"
#include "must.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/mman.h>

#define N(cases) (int)(sizeof(cases) / sizeof((cases)[0]))

/* The listener's side, in small. */

struct http_reply {
    unsigned status;
    bool once;
    struct buf headers; /* "Name: value\n" */
    struct buf body;
};

#define N_HEADERS_MAX 64

struct fake_connection {
    const char *forwarded[N_HEADERS_MAX]; /* X-Forwarded-For */
    bool has_certificate;
};

/* How many replies can be made before memory is gone; -1: any. */
static int n_replies_left = -1;

static struct http_reply *make_reply(unsigned status, const struct http_header *headers)
{
    struct http_reply *reply = calloc(1, sizeof(*reply));
    must(reply != NULL);
    reply->status = status;
    for (; headers->name != NULL; headers++) {
        buf_appendf(&reply->headers, "%s: %s\n", headers->name, headers->value);
    }
    return reply;
}

int http_reply_new(unsigned status, const struct http_header *headers, struct str body,
                   struct http_reply **ret_reply)
{
    if (n_replies_left == 0) {
        return -ENOMEM;
    }
    n_replies_left -= n_replies_left > 0;
    struct http_reply *reply = make_reply(status, headers);
    buf_append(&reply->body, body);
    *ret_reply = reply;
    return 0;
}

struct http_reply *http_reply_later(void)
{
    static struct http_reply later;
    return &later;
}

void http_reply_free(struct http_reply *reply)
{
    if (reply != NULL) {
        buf_fini(&reply->headers);
        buf_fini(&reply->body);
        free(reply);
    }
}

struct http_reply *http_reply_once(unsigned status, const struct http_header *headers, struct buf *body)
{
    struct buf bytes = *body;
    *body = (struct buf){0};
    if (n_replies_left == 0) {
        buf_fini(&bytes);
        return NULL;
    }
    struct http_reply *reply = make_reply(status, headers);
    reply->once = true;
    reply->body = bytes;
    return reply;
}

struct str http_request_header(const struct http_request *request, const char *name, unsigned nth)
{
    const struct fake_connection *connection = request->connection;
    if (strcmp(name, "X-Forwarded-For") != 0 || nth >= N_HEADERS_MAX || connection->forwarded[nth] == NULL) {
        return (struct str){NULL, 0};
    }
    return str_from(connection->forwarded[nth]);
}

const char *http_request_client_problem(const struct http_request *request)
{
    return ((const struct fake_connection *)request->connection)->has_certificate ? NULL : "none was shown";
}

/* A callback and its table. */

#define SIGN_TIME_MS UINT64_C(1669872112000)
#define APP "SdkAppid=1400000000"
#define OTHER_APP "SdkAppid=1400000001"
#define EVENT "CallbackCommand=State.StateChange"
#define SIGN_TIME "RequestTime=1669872112"
#define SIGN "Sign=17773bc39a671d7b9aa835458704d2a6db81360a5940292b587d6d760d484061"
#define SIGNED SIGN_TIME "&" SIGN
/* Of the second token, "second". */
#define SECOND_SIGN "Sign=cf68e75244f09ce0ccd77a88466ce902a66c5c5b8fd55fd6ab048abea48b7bc4"
#define DEVICE "OptPlatform=IOS&ClientIP=192.0.2.4"
#define LOGIN                                                                 \
    "{\"CallbackCommand\":\"State.StateChange\",\"EventTime\":1669872111900," \
    "\"Info\":{\"Action\":\"Login\",\"To_Account\":\"alice\",\"Reason\":\"Register\"}}"

enum setup {
    TOKENS,   /* app 1400000000 has tokens, 1400000001 has none */
    UNSIGNED, /* neither has */
    OTHERS_OK,
    ALLOW, /* 192.0.2.0/28 and 2001:db8::/32 */
    PROXY, /* the same, through 192.0.2.128/25 */
    CERTIFICATE,
    PATH, /* /tencent/callback */
    ROOM_FOR_ONE,
    STORED, /* a store keeps the table, as far as durable_revision says */
};

static struct table *table;
static struct callback *callback;
static struct refused_list *kept;
static uint16_t apps[2];
static uint64_t now_ms;
static uint64_t durable_revision;
static const char *store_problem;
static bool ready;
static struct buf remembered; /* a line each event that the history is told of */

static uint64_t test_clock(void)
{
    return now_ms;
}

static bool is_ready(void *cls)
{
    return *(bool *)cls;
}

struct world {
    struct callback_config config;
    struct callback_app apps[2];
    struct network allow[2];
    struct network proxies[1];
};

static void fill_networks(struct world *world, enum setup setup)
{
    ck_assert(network_parse(STR("192.0.2.0/28"), &world->allow[0]));
    ck_assert(network_parse(STR("2001:db8::/32"), &world->allow[1]));
    ck_assert(network_parse(STR("192.0.2.128/25"), &world->proxies[0]));
    world->config.allow = world->allow;
    world->config.n_allow = setup == ALLOW || setup == PROXY ? 2 : 0;
    world->config.trusted_proxies = world->proxies;
    world->config.n_trusted_proxies = setup == PROXY ? 1 : 0;
}

static uint64_t get_durable_revision(void *cls)
{
    (void)cls;
    return durable_revision;
}

static const char *get_store_problem(void *cls)
{
    (void)cls;
    return store_problem;
}

static void remember(void *cls, uint64_t app_id, struct str user_id, const struct user_event *event)
{
    char peer[ADDRESS_TEXT_SIZE];
    char client[ADDRESS_TEXT_SIZE];
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    (void)cls;
    (void)address_format(&event->peer, peer);
    (void)address_format(&event->client, client);
    (void)pthread_mutex_lock(&lock);
    buf_appendf(&remembered, "%llu %.*s %llu %llu %.*s/%.*s/%.*s %s %s [%.*s] %.*s",
                (unsigned long long)app_id, STR_FMT(user_id), (unsigned long long)event->received_unix_ms,
                event->has_event_time ? (unsigned long long)event->event_time_ms : 0, STR_FMT(event->action),
                STR_FMT(event->reason), STR_FMT(event->platform), client, peer, STR_FMT(event->request_id),
                STR_FMT(event->outcome));
    for (size_t i = 0; i < event->n_kicked; i++) {
        buf_appendf(&remembered, " %.*s", STR_FMT(event->kicked[i]));
    }
    buf_append_char(&remembered, '\n');
    (void)pthread_mutex_unlock(&lock);
}

static void fill_world(struct world *world, enum setup setup)
{
    *world = (struct world){.config = {.path = setup == PATH ? STR("/tencent/callback") : STR("/"),
                                       .n_apps = 2,
                                       .client_certificate_required = setup == CERTIFICATE,
                                       .other_commands_ok = setup == OTHERS_OK,
                                       .table = table,
                                       .history = {remember, NULL},
                                       .refused = kept,
                                       .is_ready = is_ready,
                                       .is_ready_cls = &ready,
                                       .unix_ms = test_clock}};
    if (setup == STORED) {
        world->config.store = (struct callback_store){get_durable_revision, get_store_problem, NULL};
    }
    world->config.apps = world->apps;
    /* Not in their order as text. */
    world->apps[0] = (struct callback_app){.sdkappid = STR("1400000001"), .app = apps[1]};
    world->apps[1] = (struct callback_app){.sdkappid = STR("1400000000"), .app = apps[0]};
    world->apps[1].sign_tolerance_ms = 60000;
    world->apps[1].key = (struct signature_key){{STR("second"), STR("xxxxyyyy")}, setup == UNSIGNED ? 0 : 2};
    fill_networks(world, setup);
}

static void start(enum setup setup)
{
    struct world world;
    struct table_config table_config = {.push_online_window_ms = 604800000,
                                        .max_users = setup == ROOM_FOR_ONE ? 1 : 0};
    now_ms = SIGN_TIME_MS;
    ready = true;
    ck_assert_int_eq(table_new(&table_config, &table), 0);
    ck_assert_int_eq(table_add_app(table, 1400000001, &apps[1]), 0);
    ck_assert_int_eq(table_add_app(table, 1400000000, &apps[0]), 0);
    ck_assert_int_eq(refused_list_new(&kept), 0);
    fill_world(&world, setup);
    ck_assert_int_eq(callback_new(&world.config, &callback), 0);
}

static void quieten_log(void)
{
    log_configure(&(struct log_config){.level = LOG_LEVEL_ERROR});
}

static void stop(void)
{
    buf_fini(&remembered);
    callback_free(callback);
    refused_list_free(kept);
    table_free(table);
    callback = NULL;
    kept = NULL;
    table = NULL;
}

struct sent {
    const char *method; /* NULL: POST */
    const char *path;   /* NULL: / */
    const char *query;
    const char *body; /* NULL: LOGIN */
    const char *peer; /* NULL: 192.0.2.1 */
    struct fake_connection connection;
};

struct got {
    struct http_reply *reply; /* borrowed unless `once` */
    bool at_headers;
    enum callback_outcome outcome;
};

static struct http_request request_of(const struct sent *sent)
{
    struct http_request request = {
        .method = str_from(sent->method != NULL ? sent->method : "POST"),
        .path = str_from(sent->path != NULL ? sent->path : "/"),
        .connection = (void *)(uintptr_t)&sent->connection,
    };
    if (sent->query != NULL) {
        request.query = str_from(sent->query);
    }
    const char *peer = sent->peer != NULL ? sent->peer : "192.0.2.1";
    ck_assert(peer[0] == '\0' || address_parse(str_from(peer), &request.peer));
    return request;
}

/* The one outcome that was counted since `before`. */
static enum callback_outcome counted_since(const struct callback_stats *before)
{
    struct callback_stats after;
    int found = -1;
    callback_stats(callback, &after);
    for (int i = 0; i < CALLBACK_N_OUTCOMES; i++) {
        if (after.n[i] != before->n[i]) {
            ck_assert_uint_eq(after.n[i], before->n[i] + 1);
            ck_assert_int_eq(found, -1);
            found = i;
        }
    }
    ck_assert_int_ge(found, 0);
    return (enum callback_outcome)found;
}

static struct got send_request(const struct sent *sent)
{
    struct callback_stats before;
    struct http_request request = request_of(sent);
    struct got got = {.at_headers = true};
    callback_stats(callback, &before);
    got.reply = callback_handler()->on_headers(callback, &request);
    if (got.reply == NULL) {
        got.at_headers = false;
        request.body = str_from(sent->body != NULL ? sent->body : LOGIN);
        got.reply = callback_handler()->on_request(callback, &request);
    }
    ck_assert_ptr_nonnull(got.reply);
    got.outcome = counted_since(&before);
    return got;
}

static const char *body_text(struct http_reply *reply)
{
    buf_append_char(&reply->body, '\0');
    ck_assert(!reply->body.failed);
    reply->body.len--;
    return reply->body.ptr;
}

#define OK_BODY "{\"ActionStatus\":\"OK\",\"ErrorCode\":0,\"ErrorInfo\":\"\"}"
#define FAIL_BODY "{\"ActionStatus\":\"FAIL\",\"ErrorCode\":1,\"ErrorInfo\":\""

static void assert_reply(struct http_reply *reply, unsigned status, bool ok)
{
    struct str body = buf_str(&reply->body);
    ck_assert_uint_eq(reply->status, status);
    ck_assert_int_eq(json_check(body), 0);
    if (ok) {
        ck_assert_str_eq(body_text(reply), OK_BODY);
    } else {
        ck_assert_msg(str_starts_with(body, STR(FAIL_BODY)), "%s", body_text(reply));
        ck_assert_uint_gt(body.len, strlen(FAIL_BODY "\"}") + 10); /* says something */
    }
    const char *headers = status == 405 ? "Content-Type: application/json\nAllow: POST\n"
                                        : "Content-Type: application/json\n";
    ck_assert(str_equal(buf_str(&reply->headers), str_from(headers)));
}

/* Every end that a request can come to. */

struct answer_case {
    const char *what;
    struct sent sent;
    enum setup setup;
    enum callback_outcome outcome;
    unsigned status;
    bool ok;
};

#define POSTED(what, setup, query_, outcome, status, ok)                 \
    {                                                                    \
        what, {.query = (query_)}, setup, CALLBACK_##outcome, status, ok \
    }
#define OK(what, setup, query_) POSTED(what, setup, query_, APPLIED, 200, true)
#define FAIL(what, setup, query_, outcome) POSTED(what, setup, query_, outcome, 200, false)
#define REFUSED(what, setup, query_, outcome) POSTED(what, setup, query_, outcome, 403, false)
#define WITH_BODY(what, body_, outcome)                                                           \
    {                                                                                             \
        what, {.query = APP "&" EVENT, .body = (body_)}, UNSIGNED, CALLBACK_##outcome, 200, false \
    }
#define FROM(what, setup, peer_, outcome, status, ok, ...)                                                 \
    {                                                                                                      \
        what, {.query = OTHER_APP "&" EVENT, .peer = (peer_), .connection = {.forwarded = {__VA_ARGS__}}}, \
            setup, CALLBACK_##outcome, status, ok                                                          \
    }

static const struct answer_case cases[] = {
    OK("an event", TOKENS, APP "&" EVENT "&" SIGNED "&" DEVICE),
    OK("in any order", TOKENS, DEVICE "&" SIGN "&" EVENT "&x=y&" SIGN_TIME "&x=z&" APP),
    OK("of an app without a token", TOKENS, OTHER_APP "&" EVENT),
    OK("which does not check a Sign", TOKENS, OTHER_APP "&" EVENT "&Sign=x&RequestTime=y"),
    OK("names and values percent-encoded", TOKENS,
       "%53dkAppid=140000000%30&CallbackComman%64=State%2EStateChange&RequestTim%65=166987211%32&Sig%6E="
       "%317773bc39a671d7b9aa835458704d2a6db81360a5940292b587d6d760d484061"),
    OK("contenttype twice", UNSIGNED, APP "&" EVENT "&contenttype=json&contenttype=xml"),
    OK("a name with a bad escape is a name unknown", UNSIGNED, APP "&" EVENT "&%zz=1&Sig%6=1"),
    OK("an invalid ClientIP", UNSIGNED, APP "&" EVENT "&ClientIP=192.0.2.4:80"),
    OK("a ClientIP far too long", UNSIGNED,
       APP "&" EVENT "&ClientIP=1111111111111111111111111111111111111111111111111"),
    OK("no OptPlatform, no ClientIP", UNSIGNED, APP "&" EVENT),

    /* SdkAppid */
    REFUSED("no query", TOKENS, NULL, REFUSED_NO_APP),
    REFUSED("empty query", TOKENS, "", REFUSED_NO_APP),
    REFUSED("SdkAppid missing", TOKENS, EVENT, REFUSED_NO_APP),
    REFUSED("SdkAppid missing, wrong Sign", TOKENS, EVENT "&RequestTime=1669872113&" SIGN, REFUSED_NO_APP),
    REFUSED("SdkAppid missing, Sign, no RequestTime", TOKENS, EVENT "&" SIGN, REFUSED_NO_APP),
    REFUSED("SdkAppid missing where no app has a token", UNSIGNED, EVENT "&" SIGNED, REFUSED_NO_APP),
    REFUSED("sdkappid is another name", TOKENS, "sdkappid=1400000000&" EVENT, REFUSED_NO_APP),
    REFUSED("SdkAppid unknown", TOKENS, "SdkAppid=1400000002&" EVENT "&" SIGNED, REFUSED_APP),
    REFUSED("SdkAppid empty", TOKENS, "SdkAppid=&" EVENT "&" SIGNED, REFUSED_APP),
    REFUSED("SdkAppid with a zero before", TOKENS, "SdkAppid=01400000001&" EVENT, REFUSED_APP),
    REFUSED("SdkAppid with a blank", TOKENS, "SdkAppid=1400000001%20&" EVENT, REFUSED_APP),
    REFUSED("SdkAppid far too long", TOKENS, "SdkAppid=1400000001000000000000000000000000000000&" EVENT,
            REFUSED_APP),
    REFUSED("SdkAppid with a bad escape", TOKENS, "SdkAppid=140000000%3&" EVENT, REFUSED_APP),
    REFUSED("SdkAppid with a NUL", TOKENS, "SdkAppid=1400000001%00&" EVENT, REFUSED_APP),
    REFUSED("SdkAppid twice", TOKENS, OTHER_APP "&" OTHER_APP "&" EVENT, REFUSED_TWICE),
    REFUSED("SdkAppid twice, once encoded", TOKENS, OTHER_APP "&SdkAppi%64=1&" EVENT, REFUSED_TWICE),
    /* Sign */
    REFUSED("Sign missing", TOKENS, APP "&" EVENT "&" SIGN_TIME, REFUSED_NO_SIGN),
    REFUSED("RequestTime missing", TOKENS, APP "&" EVENT "&" SIGN, REFUSED_NO_SIGN),
    REFUSED("both missing", TOKENS, APP "&" EVENT, REFUSED_NO_SIGN),
    REFUSED("Sign empty", TOKENS, APP "&" EVENT "&" SIGN_TIME "&Sign=", REFUSED_SIGN_FORM),
    REFUSED("Sign cut short", TOKENS, APP "&" EVENT "&" SIGN_TIME "&Sign=17773bc3", REFUSED_SIGN_FORM),
    REFUSED("Sign too long", TOKENS, APP "&" EVENT "&" SIGN_TIME "&" SIGN "0", REFUSED_SIGN_FORM),
    REFUSED("Sign with a bad escape", TOKENS, APP "&" EVENT "&" SIGN_TIME "&Sign=%1", REFUSED_SIGN_FORM),
    REFUSED("RequestTime empty", TOKENS, APP "&" EVENT "&RequestTime=&" SIGN, REFUSED_TIME_FORM),
    REFUSED("RequestTime negative", TOKENS, APP "&" EVENT "&RequestTime=-1669872112&" SIGN,
            REFUSED_TIME_FORM),
    REFUSED("RequestTime with a plus", TOKENS, APP "&" EVENT "&RequestTime=%2B1669872112&" SIGN,
            REFUSED_TIME_FORM),
    REFUSED("RequestTime with a blank's plus", TOKENS, APP "&" EVENT "&RequestTime=+1669872112&" SIGN,
            REFUSED_TIME_FORM),
    REFUSED("RequestTime too long", TOKENS, APP "&" EVENT "&RequestTime=000000000001669872112&" SIGN,
            REFUSED_TIME_FORM),
    REFUSED("RequestTime with a bad escape", TOKENS, APP "&" EVENT "&RequestTime=%&" SIGN, REFUSED_TIME_FORM),
    REFUSED("RequestTime long past", TOKENS, APP "&" EVENT "&RequestTime=1669872051&" SIGN, REFUSED_TIME),
    REFUSED("RequestTime far ahead", TOKENS, APP "&" EVENT "&RequestTime=1669872173&" SIGN, REFUSED_TIME),
    REFUSED("Sign wrong", TOKENS, APP "&" EVENT "&RequestTime=1669872172&" SIGN, REFUSED_SIGN),
    REFUSED("Sign twice", TOKENS, APP "&" EVENT "&" SIGNED "&" SIGN, REFUSED_TWICE),
    REFUSED("RequestTime twice", TOKENS, APP "&" EVENT "&" SIGNED "&" SIGN_TIME, REFUSED_TWICE),
    REFUSED("Sign twice, of an app without a token", TOKENS, OTHER_APP "&" EVENT "&Sign=1&Sign=1",
            REFUSED_TWICE),
    REFUSED("another command does not come before Sign", OTHERS_OK, APP "&CallbackCommand=Other",
            REFUSED_NO_SIGN),
    /* the console */
    FAIL("the console's check", TOKENS, SIGNED, URL_CHECK),
    FAIL("the console's check of a command", TOKENS, SIGNED "&" EVENT, URL_CHECK),
    /* what is asked for */
    FAIL("no CallbackCommand", TOKENS, APP "&" SIGNED, NO_COMMAND),
    FAIL("CallbackCommand empty", TOKENS, APP "&CallbackCommand=&" SIGNED, NO_COMMAND),
    FAIL("no CallbackCommand, others OK", OTHERS_OK, APP "&" SIGNED, NO_COMMAND),
    FAIL("another command", TOKENS, APP "&CallbackCommand=C2C.CallbackBeforeSendMsg&" SIGNED, OTHER_COMMAND),
    FAIL("a command in other case", TOKENS, APP "&CallbackCommand=state.statechange&" SIGNED, OTHER_COMMAND),
    POSTED("another command that is OK", OTHERS_OK, APP "&CallbackCommand=C2C.CallbackBeforeSendMsg&" SIGNED,
           OTHER_COMMAND_OK, 200, true),
    FAIL("CallbackCommand twice", UNSIGNED, APP "&" EVENT "&" EVENT, PARAMETER_TWICE),
    FAIL("OptPlatform twice", UNSIGNED, APP "&" EVENT "&OptPlatform=Web&OptPlatform=Web", PARAMETER_TWICE),
    FAIL("ClientIP twice", UNSIGNED, APP "&" EVENT "&ClientIP=192.0.2.4&ClientIP=", PARAMETER_TWICE),
    FAIL("ClientIP twice of another command", OTHERS_OK, OTHER_APP "&CallbackCommand=x&ClientIP&ClientIP",
         PARAMETER_TWICE),
    FAIL("CallbackCommand with a bad escape", UNSIGNED, APP "&CallbackCommand=State.StateChange%",
         PARAMETER_ESCAPE),
    FAIL("OptPlatform with a bad escape", UNSIGNED, APP "&" EVENT "&OptPlatform=%0", PARAMETER_ESCAPE),
    FAIL("ClientIP with a bad escape", UNSIGNED, APP "&" EVENT "&ClientIP=%zz", PARAMETER_ESCAPE),
    FAIL("OptPlatform with a NUL", UNSIGNED, APP "&" EVENT "&OptPlatform=Web%00", PARAMETER_ESCAPE),

    /* bodies */
    WITH_BODY("empty", "", BODY_EMPTY),
    WITH_BODY("no JSON", "Login", BODY_SYNTAX),
    WITH_BODY("cut short", "{", BODY_TRUNCATED),
    WITH_BODY("too much", LOGIN "x", BODY_TRAILING),
    WITH_BODY("no object", "[]", BODY_NOT_OBJECT),
    WITH_BODY("UTF-8", "{\"\xff\":1}", BODY_UTF8),
    WITH_BODY("a key twice", "{\"a\":1,\"a\":1}", BODY_DUPLICATE_KEY),
    WITH_BODY("empty object", "{}", BODY_COMMAND_MISSING),
    WITH_BODY("command differs", "{\"CallbackCommand\":\"Other\"}", BODY_COMMAND_MISMATCH),
    WITH_BODY("no Info", "{\"CallbackCommand\":\"State.StateChange\"}", BODY_INFO_MISSING),
    WITH_BODY(
        "action unknown",
        "{\"CallbackCommand\":\"State.StateChange\",\"Info\":{\"Action\":\"Sleep\",\"To_Account\":\"alice\"}}",
        BODY_ACTION_UNKNOWN),
    WITH_BODY("status missing",
              "{\"CallbackCommand\":\"State.StateChange\",\"Info\":{\"Action\":\"CustomStatusChange\","
              "\"To_Account\":\"alice\"}}",
              BODY_STATUS_MISSING),
    {"a body that nobody reads",
     {.query = APP "&CallbackCommand=x&" SIGNED, .body = "{"},
     TOKENS,
     CALLBACK_OTHER_COMMAND,
     200,
     false},

    /* paths and methods */
    {"another path",
     {.path = "/callback", .query = OTHER_APP "&" EVENT},
     TOKENS,
     CALLBACK_OTHER_PATH,
     404,
     false},
    {"another path, another method",
     {.method = "GET", .path = "/x"},
     TOKENS,
     CALLBACK_OTHER_PATH,
     404,
     false},
    {"a path longer",
     {.path = "/tencent/callback/", .query = OTHER_APP "&" EVENT},
     PATH,
     CALLBACK_OTHER_PATH,
     404,
     false},
    {"a path shorter", {.path = "/", .query = OTHER_APP "&" EVENT}, PATH, CALLBACK_OTHER_PATH, 404, false},
    {"the path",
     {.path = "/tencent/callback", .query = OTHER_APP "&" EVENT},
     PATH,
     CALLBACK_APPLIED,
     200,
     true},
    {"GET", {.method = "GET", .query = OTHER_APP "&" EVENT}, TOKENS, CALLBACK_OTHER_METHOD, 405, false},
    {"post", {.method = "post", .query = OTHER_APP "&" EVENT}, TOKENS, CALLBACK_OTHER_METHOD, 405, false},
    {"PUT before the peer",
     {.method = "PUT", .peer = "192.0.2.99"},
     ALLOW,
     CALLBACK_OTHER_METHOD,
     405,
     false},
    {"POST to health",
     {.path = "/livez", .query = OTHER_APP "&" EVENT},
     TOKENS,
     CALLBACK_OTHER_PATH,
     404,
     false},

    /* peers */
    FROM("a peer allowed", ALLOW, "192.0.2.15", APPLIED, 200, true, NULL),
    FROM("IPv6", ALLOW, "2001:db8::1", APPLIED, 200, true, NULL),
    FROM("a peer beyond", ALLOW, "192.0.2.16", REFUSED_PEER, 403, false, NULL),
    FROM("a Unix socket", ALLOW, "", REFUSED_PEER, 403, false, NULL),
    FROM("a Unix socket where any may call", TOKENS, "", APPLIED, 200, true, NULL),
    FROM("who nobody vouches for", ALLOW, "192.0.2.200", REFUSED_PEER, 403, false, "192.0.2.1"),
    FROM("through a proxy", PROXY, "192.0.2.200", APPLIED, 200, true, "192.0.2.1"),
    FROM("through a Unix socket", PROXY, "", APPLIED, 200, true, "192.0.2.1"),
    FROM("through two", PROXY, "192.0.2.200", APPLIED, 200, true, "192.0.2.1, 192.0.2.201"),
    FROM("two headers", PROXY, "192.0.2.200", APPLIED, 200, true, "192.0.2.1", "192.0.2.201"),
    FROM("a proxy alone", PROXY, "192.0.2.200", REFUSED_PEER, 403, false, NULL),
    FROM("one that says it was another", PROXY, "192.0.2.200", REFUSED_PEER, 403, false,
         "192.0.2.1, 192.0.2.99"),
    FROM("past a proxy", PROXY, "192.0.2.1", APPLIED, 200, true, "192.0.2.99"),
    {"a peer before SdkAppid", {.peer = "192.0.2.99"}, ALLOW, CALLBACK_REFUSED_PEER, 403, false},

    /* client certificates */
    {"none", {.query = OTHER_APP "&" EVENT}, CERTIFICATE, CALLBACK_REFUSED_CERTIFICATE, 403, false},
    {"one",
     {.query = OTHER_APP "&" EVENT, .connection = {.has_certificate = true}},
     CERTIFICATE,
     CALLBACK_APPLIED,
     200,
     true},
    {"one that is not enough",
     {.query = APP "&" EVENT, .connection = {.has_certificate = true}},
     CERTIFICATE,
     CALLBACK_REFUSED_NO_SIGN,
     403,
     false},
};

#define DURATIONS "presenced_callback_duration_seconds"
#define LAGS "presenced_callback_event_lag_seconds"

struct wanted {
    const char *name;
    struct histogram_counts counts;
};

static void take_histogram(void *cls, const struct metric_sample *sample)
{
    struct wanted *wanted = cls;
    if (sample->histogram != NULL && strcmp(sample->metric->name, wanted->name) == 0) {
        wanted->counts = *sample->histogram;
    }
}

static struct histogram_counts histogram_of(const char *name)
{
    struct wanted wanted = {.name = name};
    callback_metrics(callback, &(struct metric_visitor){take_histogram, &wanted});
    ck_assert_uint_gt(wanted.counts.n_bounds, 0);
    return wanted.counts;
}

static uint64_t count_of(const char *name)
{
    struct histogram_counts counts = histogram_of(name);
    uint64_t n = 0;
    for (size_t i = 0; i <= counts.n_bounds; i++) {
        n += counts.n[i];
    }
    return n;
}

START_TEST(each_request_has_its_outcome)
{
    const struct answer_case *c = &cases[_i];
    struct user user;
    start(c->setup);
    struct got got = send_request(&c->sent);
    ck_assert_msg(got.outcome == c->outcome, "%s: got %s", c->what, callback_outcome_name(got.outcome));
    assert_reply(got.reply, c->status, c->ok);
    ck_assert_msg(got.at_headers == (c->status != 200), "%s", c->what);
    ck_assert_str_eq(callback_outcome_answer(got.outcome), c->status != 200 ? "refused"
                                                           : c->ok          ? "ok"
                                                                            : "fail");
    ck_assert_uint_eq(count_of(DURATIONS), c->status == 200);
    int known = table_get(table, apps[0], STR("alice"), &user) == 0 ||
                table_get(table, apps[1], STR("alice"), &user) == 0;
    ck_assert_int_eq(known, c->outcome == CALLBACK_APPLIED);
    if (got.reply->once) {
        http_reply_free(got.reply);
    }
}
END_TEST

START_TEST(takes_the_second_token)
{
    start(TOKENS);
    struct got got = send_request(&(struct sent){.query = APP "&" EVENT "&" SIGN_TIME "&" SECOND_SIGN});
    ck_assert_int_eq(got.outcome, CALLBACK_APPLIED);
}
END_TEST

START_TEST(forwarded_headers_beyond_the_bound_are_not_believed)
{
    struct sent sent = {.query = OTHER_APP "&" EVENT, .peer = "192.0.2.200"};
    start(PROXY);
    sent.connection.forwarded[0] = "192.0.2.1";
    for (size_t i = 1; i < 32; i++) {
        sent.connection.forwarded[i] = "192.0.2.201";
    }
    ck_assert_int_eq(send_request(&sent).outcome, CALLBACK_APPLIED);
    sent.connection.forwarded[0] = "192.0.2.201";
    sent.connection.forwarded[32] = "192.0.2.1";
    ck_assert_int_eq(send_request(&sent).outcome, CALLBACK_REFUSED_PEER);
}
END_TEST

/* Health. */

START_TEST(answers_health_checks)
{
    static const char *const methods[] = {"GET", "HEAD"};
    start(ALLOW);
    for (size_t i = 0; i < 2; i++) {
        struct sent live = {.method = methods[i], .path = "/livez", .peer = "192.0.2.99"};
        struct sent readiness = {.method = methods[i], .path = "/readyz", .peer = "192.0.2.99"};
        ready = true;
        assert_reply(send_request(&live).reply, 200, true);
        assert_reply(send_request(&readiness).reply, 200, true);
        ready = false;
        assert_reply(send_request(&live).reply, 200, true);
        struct got got = send_request(&readiness);
        assert_reply(got.reply, 503, false);
        ck_assert_int_eq(got.outcome, CALLBACK_NOT_READY);
        ck_assert(got.at_headers);
    }
}
END_TEST

/* What the listener refuses. */

static struct http_reply *refuse(enum http_refusal why, const char *error)
{
    struct http_request request = request_of(&(struct sent){.query = OTHER_APP});
    return callback_handler()->on_refusal(callback, &request, why, error);
}

START_TEST(refusals_of_the_listener)
{
    struct callback_stats stats;
    start(TOKENS);
    assert_reply(refuse(HTTP_REFUSAL_LENGTH_REQUIRED, "no length"), 411, false);
    assert_reply(refuse(HTTP_REFUSAL_TOO_LARGE, "too long a body"), 413, false);
    struct http_reply *reply = refuse(HTTP_REFUSAL_BAD_FRAMING, "Host comes \"twice\"");
    assert_reply(reply, 400, false);
    ck_assert_str_eq(body_text(reply), FAIL_BODY "Host comes \\\"twice\\\"\"}");
    ck_assert(reply->once);
    http_reply_free(reply);
    n_replies_left = 0;
    reply = refuse(HTTP_REFUSAL_BAD_FRAMING, "Host comes twice");
    n_replies_left = -1;
    assert_reply(reply, 400, false);
    ck_assert(!reply->once);
    callback_stats(callback, &stats);
    ck_assert_uint_eq(stats.n[CALLBACK_BAD_FRAMING], 2);
    ck_assert_uint_eq(stats.n[CALLBACK_NO_LENGTH], 1);
    ck_assert_uint_eq(stats.n[CALLBACK_TOO_LARGE], 1);
}
END_TEST

/* What reaches the table. */

#define CALL(query_, body_) send_request(&(struct sent){.query = (query_), .body = (body_)}).outcome
#define BODY(time, action, user)                                                        \
    "{\"CallbackCommand\":\"State.StateChange\"," time "\"Info\":{\"Action\":\"" action \
    "\",\"To_Account\":\"" user "\"}}"
#define BODY_AT(time, action, user) BODY("\"EventTime\":" time ",", action, user)

START_TEST(row_is_what_was_sent)
{
    struct user user;
    struct address client;
    start(UNSIGNED);
    now_ms = SIGN_TIME_MS + 77;
    ck_assert(address_parse(STR("2001:db8::7"), &client));
    ck_assert_int_eq(CALL(APP "&" EVENT "&OptPlatform=i%4FS&ClientIP=2001%3Adb8::7", LOGIN),
                     CALLBACK_APPLIED);
    ck_assert_int_eq(table_get(table, apps[1], STR("alice"), &user), TABLE_ABSENT);
    ck_assert_int_eq(table_get(table, apps[0], STR("alice"), &user), 0);
    ck_assert_uint_eq(user.n_rows, 1);
    const struct row *row = user_row(&user, PLATFORM_IOS);
    ck_assert_ptr_nonnull(row);
    ck_assert_uint_eq(row->event_time_ms, 1669872111900);
    ck_assert_uint_eq(row->received_unix_ms, SIGN_TIME_MS + 77);
    ck_assert_int_eq(row->action, ROW_LOGIN);
    ck_assert_int_eq(row->reason, ROW_REASON_REGISTER);
    ck_assert(address_equal(&row->client, &client));
}
END_TEST

static const struct {
    const char *device;
    int platform; /* PLATFORM_N_KNOWN: the first one heard */
    bool has_client;
} device_cases[] = {
    {"", PLATFORM_UNKNOWN, false},
    {"&OptPlatform=&ClientIP=", PLATFORM_UNKNOWN, false},
    {"&OptPlatform&ClientIP", PLATFORM_UNKNOWN, false},
    {"&OptPlatform=RESTAPI&ClientIP=192.0.2.4", PLATFORM_RESTAPI, true},
    {"&OptPlatform=macOS&ClientIP=%31%39%32.0.2.4", PLATFORM_MAC, true},
    {"&OptPlatform=IPad&ClientIP=192.0.2", PLATFORM_IPAD, false},
    {"&OptPlatform=Harmony", PLATFORM_N_KNOWN, false},
    {"&OptPlatform=Harmony%20OS+", PLATFORM_N_KNOWN, false},
    {"&OptPlatform=12345678901234567890123456789012", PLATFORM_N_KNOWN, false},
    {"&OptPlatform=123456789012345678901234567890123", PLATFORM_UNKNOWN, false},
    {"&OptPlatform=%01", PLATFORM_UNKNOWN, false},
};

START_TEST(reads_platform_and_client)
{
    char query[256];
    struct user user;
    start(UNSIGNED);
    (void)snprintf(query, sizeof(query), "%s%s", APP "&" EVENT, device_cases[_i].device);
    ck_assert_int_eq(CALL(query, LOGIN), CALLBACK_APPLIED);
    ck_assert_int_eq(table_get(table, apps[0], STR("alice"), &user), 0);
    ck_assert_uint_eq(user.n_rows, 1);
    ck_assert_int_eq(user.rows[0].platform, device_cases[_i].platform);
    ck_assert_int_eq(user.rows[0].client.len != 0, device_cases[_i].has_client);
}
END_TEST

START_TEST(refused_events_leave_no_platform)
{
    start(TOKENS);
    ck_assert_int_eq(CALL(APP "&" EVENT "&OptPlatform=New", LOGIN), CALLBACK_REFUSED_NO_SIGN);
    ck_assert_int_eq(CALL(OTHER_APP "&" EVENT "&OptPlatform=New", "{}"), CALLBACK_BODY_COMMAND_MISSING);
    ck_assert_uint_eq(platform_count(table_platform_names(table)), PLATFORM_N_KNOWN);
}
END_TEST

START_TEST(outcomes_of_the_table)
{
    struct callback_stats stats;
    start(ROOM_FOR_ONE);
    ck_assert_int_eq(CALL(OTHER_APP "&" EVENT, BODY_AT("1000", "Login", "alice")), CALLBACK_APPLIED);
    ck_assert_int_eq(CALL(OTHER_APP "&" EVENT, BODY_AT("1000", "Login", "alice")), CALLBACK_UNCHANGED);
    struct got full = send_request(
        &(struct sent){.query = OTHER_APP "&" EVENT, .body = BODY_AT("2000", "Login", "bob")});
    ck_assert_int_eq(full.outcome, CALLBACK_FULL);
    assert_reply(full.reply, 200, false);
    ck_assert_int_eq(CALL(OTHER_APP "&" EVENT, BODY_AT("3000", "Logout", "alice")), CALLBACK_APPLIED);
    ck_assert_int_eq(CALL(OTHER_APP "&" EVENT, BODY_AT("4000", "Login", "bob")), CALLBACK_APPLIED);
    struct got forgotten = send_request(
        &(struct sent){.query = OTHER_APP "&" EVENT, .body = BODY_AT("2500", "Login", "alice")});
    ck_assert_int_eq(forgotten.outcome, CALLBACK_FORGOTTEN);
    assert_reply(forgotten.reply, 200, true);
    callback_stats(callback, &stats);
    ck_assert_uint_eq(stats.n[CALLBACK_APPLIED], 3);
    ck_assert_uint_eq(stats.n_restamped, 0);
    ck_assert_int_eq(CALL(OTHER_APP "&" EVENT, BODY("", "Login", "bob")), CALLBACK_APPLIED);
    ck_assert_int_eq(CALL(OTHER_APP "&" EVENT, BODY_AT("9007199254740991", "Logout", "bob")),
                     CALLBACK_APPLIED);
    callback_stats(callback, &stats);
    ck_assert_uint_eq(stats.n_restamped, 2);
}
END_TEST

/* Samples. */

static const struct sample {
    const char *name;
    enum callback_outcome outcome;
    unsigned app;
    const char *user;
    int platform;
    int action;
} samples[] = {
    {"login-kicked-doc.http", CALLBACK_APPLIED, 0, "testuser316", PLATFORM_WEB, ROW_LOGIN},
    {"login-web-2022.http", CALLBACK_APPLIED, 0, "633f9ea82b887776fc3dd016_10149", PLATFORM_WEB, ROW_LOGIN},
    {"login-ios-capital.http", CALLBACK_APPLIED, 0, "kuang", PLATFORM_IOS, ROW_LOGIN},
    {"login-own-parameter.http", CALLBACK_APPLIED, 1, "211172", PLATFORM_ANDROID, ROW_LOGIN},
    {"login-2016-no-eventtime.http", CALLBACK_APPLIED, 0, "1", PLATFORM_ANDROID, ROW_LOGIN},
    {"logout-2016-no-eventtime.http", CALLBACK_APPLIED, 0, "1", PLATFORM_ANDROID, ROW_LOGOUT},
    {"logout-linkclose-old.http", CALLBACK_APPLIED, 0, "66660222", PLATFORM_ANDROID, ROW_DISCONNECT},
    {"disconnect-timeout.http", CALLBACK_APPLIED, 0, "kuang", PLATFORM_IOS, ROW_DISCONNECT},
    {"disconnect-timeout-old-spelling.http", CALLBACK_APPLIED, 0, "kuang", PLATFORM_IOS, ROW_DISCONNECT},
    {"custom-status-in-info.http", CALLBACK_APPLIED, 0, "testuser316", -1, 0},
    {"custom-status-top-level.http", CALLBACK_APPLIED, 0, "testuser316", -1, 0},
    {"login-signed.http", CALLBACK_APPLIED, 0, "signed_user", PLATFORM_WEB, ROW_LOGIN},
    {"login-utf8-user.http", CALLBACK_APPLIED, 0,
     "\xe5\xa4\x8f\xe5\xad\xa3"
     "40\xe5\xba\xa6",
     PLATFORM_WEB, ROW_LOGIN},
    {"other-command-c2c-before-send.http", CALLBACK_OTHER_COMMAND, 0, NULL, -1, 0},
    {"other-command-push-events.http", CALLBACK_OTHER_COMMAND, 0, NULL, -1, 0},
};

static void read_sample(const char *name, struct buf *text)
{
    char path[4096];
    const char *directory = getenv("PRESENCED_SAMPLES");
    ck_assert_msg(directory != NULL, "PRESENCED_SAMPLES does not say where tests/samples is");
    (void)snprintf(path, sizeof(path), "%s/%s", directory, name);
    FILE *file = fopen(path, "re");
    ck_assert_msg(file != NULL, "%s", path);
    char *to = buf_reserve(text, 4096);
    ck_assert_ptr_nonnull(to);
    text->len += fread(to, 1, 4095, file);
    text->ptr[text->len] = '\0';
    ck_assert_int_eq(fclose(file), 0);
}

/* Cuts the text into "/" and NUL-terminated query and body. */
static struct sent sent_of_sample(struct buf *text)
{
    char *query = strstr(text->ptr, "/?");
    char *end = strstr(text->ptr, "\n\n");
    ck_assert_ptr_eq(query, text->ptr);
    ck_assert_ptr_nonnull(end);
    *end = '\0';
    return (struct sent){.query = query + 2, .body = end + 2};
}

static void assert_row(const struct sample *sample)
{
    struct user user;
    ck_assert_int_eq(table_get(table, apps[sample->app], str_from(sample->user), &user), 0);
    ck_assert_int_eq(user.has_custom_status, sample->platform < 0);
    if (sample->platform >= 0) {
        const struct row *row = user_row(&user, (uint8_t)sample->platform);
        ck_assert_ptr_nonnull(row);
        ck_assert_int_eq(row->action, sample->action);
        ck_assert_uint_eq(row->client.len, 4);
    }
}

START_TEST(answers_every_sample)
{
    cleanup(buf_fini) struct buf text = {0};
    read_sample(samples[_i].name, &text);
    struct sent sent = sent_of_sample(&text);
    start(UNSIGNED);
    ck_assert_int_eq(send_request(&sent).outcome, samples[_i].outcome);
    if (samples[_i].user != NULL) {
        assert_row(&samples[_i]);
    }
}
END_TEST

START_TEST(believes_signed_samples)
{
    static const struct {
        const char *name;
        enum callback_outcome outcome;
    } signed_cases[] = {
        {"login-signed.http", CALLBACK_APPLIED},
        {"console-url-check.http", CALLBACK_URL_CHECK},
        {"login-web-2022.http", CALLBACK_REFUSED_NO_SIGN},
    };
    start(TOKENS);
    for (size_t i = 0; i < 3; i++) {
        cleanup(buf_fini) struct buf text = {0};
        read_sample(signed_cases[i].name, &text);
        struct sent sent = sent_of_sample(&text);
        ck_assert_int_eq(send_request(&sent).outcome, signed_cases[i].outcome);
    }
}
END_TEST

/* The store. */

/* Hands the request in and gives what on_request() says. */
static struct http_reply *hand_in(const struct sent *sent, struct http_request *request)
{
    *request = request_of(sent);
    ck_assert_ptr_null(callback_handler()->on_headers(callback, request));
    request->body = str_from(LOGIN);
    return callback_handler()->on_request(callback, request);
}

START_TEST(what_on_headers_has_not_passed_is_not_applied)
{
    struct http_request request = {.body = str_from(LOGIN)};
    ck_assert_ptr_null(callback_handler()->on_request(callback, &request));
}
END_TEST

START_TEST(an_event_is_ok_when_it_is_stored)
{
    const struct sent sent = {.query = OTHER_APP "&" EVENT};
    struct http_request first;
    struct http_request repeat;
    struct http_reply *(*later)(void *, struct http_request *) = callback_handler()->on_resume;
    start(STORED);
    durable_revision = 0;
    store_problem = NULL;
    ck_assert_ptr_eq(hand_in(&sent, &first), http_reply_later());
    ck_assert_ptr_eq(hand_in(&sent, &repeat), http_reply_later()); /* rests on the same change */
    ck_assert_ptr_eq(later(callback, &first), http_reply_later());
    ck_assert_uint_eq(count_of(DURATIONS), 0);
    durable_revision = 1;
    assert_reply(later(callback, &first), 200, true);
    assert_reply(later(callback, &repeat), 200, true);
    struct callback_stats stats;
    callback_stats(callback, &stats);
    ck_assert_uint_eq(stats.n[CALLBACK_APPLIED], 1);
    ck_assert_uint_eq(stats.n[CALLBACK_UNCHANGED], 1);
    ck_assert_uint_eq(count_of(DURATIONS), 2);
    assert_reply(hand_in(&sent, &repeat), 200, true); /* waits for nothing */
}
END_TEST

START_TEST(what_cannot_be_stored_is_fail)
{
    const struct sent sent = {.query = OTHER_APP "&" EVENT};
    struct http_request first;
    struct http_request repeat;
    start(STORED);
    durable_revision = 0;
    store_problem = NULL;
    ck_assert_ptr_eq(hand_in(&sent, &first), http_reply_later());
    store_problem = "disk full";
    assert_reply(callback_handler()->on_resume(callback, &first), 200, false);
    assert_reply(hand_in(&sent, &repeat), 200, false);
    store_problem = NULL;
    durable_revision = 1;
    assert_reply(hand_in(&sent, &repeat), 200, true);
    struct callback_stats stats;
    callback_stats(callback, &stats);
    ck_assert_uint_eq(stats.n[CALLBACK_NOT_STORED], 2);
}
END_TEST

/* Reload. */

static void reload(const struct callback_config *config)
{
    struct rules *rules = NULL;
    ck_assert_int_eq(callback_prepare(callback, config, &rules), 0);
    callback_adopt(callback, rules);
}

START_TEST(reload_exchanges_the_rules)
{
    struct world world;
    start(TOKENS);
    fill_world(&world, ALLOW);
    world.config.path = STR("/new");
    world.config.n_apps = 1;
    world.config.n_allow = 1;
    reload(&world.config);
    memset(&world, 0, sizeof(world)); /* was copied */
    struct sent sent = {.path = "/new", .query = OTHER_APP "&" EVENT};
    ck_assert_int_eq(send_request(&sent).outcome, CALLBACK_APPLIED);
    sent.query = APP "&" EVENT "&" SIGNED;
    ck_assert_int_eq(send_request(&sent).outcome, CALLBACK_REFUSED_APP);
    sent.peer = "192.0.2.99";
    ck_assert_int_eq(send_request(&sent).outcome, CALLBACK_REFUSED_PEER);
    sent.path = NULL;
    ck_assert_int_eq(send_request(&sent).outcome, CALLBACK_OTHER_PATH);
}
END_TEST

#define CHANGE(members) "{\"CallbackCommand\":\"State.StateChange\"," members "}"
#define ALICE(action) "\"Info\":{\"Action\":\"" action "\",\"To_Account\":\"alice\",\"Reason\":\"Register\"}"

static const struct {
    const char *body;
    const char *line; /* NULL: nobody is told */
} remembered_cases[] = {
    {LOGIN,
     "1400000000 alice 1669872112000 1669872111900 Login/Register/iOS 192.0.2.4 192.0.2.1 [r-1] applied\n"},
    {LOGIN,
     "1400000000 alice 1669872112000 1669872111900 Login/Register/iOS 192.0.2.4 192.0.2.1 [r-1] repeated\n"},
    {CHANGE("\"EventTime\":1669872111899," ALICE("Logout")),
     "1400000000 alice 1669872112000 1669872111899 Logout/Register/iOS 192.0.2.4 192.0.2.1 [r-1] older\n"},
    {CHANGE("\"KickedDevice\":[{\"Platform\":\"Web\"},{\"Platform\":\"Android\"}]," ALICE("Login")),
     "1400000000 alice 1669872112000 0 Login/Register/iOS 192.0.2.4 192.0.2.1 [r-1] applied Android Web\n"},
    {CHANGE("\"Info\":{\"Action\":\"CustomStatusChange\",\"To_Account\":\"alice\",\"CustomStatus\":\"\"}"),
     "1400000000 alice 1669872112000 0 CustomStatusChange//iOS 192.0.2.4 192.0.2.1 [r-1] applied\n"},
    {CHANGE("\"EventTime\":-1," ALICE("Login")),
     "1400000000 alice 1669872112000 0 //  192.0.2.1 [r-1] bad_body_event_time\n"},
    {CHANGE(ALICE("Sleep")),
     "1400000000 alice 1669872112000 0 //  192.0.2.1 [r-1] bad_body_action_unknown\n"},
    {CHANGE("\"Info\":{\"Action\":\"Login\"}"), NULL},
    {"{", NULL},
};

START_TEST(the_history_is_told_what_came_of_each_event)
{
    start(TOKENS);
    for (size_t i = 0; i < sizeof(remembered_cases) / sizeof(remembered_cases[0]); i++) {
        const char *line = remembered_cases[i].line == NULL ? "" : remembered_cases[i].line;
        buf_clear(&remembered);
        (void)send_request(&(struct sent){.query = APP "&" EVENT "&" DEVICE "&RequestID=r-1&" SIGNED,
                                          .body = remembered_cases[i].body});
        ck_assert_msg(str_equal(buf_str(&remembered), str_from(line)), "%zu: %.*s", i, STR_FMT(remembered));
    }
    buf_clear(&remembered);
    (void)send_request(&(struct sent){.query = APP "&" EVENT "&" DEVICE});
    ck_assert_uint_eq(remembered.len, 0);
}
END_TEST

#define N_EVENTS 500

static void *send_often(void *cls)
{
    unsigned *n_fine = cls;
    struct sent sent = {.query = OTHER_APP "&" EVENT "&" DEVICE};
    const struct http_request prepared = request_of(&sent);
    for (unsigned i = 0; i < N_EVENTS; i++) {
        struct http_request request = prepared;
        if (callback_handler()->on_headers(callback, &request) == NULL) {
            request.body = STR(LOGIN);
            *n_fine += callback_handler()->on_request(callback, &request)->status == 200;
        }
    }
    return NULL;
}

START_TEST(reload_under_load)
{
    struct world world;
    struct callback_stats stats;
    pthread_t threads[2];
    unsigned n_fine[2] = {0};
    start(TOKENS);
    fill_world(&world, OTHERS_OK);
    for (size_t i = 0; i < 2; i++) {
        ck_assert_int_eq(pthread_create(&threads[i], NULL, send_often, &n_fine[i]), 0);
    }
    for (unsigned i = 0; i < 50; i++) {
        reload(&world.config);
        callback_stats(callback, &stats);
    }
    for (size_t i = 0; i < 2; i++) {
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
        ck_assert_uint_eq(n_fine[i], N_EVENTS);
    }
    callback_stats(callback, &stats);
    ck_assert_uint_eq(stats.n[CALLBACK_APPLIED], 1);
    ck_assert_uint_eq(stats.n[CALLBACK_UNCHANGED], 2 * N_EVENTS - 1);
}
END_TEST

/* The log. */

/* What `send_some` writes to the log; not started, it writes at once. */
static void capture_log(void (*send_some)(void), struct buf *ret_text)
{
    int capture = memfd_create("log", MFD_CLOEXEC);
    int saved = dup(STDERR_FILENO);
    ck_assert_int_ge(capture, 0);
    ck_assert_int_ge(saved, 0);
    ck_assert_int_ge(dup2(capture, STDERR_FILENO), 0);
    log_configure(&(struct log_config){.level = LOG_LEVEL_DEBUG});
    send_some();
    quieten_log();
    ck_assert_int_ge(dup2(saved, STDERR_FILENO), 0);
    char *to = buf_reserve(ret_text, 65536);
    ck_assert_ptr_nonnull(to);
    ssize_t n = pread(capture, to, 65535, 0);
    ck_assert_int_ge(n, 0);
    to[n] = '\0';
    ret_text->len = (size_t)n;
    ck_assert_int_eq(close(capture), 0);
    ck_assert_int_eq(close(saved), 0);
}

static void send_one_of_each(void)
{
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (cases[i].setup == PROXY) {
            (void)send_request(&cases[i].sent);
        }
    }
    (void)CALL("SdkAppid=1400000002&" SIGNED, LOGIN);
    (void)CALL(APP "&" EVENT "&RequestTime=1669872111&" SIGN, LOGIN);
    (void)CALL(OTHER_APP "&" EVENT "&OptPlatform=plat-secret", "{\"body-secret\":1,\"body-secret\":1}");
    (void)CALL(OTHER_APP "&CallbackCommand=command-named", LOGIN);
}

START_TEST(log_names_reason_and_peer_but_no_secret)
{
    static const char *const secrets[] = {"17773bc3",    "17773BC3", "xxxxyyyy",  "second",      "1669872112",
                                          "plat-secret", "body-",    "SdkAppid=", "RequestTime="};
    static const char *const wanted[] = {"app=1400000002 path=/ ",
                                         "app=1400000001 command=command-named path=/ ",
                                         "refused_peer",
                                         "192.0.2.99",
                                         "refused_app",
                                         "refused_peer",
                                         "other_command",
                                         "bad_body_duplicate_key",
                                         "a key comes twice"};
    cleanup(buf_fini) struct buf text = {0};
    start(PROXY);
    capture_log(send_one_of_each, &text);
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        ck_assert_msg(strstr(text.ptr, wanted[i]) != NULL, "no '%s' in: %s", wanted[i], text.ptr);
    }
    for (size_t i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++) {
        ck_assert_msg(strstr(text.ptr, secrets[i]) == NULL, "'%s' in: %s", secrets[i], text.ptr);
    }
}
END_TEST

/* What is kept for who asks. */

static void take_refused(void *cls, const struct refused_request *request)
{
    struct buf *lines = cls;
    char peer[ADDRESS_TEXT_SIZE];
    char client[ADDRESS_TEXT_SIZE];
    (void)address_format(&request->peer, peer);
    (void)address_format(&request->client, client);
    buf_appendf(lines, "%llu %s %s peer=%s client=%s app=%.*s command=%.*s path=%.*s",
                (unsigned long long)(request->unix_ms - SIGN_TIME_MS), request->listener, request->outcome,
                peer, client, STR_FMT(request->app), STR_FMT(request->command), STR_FMT(request->path));
    if (request->is_skewed) {
        buf_appendf(lines, " skew=%lld", (long long)request->skew_s);
    }
    buf_append_char(lines, '\n');
}

static void expect_refused(const char *expected)
{
    cleanup(buf_fini) struct buf lines = {0};
    refused_list_each(kept, 100, take_refused, &lines);
    buf_append_char(&lines, '\0');
    ck_assert_str_eq(lines.ptr, expected);
}

START_TEST(what_is_refused_is_kept_as_it_came)
{
    start(TOKENS);
    expect_refused("");
    (void)CALL("SdkAppid=%3114000&CallbackCommand=a%26b&ClientIP=192%2E0.2.9&" SIGNED, LOGIN);
    now_ms += 7;
    (void)send_request(&(struct sent){.method = "GET", .path = "/x%20y"});
    (void)CALL(OTHER_APP "&" EVENT, "{");
    expect_refused(
        "7 callback bad_body_truncated peer=192.0.2.1 client= app=1400000001 "
        "command=State.StateChange path=/\n"
        "7 callback other_path peer=192.0.2.1 client= app= command= path=/x%20y\n"
        "0 callback refused_app peer=192.0.2.1 client=192.0.2.9 app=%3114000 command=a%26b path=/\n");
}
END_TEST

START_TEST(what_is_ok_is_not_kept)
{
    start(TOKENS);
    (void)CALL(OTHER_APP "&" EVENT, LOGIN);
    (void)CALL(OTHER_APP "&" EVENT, LOGIN);
    ready = false;
    (void)send_request(&(struct sent){.method = "GET", .path = "/livez"});
    (void)send_request(&(struct sent){.method = "GET", .path = "/readyz"});
    expect_refused("");
}
END_TEST

static const struct {
    const char *request_time;
    const char *skew;
} skews[] = {
    {"1669872172", ""}, /* still within sign_tolerance, so the Sign is wrong */
    {"1669872173", " skew=61"}, {"1669868512", " skew=-3600"}, {"%31669868512", " skew=-3600"},
    {"0", " skew=-1669872112"}, {"18446744073709551615", ""},
};

START_TEST(a_clock_that_is_wrong_is_told_by_how_much)
{
    char query[256];
    char expected[256];
    start(TOKENS);
    (void)snprintf(query, sizeof(query), APP "&RequestTime=%s&" SIGN, skews[_i].request_time);
    enum callback_outcome outcome = CALL(query, LOGIN);
    ck_assert_int_eq(outcome, _i == 0 ? CALLBACK_REFUSED_SIGN : CALLBACK_REFUSED_TIME);
    (void)snprintf(expected, sizeof(expected),
                   "0 callback %s peer=192.0.2.1 client= app=1400000000 command= path=/%s\n",
                   callback_outcome_name(outcome), skews[_i].skew);
    expect_refused(expected);
}
END_TEST

/* What is counted by app. */

START_TEST(callbacks_are_counted_by_app_and_token)
{
    struct callback_app_stats stats;
    struct callback_app_stats of_none;
    start(TOKENS);
    ck_assert(callback_app_stats(callback, apps[0], &stats));
    ck_assert_uint_eq(stats.authentic_unix_ms, 0);
    ck_assert_ptr_null(stats.not_ok_reason);
    (void)CALL(APP "&" EVENT "&" SIGNED, LOGIN);
    (void)CALL(APP "&" EVENT "&" SIGNED, "{");
    (void)CALL(APP "&" EVENT, LOGIN);
    (void)CALL("SdkAppid=1400000002&" EVENT, LOGIN);
    (void)send_request(&(struct sent){.path = "/scanner"});
    (void)send_request(&(struct sent){.path = "/elsewhere", .query = OTHER_APP "&" EVENT});
    (void)CALL(SIGNED, LOGIN); /* the console's check */
    ck_assert(callback_app_stats(callback, apps[0], &stats));
    ck_assert_uint_eq(stats.n_ok, 1);
    ck_assert_uint_eq(stats.n_not_ok, 2);
    ck_assert_uint_eq(stats.authentic_unix_ms, SIGN_TIME_MS);
    ck_assert_ptr_nonnull(strstr(stats.not_ok_reason, "Sign or RequestTime is missing"));
    ck_assert(callback_app_stats(callback, apps[1], &stats));
    ck_assert_uint_eq(stats.n_ok + stats.n_not_ok + stats.authentic_unix_ms, 0);
    ck_assert(!callback_app_stats(callback, 2, &stats));
    callback_listener_stats(callback, &of_none);
    ck_assert_uint_eq(of_none.n_ok, 1);
    ck_assert_uint_eq(of_none.n_not_ok, 2);
    ck_assert_ptr_nonnull(strstr(of_none.not_ok_reason, "not the path"));
}
END_TEST

struct named_value {
    const char *name;
    struct str label; /* the second, empty where there is one */
    uint64_t value;
    unsigned n;
};

/* Of metrics whose first label is the app. */
static void find_value(void *cls, const struct metric_sample *sample)
{
    struct named_value *wanted = cls;
    const char *name = sample->metric->name == NULL ? "" : sample->metric->name;
    if (strcmp(name, wanted->name) == 0 && str_equal(sample->labels[0], STR("1400000000")) &&
        str_equal(sample->labels[1], wanted->label)) {
        wanted->value = sample->value;
        wanted->n++;
    }
}

static uint64_t value_of_app(const char *name, struct str label)
{
    struct named_value wanted = {.name = name, .label = label};
    callback_metrics(callback, &(struct metric_visitor){find_value, &wanted});
    ck_assert_uint_eq(wanted.n, 1);
    return wanted.value;
}

START_TEST(an_old_token_is_seen_to_be_used_no_more)
{
    start(TOKENS);
    (void)CALL(APP "&" EVENT "&" SIGN_TIME "&" SECOND_SIGN, LOGIN);
    (void)CALL(APP "&" EVENT "&" SIGNED, LOGIN);
    (void)CALL(APP "&" EVENT "&" SIGNED, LOGIN);
    (void)CALL(APP "&" EVENT, LOGIN);
    ck_assert_uint_eq(value_of_app("presenced_callback_signed_total", STR("1")), 1);
    ck_assert_uint_eq(value_of_app("presenced_callback_signed_total", STR("2")), 2);
    ck_assert_uint_eq(value_of_app("presenced_callback_last_event_timestamp_seconds", STR("")), SIGN_TIME_MS);
}
END_TEST

#define N_REFUSED 1000

static void send_many_refused(void)
{
    for (unsigned i = 0; i < N_REFUSED; i++) {
        (void)CALL("SdkAppid=1400000002&" EVENT, LOGIN);
    }
}

#define N_GOOD 100

static void send_many_good(void)
{
    for (unsigned i = 0; i < N_GOOD; i++) {
        (void)CALL(OTHER_APP "&" EVENT, LOGIN);
    }
}

static unsigned count_lines(const struct buf *text)
{
    unsigned n = 0;
    for (size_t i = 0; i < text->len; i++) {
        n += text->ptr[i] == '\n';
    }
    return n;
}

START_TEST(log_lines_are_bounded_by_kind)
{
    cleanup(buf_fini) struct buf refused = {0};
    cleanup(buf_fini) struct buf good = {0};
    cleanup(buf_fini) struct buf other = {0};
    start(PROXY);
    capture_log(send_many_refused, &refused);
    ck_assert_uint_ge(count_lines(&refused), 20);
    ck_assert_uint_lt(count_lines(&refused), N_REFUSED / 2);
    capture_log(send_many_good, &good);
    ck_assert_uint_eq(count_lines(&good), N_GOOD); /* who asks for debug wants to find each */
    capture_log(send_one_of_each, &other);
    ck_assert_ptr_nonnull(strstr(other.ptr, "refused_peer"));
}
END_TEST

/* Memory, names. */

START_TEST(out_of_memory_at_the_start)
{
    struct world world;
    struct callback *none = NULL;
    start(TOKENS);
    fill_world(&world, TOKENS);
    for (n_replies_left = 0; n_replies_left < CALLBACK_N_OUTCOMES;) {
        int n = n_replies_left;
        ck_assert_int_eq(callback_new(&world.config, &none), -ENOMEM);
        ck_assert_ptr_null(none);
        n_replies_left = n + 1;
    }
    n_replies_left = -1;
}
END_TEST

/* Memory that ends while a request is served. */

#define DISCONNECT                                                            \
    "{\"CallbackCommand\":\"State.StateChange\",\"EventTime\":1669872111950," \
    "\"Info\":{\"Action\":\"Disconnect\",\"To_Account\":\"alice\",\"Reason\":\"LinkClose\"}}"
#define CUSTOM_STATUS                                                         \
    "{\"CallbackCommand\":\"State.StateChange\",\"EventTime\":1669872111960," \
    "\"Info\":{\"Action\":\"CustomStatusChange\",\"To_Account\":\"alice\",\"CustomStatus\":\"away\"}}"
#define KICKING                                                               \
    "{\"CallbackCommand\":\"State.StateChange\",\"EventTime\":1669872111970," \
    "\"Info\":{\"Action\":\"Login\",\"To_Account\":\"alice\"},"               \
    "\"KickedDevice\":[{\"Platform\":\"Android\"},{\"Platform\":\"Harmony OS\"}]}"
/* More than there is memory of the thread for; the rest is the heap's. */
#define NULLS \
    "null,null,null,null,null,null,null,null,null,null,null,null,null,null,null,null,null,null,null,null,"
#define LARGE_ARRAY "[" NULLS NULLS NULLS NULLS NULLS NULLS "null]"
#define MANY_KEYS                                                                               \
    "{\"z\":" LARGE_ARRAY                                                                       \
    ",\"a\":1,\"b\":1,\"c\":1,\"d\":1,\"e\":1,\"f\":1,\"g\":1,\"h\":1,\"i\":1,\"j\":1,\"k\":1," \
    "\"l\":1,\"m\":1,\"n\":1,\"o\":1,\"CallbackCommand\":\"State.StateChange\","                \
    "\"Info\":{\"Action\":\"Login\",\"To_Account\":\"alice\"}}"

static const struct scarce_case {
    const char *what;
    const char *before; /* a body that was applied; NULL: none */
    const char *query;
    const char *body;
    unsigned n_allocations_min; /* that serving it takes: fewer with cJSON 1.7.18 than with 1.7.15 */
    bool ok;                    /* when there is memory */
} scarce_cases[] = {
    {"a new user", NULL, APP "&" EVENT "&" SIGNED "&" DEVICE, LOGIN, 5, true},
    {"a new platform", LOGIN, APP "&" EVENT "&" SIGNED "&OptPlatform=Mini%20Program", LOGIN, 5, true},
    {"a row that ends", LOGIN, APP "&" EVENT "&" SIGNED "&" DEVICE, DISCONNECT, 5, true},
    {"a custom status", LOGIN, APP "&" EVENT "&" SIGNED "&" DEVICE, CUSTOM_STATUS, 5, true},
    {"a login that kicks", LOGIN, APP "&" EVENT "&" SIGNED "&" DEVICE, KICKING, 5, true},
    {"many keys", LOGIN, APP "&" EVENT "&" SIGNED "&" DEVICE, MANY_KEYS, 30, true},
    {"a repeat", LOGIN, APP "&" EVENT "&" SIGNED "&" DEVICE, LOGIN, 5, true},
    {"the console's check", NULL, SIGNED, "{}", 1, false},
    {"a wrong Sign", NULL, APP "&" EVENT "&RequestTime=1669872111&" SIGN, LOGIN, 1, false},
};

static int scarce_case;

struct attempt {
    const struct sent *sent;
    struct scarcity scarcity;
    unsigned n_failed;
    struct http_reply *reply;
};

/* On a thread of its own, which has nothing yet that OpenSSL keeps for a thread. */
static void *run_attempt(void *cls)
{
    struct attempt *attempt = cls;
    struct http_request request = request_of(attempt->sent);
    memory_end(attempt->scarcity);
    attempt->reply = callback_handler()->on_headers(callback, &request);
    if (attempt->reply == NULL) {
        request.body = str_from(attempt->sent->body);
        attempt->reply = callback_handler()->on_request(callback, &request);
    }
    attempt->n_failed = memory_restore();
    return NULL;
}

/* All that a reader can see of alice's app. */
struct picture {
    uint64_t revision;
    struct table_counts counts;
    size_t n_bytes; /* 0: alice is absent */
    uint8_t bytes[RECORD_SIZE_MAX];
};

static void take_picture(struct picture *ret_picture)
{
    struct user user;
    memset(ret_picture, 0, sizeof(*ret_picture));
    ret_picture->revision = changes_last_revision(table_changes(table));
    table_counts(table, apps[0], &ret_picture->counts);
    if (table_get(table, apps[0], STR("alice"), &user) == 0) {
        ret_picture->n_bytes = record_encode(&user, ret_picture->bytes);
    }
}

static bool is_ok(struct http_reply *reply)
{
    return reply != NULL && strcmp(body_text(reply), OK_BODY) == 0;
}

static void expect_ok_or_nothing(const struct attempt *attempt, const struct picture *before,
                                 const struct picture *whole)
{
    struct picture after;
    bool ok = is_ok(attempt->reply);
    take_picture(&after);
    ck_assert(ok || attempt->reply == NULL ||
              str_starts_with(buf_str(&attempt->reply->body), STR(FAIL_BODY)));
    ck_assert_msg(memcmp(&after, ok ? whole : before, sizeof(after)) == 0,
                  "%s, %u allocations: the table is not what %s leaves", scarce_cases[scarce_case].what,
                  attempt->scarcity.n_before, ok ? "OK" : "FAIL");
}

/* In a world of its own, so that each attempt finds the same. `whole`: what there is after an OK. Returns how
 * many allocations failed. */
static unsigned serve_with(struct scarcity scarcity, struct picture *whole)
{
    const struct scarce_case *c = &scarce_cases[scarce_case];
    struct sent sent = {.query = c->query, .body = c->body};
    struct attempt attempt = {.sent = &sent, .scarcity = scarcity};
    struct picture before;
    pthread_t thread;
    start(TOKENS);
    if (c->before != NULL) {
        ck_assert_int_eq(CALL(APP "&" EVENT "&" SIGNED "&" DEVICE, c->before), CALLBACK_APPLIED);
    }
    take_picture(&before);
    ck_assert_int_eq(pthread_create(&thread, NULL, run_attempt, &attempt), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    if (scarcity.n_failing == 0) {
        take_picture(whole);
    }
    ck_assert_msg(attempt.n_failed > 0 || is_ok(attempt.reply) == c->ok, "%s", c->what);
    expect_ok_or_nothing(&attempt, &before, whole);
    ck_assert_int_eq(CALL(APP "&" EVENT "&" SIGNED "&" DEVICE, BODY_AT("1000", "Login", "bob")),
                     CALLBACK_APPLIED);
    stop();
    return attempt.n_failed;
}

/* With each allocation failing in turn, and then all that follow too. */
static void serve_while_memory_is_scarce(void)
{
    static const unsigned n_failing[] = {1, UINT32_MAX};
    struct picture whole;
    (void)serve_with((struct scarcity){0}, &whole);
    for (size_t i = 0; i < 2; i++) {
        struct scarcity scarcity = {.n_failing = n_failing[i]};
        while (serve_with(scarcity, &whole) > 0) {
            scarcity.n_before++;
        }
        ck_assert_msg(!MEMORY_CAN_END || scarcity.n_before >= scarce_cases[scarce_case].n_allocations_min,
                      "%s: %u allocations", scarce_cases[scarce_case].what, scarcity.n_before);
    }
}

START_TEST(memory_gone_while_serving)
{
    cleanup(buf_fini) struct buf text = {0};
    scarce_case = _i;
    capture_log(serve_while_memory_is_scarce, &text);
    ck_assert_int_eq(strstr(text.ptr, "outcome=no_memory") != NULL, MEMORY_CAN_END);
}
END_TEST

/* Which bucket's bound one value more was counted under; 0: the last, which has none. */
static uint64_t bound_of_only(const char *name)
{
    struct histogram_counts counts = histogram_of(name);
    ck_assert_uint_eq(count_of(name), 1);
    for (size_t i = 0; i < counts.n_bounds; i++) {
        if (counts.n[i] == 1) {
            return counts.bounds[i];
        }
    }
    return 0;
}

static const struct {
    const char *event_time; /* SIGN_TIME_MS is now */
    uint64_t bound_ms;
    uint64_t sum_ms;
} lag_cases[] = {
    {"\"EventTime\":1669872112000,", 50, 0},
    {"\"EventTime\":1669872111900,", 100, 100},
    {"\"EventTime\":1669872082000,", 30000, 30000},
    {"\"EventTime\":1669872081999,", 60000, 30001},
    {"\"EventTime\":1669785711999,", 0, 86400001},
    {"\"EventTime\":1669872112500,", 50, 0}, /* ahead of our clock, within what is believed */
};

START_TEST(lag_is_from_event_time_to_arrival)
{
    char body[256];
    start(UNSIGNED);
    (void)snprintf(
        body, sizeof(body),
        "{\"CallbackCommand\":\"State.StateChange\",%s\"Info\":{\"Action\":\"Login\",\"To_Account\":"
        "\"alice\"}}",
        lag_cases[_i].event_time);
    ck_assert_int_eq(send_request(&(struct sent){.query = APP "&" EVENT, .body = body}).outcome,
                     CALLBACK_APPLIED);
    ck_assert_uint_eq(bound_of_only(LAGS), lag_cases[_i].bound_ms);
    ck_assert_uint_eq(histogram_of(LAGS).sum, lag_cases[_i].sum_ms);
}
END_TEST

static const char *const stamps_not_believed[] = {"", "\"EventTime\":1669872712000,"};

START_TEST(an_event_time_not_believed_has_no_lag)
{
    char body[256];
    struct callback_stats stats;
    start(UNSIGNED);
    (void)snprintf(
        body, sizeof(body),
        "{\"CallbackCommand\":\"State.StateChange\",%s\"Info\":{\"Action\":\"Login\",\"To_Account\":"
        "\"alice\"}}",
        stamps_not_believed[_i]);
    (void)send_request(&(struct sent){.query = APP "&" EVENT, .body = body});
    callback_stats(callback, &stats);
    ck_assert_uint_eq(stats.n_restamped, 1);
    ck_assert_uint_eq(count_of(LAGS), 0);
}
END_TEST

START_TEST(duration_is_from_the_head_to_the_answer)
{
    start(UNSIGNED);
    struct sent sent = {.query = APP "&" EVENT};
    struct http_request request = request_of(&sent);
    request.begun_us = clock_monotonic_us() - 3000000;
    ck_assert_ptr_null(callback_handler()->on_headers(callback, &request));
    request.body = STR(LOGIN);
    ck_assert_ptr_nonnull(callback_handler()->on_request(callback, &request));
    ck_assert_uint_eq(bound_of_only(DURATIONS), 5000000);
}
END_TEST

START_TEST(names_are_all_different)
{
    for (int i = 0; i < CALLBACK_N_OUTCOMES; i++) {
        const char *name = callback_outcome_name((enum callback_outcome)i);
        ck_assert_uint_gt(strlen(name), 0);
        ck_assert_uint_eq(strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_"), strlen(name));
        for (int j = 0; j < i; j++) {
            ck_assert_str_ne(name, callback_outcome_name((enum callback_outcome)j));
        }
    }
    ck_assert_str_eq(callback_outcome_name(CALLBACK_BODY_EMPTY), "bad_body_empty");
    ck_assert_str_eq(callback_outcome_name(CALLBACK_BODY_STATUS_LENGTH), "bad_body_status_length");
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("callback");
    TCase *tcase = tcase_create("callback");
    tcase_add_checked_fixture(tcase, quieten_log, stop);
    tcase_add_loop_test(tcase, each_request_has_its_outcome, 0, N(cases));
    tcase_add_test(tcase, takes_the_second_token);
    tcase_add_test(tcase, forwarded_headers_beyond_the_bound_are_not_believed);
    tcase_add_test(tcase, answers_health_checks);
    tcase_add_test(tcase, refusals_of_the_listener);
    tcase_add_test(tcase, row_is_what_was_sent);
    tcase_add_loop_test(tcase, reads_platform_and_client, 0, N(device_cases));
    tcase_add_test(tcase, refused_events_leave_no_platform);
    tcase_add_test(tcase, outcomes_of_the_table);
    tcase_add_loop_test(tcase, answers_every_sample, 0, N(samples));
    tcase_add_test(tcase, believes_signed_samples);
    tcase_add_test(tcase, what_on_headers_has_not_passed_is_not_applied);
    tcase_add_test(tcase, an_event_is_ok_when_it_is_stored);
    tcase_add_test(tcase, what_cannot_be_stored_is_fail);
    tcase_add_test(tcase, reload_exchanges_the_rules);
    tcase_add_test(tcase, the_history_is_told_what_came_of_each_event);
    tcase_add_test(tcase, reload_under_load);
    tcase_add_test(tcase, log_names_reason_and_peer_but_no_secret);
    tcase_add_test(tcase, log_lines_are_bounded_by_kind);
    tcase_add_test(tcase, what_is_refused_is_kept_as_it_came);
    tcase_add_test(tcase, what_is_ok_is_not_kept);
    tcase_add_loop_test(tcase, a_clock_that_is_wrong_is_told_by_how_much, 0, N(skews));
    tcase_add_test(tcase, callbacks_are_counted_by_app_and_token);
    tcase_add_test(tcase, an_old_token_is_seen_to_be_used_no_more);
    tcase_add_test(tcase, out_of_memory_at_the_start);
    tcase_add_loop_test(tcase, memory_gone_while_serving, 0, N(scarce_cases));
    tcase_add_loop_test(tcase, lag_is_from_event_time_to_arrival, 0, N(lag_cases));
    tcase_add_loop_test(tcase, an_event_time_not_believed_has_no_lag, 0, N(stamps_not_believed));
    tcase_add_test(tcase, duration_is_from_the_head_to_the_answer);
    tcase_add_test(tcase, names_are_all_different);
    suite_add_tcase(suite, tcase);
    return suite;
}

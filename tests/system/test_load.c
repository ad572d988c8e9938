/* SPDX-License-Identifier: MIT */
#include "../unit/suite.h"
#include "event.h"

#include "presenced/clock.h"
#include "../../src/status/user_json.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <pthread.h>

/* Many events on many kept connections at once. Each must be answered OK, and since all carry their own
 * stamps, the table must end as if they had been applied one by one, whatever the order they arrived in. */

#define N_CONNECTIONS 32
#define N_USERS 1000
#define N_STAMPS 2000 /* few, so that many events share one */
#define TOKEN "xxxxyyyy"

static const char config[] = "[callback]\n"
                             "listen = 127.0.0.1:0\n"
                             "certificate = @DIR@/server.pem\n"
                             "private_key = @DIR@/server.key\n"
                             "[status]\n"
                             "listen = 127.0.0.1:0\n"
                             "[app 1400000000]\n"
                             "token = " TOKEN "\n";

static uint64_t seed;
static uint64_t first_stamp_ms;

static uint64_t number_from_environment(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    uint64_t value = otherwise;
    if (text != NULL && *text != '\0') {
        ck_assert_msg(str_parse_u64(str_from(text), UINT64_MAX, &value), "%s is no number", name);
    }
    return value;
}

/* Events: the same number gives the same event. */

static const struct {
    const char *name; /* as State.StateChange sends it */
    uint8_t number;
} platforms[] = {
    {"IOS", PLATFORM_IOS},         {"Android", PLATFORM_ANDROID}, {"Web", PLATFORM_WEB},
    {"Windows", PLATFORM_WINDOWS}, {"iPad", PLATFORM_IPAD},       {"macOS", PLATFORM_MAC},
};

#define N_PLATFORMS (sizeof(platforms) / sizeof(platforms[0]))

static const struct {
    enum table_event_kind kind;
    enum row_reason reason;
    const char *action;
    const char *reason_name;
} actions[] = {
    {TABLE_LOGIN, ROW_REASON_REGISTER, "Login", "Register"},
    {TABLE_DISCONNECT, ROW_REASON_LINK_CLOSE, "Disconnect", "LinkClose"},
    {TABLE_DISCONNECT, ROW_REASON_TIMEOUT, "Disconnect", "TimeOut"},
    {TABLE_LOGOUT, ROW_REASON_UNREGISTER, "Logout", "Unregister"},
    {TABLE_CUSTOM_STATUS, ROW_REASON_OTHER, "CustomStatusChange", "SetCustomStatus"},
};

struct load_event {
    size_t action;
    size_t platform;
    unsigned user;
    unsigned client; /* last byte of 192.0.2.0/24 */
    unsigned kicked; /* bits of platforms */
    bool is_restapi;
    uint64_t event_time_ms;
};

/* SplitMix64's mixing. */
static uint64_t mix(uint64_t value)
{
    value = (value ^ (value >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ (value >> 27)) * UINT64_C(0x94d049bb133111eb);
    return value ^ (value >> 31);
}

static struct load_event load_event_make(uint64_t number)
{
    uint64_t a = mix(seed + 2 * number);
    uint64_t b = mix(seed + 2 * number + 1);
    struct load_event event = {
        .action = a % 8 < 4 ? 0 : a % 8 - 3,
        .platform = (a >> 8) % N_PLATFORMS,
        .user = (unsigned)(a >> 16) % N_USERS,
        .client = (unsigned)(a >> 48) % 4,
        .kicked = (unsigned)(b % 4 == 0 ? b >> 8 : 0) % (1U << N_PLATFORMS),
        .event_time_ms = first_stamp_ms + (b >> 24) % N_STAMPS,
    };
    event.is_restapi = actions[event.action].kind == TABLE_LOGOUT && b % 8 == 1;
    return event;
}

static void append_kicked(struct buf *out, unsigned kicked)
{
    buf_append(out, STR(",\"KickedDevice\":["));
    const char *comma = "";
    for (size_t i = 0; i < N_PLATFORMS; i++) {
        if ((kicked >> i & 1) != 0) {
            buf_appendf(out, "%s{\"Platform\":\"%s\"}", comma, platforms[i].name);
            comma = ",";
        }
    }
    buf_append_char(out, ']');
}

static void append_body(struct buf *out, const struct load_event *event)
{
    buf_appendf(out,
                "{\"CallbackCommand\":\"State.StateChange\",\"EventTime\":%" PRIu64
                ",\"Info\":{\"To_Account\":\"user%u\",\"Action\":\"%s\",\"Reason\":\"%s\"",
                event->event_time_ms, event->user, actions[event->action].action,
                actions[event->action].reason_name);
    if (actions[event->action].kind == TABLE_CUSTOM_STATUS) {
        buf_appendf(out, ",\"CustomStatus\":\"status%u\"", event->client);
    }
    buf_append_char(out, '}');
    if (actions[event->action].kind == TABLE_LOGIN) {
        append_kicked(out, event->kicked);
    }
    buf_append_char(out, '}');
}

static void append_target(struct buf *out, const struct load_event *event)
{
    cleanup(cleanup_freep) char *sign = event_sign_now(TOKEN);
    buf_appendf(out,
                "/?SdkAppid=%d&CallbackCommand=State.StateChange&contenttype=json"
                "&ClientIP=192.0.2.%u&OptPlatform=%s%s",
                EVENT_APP, event->client, event->is_restapi ? "RESTAPI" : platforms[event->platform].name,
                sign);
}

/* One by one. */

static void apply_here(struct table *table, const struct load_event *event)
{
    char user[32];
    char custom_status[32];
    (void)snprintf(user, sizeof(user), "user%u", event->user);
    (void)snprintf(custom_status, sizeof(custom_status), "status%u", event->client);
    struct table_event table_event = {
        .kind = actions[event->action].kind,
        .reason = (uint8_t)actions[event->action].reason,
        .platform = event->is_restapi ? PLATFORM_RESTAPI : platforms[event->platform].number,
        .user_id = str_from(user),
        .client = {.len = 4, .bytes = {192, 0, 2, (uint8_t)event->client}},
        .has_event_time = true,
        .event_time_ms = event->event_time_ms,
        .custom_status = str_from(custom_status),
    };
    for (size_t i = 0; i < N_PLATFORMS; i++) {
        if ((event->kicked >> i & 1) != 0) {
            platform_set_add(&table_event.kicked, platforms[i].number);
        }
    }
    struct table_applied applied;
    int r = table_apply(table, &table_event, clock_unix_ms(), &applied);
    ck_assert(r == TABLE_CHANGED || r == TABLE_UNCHANGED);
}

static struct table *apply_all_here(uint64_t n_events)
{
    const struct table_config table_config = {.push_online_window_ms = UINT64_C(7) * 24 * 3600 * 1000};
    struct table *table;
    uint16_t app;
    ck_assert_int_eq(table_new(&table_config, &table), 0);
    ck_assert_int_eq(table_add_app(table, EVENT_APP, &app), 0);
    for (uint64_t i = 0; i < n_events; i++) {
        struct load_event event = load_event_make(i);
        apply_here(table, &event);
    }
    return table;
}

/* All at once. */

struct sender {
    pthread_t thread;
    struct client *client;
    uint64_t first;
    uint64_t n_events;
    uint64_t n_wrong;
    uint64_t n_connects;
    struct buf wrong_answer; /* the last */
};

static bool is_ok(struct answer *answer)
{
    return answer->status == 200 && strstr(buf_text(&answer->body), "\"ActionStatus\":\"OK\"") != NULL &&
           strstr(buf_text(&answer->body), "\"ErrorCode\":0") != NULL;
}

static void send_one(struct sender *sender, uint64_t number)
{
    struct load_event event = load_event_make(number);
    cleanup(buf_fini) struct buf target = {0};
    cleanup(buf_fini) struct buf body = {0};
    append_target(&target, &event);
    append_body(&body, &event);
    const struct client_request request = {
        .method = "POST", .target = buf_text(&target), .body = buf_text(&body)};
    cleanup(answer_fini) struct answer answer;
    CURLcode code = client_try(sender->client, &request, &answer);
    sender->n_connects += (uint64_t)answer.n_connects;
    if (code != CURLE_OK || !is_ok(&answer)) {
        sender->n_wrong++;
        buf_clear(&sender->wrong_answer);
        buf_appendf(&sender->wrong_answer, "%s, %ld %s", curl_easy_strerror(code), answer.status,
                    buf_text(&answer.body));
    }
}

static void *run_sender(void *cls)
{
    struct sender *sender = cls;
    for (uint64_t i = sender->first; i < sender->n_events; i += N_CONNECTIONS) {
        send_one(sender, i);
    }
    return NULL;
}

static void send_all(const struct sandbox *sandbox, struct instance *instance, uint64_t n_events)
{
    struct sender senders[N_CONNECTIONS] = {0};
    for (size_t i = 0; i < N_CONNECTIONS; i++) {
        senders[i].client = client_new("https", instance_callback_port(instance));
        client_trust(senders[i].client, sandbox);
        senders[i].first = i;
        senders[i].n_events = n_events;
    }
    for (size_t i = 0; i < N_CONNECTIONS; i++) {
        ck_assert_int_eq(pthread_create(&senders[i].thread, NULL, run_sender, &senders[i]), 0);
    }
    for (size_t i = 0; i < N_CONNECTIONS; i++) {
        ck_assert_int_eq(pthread_join(senders[i].thread, NULL), 0);
        ck_assert_msg(senders[i].n_wrong == 0, "%" PRIu64 " answers are wrong: %s", senders[i].n_wrong,
                      buf_text(&senders[i].wrong_answer));
        ck_assert_uint_eq(senders[i].n_connects, 1);
        client_free(senders[i].client);
        buf_fini(&senders[i].wrong_answer);
    }
}

/* The two compared. */

static int compare_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* A user as text that depends on neither the order of devices, which is that of their first event, nor on
 * when events were received. */
static void canonicalise(const char *json, struct buf *out)
{
    cJSON *user = cJSON_Parse(json);
    ck_assert_msg(user != NULL, "not JSON: %s", json);
    cJSON *devices = cJSON_DetachItemFromObjectCaseSensitive(user, "devices");
    char *texts[PLATFORM_N_MAX + 1];
    size_t n = 0;
    texts[n++] = cJSON_PrintUnformatted(user);
    cJSON *device;
    cJSON_ArrayForEach(device, devices)
    {
        cJSON_DeleteItemFromObjectCaseSensitive(device, "received_time");
        texts[n++] = cJSON_PrintUnformatted(device);
    }
    qsort(texts, n, sizeof(texts[0]), compare_text);
    for (size_t i = 0; i < n; i++) {
        buf_appendf(out, "%s\n", texts[i]);
        cJSON_free(texts[i]);
    }
    cJSON_Delete(devices);
    cJSON_Delete(user);
}

static void user_here(struct table *table, const char *user_id, struct buf *out)
{
    struct user user;
    if (table_get(table, 0, str_from(user_id), &user) == TABLE_ABSENT) {
        return;
    }
    cleanup(buf_fini) struct buf json = {0};
    struct json_writer writer = {.out = &json};
    user_json_write(&writer, table, &user, clock_unix_ms());
    canonicalise(buf_text(&json), out);
}

static void user_there(struct client *status, const char *user_id, struct buf *out)
{
    char target[64];
    (void)snprintf(target, sizeof(target), "/v1/users/%s", user_id);
    cleanup(answer_fini) struct answer answer;
    client_get(status, target, &answer);
    if (answer.status != 404) {
        canonicalise(buf_text(&answer.body), out);
    }
}

static void expect_same_users(struct table *table, struct client *status)
{
    size_t n_known = 0;
    for (unsigned i = 0; i < N_USERS; i++) {
        char user_id[32];
        (void)snprintf(user_id, sizeof(user_id), "user%u", i);
        cleanup(buf_fini) struct buf here = {0};
        cleanup(buf_fini) struct buf there = {0};
        user_here(table, user_id, &here);
        user_there(status, user_id, &there);
        ck_assert_msg(str_equal(buf_str(&here), buf_str(&there)),
                      "PRESENCED_SEED=%" PRIu64 ": %s should be\n%sbut is\n%s", seed, user_id,
                      buf_text(&here), buf_text(&there));
        n_known += here.len > 0;
    }
    ck_assert_uint_gt(n_known, N_USERS / 2);
}

START_TEST(loses_and_mistakes_no_event)
{
    uint64_t n_events = number_from_environment("PRESENCED_TEST_EVENTS", 100000);
    seed = number_from_environment("PRESENCED_SEED", clock_unix_ms());
    first_stamp_ms = clock_unix_ms() - UINT64_C(3600) * 1000;
    printf("%" PRIu64 " events, PRESENCED_SEED=%" PRIu64 "\n", n_events, seed);
    cleanup(sandbox_freep) struct sandbox *sandbox = sandbox_new();
    struct instance *instance = instance_start(sandbox, config);
    cleanup(client_freep) struct client *status = client_new("http", instance_status_port(instance));
    uint64_t begin_ms = clock_monotonic_ms();
    send_all(sandbox, instance, n_events);
    printf("answered in %" PRIu64 " ms\n", clock_monotonic_ms() - begin_ms);
    cleanup(table_freep) struct table *table = apply_all_here(n_events);
    expect_same_users(table, status);
    instance_stop(instance);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("load");
    TCase *tcase = tcase_create("load");
    tcase_set_timeout(tcase, 5 * HARNESS_DEADLINE_MS / 1000);
    tcase_add_test(tcase, loses_and_mistakes_no_event);
    suite_add_tcase(suite, tcase);
    return suite;
}

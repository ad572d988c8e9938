/* SPDX-License-Identifier: MIT */
#include "nodes.h"

#include "presenced/clock.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <poll.h>

#define REFERENCE N_NODES
#define N_DAEMONS (N_NODES + 1)
#define N_USERS 200
#define POLL_MS 20
#define MINUTES_MS UINT64_C(600000)

struct node {
    struct victim *victim; /* NULL: it does not run */
    struct client *callback;
    struct client *status;
};

struct nodes {
    struct sandbox *sandbox;
    struct nodes_config config;
    uint64_t random;
    uint64_t begin_ms;
    uint16_t ports[N_NODES]; /* 0: any */
    struct node nodes[N_DAEMONS];
};

Suite *nodes_suite(const char *name, TCase **ret_tests, TCase **ret_drills)
{
    Suite *suite = suite_create(name);
    TCase *tests = tcase_create(name);
    TCase *drills = tcase_create("drills");
    tcase_set_timeout(tests, 3 * HARNESS_DEADLINE_MS / 1000);
    tcase_set_timeout(drills, 15 * HARNESS_DEADLINE_MS / 1000);
    tcase_set_tags(drills, "drill");
    suite_add_tcase(suite, tests);
    suite_add_tcase(suite, drills);
    *ret_tests = tests;
    *ret_drills = drills;
    return suite;
}

static unsigned below(struct nodes *nodes, unsigned n)
{
    nodes->random = nodes->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(nodes->random >> 33) % n;
}

static const char *or_empty(const char *text)
{
    return text == NULL ? "" : text;
}

static bool is_on_unix(const struct nodes *nodes, unsigned node)
{
    return node != REFERENCE && nodes->config.through[node] != NULL;
}

static void append_listeners(const struct nodes *nodes, unsigned node, struct buf *text)
{
    if (is_on_unix(nodes, node)) {
        buf_appendf(text,
                    "[callback]\nlisten = unix:@DIR@/callback%u.sock\ntls = off\n"
                    "[status]\nlisten = unix:@DIR@/status%u.sock\n",
                    node, node);
    } else {
        buf_appendf(text, "[callback]\nlisten = 127.0.0.1:%u\ntls = off\n[status]\nlisten = 127.0.0.1:0\n",
                    node == REFERENCE ? 0 : nodes->ports[node]);
    }
}

static char *config_of(const struct nodes *nodes, unsigned node)
{
    struct buf text = {0};
    append_listeners(nodes, node, &text);
    buf_appendf(&text, "[app %d]\n%s", EVENT_APP, or_empty(nodes->config.more));
    if (node != REFERENCE) {
        buf_append(&text, str_from(or_empty(nodes->config.own[node])));
        buf_appendf(&text, "[replication]\nurl = %s\nnode = node%u\n%s", nodes->config.url, node,
                    or_empty(nodes->config.only));
        if (nodes->config.has_store) {
            buf_appendf(&text, "[store]\npath = @DIR@/store%u\n", node);
        }
    }
    (void)buf_text(&text);
    return text.ptr;
}

static struct client *connect_to(const struct nodes *nodes, unsigned node, const char *listener,
                                 uint16_t port)
{
    char name[32];
    struct client *client = client_new("http", port);
    if (is_on_unix(nodes, node)) {
        (void)snprintf(name, sizeof(name), "%s%u.sock", listener, node);
        client_unix(client, nodes->sandbox, name);
    }
    return client;
}

void nodes_start_node_unready(struct nodes *nodes, unsigned node)
{
    struct node *to = &nodes->nodes[node];
    cleanup(cleanup_freep) char *config = config_of(nodes, node);
    to->victim = victim_spawn(nodes->sandbox,
                              &(struct victim_config){
                                  .text = config,
                                  .through = node == REFERENCE ? NULL : nodes->config.through[node],
                              });
    victim_await_ready(to->victim);
    to->callback = connect_to(nodes, node, "callback", victim_callback_port(to->victim));
    to->status = connect_to(nodes, node, "status", victim_status_port(to->victim));
}

void nodes_start_node(struct nodes *nodes, unsigned node)
{
    nodes_start_node_unready(nodes, node);
    nodes_await_ready_text(nodes, node, "\"ready\"");
}

static void forget(struct node *node)
{
    client_free(node->callback);
    client_free(node->status);
    *node = (struct node){NULL, NULL, NULL};
}

void nodes_kill_node(struct nodes *nodes, unsigned node)
{
    victim_kill(nodes->nodes[node].victim);
    forget(&nodes->nodes[node]);
}

void nodes_stop_node(struct nodes *nodes, unsigned node)
{
    victim_stop(nodes->nodes[node].victim);
    forget(&nodes->nodes[node]);
}

struct nodes *nodes_start(struct sandbox *sandbox, const struct nodes_config *config)
{
    struct nodes *nodes = calloc(1, sizeof(*nodes));
    ck_assert_ptr_nonnull(nodes);
    nodes->sandbox = sandbox;
    nodes->config = *config;
    nodes->begin_ms = clock_unix_ms();
    nodes->random = nodes->begin_ms;
    (void)printf("seed %" PRIu64 "\n", nodes->random);
    for (unsigned i = 0; i < N_NODES && config->has_ports; i++) {
        nodes->ports[i] = harness_free_port();
    }
    for (unsigned i = 0; i < N_DAEMONS; i++) {
        nodes_start_node(nodes, i);
    }
    return nodes;
}

void nodes_stop(struct nodes *nodes)
{
    for (unsigned i = 0; i < N_DAEMONS; i++) {
        if (nodes->nodes[i].victim != NULL) {
            nodes_stop_node(nodes, i);
        }
    }
    free(nodes);
}

uint16_t nodes_port(const struct nodes *nodes, unsigned node)
{
    return nodes->ports[node];
}

struct client *nodes_status(struct nodes *nodes, unsigned node)
{
    return nodes->nodes[node].status;
}

uint16_t nodes_status_port(struct nodes *nodes, unsigned node)
{
    return victim_status_port(nodes->nodes[node].victim);
}

struct client *nodes_callback(struct nodes *nodes, unsigned node)
{
    return nodes->nodes[node].callback;
}

/* Events. */

static void append_kicked(struct nodes *nodes, struct buf *body)
{
    static const char *const platforms[] = {"iOS", "Web", "HarmonyOS"};
    unsigned n = below(nodes, 3);
    buf_append(body, STR(",\"KickedDevice\":["));
    for (unsigned i = 0; i < n; i++) {
        buf_appendf(body, "%s{\"Platform\":\"%s\"}", i == 0 ? "" : ",", platforms[i]);
    }
    buf_append(body, STR("]"));
}

static void draw_event(struct nodes *nodes, char **ret_target, struct buf *body)
{
    static const char *const platforms[] = {"Web", "iOS", "Android", "harmonyos", "RESTAPI"};
    static const char *const actions[] = {"Login", "Login", "Logout", "Disconnect", "CustomStatusChange"};
    const char *action = actions[below(nodes, below(nodes, 4) == 0 ? 5 : 4)];
    *ret_target = event_target(EVENT_APP, platforms[below(nodes, below(nodes, 8) == 0 ? 5 : 4)], "");
    buf_appendf(body, "{\"CallbackCommand\":\"State.StateChange\",\"EventTime\":%" PRIu64 ",",
                nodes->begin_ms - MINUTES_MS + below(nodes, (unsigned)MINUTES_MS));
    buf_appendf(body, "\"Info\":{\"To_Account\":\"user%u\",\"Action\":\"%s\",\"Reason\":\"%s\"",
                below(nodes, N_USERS), action, strcmp(action, "Login") == 0 ? "Register" : "LinkClose");
    if (strcmp(action, "CustomStatusChange") == 0) {
        buf_appendf(body, ",\"CustomStatus\":\"busy%u\"", below(nodes, 3));
    }
    buf_append(body, STR("}"));
    if (strcmp(action, "Login") == 0) {
        append_kicked(nodes, body);
    }
    buf_append(body, STR("}"));
}

static void send_to(struct node *node, const char *target, struct buf *body)
{
    cleanup(answer_fini) struct answer answer;
    uint64_t begin_ms = clock_monotonic_ms();
    client_post(node->callback, target, buf_text(body), &answer);
    expect_callback(&answer, 200, "OK", 0);
    ck_assert_uint_lt(clock_monotonic_ms() - begin_ms, UINT64_C(1000) * harness_slowness());
}

static void send_one(struct nodes *nodes)
{
    cleanup(cleanup_freep) char *target = NULL;
    cleanup(buf_fini) struct buf body = {0};
    unsigned node;
    draw_event(nodes, &target, &body);
    if (nodes->config.send != NULL) {
        nodes->config.send(nodes->config.cls, target, buf_text(&body));
    } else {
        do {
            node = below(nodes, N_NODES);
        } while (nodes->nodes[node].victim == NULL);
        send_to(&nodes->nodes[node], target, &body);
    }
    send_to(&nodes->nodes[REFERENCE], target, &body);
}

void nodes_send(struct nodes *nodes, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        send_one(nodes);
    }
}

/* What they show. */

static int compare_by(const void *a, const void *b, void *key)
{
    const char *names[] = {
        cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(*(cJSON *const *)a, key)),
        cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(*(cJSON *const *)b, key)),
    };
    return strcmp(names[0], names[1]);
}

/* A new array with the elements of `array`, which is left empty, in the order of one of their members. */
static cJSON *sort(cJSON *array, char *key)
{
    size_t n = (size_t)cJSON_GetArraySize(array);
    cJSON **items = calloc(n + 1, sizeof(cJSON *));
    cJSON *sorted = cJSON_CreateArray();
    ck_assert_ptr_nonnull(items);
    for (size_t i = 0; i < n; i++) {
        items[i] = cJSON_DetachItemFromArray(array, 0);
    }
    qsort_r(items, n, sizeof(cJSON *), compare_by, key);
    for (size_t i = 0; i < n; i++) {
        cJSON_AddItemToArray(sorted, items[i]);
    }
    free(items);
    return sorted;
}

static void normalise(cJSON *user)
{
    cJSON *devices = cJSON_DetachItemFromObjectCaseSensitive(user, "devices");
    for (cJSON *device = devices->child; device != NULL; device = device->next) {
        cJSON_DeleteItemFromObjectCaseSensitive(device, "received_time");
        /* As first heard, which may be by another node. */
        cJSON *platform = cJSON_GetObjectItemCaseSensitive(device, "platform");
        for (char *c = platform->valuestring; *c != '\0'; c++) {
            *c = *c >= 'A' && *c <= 'Z' ? (char)(*c - 'A' + 'a') : *c;
        }
    }
    cJSON_AddItemToObject(user, "devices", sort(devices, "platform"));
    cJSON_Delete(devices);
}

static cJSON *read_users(struct client *status)
{
    cJSON *all = cJSON_CreateArray();
    char target[128] = "/v1/users?limit=1000";
    for (;;) {
        cleanup(answer_fini) struct answer answer;
        client_get(status, target, &answer);
        cJSON *page = cJSON_Parse(buf_text(&answer.body));
        cJSON *users = cJSON_GetObjectItemCaseSensitive(page, "users");
        ck_assert_msg(users != NULL, "%s", buf_text(&answer.body));
        while (users->child != NULL) {
            cJSON *user = cJSON_DetachItemFromArray(users, 0);
            normalise(user);
            cJSON_AddItemToArray(all, user);
        }
        const char *cursor = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(page, "next_cursor"));
        if (cursor == NULL) {
            cJSON_Delete(page);
            return all;
        }
        (void)snprintf(target, sizeof(target), "/v1/users?limit=1000&cursor=%s", cursor);
        cJSON_Delete(page);
    }
}

struct buf nodes_dump(struct client *status)
{
    cJSON *users = read_users(status);
    cJSON *sorted = sort(users, "user");
    struct buf out = {0};
    for (cJSON *user = sorted->child; user != NULL; user = user->next) {
        char *text = cJSON_PrintUnformatted(user);
        buf_append(&out, str_from(text));
        buf_append_char(&out, '\n');
        cJSON_free(text);
    }
    cJSON_Delete(users);
    cJSON_Delete(sorted);
    (void)buf_text(&out);
    return out;
}

/* The first line of `a` that is not in its place in `b`. */
static void fail_with_difference(struct buf *a, struct buf *b, unsigned node)
{
    struct str left = buf_str(a);
    struct str right = buf_str(b);
    struct str lines[2] = {{NULL, 0}, {NULL, 0}};
    while (str_split(&left, '\n', &lines[0]) && str_split(&right, '\n', &lines[1]) &&
           str_equal(lines[0], lines[1])) {}
    ck_abort_msg("node %u shows %.*s, not %.*s", node, STR_FMT(lines[1]), STR_FMT(lines[0]));
}

static void await_as(struct nodes *nodes, unsigned other)
{
    uint64_t deadline_ms = clock_monotonic_ms() + HARNESS_DEADLINE_MS;
    for (unsigned i = 0; i < N_NODES;) {
        if (nodes->nodes[i].victim == NULL || i == other) {
            i++;
            continue;
        }
        cleanup(buf_fini) struct buf expected = nodes_dump(nodes->nodes[other].status);
        cleanup(buf_fini) struct buf got = nodes_dump(nodes->nodes[i].status);
        if (str_equal(buf_str(&expected), buf_str(&got))) {
            i++;
        } else if (clock_monotonic_ms() > deadline_ms) {
            fail_with_difference(&expected, &got, i);
        } else {
            (void)poll(NULL, 0, POLL_MS);
        }
    }
}

void nodes_await_equal(struct nodes *nodes)
{
    await_as(nodes, REFERENCE);
}

void nodes_await_same(struct nodes *nodes)
{
    await_as(nodes, 0);
}

static bool ready_holds(struct nodes *nodes, unsigned node, const char *text, struct buf *ret_body)
{
    cleanup(answer_fini) struct answer answer;
    client_get(nodes->nodes[node].status, "/readyz", &answer);
    buf_clear(ret_body);
    buf_append(ret_body, buf_str(&answer.body));
    return strstr(buf_text(ret_body), text) != NULL;
}

static void await_ready(struct nodes *nodes, unsigned node, const char *text, bool wanted)
{
    uint64_t deadline_ms = clock_monotonic_ms() + HARNESS_DEADLINE_MS;
    cleanup(buf_fini) struct buf body = {0};
    while (ready_holds(nodes, node, text, &body) != wanted) {
        ck_assert_msg(clock_monotonic_ms() < deadline_ms, "node %u says %s, %s \"%s\"", node, buf_text(&body),
                      wanted ? "without" : "with", text);
        (void)poll(NULL, 0, POLL_MS);
    }
}

void nodes_await_ready_text(struct nodes *nodes, unsigned node, const char *text)
{
    await_ready(nodes, node, text, true);
}

void nodes_await_no_ready_text(struct nodes *nodes, unsigned node, const char *text)
{
    await_ready(nodes, node, text, false);
}

uint64_t nodes_number(struct nodes *nodes, unsigned node, const char *name)
{
    cleanup(answer_fini) struct answer answer;
    client_get(nodes->nodes[node].status, "/v1/stats", &answer);
    cJSON *stats = cJSON_Parse(buf_text(&answer.body));
    const cJSON *replication = cJSON_GetObjectItemCaseSensitive(stats, "replication");
    const cJSON *number = cJSON_GetObjectItemCaseSensitive(replication, name);
    ck_assert_msg(cJSON_IsNumber(number), "no %s in %s", name, buf_text(&answer.body));
    uint64_t value = (uint64_t)number->valuedouble;
    cJSON_Delete(stats);
    return value;
}

void nodes_await_number(struct nodes *nodes, unsigned node, const char *name, uint64_t at_least)
{
    uint64_t deadline_ms = clock_monotonic_ms() + HARNESS_DEADLINE_MS;
    while (nodes_number(nodes, node, name) < at_least) {
        ck_assert_msg(clock_monotonic_ms() < deadline_ms, "node %u: %s stays below %" PRIu64, node, name,
                      at_least);
        (void)poll(NULL, 0, POLL_MS);
    }
}

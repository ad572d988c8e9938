/* SPDX-License-Identifier: MIT */
#include "../unit/suite.h"
#include "event.h"

#include "presenced/clock.h"

#include <cjson/cJSON.h>
#include <fcntl.h>
#include <poll.h>

/* The real nginx and HAProxy as conf/examples sets them up, but for addresses and paths, before two nodes and
 * an app's own backend. The caller comes from 127.0.0.9 and the proxy from 127.0.0.1, so a node can tell them
 * apart. */

#define CALLER "127.0.0.9"
#define TOKEN "xxxxyyyy"

static const char node_config[] = "[callback]\n"
                                  "listen = 127.0.0.1:0\n"
                                  "tls = off\n"
                                  "trusted_proxies = 127.0.0.1\n"
                                  "allow = " CALLER "\n"
                                  "[status]\n"
                                  "listen = 127.0.0.1:0\n"
                                  "[app 1400000000]\n"
                                  "token = " TOKEN "\n";

/* It says OK to every command, which no node does. */
static const char backend_config[] = "[callback]\n"
                                     "listen = 127.0.0.1:0\n"
                                     "tls = off\n"
                                     "other_commands = ok\n"
                                     "[status]\n"
                                     "listen = 127.0.0.1:0\n"
                                     "[app 1400000000]\n";

enum { NGINX, HAPROXY, N_PROXIES };
enum { N_NODES = 2 };

static struct sandbox *sandbox;
static struct instance *nodes[N_NODES];
static struct client *statuses[N_NODES];
static struct instance *backend;
static uint16_t proxy_port;
static pid_t proxy_pid;

/* The examples with addresses and paths of their own. */

struct replacement {
    const char *from;
    const char *to;
};

static void replace(struct buf *text, const struct replacement *replacement)
{
    struct buf out = {0};
    const char *rest = buf_text(text);
    const char *found;
    ck_assert_msg(strstr(rest, replacement->from) != NULL, "the example has no \"%s\"", replacement->from);
    while ((found = strstr(rest, replacement->from)) != NULL) {
        buf_append(&out, (struct str){rest, (size_t)(found - rest)});
        buf_append(&out, str_from(replacement->to));
        rest = found + strlen(replacement->from);
    }
    buf_append(&out, str_from(rest));
    buf_fini(text);
    *text = out;
}

static struct buf read_example(const char *name)
{
    const char *source = getenv("PRESENCED_SOURCE");
    ck_assert_msg(source != NULL, "PRESENCED_SOURCE does not say where conf/examples is");
    char path[512];
    (void)snprintf(path, sizeof(path), "%s/conf/examples/%s", source, name);
    struct buf text = {0};
    FILE *file = fopen(path, "re");
    ck_assert_msg(file != NULL, "cannot read %s", path);
    char *to = buf_reserve(&text, 1 << 16);
    ck_assert_ptr_nonnull(to);
    text.len = fread(to, 1, 1 << 16, file);
    (void)fclose(file);
    return text;
}

static void write_example(const char *example, const char *name, const struct replacement *own, size_t n_own)
{
    char addresses[4][32];
    const uint16_t ports[] = {instance_callback_port(nodes[0]), instance_callback_port(nodes[1]),
                              instance_callback_port(backend)};
    for (size_t i = 0; i < 3; i++) {
        (void)snprintf(addresses[i], sizeof(addresses[i]), "127.0.0.1:%u", ports[i]);
    }
    const struct replacement common[] = {{"192.0.2.11:8443", addresses[0]},
                                         {"192.0.2.12:8443", addresses[1]},
                                         {"192.0.2.21:9000", addresses[2]}};
    cleanup(buf_fini) struct buf text = read_example(example);
    for (size_t i = 0; i < 3; i++) {
        replace(&text, &common[i]);
    }
    for (size_t i = 0; i < n_own; i++) {
        replace(&text, &own[i]);
    }
    sandbox_write(sandbox, name, buf_text(&text));
}

/* Without a master process: nothing outlives the one that dies with the test. */
static const char nginx_main[] = "daemon off;\n"
                                 "master_process off;\n"
                                 "pid @DIR@/nginx.pid;\n"
                                 "events { worker_connections 512; }\n"
                                 "http {\n"
                                 "    client_body_temp_path @DIR@/nginx-body;\n"
                                 "    proxy_temp_path @DIR@/nginx-proxy;\n"
                                 "    fastcgi_temp_path @DIR@/nginx-fastcgi;\n"
                                 "    uwsgi_temp_path @DIR@/nginx-uwsgi;\n"
                                 "    scgi_temp_path @DIR@/nginx-scgi;\n"
                                 "    include @DIR@/callback.conf;\n"
                                 "}\n";

static pid_t start_nginx(void)
{
    char listen[64];
    (void)snprintf(listen, sizeof(listen), "listen 127.0.0.1:%u ssl", proxy_port);
    const struct replacement own[] = {
        {"listen 443 ssl", listen},
        {"/etc/presenced/tls/fullchain.pem", "@DIR@/server.pem"},
        {"/etc/presenced/tls/privkey.pem", "@DIR@/server.key"},
        {"/var/log/nginx/callback.log", "@DIR@/access.log"},
        {"/var/log/nginx/callback-error.log", "@DIR@/error.log"},
    };
    write_example("nginx.conf", "callback.conf", own, sizeof(own) / sizeof(own[0]));
    sandbox_write(sandbox, "nginx.conf", nginx_main);
    const char *const arguments[] = {"-p", "@DIR@", "-e", "@DIR@/nginx-start.log", "-c", "@DIR@/nginx.conf",
                                     NULL};
    return sandbox_spawn(sandbox, getenv("PRESENCED_NGINX"), arguments, "proxy.log");
}

static pid_t start_haproxy(void)
{
    char bind[64];
    (void)snprintf(bind, sizeof(bind), "bind 127.0.0.1:%u ssl", proxy_port);
    const struct replacement own[] = {
        {"bind :443 ssl", bind},
        {"/etc/haproxy/presenced.pem", "@DIR@/bundle.pem"},
    };
    write_example("haproxy.cfg", "haproxy.cfg", own, sizeof(own) / sizeof(own[0]));
    const char *const arguments[] = {"-db", "-f", "@DIR@/haproxy.cfg", NULL};
    /* Its access log goes to its stdout. */
    return sandbox_spawn(sandbox, getenv("PRESENCED_HAPROXY"), arguments, "access.log");
}

/* Clients. */

static struct client *new_caller(void)
{
    struct client *client = client_new("https", proxy_port);
    client_trust(client, sandbox);
    curl_easy_setopt(client_handle(client), CURLOPT_INTERFACE, "host!" CALLER);
    return client;
}

static bool is_ready(void)
{
    cleanup(client_freep) struct client *client = new_caller();
    cleanup(answer_fini) struct answer answer;
    CURLcode code = client_try(client, &(struct client_request){.target = "/readyz"}, &answer);
    return code == CURLE_OK && answer.status == 200;
}

/* A proxy says nowhere that it listens, so it is asked. */
static void await_ready(void)
{
    uint64_t deadline_ms = clock_monotonic_ms() + HARNESS_DEADLINE_MS;
    while (!is_ready()) {
        ck_assert_msg(clock_monotonic_ms() < deadline_ms, "the proxy does not answer, see %s",
                      sandbox_path(sandbox));
        (void)poll(NULL, 0, 10);
    }
}

static const struct {
    const char *name;
    const char *variable;
} proxies[N_PROXIES] = {{"nginx", "PRESENCED_NGINX"}, {"haproxy", "PRESENCED_HAPROXY"}};

static void start(int which)
{
    ck_assert_msg(getenv(proxies[which].variable) != NULL, "%s does not say where it is",
                  proxies[which].variable);
    sandbox = sandbox_new();
    for (size_t i = 0; i < N_NODES; i++) {
        nodes[i] = instance_start(sandbox, node_config);
        statuses[i] = client_new("http", instance_status_port(nodes[i]));
    }
    backend = instance_start(sandbox, backend_config);
    proxy_port = harness_free_port();
    proxy_pid = which == NGINX ? start_nginx() : start_haproxy();
    await_ready();
}

static void stop_node(size_t i)
{
    if (nodes[i] != NULL) {
        client_free(statuses[i]);
        instance_stop(nodes[i]);
        nodes[i] = NULL;
    }
}

static void stop(void)
{
    process_stop(proxy_pid);
    instance_stop(backend);
    for (size_t i = 0; i < N_NODES; i++) {
        stop_node(i);
    }
    sandbox_free(sandbox);
}

static void post(struct client *caller, const char *command, const char *user, struct answer *ret_answer)
{
    cleanup(cleanup_freep) char *sign = event_sign_now(TOKEN);
    cleanup(buf_fini) struct buf target = {0};
    cleanup(buf_fini) struct buf body = {0};
    buf_appendf(&target, "/?CallbackCommand=%s&ClientIP=192.0.2.4&OptPlatform=Web&SdkAppid=%d%s", command,
                EVENT_APP, sign);
    buf_appendf(&body,
                "{\"CallbackCommand\":\"%s\",\"Info\":{\"Action\":\"Login\",\"To_Account\":\"%s\","
                "\"Reason\":\"Register\"}}",
                command, user);
    client_post(caller, buf_text(&target), buf_text(&body), ret_answer);
}

static void login(struct client *caller, const char *user)
{
    cleanup(answer_fini) struct answer answer;
    post(caller, "State.StateChange", user, &answer);
    expect_callback(&answer, 200, "OK", 0);
}

/* A number of the node's /v1/stats about its callback listener. */
static int callback_number(size_t node, const char *name)
{
    cleanup(answer_fini) struct answer answer;
    client_get(statuses[node], "/v1/stats", &answer);
    cJSON *stats = cJSON_Parse(buf_text(&answer.body));
    const cJSON *listeners = cJSON_GetObjectItemCaseSensitive(stats, "listeners");
    const cJSON *callback = cJSON_GetObjectItemCaseSensitive(listeners, "callback");
    const cJSON *number = cJSON_GetObjectItemCaseSensitive(callback, name);
    ck_assert_msg(cJSON_IsNumber(number), "no %s in %s", name, buf_text(&answer.body));
    int value = number->valueint;
    cJSON_Delete(stats);
    return value;
}

static bool node_knows(size_t node, const char *user)
{
    char target[64];
    (void)snprintf(target, sizeof(target), "/v1/users/%s", user);
    cleanup(answer_fini) struct answer answer;
    client_get(statuses[node], target, &answer);
    return answer.status == 200;
}

/* Tests, each with both; ctest runs those of one by its name as their tag. */

START_TEST(status_changes_go_to_the_nodes_over_kept_connections)
{
    enum { N_EVENTS = 60 };
    start(_i);
    cleanup(client_freep) struct client *caller = new_caller();
    unsigned n_known[N_NODES] = {0};
    for (int i = 0; i < N_EVENTS; i++) {
        char user[32];
        (void)snprintf(user, sizeof(user), "user%d", i);
        login(caller, user);
        bool knows[N_NODES] = {node_knows(0, user), node_knows(1, user)};
        ck_assert_msg(knows[0] != knows[1], "%s is known to %d nodes", user, knows[0] + knows[1]);
        n_known[0] += knows[0];
        n_known[1] += knows[1];
    }
    for (size_t i = 0; i < N_NODES; i++) {
        ck_assert_uint_ge(n_known[i], N_EVENTS / 4);
        /* HAProxy's health checks are connections too, one a second. */
        int n_requests = callback_number(i, "requests");
        ck_assert_int_lt(callback_number(i, "accepted"), n_requests / 2);
    }
    stop();
}
END_TEST

START_TEST(other_commands_go_to_the_backend)
{
    start(_i);
    cleanup(client_freep) struct client *caller = new_caller();
    static const char *const commands[] = {"C2C.CallbackBeforeSendMsg", "State.StateChangeX", "", "Group.X"};
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        cleanup(answer_fini) struct answer answer;
        post(caller, commands[i], "alice", &answer);
        /* The backend says FAIL to an empty command, a node would say so of each. */
        expect_callback(&answer, 200, *commands[i] == '\0' ? "FAIL" : "OK", *commands[i] == '\0' ? 1 : 0);
    }
    ck_assert(!node_knows(0, "alice") && !node_knows(1, "alice"));
    stop();
}
END_TEST

START_TEST(no_event_fails_while_a_node_is_away)
{
    start(_i);
    cleanup(client_freep) struct client *caller = new_caller();
    login(caller, "before");
    stop_node(0);
    for (int i = 0; i < 40; i++) {
        char user[32];
        (void)snprintf(user, sizeof(user), "user%d", i);
        login(caller, user);
        ck_assert(node_knows(1, user));
    }
    stop();
}
END_TEST

START_TEST(nobody_can_say_who_called)
{
    start(_i);
    /* From an address that the nodes do not allow. */
    cleanup(client_freep) struct client *stranger = client_new("https", proxy_port);
    client_trust(stranger, sandbox);
    cleanup(cleanup_freep) char *sign = event_sign_now(TOKEN);
    cleanup(cleanup_freep) char *target = event_target(EVENT_APP, "Web", sign);
    cleanup(cleanup_freep) char *body = event_body("mallory", "Login", "Register", 0);
    const struct client_request request = {
        .method = "POST",
        .target = target,
        .headers = (const char *const[]){"X-Forwarded-For: " CALLER, NULL},
        .body = body,
    };
    cleanup(answer_fini) struct answer answer;
    client_send(stranger, &request, &answer);
    expect_callback(&answer, 403, "FAIL", 1);
    stop();
}
END_TEST

START_TEST(logs_hold_no_sign)
{
    start(_i);
    cleanup(client_freep) struct client *caller = new_caller();
    login(caller, "alice");
    stop_node(0);
    stop_node(1);
    cleanup(answer_fini) struct answer answer;
    post(caller, "State.StateChange", "alice", &answer);
    ck_assert_int_ge(answer.status, 500);
    process_stop(proxy_pid);
    static const char *const logs[] = {"access.log", "error.log"};
    for (size_t i = 0; i < (_i == NGINX ? 2 : 1); i++) {
        cleanup(buf_fini) struct buf log = sandbox_read(sandbox, logs[i]);
        ck_assert_msg(strstr(buf_text(&log), "Sign") == NULL, "%s", buf_text(&log));
        if (i == 0) {
            ck_assert_msg(strstr(buf_text(&log), "State.StateChange") != NULL, "%s", buf_text(&log));
            ck_assert_msg(strstr(buf_text(&log), CALLER) != NULL, "%s", buf_text(&log));
        }
    }
    instance_stop(backend);
    sandbox_free(sandbox);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("proxy");
    for (int i = 0; i < N_PROXIES; i++) {
        TCase *tcase = tcase_create(proxies[i].name);
        tcase_set_tags(tcase, proxies[i].name);
        tcase_set_timeout(tcase, 2 * HARNESS_DEADLINE_MS / 1000);
        tcase_add_loop_test(tcase, status_changes_go_to_the_nodes_over_kept_connections, i, i + 1);
        tcase_add_loop_test(tcase, other_commands_go_to_the_backend, i, i + 1);
        tcase_add_loop_test(tcase, no_event_fails_while_a_node_is_away, i, i + 1);
        tcase_add_loop_test(tcase, nobody_can_say_who_called, i, i + 1);
        tcase_add_loop_test(tcase, logs_hold_no_sign, i, i + 1);
        suite_add_tcase(suite, tcase);
    }
    return suite;
}

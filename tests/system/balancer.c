/* SPDX-License-Identifier: MIT */
#include "balancer.h"

#include "event.h"
#include "presenced/clock.h"

#include <poll.h>

const char *const balancer_names[N_BALANCERS] = {"nginx", "haproxy"};

static const char *program_of(enum balancer_kind kind)
{
    static const char *const variables[N_BALANCERS] = {"PRESENCED_NGINX", "PRESENCED_HAPROXY"};
    const char *program = getenv(variables[kind]);
    ck_assert_msg(program != NULL, "%s does not say where it is", variables[kind]);
    return program;
}

/* The examples with addresses and paths of their own. */

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

static void replace_all(struct buf *text, const struct replacement *replacements, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        replace(text, &replacements[i]);
    }
}

static struct buf read_example(const char *folder, const char *name)
{
    const char *source = getenv("PRESENCED_SOURCE");
    ck_assert_msg(source != NULL, "PRESENCED_SOURCE does not say where conf/examples is");
    char path[512];
    (void)snprintf(path, sizeof(path), "%s/conf/examples/%s%s", source, folder, name);
    struct buf text = {0};
    FILE *file = fopen(path, "re");
    ck_assert_msg(file != NULL, "cannot read %s", path);
    char *to = buf_reserve(&text, 1 << 16);
    ck_assert_ptr_nonnull(to);
    text.len = fread(to, 1, 1 << 16, file);
    (void)fclose(file);
    return text;
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

static pid_t start_nginx(struct sandbox *sandbox, uint16_t port, struct buf *text)
{
    char listen[64];
    (void)snprintf(listen, sizeof(listen), "listen 127.0.0.1:%u ssl", port);
    const struct replacement own[] = {
        {"listen 443 ssl", listen},
        {"/etc/presenced/tls/fullchain.pem", "@DIR@/server.pem"},
        {"/etc/presenced/tls/privkey.pem", "@DIR@/server.key"},
        {"/var/log/nginx/callback.log", "@DIR@/access.log"},
        {"/var/log/nginx/callback-error.log", "@DIR@/error.log"},
    };
    replace_all(text, own, sizeof(own) / sizeof(own[0]));
    sandbox_write(sandbox, "callback.conf", buf_text(text));
    sandbox_write(sandbox, "nginx.conf", nginx_main);
    const char *const arguments[] = {"-p", "@DIR@", "-e", "@DIR@/nginx-start.log", "-c", "@DIR@/nginx.conf",
                                     NULL};
    return sandbox_spawn(sandbox, program_of(NGINX), arguments, "proxy.log");
}

static pid_t run_haproxy(struct sandbox *sandbox, struct buf *text)
{
    sandbox_write(sandbox, "haproxy.cfg", buf_text(text));
    const char *const arguments[] = {"-db", "-f", "@DIR@/haproxy.cfg", NULL};
    /* Its access log goes to its stdout. */
    return sandbox_spawn(sandbox, program_of(HAPROXY), arguments, "access.log");
}

static pid_t start_haproxy(struct sandbox *sandbox, uint16_t port, struct buf *text)
{
    char bind[64];
    (void)snprintf(bind, sizeof(bind), "bind 127.0.0.1:%u ssl", port);
    const struct replacement own[] = {
        {"bind :443 ssl", bind},
        {"/etc/haproxy/presenced.pem", "@DIR@/bundle.pem"},
    };
    replace_all(text, own, sizeof(own) / sizeof(own[0]));
    return run_haproxy(sandbox, text);
}

struct balancer balancer_start(struct sandbox *sandbox, enum balancer_kind kind, const char *folder,
                               const struct replacement *addresses, size_t n_addresses)
{
    struct balancer balancer = {.port = harness_free_port()};
    cleanup(buf_fini) struct buf text = read_example(folder, kind == NGINX ? "nginx.conf" : "haproxy.cfg");
    replace_all(&text, addresses, n_addresses);
    balancer.pid = kind == NGINX ? start_nginx(sandbox, balancer.port, &text)
                                 : start_haproxy(sandbox, balancer.port, &text);
    return balancer;
}

struct balancer balancer_start_haproxy(struct sandbox *sandbox, const char *config)
{
    struct balancer balancer = {.port = harness_free_port()};
    cleanup(buf_fini) struct buf text = {0};
    char port[8];
    (void)snprintf(port, sizeof(port), "%u", balancer.port);
    buf_append(&text, str_from(config));
    replace(&text, &(struct replacement){"@PORT@", port});
    balancer.pid = run_haproxy(sandbox, &text);
    return balancer;
}

void balancer_stop(const struct balancer *balancer)
{
    process_stop(balancer->pid);
}

struct client *balancer_caller(const struct balancer *balancer, const struct sandbox *sandbox)
{
    struct client *client = client_new("https", balancer->port);
    client_trust(client, sandbox);
    curl_easy_setopt(client_handle(client), CURLOPT_INTERFACE, "host!" BALANCER_CALLER);
    return client;
}

static bool is_ready(const struct balancer *balancer, const struct sandbox *sandbox)
{
    cleanup(client_freep) struct client *client = balancer_caller(balancer, sandbox);
    cleanup(answer_fini) struct answer answer;
    CURLcode code = client_try(client, &(struct client_request){.target = "/readyz"}, &answer);
    return code == CURLE_OK && answer.status == 200;
}

/* A balancer says nowhere that it listens, so it is asked. */
void balancer_await(const struct balancer *balancer, const struct sandbox *sandbox)
{
    uint64_t deadline_ms = clock_monotonic_ms() + HARNESS_DEADLINE_MS;
    while (!is_ready(balancer, sandbox)) {
        ck_assert_msg(clock_monotonic_ms() < deadline_ms, "the balancer does not answer, see %s",
                      sandbox_path(sandbox));
        (void)poll(NULL, 0, 10);
    }
}

CURLcode balancer_post(struct client *caller, const char *token, const char *command, const char *user,
                       struct answer *ret_answer)
{
    cleanup(cleanup_freep) char *sign = event_sign_now(token);
    cleanup(buf_fini) struct buf target = {0};
    cleanup(buf_fini) struct buf body = {0};
    buf_appendf(&target, "/?CallbackCommand=%s&ClientIP=192.0.2.4&OptPlatform=Web&SdkAppid=%d%s", command,
                EVENT_APP, sign);
    buf_appendf(&body,
                "{\"CallbackCommand\":\"%s\",\"Info\":{\"Action\":\"Login\",\"To_Account\":\"%s\","
                "\"Reason\":\"Register\"}}",
                command, user);
    const struct client_request request = {
        .method = "POST", .target = buf_text(&target), .body = buf_text(&body)};
    return client_try(caller, &request, ret_answer);
}

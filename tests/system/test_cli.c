/* SPDX-License-Identifier: MIT */
#include "../unit/suite.h"
#include "event.h"

#include <signal.h>
#include <sys/stat.h>

/* What the program says and how it exits. */

#define CALLBACK "[callback]\nlisten = 127.0.0.1:0\ntls = off\n"
#define STATUS "[status]\nlisten = 127.0.0.1:0\n"
#define APP "[app 1400000000]\n"

static struct sandbox *sandbox;

static void start(void)
{
    sandbox = sandbox_new();
    sandbox_write(sandbox, "token", "s3cret\n");
    sandbox_write(sandbox, "open-token", "s3cret\n");
    cleanup(cleanup_freep) char *path = sandbox_expand(sandbox, "@DIR@/open-token");
    ck_assert_int_eq(chmod(path, 0644), 0);
}

static void stop(void)
{
    sandbox_free(sandbox);
}

static int run(const char *const *arguments, struct buf *output)
{
    return sandbox_run(sandbox, harness_daemon(), arguments, output);
}

/* The command line. */

static const struct {
    const char *arguments[5];
    int exit_status;
    const char *says;
} command_lines[] = {
    {{"--help"}, 0, "--check-config"},
    {{"--help"}, 0, "request_timeout"},
    {{"--version"}, 0, "presenced "},
    {{"--no-such-option"}, 2, "--no-such-option"},
    {{"file"}, 2, "file"},
    {{"--config"}, 2, "--config"},
    {{"--config", "@DIR@/none.conf"}, 2, "/none.conf"},
    {{"--config", "@DIR@/none.conf", "--check-config"}, 2, "/none.conf"},
    {{"--config", "@DIR@", "--check-config"}, 2, "/"},
    {{"--verbose"}, 2, "it belongs to --check-config"},
    {{"-v", "--config", "@DIR@/none.conf"}, 2, "it belongs to --check-config"},
    {{"--export"}, 2, "--export"},
    {{"--export", "@DIR@/file", "--import", "@DIR@/file"}, 2, "one of them at a time"},
};

START_TEST(says_what_is_wrong_with_the_command_line)
{
    cleanup(buf_fini) struct buf output = {0};
    int status = run(command_lines[_i].arguments, &output);
    ck_assert_msg(status == command_lines[_i].exit_status, "%s: exit status %d, %s",
                  command_lines[_i].arguments[0], status, buf_text(&output));
    ck_assert_msg(strstr(buf_text(&output), command_lines[_i].says) != NULL, "%s", buf_text(&output));
}
END_TEST

/* The configuration. */

static const struct {
    const char *config;
    int exit_status;
    const char *says;
} configs[] = {
    {CALLBACK STATUS APP, 0, "ok"},
    {CALLBACK STATUS APP "token_file = @DIR@/token\n", 0, "ok"},
    {"[callback]\nlisten = 0.0.0.0:0\ntls = off\n" STATUS APP "token = x\n", 0, "ok"},
    {CALLBACK "nonsense = 1\n", 2, "/presenced.conf:4: "},
    {CALLBACK "nonsense = 1\n", 2, "nonsense"},
    {"[nonsense]\n", 2, "/presenced.conf:1: "},
    {CALLBACK "max_body = many\n", 2, "max_body"},
    {CALLBACK "max_body = many\n", 2, "many"},
    {CALLBACK STATUS, 2, "app"},
    {"", 2, "app"},
    {CALLBACK STATUS "[app x]\n", 2, "/presenced.conf:6: "},
    {CALLBACK STATUS APP "token_file = @DIR@/none\n", 2, "/none"},
    {CALLBACK STATUS APP "token_file = @DIR@/open-token\n", 2, "/open-token"},
    /* An app without a token, and strangers can call. */
    {"[callback]\nlisten = 0.0.0.0:0\ntls = off\n" STATUS APP, 2, "1400000000"},
    {"[callback]\nlisten = 0.0.0.0:0\ntls = off\nallow = 192.0.2.0/24\n" STATUS APP, 0, "ok"},
    {"[callback]\nlisten = 0.0.0.0:0\ntls = off\n" STATUS APP "unsigned = yes\n", 0, "ok"},
    {"[callback]\nlisten = unix:@DIR@/callback.sock\ntls = off\n" STATUS APP, 0, "ok"},
    /* The status listener shows who is online: not to everybody. */
    {CALLBACK "[status]\nlisten = 0.0.0.0:0\n" APP, 2, "token_file"},
    {CALLBACK "[status]\nlisten = 0.0.0.0:0\ntoken_file = @DIR@/token\n" APP, 2, "certificate"},
    {CALLBACK "[status]\nlisten = 0.0.0.0:0\ncertificate = @DIR@/server.pem\n"
              "private_key = @DIR@/server.key\n" APP,
     2, "token_file"},
    {CALLBACK "[status]\nlisten = 0.0.0.0:0\ncertificate = @DIR@/server.pem\n"
              "private_key = @DIR@/server.key\ntoken_file = @DIR@/token\n" APP,
     0, "ok"},
    /* Several nodes. */
    {CALLBACK STATUS APP "[replication]\nurl = redis://127.0.0.1:6379/0\nnode = one\n", 0, "ok"},
    {CALLBACK STATUS APP "[replication]\nurl = redis+sentinel://192.0.2.1/presence\n", 0, "ok"},
    {CALLBACK STATUS APP "[replication]\nurl = http://127.0.0.1\n", 2, "[replication] url: allowed are"},
    {CALLBACK STATUS APP "[replication]\nurl = redis://u:p@127.0.0.1\n", 2, "password_file"},
    {CALLBACK STATUS APP "[replication]\nurl = redis://127.0.0.1\nca_file = @DIR@/ca.pem\n", 2, "ca_file"},
    {CALLBACK STATUS APP "[replication]\nurl = redis://127.0.0.1\nuser = presenced\n", 2,
     "[replication] user: needs password_file"},
    {CALLBACK STATUS APP "[replication]\nurl = redis://127.0.0.1\npassword_file = @DIR@/none\n", 2,
     "[replication] password_file: "},
    {CALLBACK STATUS APP "[replication]\nurl = redis://127.0.0.1\nnode = node one\n", 2,
     "[replication] node: at most 64"},
    /* What is good, though it is not what it seems to be. */
    {CALLBACK STATUS APP "[store]\npath = @DIR@/${HOME}\n", 0, "[store] path: ${...} is not expanded"},
    {CALLBACK STATUS APP "token_file = credential:token\n", 2, "CREDENTIALS_DIRECTORY is not set"},
    {CALLBACK "proxy_protocol = v2\n" STATUS APP, 2, "[callback] proxy_protocol: needs trusted_proxies"},
    {CALLBACK "proxy_protocol = v2\ntrusted_proxies = 192.0.2.1\n" STATUS APP, 0, "ok"},
    /* Listeners that contradict each other. */
    {"[callback]\nlisten = 127.0.0.1:18443\ntls = off\n" APP "[status]\nlisten = 127.0.0.1:18443\n", 2,
     "/presenced.conf:6: [status] listen: 127.0.0.1:18443"},
    /* Who can reach a socket that is passed is known when it is; none is passed here. */
    {"[callback]\nlisten = systemd\ntls = off\n[status]\nlisten = systemd\n" APP, 0, "ok"},
};

#define N_CONFIGS ((int)(sizeof(configs) / sizeof(configs[0])))

START_TEST(checks_the_configuration)
{
    sandbox_write(sandbox, "presenced.conf", configs[_i].config);
    const char *const arguments[] = {"--config", "@DIR@/presenced.conf", "--check-config", NULL};
    cleanup(buf_fini) struct buf output = {0};
    int status = run(arguments, &output);
    ck_assert_msg(status == configs[_i].exit_status, "%s\nexit status %d, %s", configs[_i].config, status,
                  buf_text(&output));
    ck_assert_msg(strstr(buf_text(&output), configs[_i].says) != NULL, "no \"%s\" in: %s", configs[_i].says,
                  buf_text(&output));
    ck_assert_ptr_null(strstr(buf_text(&output), "s3cret"));
}
END_TEST

/* Every file, and where each value comes from. */

static void write_conf_d(void)
{
    cleanup(cleanup_freep) char *path = sandbox_expand(sandbox, "@DIR@/conf.d");
    ck_assert_int_eq(mkdir(path, 0700), 0);
    sandbox_write(sandbox, "presenced.conf", CALLBACK "path = /first\n" STATUS);
    sandbox_write(sandbox, "conf.d/10-app.conf", APP "token = s3cret\ntoken_file = @DIR@/token\n");
    sandbox_write(sandbox, "conf.d/20-path.conf", "\n[callback]\npath = /second\n");
}

START_TEST(tells_where_each_value_comes_from)
{
    static const char *const words[] = {
        "path = /second ",        "conf.d/20-path.conf:3\n", "[app 1400000000]\n", "token = (set) ",
        "conf.d/10-app.conf:2\n", "idle_timeout = 75s ",     "; default\n",        "/presenced.conf: ok\n",
    };
    const char *const arguments[] = {"--config", "@DIR@/presenced.conf", "--check-config", "-v", NULL};
    cleanup(buf_fini) struct buf output = {0};
    write_conf_d();
    ck_assert_int_eq(run(arguments, &output), 0);
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        ck_assert_msg(strstr(buf_text(&output), words[i]) != NULL, "no \"%s\" in: %s", words[i],
                      buf_text(&output));
    }
    ck_assert_ptr_null(strstr(buf_text(&output), "s3cret"));
    ck_assert_ptr_null(strstr(buf_text(&output), "/first"));
}
END_TEST

START_TEST(checks_the_files_of_conf_d)
{
    const char *const arguments[] = {"--config", "@DIR@/presenced.conf", "--check-config", NULL};
    cleanup(buf_fini) struct buf output = {0};
    write_conf_d();
    sandbox_write(sandbox, "conf.d/30-wrong.conf", "[callback]\nmax_body = many\n");
    ck_assert_int_eq(run(arguments, &output), 2);
    ck_assert_msg(strstr(buf_text(&output), "/conf.d/30-wrong.conf:2: [callback] max_body: 'many'") != NULL,
                  "%s", buf_text(&output));
}
END_TEST

/* What --check-config refuses does not start either. */
START_TEST(does_not_start_with_a_wrong_configuration)
{
    if (configs[_i].exit_status == 0) {
        return;
    }
    sandbox_write(sandbox, "presenced.conf", configs[_i].config);
    const char *const arguments[] = {"--config", "@DIR@/presenced.conf", NULL};
    cleanup(buf_fini) struct buf output = {0};
    ck_assert_int_eq(run(arguments, &output), configs[_i].exit_status);
}
END_TEST

/* The process. */

START_TEST(says_so_when_its_port_is_taken)
{
    struct instance *instance = instance_start(sandbox, CALLBACK STATUS APP);
    char config[256];
    (void)snprintf(config, sizeof(config), "[callback]\nlisten = 127.0.0.1:%u\ntls = off\n" STATUS APP,
                   instance_callback_port(instance));
    sandbox_write(sandbox, "presenced.conf", config);
    const char *const arguments[] = {"--config", "@DIR@/presenced.conf", NULL};
    cleanup(buf_fini) struct buf output = {0};
    ck_assert_int_eq(run(arguments, &output), 1);
    ck_assert_msg(strstr(buf_text(&output), "Address already in use") != NULL, "%s", buf_text(&output));
    instance_stop(instance);
}
END_TEST

START_TEST(leaves_the_unix_socket_of_a_living_process)
{
    static const char config[] = "[callback]\nlisten = unix:@DIR@/callback.sock\ntls = off\n" STATUS APP;
    struct instance *instance = instance_start(sandbox, config);
    sandbox_write(sandbox, "presenced.conf", config);
    const char *const arguments[] = {"--config", "@DIR@/presenced.conf", NULL};
    cleanup(buf_fini) struct buf output = {0};
    ck_assert_int_eq(run(arguments, &output), 1);
    cleanup(client_freep) struct client *callback = client_new("http", 0);
    client_unix(callback, sandbox, "callback.sock");
    event_login(callback, "alice", 0);
    instance_stop(instance);
}
END_TEST

START_TEST(warns_of_an_app_without_a_token)
{
    struct instance *instance = instance_start(sandbox, CALLBACK STATUS APP);
    instance_await_log(instance, "1400000000");
    cleanup(client_freep) struct client *status = client_new("http", instance_status_port(instance));
    cleanup(answer_fini) struct answer answer;
    client_get(status, "/v1/stats", &answer);
    const char *warnings = strstr(buf_text(&answer.body), "\"warnings\":[{\"code\":\"app_unsigned\",");
    ck_assert_msg(warnings != NULL && strstr(warnings, "1400000000") != NULL, "%s", buf_text(&answer.body));
    instance_stop(instance);
}
END_TEST

START_TEST(stops_while_connections_are_open)
{
    struct instance *instance = instance_start(sandbox, CALLBACK STATUS APP);
    cleanup(client_freep) struct client *callback = client_new("http", instance_callback_port(instance));
    cleanup(client_freep) struct client *status = client_new("http", instance_status_port(instance));
    event_login(callback, "alice", 0);
    expect_state(status, "alice", "online");
    instance_stop(instance);
}
END_TEST

START_TEST(reads_a_token_again_at_sighup)
{
    sandbox_write(sandbox, "token", "before\n");
    struct instance *instance = instance_start(sandbox, CALLBACK STATUS APP "token_file = @DIR@/token\n");
    cleanup(client_freep) struct client *callback = client_new("http", instance_callback_port(instance));
    sandbox_write(sandbox, "token", "after\n");
    ck_assert_int_eq(kill(instance_pid(instance), SIGHUP), 0);
    instance_await_log(instance, "reload");
    static const struct {
        const char *token;
        long status;
    } cases[] = {{"after", 200}, {"before", 403}};
    for (size_t i = 0; i < 2; i++) {
        cleanup(cleanup_freep) char *sign = event_sign_now(cases[i].token);
        cleanup(cleanup_freep) char *target = event_target(EVENT_APP, "Web", sign);
        cleanup(cleanup_freep) char *body = event_body("alice", "Login", "Register", 0);
        cleanup(answer_fini) struct answer answer;
        client_post(callback, target, body, &answer);
        ck_assert_int_eq(answer.status, cases[i].status);
    }
    instance_stop(instance);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("cli");
    TCase *tcase = tcase_create("cli");
    tcase_set_timeout(tcase, HARNESS_DEADLINE_MS / 1000);
    tcase_add_checked_fixture(tcase, start, stop);
    tcase_add_loop_test(tcase, says_what_is_wrong_with_the_command_line, 0,
                        (int)(sizeof(command_lines) / sizeof(command_lines[0])));
    tcase_add_loop_test(tcase, checks_the_configuration, 0, N_CONFIGS);
    tcase_add_test(tcase, tells_where_each_value_comes_from);
    tcase_add_test(tcase, checks_the_files_of_conf_d);
    tcase_add_loop_test(tcase, does_not_start_with_a_wrong_configuration, 0, N_CONFIGS);
    tcase_add_test(tcase, says_so_when_its_port_is_taken);
    tcase_add_test(tcase, leaves_the_unix_socket_of_a_living_process);
    tcase_add_test(tcase, warns_of_an_app_without_a_token);
    tcase_add_test(tcase, stops_while_connections_are_open);
    tcase_add_test(tcase, reads_a_token_again_at_sighup);
    suite_add_tcase(suite, tcase);
    return suite;
}

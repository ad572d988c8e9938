/* SPDX-License-Identifier: MIT */
#include "../unit/suite.h"
#include "event.h"
#include "manager.h"

#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

/* The control socket: who may give orders, and what is said when they are carried out, or are not. */

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

#define CONFIG_NAME "presenced-0.conf" /* as the harness calls the first */
#define CALLBACK "[callback]\nlisten = 127.0.0.1:0\ntls = off\n"
#define STATUS "[status]\nlisten = 127.0.0.1:0\n"
#define APP "[app 1400000000]\ntoken = first\n"
#define CONTROL "[control]\nlisten = unix:@DIR@/control.sock\n"
#define GOOD CALLBACK STATUS APP CONTROL

static struct sandbox *sandbox;
static struct instance *instance;
static struct client *control;
static struct client *status;

static void set_up(void)
{
    sandbox = sandbox_new();
    instance = instance_start(sandbox, GOOD);
    control = client_new("http", 0);
    client_unix(control, sandbox, "control.sock");
    status = client_new("http", instance_status_port(instance));
}

static void close_clients(void)
{
    client_free(control);
    client_free(status);
}

static void tear_down(void)
{
    close_clients();
    instance_stop(instance);
    sandbox_free(sandbox);
}

/* Fails the test unless the answer is of this status and its body holds `words`, in which @DIR@ stands for
 * the sandbox. */
static void expect_answer(struct answer *answer, long http_status, const char *words)
{
    cleanup(cleanup_freep) char *expanded = sandbox_expand(sandbox, words);
    const char *body = buf_text(&answer->body);
    ck_assert_msg(answer->status == http_status, "status %ld, not %ld: %s", answer->status, http_status,
                  body);
    ck_assert_msg(strstr(body, expanded) != NULL, "no \"%s\" in: %s", expanded, body);
}

static void expect_order(const char *path, const char *body, long http_status, const char *words)
{
    cleanup(answer_fini) struct answer answer;
    client_post(control, path, body, &answer);
    expect_answer(&answer, http_status, words);
}

static void expect_stats(const char *words, bool are_there)
{
    cleanup(answer_fini) struct answer answer;
    client_get(status, "/v1/stats", &answer);
    ck_assert_msg((strstr(buf_text(&answer.body), words) != NULL) == are_there, "%s: %s", words,
                  buf_text(&answer.body));
}

static void expect_login(const char *token, long http_status)
{
    cleanup(client_freep) struct client *callback = client_new("http", instance_callback_port(instance));
    cleanup(cleanup_freep) char *sign = event_sign_now(token);
    cleanup(cleanup_freep) char *target = event_target(EVENT_APP, "Web", sign);
    cleanup(cleanup_freep) char *body = event_body("alice", "Login", "Register", 0);
    cleanup(answer_fini) struct answer answer;
    client_post(callback, target, body, &answer);
    ck_assert_int_eq(answer.status, http_status);
}

/* Reload. */

START_TEST(what_was_taken_over_counts_when_the_answer_comes)
{
    sandbox_write(sandbox, CONFIG_NAME, CALLBACK STATUS "[app 1400000000]\ntoken = second\n" CONTROL);
    expect_login("second", 403);
    expect_order("/v1/control/reload", "", 200, "{\"status\":\"reloaded\",\"warnings\":[]}");
    expect_login("second", 200);
    expect_login("first", 403);
    expect_stats("\"reloads_successful\":1,", true);
}
END_TEST

START_TEST(a_refusal_names_every_error)
{
    sandbox_write(sandbox, CONFIG_NAME, GOOD "[presence]\nmax_users = x\n[log]\nlevel = loud\n");
    expect_order(
        "/v1/control/reload", "", 409,
        "\"detail\":\"nothing was taken over\",\"errors\":["
        "\"@DIR@/presenced-0.conf:11: [presence] max_users: 'x' is not allowed: a number from 0 to 4G, "
        "K, M and G being thousands, millions and billions\","
        "\"@DIR@/presenced-0.conf:13: [log] level: 'loud' is not allowed: error | warning | notice | "
        "info | debug\"]}");
    expect_login("first", 200);
}
END_TEST

START_TEST(a_refusal_names_what_needs_a_restart)
{
    sandbox_write(sandbox, CONFIG_NAME, GOOD "[presence]\nmax_users = 7\n");
    expect_order(
        "/v1/control/reload", "", 409,
        "\"errors\":[\"@DIR@/presenced-0.conf:11: [presence] max_users: cannot change while presenced runs: "
        "restart it\"]");
}
END_TEST

START_TEST(a_refusal_is_a_warning_until_a_reload_succeeds)
{
    sandbox_write(sandbox, CONFIG_NAME, GOOD "[log]\nlevel = loud\n");
    expect_order("/v1/control/reload", "", 409, "loud");
    expect_stats("\"code\":\"reload_failed\",\"text\":\"configuration not reloaded: ", true);
    expect_stats("\"reloads_failed\":1,\"last_reload_successful\":0", true);
    sandbox_write(sandbox, CONFIG_NAME, GOOD);
    expect_order("/v1/control/reload", "", 200, "reloaded");
    expect_stats("reload_failed\"", false);
}
END_TEST

START_TEST(a_warning_of_the_configuration_is_told)
{
    cleanup(cleanup_freep) char *path = sandbox_expand(sandbox, "@DIR@/" CONFIG_NAME);
    ck_assert_int_eq(chmod(path, 0644), 0);
    expect_order("/v1/control/reload", "", 200, "[app 1400000000] token: can be read by all users");
}
END_TEST

static void *reload_in_a_thread(void *cls)
{
    struct client *client = client_new("http", 0);
    client_unix(client, sandbox, "control.sock");
    for (unsigned i = 0; i < 10; i++) {
        cleanup(answer_fini) struct answer answer;
        client_post(client, "/v1/control/reload", "", &answer);
        *(unsigned *)cls += answer.status == 200;
    }
    client_free(client);
    return NULL;
}

START_TEST(each_of_many_at_once_gets_its_verdict)
{
    pthread_t threads[4];
    unsigned n_done[4] = {0};
    for (unsigned i = 0; i < 4; i++) {
        ck_assert_int_eq(pthread_create(&threads[i], NULL, reload_in_a_thread, &n_done[i]), 0);
    }
    for (unsigned i = 0; i < 4; i++) {
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
        ck_assert_uint_eq(n_done[i], 10);
    }
    expect_stats("\"reloads_successful\":40,", true);
}
END_TEST

static int connect_control(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/control.sock", sandbox_path(sandbox));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

/* An order is left behind by each of those that go; the next is carried out all the same. */
START_TEST(who_does_not_wait_for_a_verdict_holds_up_nobody)
{
    static const char request[] = "POST /v1/control/reload HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n";
    for (unsigned i = 0; i < 20; i++) {
        int fd = connect_control();
        ck_assert_int_eq(send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL), sizeof(request) - 1);
        (void)close(fd);
    }
    expect_order("/v1/control/reload", "", 200, "reloaded");
}
END_TEST

/* The other orders. */

START_TEST(a_level_of_the_log_lasts_until_the_next_reload)
{
    expect_order("/v1/control/log-level", "{\"level\":\"debug\"}", 200, "changed");
    expect_login("first", 200);
    instance_await_log(instance, "msg=\"event\"");
    expect_order("/v1/control/reload", "", 200, "reloaded");
    cleanup(buf_fini) struct buf before = instance_log(instance);
    expect_login("first", 200);
    cleanup(buf_fini) struct buf after = instance_log(instance);
    ck_assert_ptr_null(strstr(buf_text(&after) + before.len, "msg=\"event\""));
}
END_TEST

static const char *const wrong_levels[] = {"", "{}", "{\"level\":\"loud\"}", "{\"level\":1}", "[]"};

START_TEST(a_level_that_does_not_exist_changes_nothing)
{
    expect_order("/v1/control/log-level", wrong_levels[_i], 400, "error | warning | notice | info | debug");
}
END_TEST

START_TEST(it_drains_and_serves_on)
{
    expect_order("/v1/control/drain", "", 200, "draining");
    cleanup(answer_fini) struct answer ready;
    client_get(status, "/readyz", &ready);
    expect_answer(&ready, 503, "draining");
    expect_login("first", 200);
    expect_stats("\"code\":\"draining\"", true);
    expect_order("/v1/control/drain", "", 200, "draining");
    expect_order("/v1/control/reload", "", 200, "reloaded");
}
END_TEST

static const struct {
    const char *method;
    const char *path;
    long http_status;
} unknown[] = {
    {"GET", "/v1/control/reload", 405},
    {"POST", "/v1/control", 404},
    {"POST", "/v1/control/stop", 404},
    {"GET", "/v1/stats", 404},
};

START_TEST(it_knows_nothing_else)
{
    const struct client_request request = {.method = unknown[_i].method,
                                           .target = unknown[_i].path,
                                           .body = unknown[_i].method[0] == 'P' ? "" : NULL};
    cleanup(answer_fini) struct answer answer;
    client_send(control, &request, &answer);
    ck_assert_int_eq(answer.status, unknown[_i].http_status);
}
END_TEST

/* Who may. */

START_TEST(the_status_listener_takes_no_orders)
{
    cleanup(answer_fini) struct answer answer;
    client_post(status, "/v1/control/reload", "", &answer);
    ck_assert_int_eq(answer.status, 404);
}
END_TEST

START_TEST(its_file_is_its_owners)
{
    struct stat st;
    cleanup(cleanup_freep) char *path = sandbox_expand(sandbox, "@DIR@/control.sock");
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_uint_eq(st.st_mode & 0777, 0600);
}
END_TEST

/* Another user who gets past the file's mode; only root can become one. */
START_TEST(another_user_gives_no_orders)
{
    static const char *const arguments[] = {"--reuid=65534",
                                            "--regid=65534",
                                            "--clear-groups",
                                            "curl",
                                            "--silent",
                                            "--unix-socket",
                                            "@DIR@/control.sock",
                                            "--data",
                                            "",
                                            "http://localhost/v1/control/reload",
                                            NULL};
    cleanup(cleanup_freep) char *path = sandbox_expand(sandbox, "@DIR@/control.sock");
    cleanup(buf_fini) struct buf output = {0};
    if (geteuid() != 0) {
        return;
    }
    ck_assert_int_eq(chmod(sandbox_path(sandbox), 0755), 0);
    ck_assert_int_eq(chmod(path, 0666), 0);
    ck_assert_int_eq(sandbox_run(sandbox, "setpriv", arguments, &output), 0);
    ck_assert_msg(strstr(buf_text(&output), "\"status\":403") != NULL, "%s", buf_text(&output));
    instance_await_log(instance, "uid=65534");
    expect_stats("\"reloads_successful\":0,", true);
}
END_TEST

/* Where it is. */

START_TEST(it_is_in_the_runtime_directory_where_nothing_is_said)
{
    static const char *const through[] = {"env", "RUNTIME_DIRECTORY=@DIR@:/elsewhere", NULL};
    struct victim *victim = victim_spawn(sandbox, &(struct victim_config){CALLBACK STATUS APP, through});
    victim_await_ready(victim);
    cleanup(client_freep) struct client *client = client_new("http", 0);
    client_unix(client, sandbox, "control.sock");
    cleanup(answer_fini) struct answer answer;
    client_post(client, "/v1/control/reload", "", &answer);
    expect_answer(&answer, 200, "reloaded");
    victim_stop(victim);
    cleanup(cleanup_freep) char *path = sandbox_expand(sandbox, "@DIR@/control.sock");
    ck_assert_int_ne(access(path, F_OK), 0);
}
END_TEST

START_TEST(a_port_is_no_control_socket)
{
    victim_expect_refused(sandbox, CALLBACK STATUS APP "[control]\nlisten = 127.0.0.1:0\n", 2,
                          "[control] listen: a Unix socket alone is allowed");
}
END_TEST

/* Carried out before it stops, or refused: whoever asked is not left waiting, nor is the end. */
START_TEST(an_order_does_not_hold_up_the_end)
{
    static const char request[] = "POST /v1/control/reload HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n";
    struct victim *victim = victim_spawn(sandbox, &(struct victim_config){.text = GOOD});
    victim_await_ready(victim);
    int fd = connect_control();
    char bytes[4096] = "";
    ck_assert_int_eq(send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL), sizeof(request) - 1);
    victim_stop(victim);
    ssize_t n = recv(fd, bytes, sizeof(bytes) - 1, 0);
    ck_assert_msg(n <= 0 || strncmp(bytes, "HTTP/1.1 200", 12) == 0 ||
                      strncmp(bytes, "HTTP/1.1 503", 12) == 0,
                  "%s", bytes);
    (void)close(fd);
}
END_TEST

START_TEST(the_service_manager_hears_of_a_refusal)
{
    static const char *const through[] = {"env", "NOTIFY_SOCKET=@DIR@/notify", NULL};
    cleanup(manager_freep) struct manager *manager = manager_new(sandbox);
    struct victim *victim = victim_spawn(sandbox, &(struct victim_config){GOOD, through});
    victim_await_ready(victim);
    cleanup(client_freep) struct client *client = client_new("http", 0);
    client_unix(client, sandbox, "control.sock");
    sandbox_write(sandbox, "victim.conf", GOOD "[presence]\nmax_users = 7\n");
    cleanup(answer_fini) struct answer answer;
    client_post(client, "/v1/control/reload", "", &answer);
    expect_answer(&answer, 409, "max_users");
    cleanup(cleanup_freep) char *said = sandbox_expand(
        sandbox,
        "READY=1\nSTATUS=users online: 0; configuration not reloaded: @DIR@/victim.conf:11: [presence] "
        "max_users: cannot change while presenced runs: restart it");
    manager_await(manager, said);
    victim_stop(victim);
}
END_TEST

static void set_up_alone(void)
{
    sandbox = sandbox_new();
}

static void tear_down_alone(void)
{
    sandbox_free(sandbox);
}

Suite *test_suite(void)
{
    Suite *suite = suite_create("control");
    TCase *tcase = tcase_create("control");
    TCase *alone = tcase_create("alone");
    tcase_set_timeout(tcase, 2 * HARNESS_DEADLINE_MS / 1000);
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, what_was_taken_over_counts_when_the_answer_comes);
    tcase_add_test(tcase, a_refusal_names_every_error);
    tcase_add_test(tcase, a_refusal_names_what_needs_a_restart);
    tcase_add_test(tcase, a_refusal_is_a_warning_until_a_reload_succeeds);
    tcase_add_test(tcase, a_warning_of_the_configuration_is_told);
    tcase_add_test(tcase, each_of_many_at_once_gets_its_verdict);
    tcase_add_test(tcase, who_does_not_wait_for_a_verdict_holds_up_nobody);
    tcase_add_test(tcase, a_level_of_the_log_lasts_until_the_next_reload);
    tcase_add_loop_test(tcase, a_level_that_does_not_exist_changes_nothing, 0, COUNT(wrong_levels));
    tcase_add_test(tcase, it_drains_and_serves_on);
    tcase_add_loop_test(tcase, it_knows_nothing_else, 0, COUNT(unknown));
    tcase_add_test(tcase, the_status_listener_takes_no_orders);
    tcase_add_test(tcase, its_file_is_its_owners);
    tcase_add_test(tcase, another_user_gives_no_orders);
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(alone, 2 * HARNESS_DEADLINE_MS / 1000);
    tcase_add_checked_fixture(alone, set_up_alone, tear_down_alone);
    tcase_add_test(alone, it_is_in_the_runtime_directory_where_nothing_is_said);
    tcase_add_test(alone, a_port_is_no_control_socket);
    tcase_add_test(alone, an_order_does_not_hold_up_the_end);
    tcase_add_test(alone, the_service_manager_hears_of_a_refusal);
    suite_add_tcase(suite, alone);
    return suite;
}

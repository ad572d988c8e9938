/* SPDX-License-Identifier: MIT */
#include "../unit/suite.h"
#include "event.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>

/* --export and --import of the program, beside a running daemon and without one. */

static const char config[] = "[callback]\n"
                             "listen = 127.0.0.1:0\n"
                             "tls = off\n"
                             "[status]\n"
                             "listen = 127.0.0.1:0\n"
                             "[store]\n"
                             "path = @DIR@/store\n"
                             "memory = 8M\n"
                             "[app 1400000000]\n";

#define HEADER "{\"format\":\"presenced\",\"version\":1}\n"
#define ALICE                                                                                             \
    "{\"app\":1400000000,\"user\":\"alice\",\"rows\":[{\"platform\":\"Web\",\"action\":\"Login\","        \
    "\"reason\":\"Register\",\"event_time\":1700000000000,\"received_time\":1700000000100,\"client_ip\":" \
    "\"192.0.2.4\"}],\"custom_status\":null,\"custom_status_time\":null}\n"

#define N_EXPORTS 5

static struct sandbox *sandbox;

static void start(void)
{
    sandbox = sandbox_new();
}

static void stop(void)
{
    sandbox_free(sandbox);
}

/* Runs the daemon's program with an option; `redirection` is the shell's. Expects an exit status, and words
 * in what it says. */
static void expect_run(const char *option, const char *redirection, int exit_status, const char *says)
{
    cleanup(buf_fini) struct buf output = {0};
    cleanup(cleanup_freep) char *command = NULL;
    ck_assert_int_gt(asprintf(&command, "exec '%s' --config @DIR@/presenced.conf %s %s", harness_daemon(),
                              option, redirection),
                     0);
    const char *const arguments[] = {"-c", command, NULL};
    int status = sandbox_run(sandbox, "/bin/sh", arguments, &output);
    ck_assert_msg(status == exit_status && strstr(buf_text(&output), says) != NULL, "%s: %d, %s", option,
                  status, buf_text(&output));
}

static void expect_file(const char *name, const char *expected)
{
    cleanup(buf_fini) struct buf text = sandbox_read(sandbox, name);
    ck_assert_str_eq(buf_text(&text), expected);
}

START_TEST(moves_users_over_pipes)
{
    sandbox_write(sandbox, "presenced.conf", config);
    sandbox_write(sandbox, "in", HEADER ALICE);
    expect_run("--import -", "<@DIR@/in", 0, "1 users imported: 1 were new");
    expect_run("--export -", ">@DIR@/out", 0, "1 users exported");
    expect_file("out", HEADER ALICE);
    struct instance *instance = instance_start(sandbox, config);
    cleanup(client_freep) struct client *status = client_new("http", instance_status_port(instance));
    expect_state(status, "alice", "online");
    instance_stop(instance);
}
END_TEST

START_TEST(names_the_line_that_is_wrong)
{
    sandbox_write(sandbox, "presenced.conf", config);
    sandbox_write(sandbox, "in", HEADER ALICE "{\"app\":1400000000}\n");
    expect_run("--import @DIR@/in", "", 1, "/in:3: \"user\" is missing");
    expect_run("--import -", "<@DIR@/in", 1, "-:3: \"user\" is missing");
    expect_run("--import @DIR@/none", "", 1, "/none: No such file");
}
END_TEST

START_TEST(says_where_it_cannot_write)
{
    sandbox_write(sandbox, "presenced.conf", config);
    sandbox_write(sandbox, "in", HEADER ALICE);
    expect_run("--export @DIR@/out", "", 1, "/store: No such file");
    expect_run("--import @DIR@/in", "", 0, "");
    expect_run("--export @DIR@/none/out", "", 1, "/none/out: No such file");
    expect_run("--export @DIR@/store", "", 1, "/store: Is a directory");
    expect_run("--export -", ">/dev/full", 1, "-: No space left");
    expect_run("--export /dev/full", "", 1, "/dev/full: No space left");
    expect_run("--export /dev/null", "", 0, "1 users exported");
}
END_TEST

START_TEST(needs_a_store)
{
    sandbox_write(sandbox, "presenced.conf",
                  "[callback]\nlisten = 127.0.0.1:0\ntls = off\n[app 1400000000]\n");
    expect_run("--export -", "", 2, "[store] path is not set");
    expect_run("--import -", "</dev/null", 2, "[store] path is not set");
}
END_TEST

/* A daemon that is sent events all the time. */

static uint16_t callback_port;
static _Atomic bool is_over;
static _Atomic unsigned n_answered; /* OK, to logins of user0, user1, … */

#define N_USERS 10000 /* then they begin again: a slow reader must not meet ever more of them */

static void *send_on(void *cls)
{
    (void)cls;
    cleanup(client_freep) struct client *callback = client_new("http", callback_port);
    for (unsigned n = 0; !atomic_load(&is_over); n++) {
        char user[32];
        (void)snprintf(user, sizeof(user), "user%08u", n % N_USERS);
        event_login(callback, user, 1700000000000 + n);
        atomic_store(&n_answered, n + 1);
    }
    return NULL;
}

/* All that were answered before, and those up to some that came after; none twice. */
static void expect_export_of_at_least(unsigned n_before)
{
    cleanup(buf_fini) struct buf text = sandbox_read(sandbox, "out");
    unsigned n = 0;
    /* Line by line: strstr() reads all that is left each time, under AddressSanitizer. */
    const char *line = strchr(buf_text(&text), '\n');
    for (; line != NULL && line[1] != '\0'; line = strchr(line + 1, '\n')) {
        char begin[64];
        int len = snprintf(begin, sizeof(begin), "\n{\"app\":1400000000,\"user\":\"user%08u\",", n++);
        ck_assert_msg(strncmp(line, begin, (size_t)len) == 0, "%.60s is not %s", line, begin);
    }
    ck_assert_uint_ge(n, n_before < N_USERS ? n_before : N_USERS);
}

START_TEST(exports_beside_a_running_daemon)
{
    pthread_t sender;
    struct instance *instance = instance_start(sandbox, config);
    callback_port = instance_callback_port(instance);
    sandbox_write(sandbox, "presenced.conf", config);
    sandbox_write(sandbox, "in", HEADER ALICE);
    ck_assert_int_eq(pthread_create(&sender, NULL, send_on, NULL), 0);
    for (unsigned i = 0; i < N_EXPORTS; i++) {
        unsigned n_before = atomic_load(&n_answered);
        expect_run("--export @DIR@/out", "", 0, "users exported");
        expect_export_of_at_least(n_before);
        expect_run("--import @DIR@/in", "", 1, "/store: in use by another presenced");
    }
    atomic_store(&is_over, true);
    (void)pthread_join(sender, NULL);
    unsigned n_all = atomic_load(&n_answered);
    instance_stop(instance);
    expect_run("--export @DIR@/out", "", 0, "users exported");
    expect_export_of_at_least(n_all);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("transfer");
    TCase *tcase = tcase_create("transfer");
    tcase_set_timeout(tcase, HARNESS_DEADLINE_MS / 1000);
    tcase_add_checked_fixture(tcase, start, stop);
    tcase_add_test(tcase, moves_users_over_pipes);
    tcase_add_test(tcase, names_the_line_that_is_wrong);
    tcase_add_test(tcase, says_where_it_cannot_write);
    tcase_add_test(tcase, needs_a_store);
    tcase_add_test(tcase, exports_beside_a_running_daemon);
    suite_add_tcase(suite, tcase);
    return suite;
}

/* SPDX-License-Identifier: MIT */
#include "../unit/suite.h"
#include "event.h"
#include "passing.h"

#include "presenced/clock.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <sys/un.h>

/* `listen = systemd`: sockets that are passed, as a service manager does, and live on from one process to the
 * next. */

#define CALLBACK "[callback]\nlisten = systemd\n"
#define PLAIN "tls = off\n"
#define TLS "certificate = @DIR@/server.pem\nprivate_key = @DIR@/server.key\n"
#define STATUS "[status]\nlisten = systemd\n"
#define OWN_STATUS "[status]\nlisten = 127.0.0.1:0\n"
#define APP "[app 1400000000]\n"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

static struct sandbox *sandbox;

static void set_up(void)
{
    sandbox = sandbox_new();
}

static void tear_down(void)
{
    sandbox_free(sandbox);
}

/* Sockets. */

static int tcp_socket(uint32_t address, int type)
{
    struct sockaddr_in sin = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(address)};
    int fd = socket(AF_INET, type, 0);
    ck_assert_int_eq(bind(fd, (const struct sockaddr *)&sin, sizeof(sin)), 0);
    return fd;
}

static int listening(int fd)
{
    ck_assert_int_eq(listen(fd, 128), 0);
    return fd;
}

static int public_socket(void)
{
    return listening(tcp_socket(INADDR_ANY, SOCK_STREAM));
}

static int bound_socket(void)
{
    return tcp_socket(INADDR_LOOPBACK, SOCK_STREAM);
}

static int datagram_socket(void)
{
    return tcp_socket(INADDR_LOOPBACK, SOCK_DGRAM);
}

static int no_socket(void)
{
    return open("/dev/null", O_RDWR);
}

static int unix_socket(void)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    (void)snprintf(un.sun_path, sizeof(un.sun_path), "%s/status.sock", sandbox_path(sandbox));
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(fd, (const struct sockaddr *)&un, sizeof(un)), 0);
    return listening(fd);
}

static struct victim *start(const char *config, const struct passing *passing)
{
    return passing_start(sandbox, config, passing);
}

static bool accepts_connections(uint16_t port)
{
    struct sockaddr_in sin = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    cleanup(cleanup_closep) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return connect(fd, (const struct sockaddr *)&sin, sizeof(sin)) == 0;
}

static void expect_online(uint16_t port, const char *user)
{
    cleanup(client_freep) struct client *status = client_new("http", port);
    if (port == 0) {
        client_unix(status, sandbox, "status.sock");
    }
    expect_state(status, user, "online");
}

START_TEST(serves_at_the_sockets_of_its_sections)
{
    const struct passing passing = {
        "callback:status:callback", 3, {passing_socket(), unix_socket(), passing_socket()}};
    struct victim *victim = start(CALLBACK PLAIN STATUS APP, &passing);
    for (size_t i = 0; i < 3; i += 2) {
        cleanup(client_freep) struct client *callback = client_new("http", passing_port(passing.fds[i]));
        char user[16];
        (void)snprintf(user, sizeof(user), "user%zu", i);
        event_login(callback, user, clock_unix_ms());
        expect_online(0, user);
    }
    victim_stop(victim);
    ck_assert(accepts_connections(passing_port(passing.fds[0])));
    ck_assert(accepts_connections(passing_port(passing.fds[2])));

    cleanup(cleanup_freep) char *path = sandbox_expand(sandbox, "@DIR@/status.sock");
    ck_assert_int_eq(access(path, F_OK), 0);
}
END_TEST

START_TEST(serves_at_its_own_beside_them)
{
    const struct passing passing = {"other:callback", 2, {passing_socket(), passing_socket()}};
    struct victim *victim = start(CALLBACK PLAIN "listen = 127.0.0.1:0\n" OWN_STATUS APP, &passing);
    uint16_t own_port = victim_callback_port(victim);
    ck_assert_uint_ne(own_port, passing_port(passing.fds[1]));
    ck_assert_uint_eq(victim_count_log(victim, "a passed socket is not used"), 1);
    ck_assert_uint_eq(victim_count_log(victim, "name=other"), 1);
    cleanup(client_freep) struct client *callback = client_new("http", passing_port(passing.fds[1]));
    event_login(callback, "alice", clock_unix_ms());
    cleanup(client_freep) struct client *own = client_new("http", own_port);
    event_login(own, "bob", clock_unix_ms());
    expect_online(victim_status_port(victim), "alice");
    expect_online(victim_status_port(victim), "bob");
    victim_stop(victim);
    ck_assert(!accepts_connections(own_port));
}
END_TEST

/* What is passed by mistake. */

#define NO_SOCKET_NAMED "listen: systemd passed no socket of this section's name: FileDescriptorName="
#define NOT_LISTENING \
    "[callback] listen: what systemd passed is no listening stream socket of IPv4, IPv6 or Unix"

static const struct {
    const char *config;
    const char *name;
    int (*make)(void);
    const char *words;
} mistakes[] = {
    {CALLBACK PLAIN OWN_STATUS APP, "presenced.socket", passing_socket,
     "conf:2: [callback] " NO_SOCKET_NAMED},
    {CALLBACK PLAIN OWN_STATUS APP, "status", passing_socket, "conf:2: [callback] " NO_SOCKET_NAMED},
    {CALLBACK PLAIN STATUS APP, "callback", passing_socket, "conf:5: [status] " NO_SOCKET_NAMED},
    {CALLBACK PLAIN OWN_STATUS APP, "callback", bound_socket, NOT_LISTENING},
    {CALLBACK PLAIN OWN_STATUS APP, "callback", datagram_socket, NOT_LISTENING},
    {CALLBACK PLAIN OWN_STATUS APP, "callback", no_socket, NOT_LISTENING},
    /* As with addresses of its own: strangers could send events, or read who is online. */
    {CALLBACK PLAIN OWN_STATUS APP, "callback", public_socket, "conf:6: [app 1400000000] token: needed"},
    {"[callback]\nlisten = 127.0.0.1:0\ntls = off\n" STATUS APP, "status", public_socket,
     "conf:5: [status] listen: an address that is not loopback needs"},
};

static void expect_refused(const char *config, const char *script, const char *words)
{
    sandbox_write(sandbox, "refused.conf", config);
    const char *const arguments[] = {"-c", script, "bash", harness_daemon(), "--config", "@DIR@/refused.conf",
                                     NULL};
    cleanup(buf_fini) struct buf output = {0};
    int status = sandbox_run(sandbox, "bash", arguments, &output);
    ck_assert_msg(status == 2, "exit status %d: %s", status, buf_text(&output));
    ck_assert_msg(strstr(buf_text(&output), words) != NULL, "not \"%s\" but: %s", words, buf_text(&output));
}

START_TEST(refuses_what_does_not_fit)
{
    const struct passing passing = {mistakes[_i].name, 1, {mistakes[_i].make()}};
    struct pass_command command;
    pass_command_init(&command, &passing);
    expect_refused(mistakes[_i].config, command.script, mistakes[_i].words);
}
END_TEST

/* Fifteen of its own and two that are passed. */
#define FIVE "listen = 127.0.0.1:0, 127.0.0.1:0, 127.0.0.1:0, 127.0.0.1:0, 127.0.0.1:0\n"

START_TEST(refuses_more_than_a_section_may_have)
{
    const struct passing passing = {"callback:callback", 2, {passing_socket(), passing_socket()}};
    struct pass_command command;
    pass_command_init(&command, &passing);
    expect_refused(
        CALLBACK PLAIN FIVE FIVE FIVE OWN_STATUS APP, command.script,
        "conf:6: [callback] listen: systemd passed too many sockets: there may be 16, with its own");
}
END_TEST

/* Two at one address, as with ReusePort= of their units, are there already, whatever bind() says of such. */
START_TEST(serves_at_two_of_one_address)
{
    int fd = passing_socket();
    const struct passing passing = {"callback:callback", 2, {fd, fd}};
    struct victim *victim = start(CALLBACK PLAIN OWN_STATUS APP, &passing);
    cleanup(client_freep) struct client *callback = client_new("http", passing_port(fd));
    event_login(callback, "alice", clock_unix_ms());
    victim_stop(victim);
}
END_TEST

START_TEST(refuses_an_address_that_is_passed)
{
    const struct passing passing = {"callback", 1, {passing_socket()}};
    struct pass_command command;
    char config[256];
    pass_command_init(&command, &passing);
    (void)snprintf(config, sizeof(config),
                   CALLBACK "listen = 127.0.0.1:1\nlisten = localhost:%u\n" PLAIN OWN_STATUS APP,
                   passing_port(passing.fds[0]));
    expect_refused(config, command.script, "which [callback] listen has");
}
END_TEST

START_TEST(refuses_to_start_without_them)
{
    expect_refused(CALLBACK PLAIN OWN_STATUS APP, "exec \"$@\"", NO_SOCKET_NAMED);
    /* Those of another process are none of its own. */
    expect_refused(CALLBACK PLAIN OWN_STATUS APP, "LISTEN_PID=1 LISTEN_FDS=1 exec \"$@\"", NO_SOCKET_NAMED);
}
END_TEST

START_TEST(reload_knows_who_can_reach_them)
{
    const struct passing passing = {"callback", 1, {public_socket()}};
    struct victim *victim = start(CALLBACK PLAIN OWN_STATUS APP "token = s3cret\n", &passing);
    sandbox_write(sandbox, "victim.conf", CALLBACK PLAIN OWN_STATUS APP);
    ck_assert_int_eq(kill(victim_pid(victim), SIGHUP), 0);
    victim_await_log(victim, "[app 1400000000] token: needed");
    victim_await_log(victim, "configuration not reloaded");
    ck_assert_uint_eq(victim_count_log(victim, "level=error msg=\"configuration\""), 1);
    victim_stop(victim);
}
END_TEST

/* One process after another, and clients who notice nothing of it. */

#define N_CLIENTS 8
#define N_RESTARTS 4
#define N_BETWEEN 10 /* answers of each client between two restarts */

struct sender {
    pthread_t thread;
    struct client *client;
    unsigned number;
    _Atomic unsigned n_ok; /* of users SENDER-0 to SENDER-(n - 1) */
    char wrong[256];       /* "": nothing */
};

static _Atomic bool stopping;

static bool send_login(struct sender *sender)
{
    char user[32];
    (void)snprintf(user, sizeof(user), "user%u-%u", sender->number, sender->n_ok);
    cleanup(answer_fini) struct answer answer;
    CURLcode code = event_try_login(sender->client, user, clock_unix_ms(), &answer);
    if (code != CURLE_OK || !event_is_ok(&answer)) {
        (void)snprintf(sender->wrong, sizeof(sender->wrong), "%s, %ld %.100s", curl_easy_strerror(code),
                       answer.status, buf_text(&answer.body));
    }
    return sender->wrong[0] == '\0';
}

static void *run_sender(void *cls)
{
    struct sender *sender = cls;
    while (!atomic_load(&stopping) && send_login(sender)) {
        (void)atomic_fetch_add(&sender->n_ok, 1);
    }
    return NULL;
}

static const struct restart_case {
    const char *scheme;
    const char *config;
    bool keeps; /* its connections, as long as it is not told that they are closed */
} restarts[] = {
    {"http", CALLBACK PLAIN OWN_STATUS "[store]\npath = @DIR@/store\n" APP, false},
    {"https", CALLBACK TLS OWN_STATUS "[store]\npath = @DIR@/store\n" APP, false},
    {"https", CALLBACK TLS "drain_delay = 500ms\n" OWN_STATUS "[store]\npath = @DIR@/store\n" APP, true},
};

static void start_senders(const struct restart_case *c, uint16_t port,
                          struct sender senders[static N_CLIENTS])
{
    for (unsigned i = 0; i < N_CLIENTS; i++) {
        senders[i] = (struct sender){.client = client_new(c->scheme, port), .number = i};
        client_trust(senders[i].client, sandbox);
        (void)curl_easy_setopt(client_handle(senders[i].client), CURLOPT_FRESH_CONNECT, c->keeps ? 0L : 1L);
        (void)curl_easy_setopt(client_handle(senders[i].client), CURLOPT_FORBID_REUSE, c->keeps ? 0L : 1L);
    }
    for (unsigned i = 0; i < N_CLIENTS; i++) {
        ck_assert_int_eq(pthread_create(&senders[i].thread, NULL, run_sender, &senders[i]), 0);
    }
}

static void await_answers(const struct sender senders[static N_CLIENTS])
{
    static const struct timespec interval = {.tv_nsec = 1000000};
    uint64_t deadline_ms = clock_monotonic_ms() + HARNESS_DEADLINE_MS;
    for (unsigned i = 0; i < N_CLIENTS; i++) {
        unsigned from = atomic_load(&senders[i].n_ok);
        while (atomic_load(&senders[i].n_ok) < from + N_BETWEEN) {
            ck_assert_msg(senders[i].wrong[0] == '\0', "after %u: %s", senders[i].n_ok, senders[i].wrong);
            ck_assert_uint_lt(clock_monotonic_ms(), deadline_ms);
            (void)nanosleep(&interval, NULL);
        }
    }
}

static void stop_senders(struct sender senders[static N_CLIENTS])
{
    atomic_store(&stopping, true);
    for (unsigned i = 0; i < N_CLIENTS; i++) {
        ck_assert_int_eq(pthread_join(senders[i].thread, NULL), 0);
        ck_assert_msg(senders[i].wrong[0] == '\0', "after %u: %s", senders[i].n_ok, senders[i].wrong);
        client_free(senders[i].client);
    }
}

static void expect_all(const struct victim *victim, const struct sender senders[static N_CLIENTS])
{
    cleanup(client_freep) struct client *status = client_new("http", victim_status_port(victim));
    for (unsigned i = 0; i < N_CLIENTS; i++) {
        for (unsigned n = 0; n < senders[i].n_ok; n++) {
            char user[32];
            (void)snprintf(user, sizeof(user), "user%u-%u", i, n);
            expect_state(status, user, "online");
        }
    }
}

START_TEST(restarts_refuse_and_lose_nothing)
{
    struct sender senders[N_CLIENTS];
    const struct restart_case *c = &restarts[_i];
    const struct passing passing = {"callback", 1, {passing_socket()}};
    struct victim *victim = start(c->config, &passing);
    start_senders(c, passing_port(passing.fds[0]), senders);
    for (unsigned i = 0; i < N_RESTARTS; i++) {
        await_answers(senders);
        victim_stop(victim);
        victim = start(c->config, &passing);
    }
    await_answers(senders);
    stop_senders(senders);
    expect_all(victim, senders);
    victim_stop(victim);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("passed");
    TCase *tcase = tcase_create("passed");
    tcase_set_timeout(tcase, 2 * HARNESS_DEADLINE_MS / 1000);
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, serves_at_the_sockets_of_its_sections);
    tcase_add_test(tcase, serves_at_its_own_beside_them);
    tcase_add_loop_test(tcase, refuses_what_does_not_fit, 0, COUNT(mistakes));
    tcase_add_test(tcase, refuses_more_than_a_section_may_have);
    tcase_add_test(tcase, serves_at_two_of_one_address);
    tcase_add_test(tcase, refuses_an_address_that_is_passed);
    tcase_add_test(tcase, refuses_to_start_without_them);
    tcase_add_test(tcase, reload_knows_who_can_reach_them);
    tcase_add_loop_test(tcase, restarts_refuse_and_lose_nothing, 0, COUNT(restarts));
    suite_add_tcase(suite, tcase);
    return suite;
}

/* SPDX-License-Identifier: MIT */
#include "../unit/suite.h"
#include "balancer.h"
#include "event.h"
#include "passing.h"

#include "presenced/clock.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

/* One node behind a balancer, as conf/examples sets it up: its socket is passed and lives on, and what is
 * sent while it is away waits. Callers keep their connections, as Tencent does. */

#define TOKEN "xxxxyyyy"

static const char node_config[] = "[callback]\n"
                                  "listen = systemd\n"
                                  "tls = off\n"
                                  "trusted_proxies = 127.0.0.1\n"
                                  "allow = " BALANCER_CALLER "\n"
                                  "drain_delay = 500ms\n"
                                  "[status]\n"
                                  "listen = 127.0.0.1:0\n"
                                  "[store]\n"
                                  "path = @DIR@/store\n"
                                  "[app 1400000000]\n"
                                  "token = " TOKEN "\n";

#define N_CALLERS 8
#define N_TIMES 10
#define N_BETWEEN 5 /* events of each caller between two restarts */

struct caller {
    pthread_t thread;
    struct client *client;
    unsigned number;
    _Atomic unsigned n_sent; /* of users CALLER-0 to CALLER-(n - 1) */
    _Atomic unsigned n_failed;
    bool failed[100000];
    char last_failure[256];
};

static struct sandbox *sandbox;
static struct passing passing;
static struct victim *node;
static struct balancer balancer;
static struct caller callers[N_CALLERS];
static _Atomic bool stopping;

static void user_of(const struct caller *caller, unsigned n, char ret_user[static 32])
{
    (void)snprintf(ret_user, 32, "user%u-%u", caller->number, n);
}

static void send_one(struct caller *caller)
{
    char user[32];
    unsigned n = atomic_load(&caller->n_sent);
    user_of(caller, n, user);
    cleanup(answer_fini) struct answer answer;
    CURLcode code = balancer_post(caller->client, TOKEN, "State.StateChange", user, &answer);
    if (code != CURLE_OK || !event_is_ok(&answer)) {
        caller->failed[n] = true;
        (void)snprintf(caller->last_failure, sizeof(caller->last_failure), "%s, %ld %.100s",
                       curl_easy_strerror(code), answer.status, buf_text(&answer.body));
        (void)atomic_fetch_add(&caller->n_failed, 1);
    }
    atomic_store(&caller->n_sent, n + 1);
}

static void *run_caller(void *cls)
{
    struct caller *caller = cls;
    while (!atomic_load(&stopping) && caller->n_sent < sizeof(caller->failed)) {
        send_one(caller);
    }
    return NULL;
}

static void start(int which)
{
    char address[32];
    sandbox = sandbox_new();
    passing = (struct passing){"callback", 1, {passing_socket()}};
    node = passing_start(sandbox, node_config, &passing);
    (void)snprintf(address, sizeof(address), "127.0.0.1:%u", passing_port(passing.fds[0]));
    balancer = balancer_start(sandbox, (enum balancer_kind)which, "",
                              &(struct replacement){"192.0.2.11:8443", address}, 1);
    balancer_await(&balancer, sandbox);
    atomic_store(&stopping, false);
    memset(callers, 0, sizeof(callers));
    for (unsigned i = 0; i < N_CALLERS; i++) {
        callers[i].client = balancer_caller(&balancer, sandbox);
        callers[i].number = i;
        ck_assert_int_eq(pthread_create(&callers[i].thread, NULL, run_caller, &callers[i]), 0);
    }
}

static void stop(void)
{
    balancer_stop(&balancer);
    victim_stop(node);
    sandbox_free(sandbox);
}

/* Until each caller has had some more answers, or failures. */
static void await_answers(void)
{
    uint64_t deadline_ms = clock_monotonic_ms() + HARNESS_DEADLINE_MS;
    for (unsigned i = 0; i < N_CALLERS; i++) {
        unsigned from = atomic_load(&callers[i].n_sent);
        while (atomic_load(&callers[i].n_sent) < from + N_BETWEEN) {
            ck_assert_uint_lt(clock_monotonic_ms(), deadline_ms);
            (void)poll(NULL, 0, 1);
        }
    }
}

/* Returns how many events failed. */
static unsigned stop_callers(void)
{
    unsigned n_failed = 0;
    atomic_store(&stopping, true);
    for (unsigned i = 0; i < N_CALLERS; i++) {
        ck_assert_int_eq(pthread_join(callers[i].thread, NULL), 0);
        client_free(callers[i].client);
        n_failed += callers[i].n_failed;
    }
    return n_failed;
}

static const char *a_failure(void)
{
    const char *failure = "";
    for (unsigned i = 0; i < N_CALLERS; i++) {
        failure = callers[i].last_failure[0] == '\0' ? failure : callers[i].last_failure;
    }
    return failure;
}

static void expect_all_that_were_answered_ok(void)
{
    cleanup(client_freep) struct client *status = client_new("http", victim_status_port(node));
    for (unsigned i = 0; i < N_CALLERS; i++) {
        for (unsigned n = 0; n < callers[i].n_sent; n++) {
            char user[32];
            user_of(&callers[i], n, user);
            if (!callers[i].failed[n]) {
                expect_state(status, user, "online");
            }
        }
    }
}

static void restart(void)
{
    victim_stop(node);
    node = passing_start(sandbox, node_config, &passing);
}

static void reload(void)
{
    size_t n_before = victim_count_log(node, "configuration reloaded");
    ck_assert_int_eq(kill(victim_pid(node), SIGHUP), 0);
    victim_await_logs(node, "configuration reloaded", n_before + 1);
}

static void (*const changes[])(void) = {restart, reload};

/* By balancer and change. */
START_TEST(restarts_and_reloads_fail_and_lose_nothing)
{
    start(_i % N_BALANCERS);
    for (unsigned i = 0; i < N_TIMES; i++) {
        await_answers();
        changes[_i / N_BALANCERS]();
    }
    await_answers();
    unsigned n_failed = stop_callers();
    ck_assert_msg(n_failed == 0, "%u failed: %s", n_failed, a_failure());
    expect_all_that_were_answered_ok();
    stop();
}
END_TEST

START_TEST(a_kill_loses_what_was_in_flight_and_no_more)
{
    start(_i);
    for (unsigned i = 0; i < N_TIMES; i++) {
        await_answers();
        victim_kill(node);
        node = passing_start(sandbox, node_config, &passing);
    }
    await_answers();
    unsigned n_failed = stop_callers();
    printf("%u failed of %u that were in flight at most: %s\n", n_failed, N_TIMES * N_CALLERS, a_failure());
    ck_assert_uint_le(n_failed, N_TIMES * N_CALLERS);
    expect_all_that_were_answered_ok();
    stop();
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("one_node");
    for (int i = 0; i < N_BALANCERS; i++) {
        TCase *tcase = tcase_create(balancer_names[i]);
        tcase_set_tags(tcase, balancer_names[i]);
        tcase_set_timeout(tcase, 2 * HARNESS_DEADLINE_MS / 1000);
        tcase_add_loop_test(tcase, restarts_and_reloads_fail_and_lose_nothing, i, i + 1);
        tcase_add_loop_test(tcase, restarts_and_reloads_fail_and_lose_nothing, i + N_BALANCERS,
                            i + N_BALANCERS + 1);
        tcase_add_loop_test(tcase, a_kill_loses_what_was_in_flight_and_no_more, i, i + 1);
        suite_add_tcase(suite, tcase);
    }
    return suite;
}

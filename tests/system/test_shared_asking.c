/* SPDX-License-Identifier: MIT */
/* Three nodes that ask Tencent about the users of one app, each a simulated vendor of its own, so that it is
 * seen who asks about whom. A fourth node has no key. */
#include "nodes.h"
#include "redis.h"
#include "vendor.h"
#include "../unit/suite.h"

#include "presenced/clock.h"

#include <cjson/cJSON.h>
#include <poll.h>

#define KEY "test-key"
#define N_USERS 240
#define N_ASKED 20 /* by a person */
#define ALL ((1U << N_NODES) - 1)
#define AGE_MS 60000 /* of events: what Tencent is asked is about now */

static struct sandbox *sandbox;
static struct redis *engine;
static struct nodes *nodes;
static struct victim *keyless;
static struct vendor *vendors[N_NODES];

static void start_keyless(void)
{
    keyless = victim_start(sandbox, "[callback]\nlisten = 127.0.0.1:0\ntls = off\n"
                                    "[status]\nlisten = 127.0.0.1:0\n[app 1400000000]\n"
                                    "[replication]\nurl = unix:@DIR@/engine.sock\nnode = keyless\n");
}

static void await_stats(unsigned node, const char *text)
{
    client_await(nodes_status(nodes, node), "/v1/stats", text);
}

/* Until each knows of the others, and makes its part of the calls. */
static void await_known(void)
{
    for (unsigned i = 0; i < N_NODES; i++) {
        await_stats(i, "\"calls_per_second\":33,\"nodes\":3,"); /* that ask */
        nodes_await_number(nodes, i, "nodes", 4);
    }
}

static void log_users_in(void)
{
    char user[16];
    for (unsigned i = 0; i < N_USERS; i++) {
        (void)snprintf(user, sizeof(user), "user%u", i);
        event_login(nodes_callback(nodes, i % N_NODES), user, clock_unix_ms() - AGE_MS);
    }
    nodes_await_same(nodes);
}

static void start(void)
{
    static char own[N_NODES][192];
    struct nodes_config config = {.url = "unix:@DIR@/engine.sock"};
    sandbox = sandbox_new();
    sandbox_write(sandbox, "key", KEY);
    engine = redis_start(sandbox, "engine", NULL);
    for (unsigned i = 0; i < N_NODES; i++) {
        char name[16];
        (void)snprintf(name, sizeof(name), "vendor%u", i);
        vendors[i] = vendor_start(sandbox, name, KEY);
        (void)snprintf(own[i], sizeof(own[i]),
                       "admin = administrator\nsecret_key_file = @DIR@/key\napi_url = http://127.0.0.1:%u\n"
                       "[control]\nlisten = unix:@DIR@/control%u.sock\n",
                       vendor_port(vendors[i]), i);
        config.own[i] = own[i];
    }
    nodes = nodes_start(sandbox, &config);
    start_keyless();
    await_known();
    log_users_in();
}

static void stop(void)
{
    nodes_stop(nodes);
    if (keyless != NULL) {
        victim_stop(keyless);
    }
    for (unsigned i = 0; i < N_NODES; i++) {
        vendor_stop(vendors[i]);
    }
    redis_kill(engine);
    sandbox_free(sandbox);
}

static void forget_asked(void)
{
    for (unsigned i = 0; i < N_NODES; i++) {
        vendor_order(vendors[i], "{\"forget_asked\":1}");
    }
}

/* Who has asked about each user, a bit a node. */
static void read_asked(unsigned ret_by[static N_USERS])
{
    memset(ret_by, 0, N_USERS * sizeof(ret_by[0]));
    for (unsigned i = 0; i < N_NODES; i++) {
        cleanup(buf_fini) struct buf text = vendor_report(vendors[i]);
        cJSON *report = cJSON_Parse(buf_text(&text));
        const cJSON *user;
        cJSON_ArrayForEach(user, cJSON_GetObjectItemCaseSensitive(report, "asked"))
        {
            unsigned number;
            if (sscanf(user->valuestring, "user%u", &number) == 1 && number < N_USERS) {
                ret_by[number] |= 1U << i;
            }
        }
        cJSON_Delete(report);
    }
}

static unsigned count(const unsigned *by, unsigned mask, unsigned wanted)
{
    unsigned n = 0;
    for (unsigned i = 0; i < N_USERS; i++) {
        n += (by[i] & mask) == wanted;
    }
    return n;
}

/* Until somebody has asked about every user. */
static void await_all_asked(unsigned ret_by[static N_USERS])
{
    uint64_t deadline_ms = clock_monotonic_ms() + HARNESS_DEADLINE_MS;
    for (read_asked(ret_by); count(ret_by, ALL, 0) > 0; read_asked(ret_by)) {
        ck_assert_msg(clock_monotonic_ms() < deadline_ms, "nobody asks about %u users",
                      count(ret_by, ALL, 0));
        (void)poll(NULL, 0, 20);
    }
}

static void await_all_asked_by(unsigned node)
{
    unsigned by[N_USERS];
    uint64_t deadline_ms = clock_monotonic_ms() + HARNESS_DEADLINE_MS;
    for (read_asked(by); count(by, 1U << node, 0) > 0; read_asked(by)) {
        ck_assert_msg(clock_monotonic_ms() < deadline_ms, "node %u does not ask about %u users", node,
                      count(by, 1U << node, 0));
        (void)poll(NULL, 0, 20);
    }
}

/* And each of these nodes about a good part of them. */
static void expect_one_asks(const unsigned *by, unsigned nodes_of)
{
    unsigned n_shared = N_USERS;
    for (unsigned i = 0; i < N_NODES; i++) {
        unsigned n = count(by, ALL, 1U << i);
        ck_assert_msg((n >= N_USERS / 8) == ((nodes_of >> i & 1) != 0), "node %u asks about %u users", i, n);
        n_shared -= n;
    }
    ck_assert_msg(n_shared == 0, "several nodes ask about %u users", n_shared);
}

/* When a node dies, be it one that does not ask, what it had heard may be lost: all that live ask about
 * theirs. */
START_TEST(each_user_is_asked_about_by_one_node)
{
    unsigned by[N_USERS];
    start();
    forget_asked();
    victim_kill(keyless);
    keyless = NULL;
    await_all_asked(by);
    expect_one_asks(by, 7);
    stop();
}
END_TEST

START_TEST(those_of_a_node_that_died_are_asked_about_by_the_others)
{
    unsigned by[N_USERS];
    start();
    nodes_kill_node(nodes, 2);
    forget_asked();
    uint64_t begin_ms = clock_monotonic_ms();
    await_all_asked(by);
    ck_assert_uint_lt(clock_monotonic_ms() - begin_ms, (UINT64_C(14) * 1000) * harness_slowness());
    expect_one_asks(by, 3);
    /* It takes back what is its own. */
    nodes_start_node(nodes, 2);
    await_known();
    stop();
}
END_TEST

START_TEST(a_node_that_ends_in_order_is_missed_at_once)
{
    unsigned by[N_USERS];
    start();
    forget_asked();
    uint64_t begin_ms = clock_monotonic_ms();
    nodes_stop_node(nodes, 0);
    await_all_asked(by);
    ck_assert_uint_lt(clock_monotonic_ms() - begin_ms, (UINT64_C(8) * 1000) * harness_slowness());
    expect_one_asks(by, 6);
    stop();
}
END_TEST

START_TEST(without_an_engine_each_node_asks_about_everybody)
{
    start();
    forget_asked();
    redis_kill(engine);
    for (unsigned i = 0; i < N_NODES; i++) {
        await_all_asked_by(i);
        await_stats(i, ",\"nodes\":1,");
    }
    engine = redis_start(sandbox, "engine", NULL);
    await_known();
    stop();
}
END_TEST

static void ask_some(unsigned node)
{
    char users[N_ASKED][16];
    char control[64];
    const char *words[N_ASKED + 4] = {"ask"};
    cleanup(buf_fini) struct buf output = {0};
    (void)snprintf(control, sizeof(control), "@DIR@/control%u.sock", node);
    for (unsigned i = 0; i < N_ASKED; i++) {
        (void)snprintf(users[i], sizeof(users[i]), "user%u", i);
        words[1 + i] = users[i];
    }
    words[N_ASKED + 1] = "--control";
    words[N_ASKED + 2] = control;
    words[N_ASKED + 3] = NULL;
    int r = sandbox_run(sandbox, harness_client(), words, &output);
    ck_assert_msg(r <= 1, "%s", buf_text(&output));
}

START_TEST(a_person_asks_any_node_about_anybody)
{
    unsigned by[N_USERS];
    start();
    forget_asked();
    ask_some(1);
    read_asked(by);
    for (unsigned i = 0; i < N_ASKED; i++) {
        ck_assert_uint_eq(by[i] & 2, 2);
    }
    stop();
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("shared_asking");
    TCase *tcase = tcase_create("shared_asking");
    tcase_set_timeout(tcase, 3 * HARNESS_DEADLINE_MS / 1000);
    tcase_add_test(tcase, each_user_is_asked_about_by_one_node);
    tcase_add_test(tcase, those_of_a_node_that_died_are_asked_about_by_the_others);
    tcase_add_test(tcase, a_node_that_ends_in_order_is_missed_at_once);
    tcase_add_test(tcase, without_an_engine_each_node_asks_about_everybody);
    tcase_add_test(tcase, a_person_asks_any_node_about_anybody);
    suite_add_tcase(suite, tcase);
    return suite;
}

/* SPDX-License-Identifier: MIT */
/* Three nodes and a real engine, to which all sorts of things happen. Those tagged "drill" take longer: they
 * are for tests/replication.sh. */
#include "manager.h"
#include "nodes.h"
#include "redis.h"
#include "stream.h"
#include "../unit/suite.h"

#include "presenced/clock.h"
#include "presenced/replica_url.h"

#include <poll.h>
#include <signal.h>

#define UNIX_URL "unix:@DIR@/engine.sock"

static struct sandbox *sandbox;
static struct redis *engine;
static struct nodes *nodes;

static void start_with(const struct nodes_config *config)
{
    sandbox = sandbox_new();
    engine = redis_start(sandbox, "engine", NULL);
    nodes = nodes_start(sandbox, config);
}

static void start(void)
{
    start_with(&(struct nodes_config){.url = UNIX_URL});
}

static void stop(void)
{
    nodes_stop(nodes);
    redis_kill(engine);
    sandbox_free(sandbox);
}

static void await_all_ready_text(const char *text)
{
    for (unsigned i = 0; i < N_NODES; i++) {
        nodes_await_ready_text(nodes, i, text);
    }
}

/* Or that it is not. */
static void await_warning(unsigned node, const char *code, bool wanted)
{
    char text[64];
    uint64_t deadline_ms = clock_monotonic_ms() + HARNESS_DEADLINE_MS;
    (void)snprintf(text, sizeof(text), "{\"code\":\"%s\",\"text\":\"replication: ", code);
    while (client_sees(nodes_status(nodes, node), "/v1/stats", text) != wanted) {
        ck_assert_msg(clock_monotonic_ms() < deadline_ms, "node %u %s of %s", node,
                      wanted ? "does not warn" : "still warns", code);
        (void)poll(NULL, 0, 20);
    }
}

static void await_none_degraded(void)
{
    for (unsigned i = 0; i < N_NODES; i++) {
        nodes_await_no_ready_text(nodes, i, "degraded");
    }
}

START_TEST(all_nodes_come_to_the_same)
{
    start();
    nodes_send(nodes, 2000);
    nodes_await_equal(nodes);
    for (unsigned i = 0; i < N_NODES; i++) {
        ck_assert_uint_eq(nodes_number(nodes, i, "failures"), 0);
        ck_assert_uint_eq(nodes_number(nodes, i, "missed"), 0);
        ck_assert_uint_eq(nodes_number(nodes, i, "malformed"), 0);
    }
    stop();
}
END_TEST

#define N_STREAMED 30

static void login_at(unsigned node, unsigned user, uint64_t event_time_ms)
{
    char id[16];
    (void)snprintf(id, sizeof(id), "user%u", user);
    event_login(nodes_callback(nodes, node), id, event_time_ms);
}

/* An entry of its own for each, at least; some are heard twice, as when a load balancer sends one again. */
START_TEST(a_stream_shows_what_other_nodes_heard_once)
{
    unsigned n_seen[N_STREAMED] = {0};
    struct message message;
    start();
    cleanup(stream_freep) struct stream *stream = stream_open(wire_open(nodes_status_port(nodes, 2)),
                                                              "/v1/events", NULL);
    uint64_t now_ms = clock_unix_ms();
    for (unsigned i = 0; i < N_STREAMED; i++) {
        login_at(i % 2, i, now_ms + i);
        if (i % 3 == 0) {
            login_at((i + 1) % 2, i, now_ms + i);
        }
    }
    nodes_await_same(nodes);
    event_login(nodes_callback(nodes, 2), "last", now_ms);
    for (bool is_last = false; !is_last;) {
        unsigned user;
        stream_await(stream, "presence", &message);
        is_last = strstr(message.data, "\"user\":\"last\"") != NULL;
        if (!is_last) {
            ck_assert_int_eq(sscanf(strstr(message.data, "\"user\":"), "\"user\":\"user%u\"", &user), 1);
            ck_assert_uint_lt(user, N_STREAMED);
            n_seen[user]++;
        }
    }
    for (unsigned i = 0; i < N_STREAMED; i++) {
        ck_assert_msg(n_seen[i] == 1, "user%u came %u times", i, n_seen[i]);
    }
    stop();
}
END_TEST

static void expect_history(unsigned node, const char *expected)
{
    cleanup(answer_fini) struct answer answer;
    client_get(nodes_status(nodes, node), "/v1/users/alice/history", &answer);
    ck_assert_msg(strstr(buf_text(&answer.body), expected) != NULL, "node %u: %s", node,
                  buf_text(&answer.body));
    const char *second = strstr(strstr(buf_text(&answer.body), "\"event_time\"") + 1, "\"event_time\"");
    ck_assert_msg(second == NULL, "node %u: %s", node, buf_text(&answer.body));
}

START_TEST(a_history_says_that_another_node_heard_it)
{
    start_with(&(struct nodes_config){.url = UNIX_URL, .has_store = true});
    cleanup(cleanup_freep) char *target = event_target(EVENT_APP, "Web", "");
    cleanup(answer_fini) struct answer answer;
    client_post(nodes_callback(nodes, 0), target,
                "{\"CallbackCommand\":\"State.StateChange\",\"EventTime\":1700000000000,\"Info\":{\"Action\":"
                "\"Login\",\"To_Account\":\"alice\",\"Reason\":\"Register\"},\"KickedDevice\":[{\"Platform\":"
                "\"Windows\"},{\"Platform\":\"iOS\"}]}",
                &answer);
    expect_callback(&answer, 200, "OK", 0);
    nodes_await_same(nodes);
    expect_history(0, "\"source\":\"callback\"}]");
    expect_history(1, "\"event_time\":1700000000000,\"action\":\"Login\",\"reason\":\"Register\","
                      "\"platform\":\"Web\",\"client_ip\":\"192.0.2.4\",\"peer\":null,\"kicked\":[");
    expect_history(1, "\"outcome\":\"applied\",\"request_id\":null,\"source\":\"replica\"}]");
    stop();
}
END_TEST

START_TEST(an_engine_that_comes_back_empty_is_filled_again)
{
    start();
    nodes_send(nodes, 300);
    nodes_await_equal(nodes);
    redis_kill(engine);
    await_all_ready_text("\"degraded\":\"replication: the engine cannot be reached\"");
    await_warning(0, "replication_problem", true);
    nodes_send(nodes, 300);
    engine = redis_start(sandbox, "engine", NULL);
    nodes_await_equal(nodes);
    await_none_degraded();
    await_warning(0, "replication_problem", false);
    /* What it has is all there is. */
    nodes_kill_node(nodes, 2);
    nodes_start_node(nodes, 2);
    nodes_await_equal(nodes);
    stop();
}
END_TEST

/* It comes back from a copy on its disk: what the nodes have told it since is gone. */
static void roll_back_over(uint64_t ms)
{
    start();
    nodes_send(nodes, 300);
    nodes_await_equal(nodes);
    redis_tell(engine, "SAVE");
    uint64_t end_ms = clock_monotonic_ms() + ms;
    do {
        nodes_send(nodes, 200);
    } while (clock_monotonic_ms() < end_ms);
    nodes_await_equal(nodes);
    redis_kill(engine);
    engine = redis_start(sandbox, "engine", NULL);
    nodes_send(nodes, 50);
    nodes_await_equal(nodes);
    await_none_degraded();
    /* A node that starts from nothing shows whether the engine has it all. */
    nodes_kill_node(nodes, 2);
    nodes_start_node(nodes, 2);
    nodes_await_equal(nodes);
    stop();
}

START_TEST(an_engine_that_lost_what_came_last_gets_it_again)
{
    roll_back_over(0);
}
END_TEST

START_TEST(an_engine_that_lost_its_last_ten_seconds_gets_them_again)
{
    roll_back_over(10000);
}
END_TEST

START_TEST(an_engine_whose_data_was_thrown_away_is_filled_again)
{
    start();
    nodes_send(nodes, 300);
    nodes_await_equal(nodes);
    redis_tell(engine, "FLUSHALL");
    nodes_send(nodes, 50);
    nodes_await_equal(nodes);
    for (unsigned i = 0; i < N_NODES; i++) {
        nodes_await_number(nodes, i, "missed", 1);
    }
    nodes_kill_node(nodes, 2);
    nodes_start_node(nodes, 2);
    nodes_await_equal(nodes);
    stop();
}
END_TEST

START_TEST(an_engine_that_hangs_is_noticed_and_no_event_waits_for_it)
{
    start();
    nodes_send(nodes, 100);
    ck_assert_int_eq(kill(redis_pid(engine), SIGSTOP), 0);
    nodes_send(nodes, 300);
    await_all_ready_text("\"degraded\":\"replication: the engine does not answer\"");
    nodes_send(nodes, 100);
    ck_assert_int_eq(kill(redis_pid(engine), SIGCONT), 0);
    nodes_await_equal(nodes);
    await_none_degraded();
    stop();
}
END_TEST

START_TEST(a_primary_that_was_demoted_is_left_until_it_is_one_again)
{
    start();
    nodes_send(nodes, 100);
    redis_tell(engine, "REPLICAOF 127.0.0.1 1");
    nodes_send(nodes, 100);
    await_all_ready_text("\"degraded\":\"replication: the engine is a read-only replica\"");
    redis_tell(engine, "REPLICAOF NO ONE");
    nodes_await_equal(nodes);
    await_none_degraded();
    stop();
}
END_TEST

START_TEST(an_engine_out_of_memory_takes_what_it_missed_when_it_has_some)
{
    start();
    nodes_send(nodes, 100);
    nodes_await_equal(nodes);
    redis_tell(engine, "CONFIG SET maxmemory 1");
    for (unsigned i = 0; i < N_NODES; i++) {
        event_login(nodes_callback(nodes, i), "alice", clock_unix_ms() + i);
    }
    await_all_ready_text("\"degraded\":\"replication: the engine is out of memory\"");
    ck_assert_uint_eq(nodes_number(nodes, 0, "connected"), 1);
    redis_tell(engine, "CONFIG SET maxmemory 0");
    await_none_degraded();
    nodes_await_same(nodes);
    stop();
}
END_TEST

START_TEST(a_node_learns_from_an_engine_that_takes_no_writes)
{
    start();
    nodes_send(nodes, 300);
    nodes_await_equal(nodes);
    redis_tell(engine, "CONFIG SET maxmemory 1");
    nodes_kill_node(nodes, 1);
    nodes_start_node(nodes, 1);
    nodes_await_equal(nodes);
    stop();
}
END_TEST

START_TEST(scripts_that_were_lost_are_loaded_again)
{
    start();
    nodes_send(nodes, 100);
    nodes_await_equal(nodes);
    redis_tell(engine, "SCRIPT FLUSH");
    nodes_send(nodes, 100);
    nodes_await_equal(nodes);
    for (unsigned i = 0; i < N_NODES; i++) {
        ck_assert_uint_eq(nodes_number(nodes, i, "failures"), 0);
    }
    stop();
}
END_TEST

START_TEST(an_engine_that_may_throw_rows_away_is_warned_of)
{
    sandbox = sandbox_new();
    engine = redis_start(sandbox, "engine", (const char *const[]){"--maxmemory-policy", "allkeys-lru", NULL});
    nodes = nodes_start(sandbox, &(struct nodes_config){.url = UNIX_URL});
    await_warning(0, "replication_eviction", true);
    redis_tell(engine, "CONFIG SET maxmemory-policy noeviction");
    await_warning(0, "replication_eviction", false);
    stop();
}
END_TEST

START_TEST(a_node_that_was_killed_comes_back_with_its_store)
{
    start_with(&(struct nodes_config){.url = UNIX_URL, .has_store = true});
    nodes_send(nodes, 300);
    /* Of this event nobody else hears before it dies. */
    ck_assert_int_eq(kill(redis_pid(engine), SIGSTOP), 0);
    event_login(nodes_callback(nodes, 1), "alice", clock_unix_ms());
    nodes_kill_node(nodes, 1);
    ck_assert_int_eq(kill(redis_pid(engine), SIGCONT), 0);
    nodes_send(nodes, 300);
    nodes_start_node(nodes, 1);
    nodes_await_same(nodes);
    expect_state(nodes_status(nodes, 0), "alice", "online");
    stop();
}
END_TEST

START_TEST(a_node_without_a_store_is_not_ready_before_it_has_learnt)
{
    start();
    nodes_send(nodes, 300);
    nodes_await_equal(nodes);
    nodes_kill_node(nodes, 2);
    ck_assert_int_eq(kill(redis_pid(engine), SIGSTOP), 0);
    cleanup(manager_freep) struct manager *manager = manager_new(sandbox);
    cleanup(cleanup_freep) char *path = sandbox_expand(sandbox, "@DIR@/notify");
    ck_assert_int_eq(setenv("NOTIFY_SOCKET", path, 1), 0);
    nodes_start_node_unready(nodes, 2);
    ck_assert_int_eq(unsetenv("NOTIFY_SOCKET"), 0);
    manager_await(manager, "READY=1\nSTATUS=learning from other nodes, users online: 0");
    cleanup(answer_fini) struct answer answer;
    client_get(nodes_status(nodes, 2), "/readyz", &answer);
    ck_assert_int_eq(answer.status, 503);
    ck_assert_msg(strstr(buf_text(&answer.body), "\"learning\"") != NULL, "%s", buf_text(&answer.body));
    ck_assert_int_eq(kill(redis_pid(engine), SIGCONT), 0);
    nodes_await_ready_text(nodes, 2, "\"ready\"");
    nodes_await_equal(nodes);
    stop();
}
END_TEST

START_TEST(what_was_not_sent_is_sent_at_the_end)
{
    start();
    nodes_send(nodes, 50);
    nodes_await_equal(nodes);
    nodes_kill_node(nodes, 1);
    nodes_kill_node(nodes, 2);
    nodes_send(nodes, 200);
    nodes_stop_node(nodes, 0);
    for (unsigned i = 0; i < N_NODES; i++) {
        nodes_start_node(nodes, i);
    }
    nodes_await_equal(nodes);
    stop();
}
END_TEST

START_TEST(changes_that_the_log_has_lost_are_in_the_table_still)
{
    start();
    ck_assert_int_eq(kill(redis_pid(engine), SIGSTOP), 0);
    for (unsigned i = 0; i < 70000; i++) {
        event_login(nodes_callback(nodes, 0), "alice", clock_unix_ms() - 70000 + i);
    }
    nodes_send(nodes, 300);
    ck_assert_int_eq(kill(redis_pid(engine), SIGCONT), 0);
    nodes_await_number(nodes, 0, "resent", 1);
    nodes_await_same(nodes);
    expect_state(nodes_status(nodes, 1), "alice", "online");
    stop();
}
END_TEST

START_TEST(nodes_forget_together)
{
    start_with(&(struct nodes_config){.url = UNIX_URL,
                                      .more = "[presence]\npush_online_window = 0\nmax_users = 20\n"});
    for (unsigned i = 0; i < 60; i++) {
        char user[32];
        unsigned node = i % N_NODES;
        (void)snprintf(user, sizeof(user), "user%u", i);
        cleanup(cleanup_freep) char *target = event_target(EVENT_APP, "Web", "");
        cleanup(cleanup_freep) char *body = event_body(user, "Logout", "Unregister",
                                                       clock_unix_ms() - 1000 + i);
        cleanup(answer_fini) struct answer answer;
        client_post(nodes_callback(nodes, node), target, body, &answer);
        expect_callback(&answer, 200, "OK", 0);
    }
    nodes_await_same(nodes);
    cleanup(buf_fini) struct buf dump = nodes_dump(nodes_status(nodes, 0));
    ck_assert_msg(strstr(buf_text(&dump), "\"user59\"") != NULL, "%s", buf_text(&dump));
    ck_assert_msg(strstr(buf_text(&dump), "\"user0\"") == NULL, "%s", buf_text(&dump));
    /* And so has the engine. */
    nodes_kill_node(nodes, 1);
    nodes_start_node(nodes, 1);
    nodes_await_same(nodes);
    stop();
}
END_TEST

START_TEST(a_replica_that_is_promoted_gets_what_it_lacks)
{
    char port[8];
    start();
    (void)snprintf(port, sizeof(port), "%u", redis_port(engine));
    struct redis *replica = redis_start(sandbox, "replica",
                                        (const char *const[]){"--replicaof", "127.0.0.1", port, NULL});
    nodes_send(nodes, 300);
    nodes_await_equal(nodes);
    /* It hangs, so what comes now is lost with the primary. */
    ck_assert_int_eq(kill(redis_pid(replica), SIGSTOP), 0);
    nodes_send(nodes, 200);
    nodes_await_equal(nodes);
    redis_kill(engine);
    ck_assert_int_eq(kill(redis_pid(replica), SIGCONT), 0);
    redis_tell(replica, "REPLICAOF NO ONE");
    cleanup(cleanup_freep) char *from = sandbox_expand(sandbox, "@DIR@/replica.sock");
    cleanup(cleanup_freep) char *to = sandbox_expand(sandbox, "@DIR@/engine.sock");
    ck_assert_int_eq(rename(from, to), 0);
    engine = replica;
    nodes_send(nodes, 100);
    nodes_await_equal(nodes);
    /* The replica alone knows what the nodes have told it since. */
    nodes_kill_node(nodes, 0);
    nodes_start_node(nodes, 0);
    nodes_await_equal(nodes);
    stop();
}
END_TEST

START_TEST(sentinel_leads_to_the_new_primary)
{
    char port[8];
    char url[128];
    sandbox = sandbox_new();
    engine = redis_start(sandbox, "engine", NULL);
    (void)snprintf(port, sizeof(port), "%u", redis_port(engine));
    struct redis *replica = redis_start(sandbox, "replica",
                                        (const char *const[]){"--replicaof", "127.0.0.1", port, NULL});
    struct redis *sentinel = redis_start_sentinel(sandbox, redis_port(engine));
    (void)snprintf(url, sizeof(url), "redis+sentinel://127.0.0.1:1,127.0.0.1:%u/presence/0",
                   redis_port(sentinel));
    nodes = nodes_start(sandbox, &(struct nodes_config){.url = url});
    nodes_send(nodes, 300);
    nodes_await_equal(nodes);
    uint64_t deadline_ms = clock_monotonic_ms() + HARNESS_DEADLINE_MS;
    for (bool knows = false; !knows;) {
        cleanup(buf_fini) struct buf replicas = redis_ask(sentinel, "SENTINEL replicas presence");
        knows = replicas.len > 0;
        ck_assert_uint_lt(clock_monotonic_ms(), deadline_ms);
        (void)poll(NULL, 0, 20);
    }
    redis_kill(engine);
    nodes_send(nodes, 300);
    nodes_await_equal(nodes);
    await_none_degraded();
    engine = replica;
    redis_kill(sentinel);
    stop();
}
END_TEST

START_TEST(a_password_is_asked_for_and_given)
{
    sandbox = sandbox_new();
    sandbox_write(sandbox, "password", "s3cret\n");
    engine = redis_start(sandbox, "engine", NULL);
    redis_tell(engine, "ACL SETUSER presenced on >s3cret ~presenced:* +@all -@dangerous +info +role");
    redis_tell(engine, "ACL SETUSER default off");
    nodes = nodes_start(sandbox, &(struct nodes_config){
                                     .url = UNIX_URL,
                                     .only = "user = presenced\npassword_file = @DIR@/password\n",
                                 });
    nodes_send(nodes, 100);
    nodes_await_equal(nodes);
    nodes_await_number(nodes, 0, "nodes", N_NODES);
    await_none_degraded();
    stop();
}
END_TEST

START_TEST(a_wrong_password_is_named)
{
    sandbox = sandbox_new();
    sandbox_write(sandbox, "password", "wrong\n");
    engine = redis_start(sandbox, "engine", (const char *const[]){"--requirepass", "s3cret", NULL});
    struct victim *victim = victim_start(sandbox,
                                         "[callback]\nlisten = 127.0.0.1:0\ntls = off\n[app 1400000000]\n"
                                         "[status]\nlisten = 127.0.0.1:0\n[replication]\nurl = " UNIX_URL
                                         "\npassword_file = @DIR@/password\n");
    victim_await_log(victim, "replication: the engine refuses user or password");
    victim_stop(victim);
    victim = victim_start(sandbox, "[callback]\nlisten = 127.0.0.1:0\ntls = off\n[app 1400000000]\n"
                                   "[status]\nlisten = 127.0.0.1:0\n[replication]\nurl = " UNIX_URL "\n");
    victim_await_log(victim, "replication: the engine wants a password");
    victim_stop(victim);
    redis_kill(engine);
    sandbox_free(sandbox);
}
END_TEST

/* hiredis of Debian 12 cannot, and the configuration says so. */
static void expect_refused_tls(void)
{
    cleanup(buf_fini) struct buf output = {0};
    sandbox_write(sandbox, "tls.conf",
                  "[callback]\nlisten = 127.0.0.1:0\ntls = off\n[app 1400000000]\n"
                  "[replication]\nurl = rediss://127.0.0.1\n");
    static const char *const arguments[] = {"--check-config", "--config", "@DIR@/tls.conf", NULL};
    ck_assert_int_eq(sandbox_run(sandbox, harness_daemon(), arguments, &output), 2);
    ck_assert_msg(strstr(buf_text(&output), "rediss:// needs hiredis with TLS") != NULL, "%s",
                  buf_text(&output));
}

static uint16_t start_engine_with_tls(void)
{
    char port[8];
    uint16_t tls_port = harness_free_port();
    (void)snprintf(port, sizeof(port), "%u", tls_port);
    engine = redis_start(sandbox, "engine",
                         (const char *const[]){"--tls-port", port, "--tls-cert-file", "@DIR@/server.pem",
                                               "--tls-key-file", "@DIR@/server.key", "--tls-ca-cert-file",
                                               "@DIR@/ca.pem", "--tls-auth-clients", "no", NULL});
    return tls_port;
}

START_TEST(the_engine_is_talked_to_over_tls)
{
    char url[64];
    sandbox = sandbox_new();
    if (!replica_has_tls()) {
        expect_refused_tls();
        sandbox_free(sandbox);
        return;
    }
    (void)snprintf(url, sizeof(url), "rediss://localhost:%u", start_engine_with_tls());
    nodes = nodes_start(sandbox, &(struct nodes_config){.url = url, .only = "ca_file = @DIR@/ca.pem\n"});
    nodes_send(nodes, 300);
    nodes_await_equal(nodes);
    await_none_degraded();
    stop();
}
END_TEST

static const struct {
    const char *host;
    const char *ca_file;
} impostors[] = {
    {"127.0.0.2", "ca.pem"},
    {"127.0.0.1", "other-ca.pem"},
};

START_TEST(an_engine_that_is_not_the_one_named_is_not_believed)
{
    char config[512];
    sandbox = sandbox_new();
    if (replica_has_tls()) {
        (void)snprintf(config, sizeof(config),
                       "[callback]\nlisten = 127.0.0.1:0\ntls = off\n[app 1400000000]\n"
                       "[status]\nlisten = 127.0.0.1:0\n[replication]\nurl = rediss://%s:%u\n"
                       "ca_file = @DIR@/%s\n",
                       impostors[_i].host, start_engine_with_tls(), impostors[_i].ca_file);
        struct victim *victim = victim_start(sandbox, config);
        victim_await_log(victim, "certificate verify failed");
        victim_stop(victim);
        redis_kill(engine);
    }
    sandbox_free(sandbox);
}
END_TEST

/* Drills. */

START_TEST(a_node_that_finds_no_engine_takes_events_after_a_while)
{
    start();
    nodes_kill_node(nodes, 2);
    redis_kill(engine);
    nodes_start_node_unready(nodes, 2);
    nodes_await_ready_text(nodes, 2, "\"ready\"");
    nodes_send(nodes, 100);
    engine = redis_start(sandbox, "engine", NULL);
    nodes_await_equal(nodes);
    stop();
}
END_TEST

static void stop_for_half_a_minute(void)
{
    ck_assert_int_eq(kill(redis_pid(engine), SIGSTOP), 0);
    for (uint64_t end_ms = clock_monotonic_ms() + 30000; clock_monotonic_ms() < end_ms;) {
        nodes_send(nodes, 50);
    }
    ck_assert_int_eq(kill(redis_pid(engine), SIGCONT), 0);
}

static void kill_and_start_engine(void)
{
    redis_kill(engine);
    nodes_send(nodes, 50);
    engine = redis_start(sandbox, "engine", NULL);
}

static void flush_engine(void)
{
    redis_tell(engine, "FLUSHALL");
}

static void kill_and_start_node(void)
{
    nodes_kill_node(nodes, 1);
    nodes_send(nodes, 50);
    nodes_start_node(nodes, 1);
}

static void flush_scripts(void)
{
    redis_tell(engine, "SCRIPT FLUSH");
}

static void trim_logs(void)
{
    for (unsigned i = 0; i < 8; i++) {
        cleanup(buf_fini) struct buf reply = redis_ask(engine, "XTRIM presenced:{%u}:log MAXLEN 0", i);
    }
}

START_TEST(whatever_happens_they_come_to_the_same)
{
    static void (*const blows[])(void) = {kill_and_start_engine, flush_engine, kill_and_start_node,
                                          flush_scripts, trim_logs};
    start_with(&(struct nodes_config){.url = UNIX_URL, .has_store = true});
    for (unsigned i = 0; i < 40; i++) {
        nodes_send(nodes, 200);
        blows[(i * 7 + i / 5) % (sizeof(blows) / sizeof(blows[0]))]();
        nodes_send(nodes, 200);
        if (i % 4 == 3) {
            nodes_await_equal(nodes);
        }
    }
    stop_for_half_a_minute();
    nodes_await_equal(nodes);
    stop();
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_test(tcase, all_nodes_come_to_the_same);
    tcase_add_test(tcase, a_stream_shows_what_other_nodes_heard_once);
    tcase_add_test(tcase, a_history_says_that_another_node_heard_it);
    tcase_add_test(tcase, an_engine_that_comes_back_empty_is_filled_again);
    tcase_add_test(tcase, an_engine_that_lost_what_came_last_gets_it_again);
    tcase_add_test(tcase, an_engine_whose_data_was_thrown_away_is_filled_again);
    tcase_add_test(tcase, an_engine_that_hangs_is_noticed_and_no_event_waits_for_it);
    tcase_add_test(tcase, a_primary_that_was_demoted_is_left_until_it_is_one_again);
    tcase_add_test(tcase, an_engine_out_of_memory_takes_what_it_missed_when_it_has_some);
    tcase_add_test(tcase, a_node_learns_from_an_engine_that_takes_no_writes);
    tcase_add_test(tcase, scripts_that_were_lost_are_loaded_again);
    tcase_add_test(tcase, an_engine_that_may_throw_rows_away_is_warned_of);
    tcase_add_test(tcase, a_node_that_was_killed_comes_back_with_its_store);
    tcase_add_test(tcase, a_node_without_a_store_is_not_ready_before_it_has_learnt);
    tcase_add_test(tcase, what_was_not_sent_is_sent_at_the_end);
    tcase_add_test(tcase, nodes_forget_together);
    tcase_add_test(tcase, a_replica_that_is_promoted_gets_what_it_lacks);
    tcase_add_test(tcase, sentinel_leads_to_the_new_primary);
    tcase_add_test(tcase, a_password_is_asked_for_and_given);
    tcase_add_test(tcase, a_wrong_password_is_named);
    tcase_add_test(tcase, the_engine_is_talked_to_over_tls);
    tcase_add_loop_test(tcase, an_engine_that_is_not_the_one_named_is_not_believed, 0, 2);
}

static void add_drills(TCase *tcase)
{
    tcase_add_test(tcase, a_node_that_finds_no_engine_takes_events_after_a_while);
    tcase_add_test(tcase, an_engine_that_lost_its_last_ten_seconds_gets_them_again);
    tcase_add_test(tcase, changes_that_the_log_has_lost_are_in_the_table_still);
    tcase_add_test(tcase, whatever_happens_they_come_to_the_same);
}

Suite *test_suite(void)
{
    TCase *tests;
    TCase *drills;
    Suite *suite = nodes_suite("replication", &tests, &drills);
    add_tests(tests);
    add_drills(drills);
    return suite;
}

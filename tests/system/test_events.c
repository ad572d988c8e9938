/* SPDX-License-Identifier: MIT */
#include "../unit/suite.h"
#include "event.h"
#include "stream.h"
#include "victim.h"

#include "presenced/clock.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/wait.h>

/* GET /v1/events: whoever reads it, with whatever breaks in between, sees every change once and in order, or
 * is told that it has missed some and then shown what is so. */

#define CALLBACK "[callback]\nlisten = 127.0.0.1:0\ntls = off\n[app 1400000000]\n"
#define STATUS "[status]\nlisten = 127.0.0.1:0\n"
#define STATUS_TLS STATUS "certificate = @DIR@/server.pem\nprivate_key = @DIR@/server.key\n"
#define STORE "[store]\npath = @DIR@/store\n"

#define FIRST_MS UINT64_C(1700000000000) /* EventTime of the first change */

static struct sandbox *sandbox;
static struct instance *instance;

static void start_with(const char *config)
{
    sandbox = sandbox_new();
    instance = instance_start(sandbox, config);
}

static void start(void)
{
    start_with(STATUS CALLBACK);
}

static void start_with_tls(void)
{
    start_with(STATUS_TLS CALLBACK);
}

static void make_sandbox(void)
{
    sandbox = sandbox_new();
}

static void stop(void)
{
    instance_stop(instance);
    sandbox_free(sandbox);
}

static void remove_sandbox(void)
{
    sandbox_free(sandbox);
}

static struct client *new_callback_client(void)
{
    return client_new("http", instance_callback_port(instance));
}

static struct stream *open_stream(const char *target, const char *last_event_id)
{
    return stream_open(wire_open(instance_status_port(instance)), target, last_event_id);
}

static uint64_t number_in(const char *json, const char *key)
{
    const char *at = strstr(json, key);
    ck_assert_msg(at != NULL, "no %s in %s", key, json);
    return strtoull(at + strlen(key), NULL, 10);
}

static uint64_t revision_of(const char *id)
{
    const char *dot = strchr(id, '.');
    ck_assert_msg(dot != NULL, "no id: \"%s\"", id);
    return strtoull(dot + 1, NULL, 10);
}

static uint64_t draw(uint64_t *state, uint64_t below)
{
    *state = *state * UINT64_C(6364136223846793005) + 1442695040888963407U;
    return (*state >> 33) % below;
}

static uint64_t seed(void)
{
    uint64_t value = 0;
    const char *given = getenv("PRESENCED_SEED");
    if (given != NULL) {
        value = strtoull(given, NULL, 10);
    } else {
        ck_assert_int_eq(getrandom(&value, sizeof(value), 0), (ssize_t)sizeof(value));
    }
    (void)printf("PRESENCED_SEED=%" PRIu64 "\n", value);
    (void)fflush(stdout);
    return value;
}

/* ---- a sender: change n, from 1 on, has the revision n and the EventTime FIRST_MS + n ---- */

struct sender {
    pthread_t thread;
    unsigned n_changes;
    _Atomic bool is_wanted;
    _Atomic unsigned n_sent;
};

static void *send_changes(void *cls)
{
    struct sender *sender = cls;
    cleanup(client_freep) struct client *callback = new_callback_client();
    for (unsigned n = 1; n <= sender->n_changes && atomic_load(&sender->is_wanted); n++) {
        char user[16];
        (void)snprintf(user, sizeof(user), "user-%u", n % 23);
        event_login(callback, user, FIRST_MS + n);
        atomic_store(&sender->n_sent, n);
    }
    return NULL;
}

static void start_sender(struct sender *sender, unsigned n_changes)
{
    sender->n_changes = n_changes;
    atomic_store(&sender->is_wanted, true);
    ck_assert_int_eq(pthread_create(&sender->thread, NULL, send_changes, sender), 0);
}

static void stop_sender(struct sender *sender)
{
    atomic_store(&sender->is_wanted, false);
    ck_assert_int_eq(pthread_join(sender->thread, NULL), 0);
}

/* The change of that number. */
static void expect_change(const struct message *message, uint64_t n)
{
    ck_assert_str_eq(message->event, "presence");
    ck_assert_uint_eq(revision_of(message->id), n);
    ck_assert_uint_eq(number_in(message->data, "\"event_time\":"), FIRST_MS + n);
}

#define N_CHANGES 3000

START_TEST(a_reader_who_reconnects_at_random_sees_every_change_once_and_in_order)
{
    struct sender sender = {.n_sent = 0};
    struct message message;
    uint64_t random = seed();
    char last_id[64];
    uint64_t n_seen = 0;
    unsigned n_reconnects = 0;
    struct stream *stream = open_stream("/v1/events", NULL);
    stream_await(stream, "heartbeat", &message);
    ck_assert_uint_eq(revision_of(message.id), 0);
    start_sender(&sender, N_CHANGES);
    while (n_seen < N_CHANGES) {
        for (uint64_t n = draw(&random, 300); n > 0 && n_seen < N_CHANGES; n--) {
            ck_assert(stream_next(stream, &message));
            if (strcmp(message.event, "heartbeat") != 0) {
                expect_change(&message, ++n_seen);
            }
        }
        (void)snprintf(last_id, sizeof(last_id), "%s", stream_last_id(stream));
        stream_free(stream);
        stream = open_stream("/v1/events", last_id);
        n_reconnects++;
    }
    stream_free(stream);
    stop_sender(&sender);
    ck_assert_uint_gt(n_reconnects, 5);
}
END_TEST

START_TEST(a_stream_goes_through_reloads)
{
    struct sender sender = {.n_sent = 0};
    struct message message;
    struct stream *stream = open_stream("/v1/events", NULL);
    start_sender(&sender, 1000);
    for (unsigned n = 1; n <= 1000;) {
        ck_assert(stream_next(stream, &message));
        if (strcmp(message.event, "heartbeat") == 0) {
            continue;
        }
        expect_change(&message, n);
        if (n % 100 == 0) {
            ck_assert_int_eq(kill(instance_pid(instance), SIGHUP), 0);
        }
        n++;
    }
    instance_await_log(instance, "msg=\"configuration reloaded\"");
    stop_sender(&sender);
    stream_free(stream);
}
END_TEST

/* ---- TLS ---- */

static struct stream *open_tls_stream(int version)
{
    struct wire *wire = wire_open(instance_status_port(instance));
    const struct wire_tls options = {.min_version = version, .max_version = version};
    ck_assert(wire_start_tls(wire, sandbox, &options));
    return stream_open(wire, "/v1/events", NULL);
}

static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

START_TEST(a_tls_stream_lives_through_a_reload_and_delivers_at_once)
{
    struct message message;
    cleanup(client_freep) struct client *callback = new_callback_client();
    cleanup(stream_freep) struct stream *stream = open_tls_stream(versions[_i]);
    stream_await(stream, "heartbeat", &message);
    ck_assert_int_eq(kill(instance_pid(instance), SIGHUP), 0);
    instance_await_log(instance, "msg=\"configuration reloaded\"");
    uint64_t least_ms = UINT64_MAX;
    for (unsigned n = 1; n <= 20; n++) {
        uint64_t begin_ms = clock_monotonic_ms();
        event_login(callback, "alice", FIRST_MS + n);
        stream_await(stream, "presence", &message);
        expect_change(&message, n);
        uint64_t ms = clock_monotonic_ms() - begin_ms;
        least_ms = n > 2 && ms < least_ms ? ms : least_ms;
    }
    ck_assert_uint_lt(least_ms, 150); /* a corked socket waits for 200 */
}
END_TEST

/* ---- slow readers ---- */

/* A user with a row of each of many platforms is an event of some 10 KB. */
#define N_PLATFORMS 60
#define N_BIG_CHANGES 2500

static void send_big_changes(struct client *callback, unsigned n_changes)
{
    for (unsigned n = 1; n <= n_changes; n++) {
        char platform[16];
        (void)snprintf(platform, sizeof(platform), "Platform-%u", n % N_PLATFORMS);
        cleanup(cleanup_freep) char *target = event_target(EVENT_APP, platform, "");
        cleanup(cleanup_freep) char *body = event_body("alice", "Login", "Register", FIRST_MS + n);
        cleanup(answer_fini) struct answer answer;
        client_post(callback, target, body, &answer);
        expect_callback(&answer, 200, "OK", 0);
    }
}

static void *read_big_changes(void *cls)
{
    struct stream *stream = cls;
    struct message message;
    for (uint64_t n = 1; n <= N_BIG_CHANGES;) {
        ck_assert(stream_next(stream, &message));
        if (strcmp(message.event, "heartbeat") != 0) {
            ck_assert_uint_eq(revision_of(message.id), n++);
        }
    }
    return NULL;
}

static uint64_t counted(const char *key)
{
    cleanup(client_freep) struct client *client = client_new("http", instance_status_port(instance));
    cleanup(answer_fini) struct answer answer;
    client_get(client, "/v1/stats", &answer);
    return number_in(buf_text(&answer.body), key);
}

START_TEST(a_slow_reader_is_cut_off_and_others_notice_nothing)
{
    pthread_t thread;
    cleanup(client_freep) struct client *callback = new_callback_client();
    struct wire *wire = wire_open(instance_status_port(instance));
    (void)setsockopt(wire_fd(wire), SOL_SOCKET, SO_RCVBUF, &(int){4096}, sizeof(int));
    cleanup(stream_freep) struct stream *slow = stream_open(wire, "/v1/events", NULL);
    cleanup(stream_freep) struct stream *fast = open_stream("/v1/events", NULL);
    ck_assert_int_eq(pthread_create(&thread, NULL, read_big_changes, fast), 0);
    send_big_changes(callback, N_BIG_CHANGES);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    /* What is sent at last finds the slow one's place in the ring gone, as soon as it takes a byte. */
    struct message message;
    while (stream_next(slow, &message)) {}
    ck_assert(!stream_has_ended(slow));
    instance_await_log(instance, "msg=\"stream cut off\"");
    ck_assert_uint_eq(counted("\"streams_cut_off\":"), 1);
    ck_assert_uint_eq(counted("\"open\":"), 1);
    ck_assert_uint_eq(counted("\"events_written\":"), N_BIG_CHANGES); /* once, for both */
}
END_TEST

/* ---- the end ---- */

static void stop_after_exit(void)
{
    siginfo_t info;
    ck_assert_int_eq(waitid(P_PID, (id_t)instance_pid(instance), &info, WEXITED | WNOWAIT), 0);
    instance_stop(instance);
}

START_TEST(a_drain_ends_streams_with_the_last_id)
{
    struct message message;
    instance = instance_start(sandbox, STATUS CALLBACK);
    struct client *callback = new_callback_client();
    struct stream *stream = open_stream("/v1/events", NULL);
    struct stream *filtered = open_stream("/v1/events?user=nobody", NULL);
    stream_await(stream, "heartbeat", &message);
    stream_await(filtered, "heartbeat", &message);
    for (unsigned n = 1; n <= 10; n++) {
        event_login(callback, "alice", FIRST_MS + n);
    }
    ck_assert_int_eq(kill(instance_pid(instance), SIGTERM), 0);
    for (unsigned n = 1; n <= 10; n++) {
        ck_assert(stream_next(stream, &message));
        expect_change(&message, n);
    }
    stream_await(stream, "heartbeat", &message);
    ck_assert_uint_eq(revision_of(message.id), 10);
    ck_assert(!stream_next(stream, &message));
    ck_assert(stream_has_ended(stream));
    stream_await(filtered, "heartbeat", &message);
    ck_assert_uint_eq(revision_of(message.id), 10);
    ck_assert(!stream_next(filtered, &message));
    ck_assert(stream_has_ended(filtered));
    stream_free(stream);
    stream_free(filtered);
    client_free(callback);
    stop_after_exit();
}
END_TEST

START_TEST(after_a_kill_a_reader_is_told_and_shown_what_is_so)
{
    static const char config[] = STATUS CALLBACK STORE;
    struct message message;
    char last_id[64];
    struct victim *victim = victim_start(sandbox, config);
    struct client *callback = client_new("http", victim_callback_port(victim));
    struct stream *stream = stream_open(wire_open(victim_status_port(victim)), "/v1/events?snapshot=1", NULL);
    stream_await(stream, "live", &message);
    event_login(callback, "alice", FIRST_MS);
    event_login(callback, "bob", FIRST_MS);
    stream_await(stream, "presence", &message);
    stream_await(stream, "presence", &message);
    (void)snprintf(last_id, sizeof(last_id), "%s", stream_last_id(stream));
    victim_kill(victim);
    ck_assert(!stream_next(stream, &message));
    ck_assert(!stream_has_ended(stream));
    stream_free(stream);
    client_free(callback);
    victim = victim_start(sandbox, config);
    stream = stream_open(wire_open(victim_status_port(victim)), "/v1/events?snapshot=1", last_id);
    ck_assert(stream_next(stream, &message));
    ck_assert_str_eq(message.event, "reset");
    ck_assert_str_eq(message.data, "{\"reason\":\"other_run\"}");
    unsigned n_users = 0;
    while (stream_next(stream, &message) && strcmp(message.event, "live") != 0) {
        ck_assert_str_eq(message.event, "presence");
        ck_assert_ptr_nonnull(strstr(message.data, "\"state\":\"online\""));
        n_users++;
    }
    ck_assert_uint_eq(n_users, 2);
    stream_free(stream);
    victim_stop(victim);
}
END_TEST

/* ---- who may ----  */

START_TEST(the_token_and_the_host_are_asked_for)
{
    sandbox_write(sandbox, "token", "s3cret\n");
    instance = instance_start(sandbox, STATUS "token_file = @DIR@/token\n" CALLBACK);
    struct client *client = client_new("http", instance_status_port(instance));
    static const char *const stranger[] = {"Host: evil.example", NULL};
    static const struct client_request no_token = {.target = "/v1/events"};
    static const struct client_request no_host = {.target = "/v1/events", .headers = stranger};
    cleanup(answer_fini) struct answer answer;
    cleanup(answer_fini) struct answer other;
    client_send(client, &no_token, &answer);
    ck_assert_int_eq(answer.status, 401);
    client_send(client, &no_host, &other);
    ck_assert_int_eq(other.status, 403);
    client_free(client);
    instance_stop(instance);
}
END_TEST

#define N_USERS 5000

START_TEST(a_snapshot_of_many_is_whole_while_they_change)
{
    struct sender sender = {.n_sent = 0};
    struct message message;
    static bool is_seen[N_USERS];
    cleanup(client_freep) struct client *callback = new_callback_client();
    for (unsigned i = 0; i < N_USERS; i++) {
        char user[16];
        (void)snprintf(user, sizeof(user), "member-%u", i);
        event_login(callback, user, FIRST_MS);
    }
    start_sender(&sender, UINT32_MAX);
    struct stream *stream = open_stream("/v1/events?snapshot=1", NULL);
    for (;;) {
        ck_assert(stream_next(stream, &message));
        if (strcmp(message.event, "live") == 0) {
            break;
        }
        ck_assert_str_eq(message.id, "");
        const char *member = strstr(message.data, "\"user\":\"member-");
        if (member != NULL) {
            is_seen[number_in(member, "member-")] = true;
        }
    }
    for (unsigned i = 0; i < N_USERS; i++) {
        ck_assert_msg(is_seen[i], "member-%u is missing", i);
    }
    uint64_t at = revision_of(message.id);
    for (unsigned n = 0; n < 100; n++) {
        stream_await(stream, "presence", &message);
        ck_assert_uint_eq(revision_of(message.id), ++at);
    }
    stop_sender(&sender);
    stream_free(stream);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("events");
    TCase *plain = tcase_create("plain");
    tcase_set_timeout(plain, 4 * HARNESS_DEADLINE_MS / 1000);
    tcase_add_checked_fixture(plain, start, stop);
    tcase_add_test(plain, a_reader_who_reconnects_at_random_sees_every_change_once_and_in_order);
    tcase_add_test(plain, a_stream_goes_through_reloads);
    tcase_add_test(plain, a_slow_reader_is_cut_off_and_others_notice_nothing);
    tcase_add_test(plain, a_snapshot_of_many_is_whole_while_they_change);
    suite_add_tcase(suite, plain);
    TCase *tls = tcase_create("tls");
    tcase_set_timeout(tls, 2 * HARNESS_DEADLINE_MS / 1000);
    tcase_add_checked_fixture(tls, start_with_tls, stop);
    tcase_add_loop_test(tls, a_tls_stream_lives_through_a_reload_and_delivers_at_once, 0, 2);
    suite_add_tcase(suite, tls);
    TCase *ends = tcase_create("ends");
    tcase_set_timeout(ends, 2 * HARNESS_DEADLINE_MS / 1000);
    tcase_add_checked_fixture(ends, make_sandbox, remove_sandbox);
    tcase_add_test(ends, a_drain_ends_streams_with_the_last_id);
    tcase_add_test(ends, after_a_kill_a_reader_is_told_and_shown_what_is_so);
    tcase_add_test(ends, the_token_and_the_host_are_asked_for);
    suite_add_tcase(suite, ends);
    return suite;
}

/* SPDX-License-Identifier: MIT */
/* Connections that come no further: they end with their senders, and cost the others nothing. */
#include "../unit/suite.h"
#include "fixture.h"

#include "presenced/clock.h"

#include <dirent.h>
#include <poll.h>
#include <sched.h>
#include <time.h>

#define SHORT_TIMEOUT "request_timeout = 300ms\n"

/* The first bytes of a ClientHello of 512 bytes. */
#define HALF_CLIENT_HELLO "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"

/* Who sends no more can send no whole request any more: nobody waits for request_timeout. */
static const struct {
    const char *what;
    bool is_tls;
    bool is_kept;
    struct str begin;
} ended[] = {
    {"a request line", false, false, STR("POST /?SdkApp")},
    {"a head", false, false, STR(FIXTURE_POST)},
    {"a body", false, false, STR(FIXTURE_POST "Content-Length: 86\r\n\r\n{\"Callb")},
    {"a second request", false, true, STR("POST /?SdkApp")},
    {"a ClientHello", true, false, STR(HALF_CLIENT_HELLO)},
    {"nothing after the handshake", true, true, STR("")},
};

#define N_ENDED (sizeof(ended) / sizeof(ended[0]))

START_TEST(ends_half_a_request_with_its_sender)
{
    fixture_start(ended[_i].is_tls ? FIXTURE_CALLBACK FIXTURE_TLS FIXTURE_REST
                                   : FIXTURE_CALLBACK "tls = off\n" FIXTURE_REST);
    cleanup(wire_freep) struct wire *wire = fixture_connect(ended[_i].is_tls && ended[_i].is_kept);
    if (ended[_i].is_kept) {
        fixture_request(wire, 200);
    }
    cleanup(buf_fini) struct buf answer = {0};
    struct str begin = ended[_i].begin;
    /* In one packet with the end, where the kernel can. */
    (void)send(wire_fd(wire), begin.ptr, begin.len, MSG_MORE | MSG_NOSIGNAL);
    ck_assert_int_eq(shutdown(wire_fd(wire), SHUT_WR), 0);
    ck_assert_msg(wire_read_to_end(wire, 5000, &answer) == WIRE_CLOSED, "%s: still open", ended[_i].what);
    fixture_await_connections(0);
    fixture_stop();
}
END_TEST

/* Urgent data stands in the way of what follows it: the connection is of no use any more. */
START_TEST(ends_who_sends_urgent_data)
{
    bool is_tls = _i % 2 == 1;
    bool is_first = _i / 2 == 0;
    fixture_start(is_tls ? FIXTURE_CALLBACK FIXTURE_TLS FIXTURE_REST
                         : FIXTURE_CALLBACK "tls = off\n" FIXTURE_REST);
    cleanup(wire_freep) struct wire *wire = fixture_connect(is_tls && !is_first);
    if (!is_first) {
        fixture_request(wire, 200);
    }
    cleanup(buf_fini) struct buf answer = {0};
    ck_assert_int_eq(send(wire_fd(wire), "!", 1, MSG_OOB), 1);
    (void)send(wire_fd(wire), "POST", 4, MSG_NOSIGNAL);
    ck_assert_int_eq(wire_read_to_end(wire, 5000, &answer), WIRE_CLOSED);
    fixture_await_connections(0);
    fixture_expect_service(is_tls ? "https" : "http");
    fixture_stop();
}
END_TEST

/* The library's buffer is full and what is missing would not fit, so it neither reads nor notices an end. */
static const char *const stuck_heads[] = {
    "POST /nope HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
    "GET /livez HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
};

#define N_STUCK_HEADS (sizeof(stuck_heads) / sizeof(stuck_heads[0]))

static void send_without_end_on(struct wire *wire, const char *head)
{
    cleanup(buf_fini) struct buf bytes = {0};
    buf_append(&bytes, str_from(head));
    for (unsigned i = 0; i < 20000; i++) {
        buf_append_char(&bytes, '0');
    }
    (void)wire_send(wire, buf_str(&bytes));
}

static struct wire *send_without_end(const char *head)
{
    struct wire *wire = fixture_connect(true);
    send_without_end_on(wire, head);
    return wire;
}

START_TEST(a_chunk_size_without_end_holds_no_connection)
{
    fixture_start(FIXTURE_CALLBACK FIXTURE_TLS SHORT_TIMEOUT "max_connections = 4\n" FIXTURE_REST);
    for (int i = 0; i < 4; i++) {
        wire_free(send_without_end(stuck_heads[_i]));
    }
    fixture_await_connections(0);
    fixture_expect_service("https");
    fixture_stop();
}
END_TEST

/* The processor time that the daemon has had. */
static uint64_t daemon_cpu_ms(void)
{
    clockid_t clock_id;
    struct timespec time;
    ck_assert_int_eq(clock_getcpuclockid(instance_pid(fixture.instance), &clock_id), 0);
    ck_assert_int_eq(clock_gettime(clock_id, &time), 0);
    return (uint64_t)time.tv_sec * 1000 + (uint64_t)time.tv_nsec / 1000000;
}

#define N_STUCK 8

/* The listener then has one thread. */
static void stay_on_one_core(void)
{
    cpu_set_t cores;
    ck_assert_int_eq(sched_getaffinity(0, sizeof(cores), &cores), 0);
    size_t core = 0;
    while (!CPU_ISSET(core, &cores)) {
        core++;
    }
    CPU_ZERO(&cores);
    CPU_SET(core, &cores);
    ck_assert_int_eq(sched_setaffinity(0, sizeof(cores), &cores), 0);
}

/* A byte now and then, each an event for the thread that has the stuck connections, does not keep it from
 * waiting. */
START_TEST(stuck_connections_cost_no_core)
{
    struct wire *stuck[N_STUCK];
    stay_on_one_core();
    fixture_start(FIXTURE_CALLBACK FIXTURE_TLS "request_timeout = 5s\n" FIXTURE_REST);
    for (int i = 0; i < N_STUCK; i++) {
        stuck[i] = send_without_end(stuck_heads[0]);
    }
    cleanup(wire_freep) struct wire *dripping = fixture_connect(true);
    ck_assert(wire_send_text(dripping, "POST /nope HTTP/1.1\r\nHost: a\r\nContent-Length: 200\r\n\r\n"));
    uint64_t begun_ms = clock_monotonic_ms();
    uint64_t cpu_ms = daemon_cpu_ms();
    for (int i = 0; i < 100; i++) {
        ck_assert(wire_send_text(dripping, "x"));
        (void)poll(NULL, 0, 10);
    }
    ck_assert_uint_lt(daemon_cpu_ms() - cpu_ms, (clock_monotonic_ms() - begun_ms) / 2);
    for (int i = 0; i < N_STUCK; i++) {
        wire_free(stuck[i]);
    }
    fixture_stop();
}
END_TEST

/* How often the daemon's threads have waited for something and been woken. */
static uint64_t daemon_wakeups(void)
{
    char path[64];
    char line[256];
    uint64_t n_all = 0;
    (void)snprintf(path, sizeof(path), "/proc/%d/task", (int)instance_pid(fixture.instance));
    DIR *tasks = opendir(path);
    ck_assert_ptr_nonnull(tasks);
    for (const struct dirent *task = readdir(tasks); task != NULL; task = readdir(tasks)) {
        unsigned long long n = 0;
        (void)snprintf(path, sizeof(path), "/proc/%d/task/%.10s/status", (int)instance_pid(fixture.instance),
                       task->d_name);
        FILE *file = fopen(path, "re");
        while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
            (void)sscanf(line, "voluntary_ctxt_switches: %llu", &n);
        }
        if (file != NULL) {
            (void)fclose(file);
        }
        n_all += n;
    }
    (void)closedir(tasks);
    return n_all;
}

/* libmicrohttpd would try their handshakes again and again. */
START_TEST(stalled_handshakes_wake_nobody)
{
    struct wire *stalled[N_STUCK];
    fixture_start(FIXTURE_CALLBACK FIXTURE_TLS FIXTURE_REST);
    for (int i = 0; i < N_STUCK; i++) {
        stalled[i] = fixture_connect(false);
        ck_assert(wire_send(stalled[i], STR(HALF_CLIENT_HELLO)));
    }
    fixture_await_connections(N_STUCK);
    (void)poll(NULL, 0, 200); /* until they have been tried */
    uint64_t n_wakeups = daemon_wakeups();
    (void)poll(NULL, 0, 1000);
    ck_assert_uint_lt(daemon_wakeups() - n_wakeups, 50);
    for (int i = 0; i < N_STUCK; i++) {
        wire_free(stalled[i]);
    }
    fixture_stop();
}
END_TEST

#define RECORD_WAIT_MS 10 /* what a round waits for beside a connection that is stuck */
#define N_IDS 1000        /* whose answer is more than ten records */
#define N_TRIES 20

static uint64_t long_query_ms(struct wire *wire)
{
    cleanup(buf_fini) struct buf body = {0};
    cleanup(buf_fini) struct buf answer = {0};
    buf_append(&body, STR("{\"app\":1400000000,\"users\":["));
    for (unsigned i = 1; i < N_IDS; i++) {
        buf_appendf(&body, "\"a-user-of-whom-nobody-has-heard-%0200u\",", i);
    }
    buf_append(&body, STR("\"last\"]}"));
    buf_appendf(&answer, "POST /v1/users/query HTTP/1.1\r\nHost: localhost\r\nContent-Length: %zu\r\n\r\n",
                body.len);
    uint64_t begun_ms = clock_monotonic_ms();
    ck_assert(wire_send(wire, buf_str(&answer)));
    ck_assert(wire_send(wire, buf_str(&body)));
    buf_clear(&answer);
    wire_await(wire, "\"last\",", &answer);
    return clock_monotonic_ms() - begun_ms;
}

static uint64_t least_long_query_ms(struct wire *wire, uint64_t enough_ms)
{
    uint64_t least_ms = UINT64_MAX;
    for (int i = 0; i < N_TRIES && least_ms > enough_ms; i++) {
        uint64_t ms = long_query_ms(wire);
        least_ms = ms < least_ms ? ms : least_ms;
    }
    return least_ms;
}

/* A long reply over TLS goes out a record a round, and none of them waits for the thread's stuck connection:
 * it takes what it takes without one, and not ten waits more. */
START_TEST(long_replies_do_not_wait_for_a_stuck_connection)
{
    fixture_start(FIXTURE_CALLBACK FIXTURE_TLS "[status]\nlisten = 127.0.0.1:0\n" FIXTURE_TLS
                                               "[app 1400000000]\n");
    cleanup(wire_freep) struct wire *wire = wire_open(instance_status_port(fixture.instance));
    ck_assert(wire_start_tls(wire, fixture.sandbox, &(struct wire_tls){0}));
    uint64_t alone_ms = least_long_query_ms(wire, 0);
    cleanup(wire_freep) struct wire *stuck = wire_open(instance_status_port(fixture.instance));
    ck_assert(wire_start_tls(stuck, fixture.sandbox, &(struct wire_tls){0}));
    send_without_end_on(stuck, stuck_heads[0]);
    (void)poll(NULL, 0, 10 * RECORD_WAIT_MS); /* for so long it may be thought of as at work */
    uint64_t enough_ms = alone_ms + 5 * RECORD_WAIT_MS;
    ck_assert_uint_le(least_long_query_ms(wire, enough_ms), enough_ms);
    fixture_stop();
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("stalled");
    TCase *tcase = tcase_create("stalled");
    tcase_set_timeout(tcase, 2 * HARNESS_DEADLINE_MS / 1000);
    tcase_add_loop_test(tcase, ends_half_a_request_with_its_sender, 0, (int)N_ENDED);
    tcase_add_loop_test(tcase, ends_who_sends_urgent_data, 0, 4);
    tcase_add_test(tcase, stuck_connections_cost_no_core);
    tcase_add_test(tcase, stalled_handshakes_wake_nobody);
    tcase_add_test(tcase, long_replies_do_not_wait_for_a_stuck_connection);
    tcase_add_loop_test(tcase, a_chunk_size_without_end_holds_no_connection, 0, (int)N_STUCK_HEADS);
    suite_add_tcase(suite, tcase);
    return suite;
}

/* SPDX-License-Identifier: MIT */
#include "../unit/suite.h"
#include "event.h"
#include "wire.h"

#include "presenced/clock.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>

/* What a caller can make the daemon hold, and for how long. Times are awaited, never slept through. */

#define TLS "certificate = @DIR@/server.pem\nprivate_key = @DIR@/server.key\n"
#define CALLBACK "[callback]\nlisten = 127.0.0.1:0\n"
#define REST "[status]\nlisten = 127.0.0.1:0\n[app 1400000000]\n"

#define POST "POST /?SdkAppid=1400000000&CallbackCommand=State.StateChange HTTP/1.1\r\nHost: localhost\r\n"
#define LOGIN \
    "{\"CallbackCommand\":\"State.StateChange\",\"Info\":{\"Action\":\"Login\",\"To_Account\":\"alice\"}}"
#define WHOLE_REQUEST POST "Content-Length: 86\r\n\r\n" LOGIN
_Static_assert(sizeof(LOGIN) - 1 == 86, "as Content-Length says");

/* The first bytes of a ClientHello of 512 bytes. */
#define HALF_CLIENT_HELLO "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"

static struct sandbox *sandbox;
static struct instance *instance;
static struct client *status;

static void start(const char *config)
{
    sandbox = sandbox_new();
    instance = instance_start(sandbox, config);
    status = client_new("http", instance_status_port(instance));
}

static void stop(void)
{
    client_free(status);
    instance_stop(instance);
    sandbox_free(sandbox);
}

static struct wire *connect_to_callback(bool is_tls)
{
    struct wire *wire = wire_open(instance_callback_port(instance));
    if (is_tls) {
        ck_assert(wire_start_tls(wire, sandbox, &(struct wire_tls){0}));
    }
    return wire;
}

/* Sends a request whole and takes its answer; the connection is kept. */
static void serve_one(struct wire *wire)
{
    cleanup(buf_fini) struct buf answer = {0};
    ck_assert(wire_send_text(wire, WHOLE_REQUEST));
    wire_await(wire, "\"ActionStatus\":\"OK\"", &answer);
}

static void expect_honest_service(const char *scheme)
{
    cleanup(client_freep) struct client *callback = client_new(scheme, instance_callback_port(instance));
    client_trust(callback, sandbox);
    event_login(callback, "honest", 0);
    expect_state(status, "honest", "online");
}

/* Request_timeout. */

#define REQUEST_TIMEOUT_MS 300
#define CLOCK_SLACK_MS 50 /* the kernel tells the daemon by its ticks when bytes came */
#define SHORT_TIMEOUT "request_timeout = 300ms\n"

struct slow_case {
    const char *what;
    bool is_tls_listener;
    bool is_handshaken;
    bool is_kept;     /* after a request that was served */
    struct str begin; /* sent at once */
    char drip;        /* sent again and again; 0: nothing */
};

static const struct slow_case slow_cases[] = {
    {"says nothing", false, false, false, STR(""), 0},
    {"a request's first byte", false, false, false, STR("P"), 0},
    {"half a request line", false, false, false, STR("POST /?SdkApp"), 0},
    {"a head without end", false, false, false, STR(POST), 0},
    {"half a body", false, false, false, STR(POST "Content-Length: 86\r\n\r\n{\"Callb"), 0},
    {"a request line byte by byte", false, false, false, STR("POST /?"), 'a'},
    {"a header byte by byte", false, false, false, STR(POST "X-Note: "), 'a'},
    {"a body byte by byte", false, false, false, STR(POST "Content-Length: 60000\r\n\r\n"), ' '},
    {"a refused body byte by byte", false, false, false,
     STR("POST /elsewhere HTTP/1.1\r\nHost: localhost\r\nContent-Length: 60000\r\n\r\n"), ' '},
    {"empty lines before the request", false, false, false, STR(""), '\n'},
    {"a second request", false, false, true, STR("POST /?SdkApp"), 0},
    {"a second request byte by byte", false, false, true, STR("POST /?SdkApp"), 'a'},
    {"no handshake", true, false, false, STR(""), 0},
    {"a ClientHello's first byte", true, false, false, STR("\x16"), 0},
    {"half a ClientHello", true, false, false, STR(HALF_CLIENT_HELLO), 0},
    {"a ClientHello byte by byte", true, false, false, STR(HALF_CLIENT_HELLO), 0x41},
    {"nothing after the handshake", true, true, false, STR(""), 0},
    {"half a head over TLS", true, true, false, STR(POST), 0},
    {"a body byte by byte over TLS", true, true, false, STR(POST "Content-Length: 60000\r\n\r\n"), ' '},
    {"a second request over TLS", true, true, true, STR("POST /?SdkApp"), 0},
};

#define N_SLOW_CASES (sizeof(slow_cases) / sizeof(slow_cases[0]))

/* Sends a byte now and then until the other side has had enough. Whether it had. */
static bool drip_until_closed(struct wire *wire, char byte)
{
    uint64_t deadline_ms = clock_monotonic_ms() + HARNESS_DEADLINE_MS;
    cleanup(buf_fini) struct buf answer = {0};
    while (clock_monotonic_ms() < deadline_ms) {
        if (wire_read_to_end(wire, 30, &answer) == WIRE_CLOSED) {
            return true;
        }
        if (byte != 0 && !wire_send(wire, (struct str){&byte, 1})) {
            return true;
        }
    }
    return false;
}

START_TEST(cuts_a_slow_sender_off)
{
    const struct slow_case *slow_case = &slow_cases[_i];
    start(slow_case->is_tls_listener ? CALLBACK TLS SHORT_TIMEOUT REST
                                     : CALLBACK "tls = off\n" SHORT_TIMEOUT REST);
    uint64_t begin_ms = clock_monotonic_ms();
    cleanup(wire_freep) struct wire *wire = connect_to_callback(slow_case->is_handshaken);
    if (slow_case->is_kept) {
        serve_one(wire);
        begin_ms = clock_monotonic_ms();
    }
    (void)wire_send(wire, slow_case->begin);
    ck_assert_msg(drip_until_closed(wire, slow_case->drip), "%s: still open", slow_case->what);
    uint64_t taken_ms = clock_monotonic_ms() - begin_ms;
    bool is_refused = slow_case->drip == '\n' && harness_library_is_strict(); /* a bare LF */
    ck_assert_msg(is_refused || taken_ms + CLOCK_SLACK_MS >= REQUEST_TIMEOUT_MS, "%s: cut off after %u ms",
                  slow_case->what, (unsigned)taken_ms);
    expect_honest_service(slow_case->is_tls_listener ? "https" : "http");
    stop();
}
END_TEST

static bool has_connections(size_t n)
{
    char text[64];
    (void)snprintf(text, sizeof(text), "\"callback\":{\"connections\":%zu,", n);
    struct answer answer;
    client_get(status, "/v1/stats", &answer);
    bool has = strstr(buf_text(&answer.body), text) != NULL;
    answer_fini(&answer);
    return has;
}

static void await_connections(size_t n)
{
    uint64_t deadline_ms = clock_monotonic_ms() + HARNESS_DEADLINE_MS;
    while (!has_connections(n)) {
        ck_assert_uint_lt(clock_monotonic_ms(), deadline_ms);
        (void)poll(NULL, 0, 20);
    }
}

/* Who sends no more can send no whole request any more: nobody waits for request_timeout. */
static const struct {
    const char *what;
    bool is_tls;
    bool is_kept;
    struct str begin;
} ended[] = {
    {"a request line", false, false, STR("POST /?SdkApp")},
    {"a head", false, false, STR(POST)},
    {"a body", false, false, STR(POST "Content-Length: 86\r\n\r\n{\"Callb")},
    {"a second request", false, true, STR("POST /?SdkApp")},
    {"a ClientHello", true, false, STR(HALF_CLIENT_HELLO)},
    {"nothing after the handshake", true, true, STR("")},
};

#define N_ENDED (sizeof(ended) / sizeof(ended[0]))

START_TEST(ends_half_a_request_with_its_sender)
{
    start(ended[_i].is_tls ? CALLBACK TLS REST : CALLBACK "tls = off\n" REST);
    cleanup(wire_freep) struct wire *wire = connect_to_callback(ended[_i].is_tls && ended[_i].is_kept);
    if (ended[_i].is_kept) {
        serve_one(wire);
    }
    cleanup(buf_fini) struct buf answer = {0};
    struct str begin = ended[_i].begin;
    /* In one packet with the end, where the kernel can. */
    (void)send(wire_fd(wire), begin.ptr, begin.len, MSG_MORE | MSG_NOSIGNAL);
    ck_assert_int_eq(shutdown(wire_fd(wire), SHUT_WR), 0);
    ck_assert_msg(wire_read_to_end(wire, 5000, &answer) == WIRE_CLOSED, "%s: still open", ended[_i].what);
    await_connections(0);
    stop();
}
END_TEST

/* Urgent data stands in the way of what follows it: the connection is of no use any more. */
START_TEST(ends_who_sends_urgent_data)
{
    bool is_tls = _i % 2 == 1;
    bool is_first = _i / 2 == 0;
    start(is_tls ? CALLBACK TLS REST : CALLBACK "tls = off\n" REST);
    cleanup(wire_freep) struct wire *wire = connect_to_callback(is_tls && !is_first);
    if (!is_first) {
        serve_one(wire);
    }
    cleanup(buf_fini) struct buf answer = {0};
    ck_assert_int_eq(send(wire_fd(wire), "!", 1, MSG_OOB), 1);
    (void)send(wire_fd(wire), "POST", 4, MSG_NOSIGNAL);
    ck_assert_int_eq(wire_read_to_end(wire, 5000, &answer), WIRE_CLOSED);
    await_connections(0);
    expect_honest_service(is_tls ? "https" : "http");
    stop();
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
    struct wire *wire = connect_to_callback(true);
    send_without_end_on(wire, head);
    return wire;
}

START_TEST(a_chunk_size_without_end_holds_no_connection)
{
    start(CALLBACK TLS SHORT_TIMEOUT "max_connections = 4\n" REST);
    for (int i = 0; i < 4; i++) {
        wire_free(send_without_end(stuck_heads[_i]));
    }
    await_connections(0);
    expect_honest_service("https");
    stop();
}
END_TEST

/* The processor time that the daemon has had. */
static uint64_t daemon_cpu_ms(void)
{
    clockid_t clock_id;
    struct timespec time;
    ck_assert_int_eq(clock_getcpuclockid(instance_pid(instance), &clock_id), 0);
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
    start(CALLBACK TLS "request_timeout = 5s\n" REST);
    for (int i = 0; i < N_STUCK; i++) {
        stuck[i] = send_without_end(stuck_heads[0]);
    }
    cleanup(wire_freep) struct wire *dripping = connect_to_callback(true);
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
    stop();
}
END_TEST

/* How often the daemon's threads have waited for something and been woken. */
static uint64_t daemon_wakeups(void)
{
    char path[64];
    char line[256];
    uint64_t n_all = 0;
    (void)snprintf(path, sizeof(path), "/proc/%d/task", (int)instance_pid(instance));
    DIR *tasks = opendir(path);
    ck_assert_ptr_nonnull(tasks);
    for (const struct dirent *task = readdir(tasks); task != NULL; task = readdir(tasks)) {
        unsigned long long n = 0;
        (void)snprintf(path, sizeof(path), "/proc/%d/task/%.10s/status", (int)instance_pid(instance),
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
    start(CALLBACK TLS REST);
    for (int i = 0; i < N_STUCK; i++) {
        stalled[i] = connect_to_callback(false);
        ck_assert(wire_send(stalled[i], STR(HALF_CLIENT_HELLO)));
    }
    await_connections(N_STUCK);
    (void)poll(NULL, 0, 200); /* until they have been tried */
    uint64_t n_wakeups = daemon_wakeups();
    (void)poll(NULL, 0, 1000);
    ck_assert_uint_lt(daemon_wakeups() - n_wakeups, 50);
    for (int i = 0; i < N_STUCK; i++) {
        wire_free(stalled[i]);
    }
    stop();
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
    start(CALLBACK TLS "[status]\nlisten = 127.0.0.1:0\n" TLS "[app 1400000000]\n");
    cleanup(wire_freep) struct wire *wire = wire_open(instance_status_port(instance));
    ck_assert(wire_start_tls(wire, sandbox, &(struct wire_tls){0}));
    uint64_t alone_ms = least_long_query_ms(wire, 0);
    cleanup(wire_freep) struct wire *stuck = wire_open(instance_status_port(instance));
    ck_assert(wire_start_tls(stuck, sandbox, &(struct wire_tls){0}));
    send_without_end_on(stuck, stuck_heads[0]);
    (void)poll(NULL, 0, 10 * RECORD_WAIT_MS); /* for so long it may be thought of as at work */
    uint64_t enough_ms = alone_ms + 5 * RECORD_WAIT_MS;
    ck_assert_uint_le(least_long_query_ms(wire, enough_ms), enough_ms);
    stop();
}
END_TEST

/* Who has never said anything gives way like who idles, long before request_timeout. */
static const struct {
    const char *scheme;
    const char *config;
} roomless[] = {
    {"https", CALLBACK TLS "request_timeout = 1h\nmax_connections = 4\n" REST},
    {"http", CALLBACK "tls = off\nrequest_timeout = 1h\nmax_connections = 4\n" REST},
};

START_TEST(silent_connections_make_room)
{
    start(roomless[_i].config);
    struct wire *silent[4];
    for (size_t i = 0; i < 4; i++) {
        silent[i] = wire_open(instance_callback_port(instance));
    }
    expect_honest_service(roomless[_i].scheme);
    for (size_t i = 0; i < 4; i++) {
        wire_free(silent[i]);
    }
    stop();
}
END_TEST

/* Idle_timeout. */

START_TEST(closes_an_idle_connection)
{
    start(CALLBACK "tls = off\nidle_timeout = 1s\nrequest_timeout = 1h\n" REST);
    cleanup(wire_freep) struct wire *wire = connect_to_callback(false);
    serve_one(wire);
    cleanup(buf_fini) struct buf rest = {0};
    ck_assert_int_eq(wire_read_to_end(wire, HARNESS_DEADLINE_MS, &rest), WIRE_CLOSED);
    ck_assert_uint_eq(rest.len, 0);
    stop();
}
END_TEST

/* What waits between two requests is not slow. */
START_TEST(request_timeout_spares_a_kept_connection)
{
    start(CALLBACK "tls = off\n" SHORT_TIMEOUT REST);
    cleanup(wire_freep) struct wire *wire = connect_to_callback(false);
    serve_one(wire);
    cleanup(buf_fini) struct buf rest = {0};
    ck_assert_int_eq(wire_read_to_end(wire, 4 * REQUEST_TIMEOUT_MS, &rest), WIRE_OPEN);
    serve_one(wire);
    stop();
}
END_TEST

/* Replies that nobody takes. */

#define N_PIPELINED_MAX 400000 /* more than the kernel holds the replies of */
#define STUCK_AFTER_MS 1000

/* Sends requests over TLS without taking a reply. Returns how many were sent whole before the daemon took no
 * more of them, or closed. */
static size_t pipeline(struct wire *wire)
{
    struct pollfd socket = {.fd = wire_fd(wire), .events = POLLOUT};
    size_t n = 0;
    ck_assert_int_eq(fcntl(socket.fd, F_SETFL, O_NONBLOCK), 0);
    do {
        ck_assert_uint_lt(n, N_PIPELINED_MAX);
        int r = SSL_write(wire_ssl(wire), WHOLE_REQUEST, sizeof(WHOLE_REQUEST) - 1);
        n += r > 0;
        if (r <= 0 && SSL_get_error(wire_ssl(wire), r) != SSL_ERROR_WANT_WRITE) {
            return n;
        }
    } while (poll(&socket, 1, STUCK_AFTER_MS) > 0);
    return n;
}

static size_t count(struct str text, struct str wanted)
{
    size_t n = 0;
    const char *end = text.ptr + text.len;
    const char *at = text.ptr;
    while (at != NULL && (at = memmem(at, (size_t)(end - at), wanted.ptr, wanted.len)) != NULL) {
        at += wanted.len;
        n++;
    }
    return n;
}

/* What comes until `n` replies are there, each in a record of its own, or the daemon closes. Returns how many
 * are. */
static size_t take_replies(struct wire *wire, size_t n)
{
    struct pollfd socket = {.fd = wire_fd(wire), .events = POLLIN};
    size_t n_taken = 0;
    char record[16384];
    while (n_taken < n) {
        int r = SSL_read(wire_ssl(wire), record, sizeof(record));
        if (r > 0) {
            n_taken += count((struct str){record, (size_t)r}, STR("\"ActionStatus\":\"OK\""));
        } else if (SSL_get_error(wire_ssl(wire), r) != SSL_ERROR_WANT_READ) {
            break;
        } else {
            ck_assert_int_gt(poll(&socket, 1, HARNESS_DEADLINE_MS), 0);
        }
    }
    return n_taken;
}

START_TEST(replies_wait_for_who_takes_them_later)
{
    start(CALLBACK TLS "request_timeout = 1h\n" REST);
    cleanup(wire_freep) struct wire *wire = connect_to_callback(true);
    size_t n = pipeline(wire);
    expect_honest_service("https");
    ck_assert_uint_eq(take_replies(wire, n), n);
    stop();
}
END_TEST

START_TEST(cuts_off_who_takes_no_replies)
{
    start(CALLBACK TLS SHORT_TIMEOUT REST);
    cleanup(wire_freep) struct wire *wire = connect_to_callback(true);
    size_t n = pipeline(wire);
    ck_assert_uint_lt(take_replies(wire, n), n);
    stop();
}
END_TEST

/* Max_connections. */

START_TEST(takes_no_more_than_max_connections)
{
    start(CALLBACK "tls = off\nmax_connections = 4\n" REST);
    struct wire *held[4];
    for (size_t i = 0; i < 4; i++) {
        held[i] = connect_to_callback(false);
        serve_one(held[i]);
    }
    cleanup(wire_freep) struct wire *fifth = connect_to_callback(false);
    ck_assert(wire_send_text(fifth, WHOLE_REQUEST));
    cleanup(buf_fini) struct buf answer = {0};
    ck_assert_int_eq(wire_read_to_end(fifth, 300, &answer), WIRE_OPEN);
    ck_assert_uint_eq(answer.len, 0);
    wire_free(held[0]);
    wire_await(fifth, "\"ActionStatus\":\"OK\"", &answer);
    for (size_t i = 1; i < 4; i++) {
        serve_one(held[i]);
        wire_free(held[i]);
    }
    stop();
}
END_TEST

/* Max_connections_per_address. */

START_TEST(bounds_connections_of_one_address)
{
    start(CALLBACK "tls = off\nmax_connections_per_address = 3\n" REST);
    struct wire *held[3];
    for (size_t i = 0; i < 3; i++) {
        held[i] = connect_to_callback(false);
        serve_one(held[i]);
    }
    cleanup(buf_fini) struct buf answer = {0};
    cleanup(wire_freep) struct wire *fourth = connect_to_callback(false);
    (void)wire_send_text(fourth, WHOLE_REQUEST);
    ck_assert_int_eq(wire_read_to_end(fourth, HARNESS_DEADLINE_MS, &answer), WIRE_CLOSED);
    ck_assert_uint_eq(answer.len, 0);
    for (size_t i = 0; i < 3; i++) {
        serve_one(held[i]);
        wire_free(held[i]);
    }
    stop();
}
END_TEST

/* Whether a new connection is served. */
static bool is_served(void)
{
    cleanup(wire_freep) struct wire *wire = connect_to_callback(false);
    cleanup(buf_fini) struct buf answer = {0};
    (void)wire_send_text(wire, POST "Connection: close\r\nContent-Length: 86\r\n\r\n" LOGIN);
    (void)wire_read_to_end(wire, HARNESS_DEADLINE_MS, &answer);
    return answer.len > 0;
}

START_TEST(an_address_may_come_back)
{
    start(CALLBACK "tls = off\nmax_connections_per_address = 1\n" REST);
    for (int i = 0; i < 20; i++) {
        uint64_t deadline_ms = clock_monotonic_ms() + HARNESS_DEADLINE_MS;
        while (!is_served()) {
            ck_assert_uint_lt(clock_monotonic_ms(), deadline_ms);
        }
    }
    stop();
}
END_TEST

START_TEST(trusted_proxies_are_not_bounded)
{
    start(CALLBACK "tls = off\nmax_connections_per_address = 1\ntrusted_proxies = 127.0.0.0/8\n" REST);
    struct wire *held[8];
    for (size_t i = 0; i < 8; i++) {
        held[i] = connect_to_callback(false);
        serve_one(held[i]);
    }
    for (size_t i = 0; i < 8; i++) {
        wire_free(held[i]);
    }
    stop();
}
END_TEST

START_TEST(unix_sockets_are_not_bounded)
{
    start("[callback]\nlisten = unix:@DIR@/callback.sock\ntls = off\nmax_connections_per_address = 1\n" REST);
    struct client *clients[4];
    for (size_t i = 0; i < 4; i++) {
        clients[i] = client_new("http", 0);
        client_unix(clients[i], sandbox, "callback.sock");
        event_login(clients[i], "honest", 0);
    }
    for (size_t i = 0; i < 4; i++) {
        client_free(clients[i]);
    }
    stop();
}
END_TEST

/* Many slow connections. */

#define N_HELD_MAX 2000

static size_t raise_descriptor_limit(void)
{
    struct rlimit limit;
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = limit.rlim_max;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    return limit.rlim_cur < N_HELD_MAX + 200 ? (size_t)limit.rlim_cur - 200 : N_HELD_MAX;
}

/* One connection in four is handshaken; under a sanitizer fewer. */
static struct wire *open_slow(size_t i)
{
    bool is_handshaken = i % (4 * harness_slowness()) == 0;
    struct wire *wire = connect_to_callback(is_handshaken);
    if (is_handshaken) {
        ck_assert(wire_send_text(wire, i % 8 == 0 ? POST : POST "Content-Length: 86\r\n\r\n{\"Callb"));
    } else if (i % 2 == 1) {
        ck_assert(wire_send(wire, STR(HALF_CLIENT_HELLO)));
    }
    return wire;
}

START_TEST(serves_honest_callers_among_2000_slow_ones)
{
    size_t n_held = raise_descriptor_limit();
    start(CALLBACK TLS "request_timeout = 1h\n" REST);
    cleanup(client_freep) struct client *kept = client_new("https", instance_callback_port(instance));
    client_trust(kept, sandbox);
    static struct wire *held[N_HELD_MAX];
    for (size_t i = 0; i < n_held; i++) {
        held[i] = open_slow(i);
    }
    for (uint64_t i = 0; i < 200; i++) {
        event_login(kept, "honest", 1665113769034 + i);
    }
    for (int i = 0; i < 10; i++) {
        expect_honest_service("https");
    }
    for (size_t i = 0; i < n_held; i++) {
        wire_free(held[i]);
    }
    stop();
}
END_TEST

/* A TLS session takes 14 KiB, of which the kernel tells; who says nothing is not worth one. */
#define SILENT_BYTES_MAX 8192

START_TEST(silent_connections_cost_no_session)
{
    static struct wire *silent[N_HELD_MAX];
    size_t n_silent = raise_descriptor_limit();
    start(CALLBACK TLS "request_timeout = 1h\n" REST);
    expect_honest_service("https"); /* so that what is made once is there */
    await_connections(0);
    uint64_t before = resident_bytes(instance_pid(instance));
    for (size_t i = 0; i < n_silent; i++) {
        silent[i] = wire_open(instance_callback_port(instance));
    }
    await_connections(n_silent);
    ck_assert_uint_lt(resident_bytes(instance_pid(instance)), before + n_silent * SILENT_BYTES_MAX);
    for (size_t i = 0; i < n_silent; i++) {
        wire_free(silent[i]);
    }
    await_connections(0);
    expect_honest_service("https");
    stop();
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("limits");
    TCase *tcase = tcase_create("limits");
    tcase_set_timeout(tcase, 2 * HARNESS_DEADLINE_MS / 1000);
    tcase_add_loop_test(tcase, cuts_a_slow_sender_off, 0, (int)N_SLOW_CASES);
    tcase_add_loop_test(tcase, ends_half_a_request_with_its_sender, 0, (int)N_ENDED);
    tcase_add_loop_test(tcase, ends_who_sends_urgent_data, 0, 4);
    tcase_add_test(tcase, stuck_connections_cost_no_core);
    tcase_add_test(tcase, stalled_handshakes_wake_nobody);
    tcase_add_test(tcase, long_replies_do_not_wait_for_a_stuck_connection);
    tcase_add_loop_test(tcase, a_chunk_size_without_end_holds_no_connection, 0, (int)N_STUCK_HEADS);
    tcase_add_loop_test(tcase, silent_connections_make_room, 0, 2);
    tcase_add_test(tcase, silent_connections_cost_no_session);
    tcase_add_test(tcase, closes_an_idle_connection);
    tcase_add_test(tcase, request_timeout_spares_a_kept_connection);
    tcase_add_test(tcase, replies_wait_for_who_takes_them_later);
    tcase_add_test(tcase, cuts_off_who_takes_no_replies);
    tcase_add_test(tcase, takes_no_more_than_max_connections);
    tcase_add_test(tcase, bounds_connections_of_one_address);
    tcase_add_test(tcase, an_address_may_come_back);
    tcase_add_test(tcase, trusted_proxies_are_not_bounded);
    tcase_add_test(tcase, unix_sockets_are_not_bounded);
    tcase_add_test(tcase, serves_honest_callers_among_2000_slow_ones);
    suite_add_tcase(suite, tcase);
    return suite;
}

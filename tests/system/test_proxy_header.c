/* SPDX-License-Identifier: MIT */
#include "../unit/suite.h"
#include "event.h"
#include "wire.h"

#include "presenced/clock.h"

#include <cjson/cJSON.h>
#include <poll.h>
#include <sys/socket.h>

/* `proxy_protocol = v2`: a connection of a trusted proxy begins with the header that says whose it is. Every
 * connection here is from 127.0.0.1. */

#define LISTEN "[callback]\nlisten = 127.0.0.1:0\n"
#define PLAIN "tls = off\n"
#define TLS "certificate = @DIR@/server.pem\nprivate_key = @DIR@/server.key\n"
#define PROXIED "proxy_protocol = v2\ntrusted_proxies = 127.0.0.1\n"
#define REST "[status]\nlisten = 127.0.0.1:0\n[app 1400000000]\n"

#define LOGIN \
    "{\"CallbackCommand\":\"State.StateChange\",\"Info\":{\"Action\":\"Login\",\"To_Account\":\"alice\"}}"
#define HEAD                                                                               \
    "POST /?SdkAppid=1400000000&CallbackCommand=State.StateChange HTTP/1.1\r\nHost: x\r\n" \
    "Content-Length: 86\r\n"
#define REQUEST HEAD "\r\n" LOGIN
_Static_assert(sizeof(LOGIN) - 1 == 86, "as Content-Length says");

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define FROM_4 SIGNATURE "\x21\x11\x00\x0c\xc0\x00\x02\x04\xc0\x00\x02\x01\x30\x39\x20\xfb"
#define FROM_5 SIGNATURE "\x21\x11\x00\x0c\xc0\x00\x02\x05\xc0\x00\x02\x01\x30\x39\x20\xfb"
#define LOCAL SIGNATURE "\x20\x00\x00\x00"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

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

static struct wire *open_wire(void)
{
    return wire_open(instance_callback_port(instance));
}

static struct wire *open_with(struct str header)
{
    struct wire *wire = open_wire();
    ck_assert(wire_send(wire, header));
    return wire;
}

/* Sends a request and takes its answer, which is OK or a refusal; the connection is kept. */
static void expect_answer(struct wire *wire, const char *request, const char *action_status)
{
    cleanup(buf_fini) struct buf answer = {0};
    char text[64];
    (void)snprintf(text, sizeof(text), "\"ActionStatus\":\"%s\"", action_status);
    ck_assert(wire_send_text(wire, request));
    wire_await(wire, text, &answer);
}

/* A number of the callback listener in /v1/stats. */
static int listener_number(const char *name)
{
    cleanup(answer_fini) struct answer answer;
    client_get(status, "/v1/stats", &answer);
    cJSON *stats = cJSON_Parse(buf_text(&answer.body));
    const cJSON *listeners = cJSON_GetObjectItemCaseSensitive(stats, "listeners");
    const cJSON *callback = cJSON_GetObjectItemCaseSensitive(listeners, "callback");
    const cJSON *number = cJSON_GetObjectItemCaseSensitive(callback, name);
    ck_assert_msg(cJSON_IsNumber(number), "no %s in %s", name, buf_text(&answer.body));
    int value = number->valueint;
    cJSON_Delete(stats);
    return value;
}

static void await_number(const char *name, int wanted)
{
    uint64_t deadline_ms = clock_monotonic_ms() + HARNESS_DEADLINE_MS;
    while (listener_number(name) != wanted) {
        ck_assert_msg(clock_monotonic_ms() < deadline_ms, "%s is %d, not %d", name, listener_number(name),
                      wanted);
        (void)poll(NULL, 0, 1);
    }
}

static void expect_closed_without_a_word(struct wire *wire)
{
    cleanup(buf_fini) struct buf answer = {0};
    ck_assert_int_eq(wire_read_to_end(wire, HARNESS_DEADLINE_MS, &answer), WIRE_CLOSED);
    ck_assert_uint_eq(answer.len, 0);
}

/* Who is believed to call. */

static const struct {
    const char *what;
    struct str header;
    const char *allow;
    const char *request;
    const char *action_status;
} callers[] = {
    {"whom the header names", STR(FROM_4), "192.0.2.4", REQUEST, "OK"},
    {"another than is allowed", STR(FROM_5), "192.0.2.4", REQUEST, "FAIL"},
    {"not the proxy", STR(FROM_4), "127.0.0.1", REQUEST, "FAIL"},
    {"the proxy for itself", STR(LOCAL), "127.0.0.1", REQUEST, "OK"},
    {"the proxy for nobody we know", STR(SIGNATURE "\x21\x00\x00\x00"), "127.0.0.1", REQUEST, "OK"},
    {"not whom a caller names", STR(FROM_4), "192.0.2.9", HEAD "X-Forwarded-For: 192.0.2.9\r\n\r\n" LOGIN,
     "FAIL"},
    {"whom the proxy names otherwise", STR(LOCAL), "192.0.2.9",
     HEAD "X-Forwarded-For: 192.0.2.9\r\n\r\n" LOGIN, "OK"},
};

START_TEST(believes_the_header)
{
    cleanup(buf_fini) struct buf config = {0};
    buf_appendf(&config, LISTEN PLAIN PROXIED "allow = %s\n" REST, callers[_i].allow);
    start(buf_text(&config));
    cleanup(wire_freep) struct wire *wire = open_with(callers[_i].header);
    expect_answer(wire, callers[_i].request, callers[_i].action_status);
    stop();
}
END_TEST

START_TEST(logs_name_whom_the_header_names)
{
    start(LISTEN PLAIN PROXIED "allow = 192.0.2.4\n" REST);
    cleanup(wire_freep) struct wire *wire = open_with(STR(FROM_5));
    expect_answer(wire, REQUEST, "FAIL");
    instance_await_log(instance, "peer=192.0.2.5");
    stop();
}
END_TEST

/* It is never guessed: what others send is what it is. */
START_TEST(takes_no_header_of_others)
{
    start(LISTEN PLAIN "proxy_protocol = v2\ntrusted_proxies = 192.0.2.1\n" REST);
    cleanup(wire_freep) struct wire *without = open_wire();
    expect_answer(without, REQUEST, "OK");
    cleanup(wire_freep) struct wire *with = open_with(STR(FROM_4 REQUEST));
    cleanup(buf_fini) struct buf answer = {0};
    ck_assert_int_eq(wire_read_to_end(with, HARNESS_DEADLINE_MS, &answer), WIRE_CLOSED);
    ck_assert_ptr_null(strstr(buf_text(&answer), "\"OK\""));
    ck_assert_int_eq(listener_number("proxy_headers_refused_missing"), 0);
    stop();
}
END_TEST

/* How it comes. */

/* As plain text the header and what is behind it may come in one piece. */
START_TEST(reads_a_header_and_a_request_in_one_piece)
{
    start(LISTEN PLAIN PROXIED REST);
    cleanup(wire_freep) struct wire *wire = open_wire();
    cleanup(buf_fini) struct buf answer = {0};
    ck_assert(wire_send(wire, STR(FROM_4 REQUEST)));
    wire_await(wire, "\"ActionStatus\":\"OK\"", &answer);
    expect_answer(wire, REQUEST, "OK");
    stop();
}
END_TEST

/* TCP_NODELAY makes a segment of each byte. */
static void send_in_pieces(struct wire *wire, struct str bytes)
{
    for (size_t i = 0; i < bytes.len; i++) {
        ck_assert(wire_send(wire, (struct str){bytes.ptr + i, 1}));
    }
}

static struct buf with_tlv(size_t len)
{
    struct buf header = {0};
    size_t rest = 12 + len;
    buf_append(&header, STR(SIGNATURE "\x21\x11"));
    buf_append_char(&header, (char)(rest >> 8));
    buf_append_char(&header, (char)(rest & 0xff));
    buf_append(&header, STR("\xc0\x00\x02\x04\xc0\x00\x02\x01\x30\x39\x20\xfb"));
    for (size_t i = 0; i < len; i++) {
        buf_append_char(&header, 'G'); /* as a request begins */
    }
    ck_assert(!header.failed);
    return header;
}

START_TEST(reads_a_header_in_pieces)
{
    start(LISTEN PLAIN PROXIED "allow = 192.0.2.4\n" REST);
    cleanup(buf_fini) struct buf header = with_tlv(100);
    cleanup(wire_freep) struct wire *wire = open_wire();
    send_in_pieces(wire, buf_str(&header));
    expect_answer(wire, REQUEST, "OK");
    stop();
}
END_TEST

START_TEST(passes_over_what_else_a_header_carries)
{
    start(LISTEN PLAIN PROXIED "allow = 192.0.2.4\n" REST);
    cleanup(buf_fini) struct buf header = with_tlv(4096 - 28);
    buf_append(&header, STR(REQUEST));
    cleanup(wire_freep) struct wire *wire = open_with(buf_str(&header));
    cleanup(buf_fini) struct buf answer = {0};
    wire_await(wire, "\"ActionStatus\":\"OK\"", &answer);
    stop();
}
END_TEST

START_TEST(comes_before_tls)
{
    start(LISTEN TLS PROXIED "allow = 192.0.2.4\n" REST);
    for (int pieces = 0; pieces < 2; pieces++) {
        cleanup(wire_freep) struct wire *wire = open_wire();
        if (pieces == 0) {
            ck_assert(wire_send(wire, STR(FROM_4)));
        } else {
            send_in_pieces(wire, STR(FROM_4));
        }
        ck_assert(wire_start_tls(wire, sandbox, &(struct wire_tls){0}));
        expect_answer(wire, REQUEST, "OK");
        expect_answer(wire, REQUEST, "OK");
    }
    stop();
}
END_TEST

/* The kernel has counted the header's bytes too, which are none of a request that has begun. */
START_TEST(a_connection_that_idles_is_no_slow_sender)
{
    start(LISTEN PLAIN PROXIED "request_timeout = 300ms\n" REST);
    cleanup(wire_freep) struct wire *wire = open_with(STR(FROM_4));
    cleanup(buf_fini) struct buf nothing = {0};
    expect_answer(wire, REQUEST, "OK");
    ck_assert_int_eq(wire_read_to_end(wire, 1200, &nothing), WIRE_OPEN);
    expect_answer(wire, REQUEST, "OK");
    stop();
}
END_TEST

/* What is refused. */

static const struct {
    struct str bytes;
    const char *number;
    const char *reason;
} refusals[] = {
    {STR(REQUEST), "proxy_headers_refused_missing", "it does not begin with a PROXY header"},
    {STR("\x16\x03\x01"), "proxy_headers_refused_missing", "it does not begin with a PROXY header"},
    {STR("PROXY TCP4 192.0.2.4 192.0.2.1 1 2\r\n" REQUEST), "proxy_headers_refused_version_1",
     "its PROXY header is of version 1, not 2"},
    {STR(SIGNATURE "\x21\x11\x00\x04\xc0\x00\x02\x04"), "proxy_headers_refused_malformed",
     "its PROXY header is malformed"},
    {STR(SIGNATURE "\x21\x11\xff\xff\xc0\x00\x02\x04"), "proxy_headers_refused_too_long",
     "its PROXY header is longer than 4096 bytes"},
};

START_TEST(closes_counts_and_logs_what_is_no_header)
{
    start(LISTEN PLAIN PROXIED REST);
    cleanup(wire_freep) struct wire *wire = open_wire();
    (void)wire_send(wire, refusals[_i].bytes);
    expect_closed_without_a_word(wire);
    await_number(refusals[_i].number, 1);
    instance_await_log(instance, refusals[_i].reason);
    instance_await_log(instance, "peer=127.0.0.1");
    ck_assert_int_eq(listener_number("requests"), 0);
    cleanup(wire_freep) struct wire *good = open_with(STR(FROM_4));
    expect_answer(good, REQUEST, "OK");
    stop();
}
END_TEST

static const struct str halves[] = {STR(""), STR("\r\n\r\n"), STR(SIGNATURE "\x21\x11\x00\x0c\xc0")};

START_TEST(waits_no_longer_than_for_a_request)
{
    start(LISTEN PLAIN PROXIED "request_timeout = 300ms\n" REST);
    uint64_t begin_ms = clock_monotonic_ms();
    cleanup(wire_freep) struct wire *wire = open_with(halves[_i]);
    expect_closed_without_a_word(wire);
    ck_assert_uint_ge(clock_monotonic_ms() - begin_ms, 250);
    await_number("proxy_headers_refused_timed_out", 1);
    ck_assert_int_eq(listener_number("timed_out"), 1);
    stop();
}
END_TEST

START_TEST(tells_a_header_cut_short_from_a_look_at_the_port)
{
    start(LISTEN PLAIN PROXIED REST);
    for (size_t i = 0; i < (size_t)COUNT(halves); i++) {
        cleanup(wire_freep) struct wire *wire = open_with(halves[i]);
        ck_assert_int_eq(shutdown(wire_fd(wire), SHUT_WR), 0);
        expect_closed_without_a_word(wire);
    }
    cleanup(wire_freep) struct wire *check = open_with(STR(LOCAL));
    ck_assert_int_eq(shutdown(wire_fd(check), SHUT_WR), 0);
    expect_closed_without_a_word(check);
    await_number("proxy_headers_refused_cut", 2);
    await_number("connections", 0);
    stop();
}
END_TEST

START_TEST(metrics_have_each_reason)
{
    start(LISTEN PLAIN PROXIED REST);
    cleanup(wire_freep) struct wire *wire = open_with(STR("GET"));
    expect_closed_without_a_word(wire);
    await_number("proxy_headers_refused_missing", 1);
    cleanup(answer_fini) struct answer answer;
    client_get(status, "/metrics", &answer);
    const char *text = buf_text(&answer.body);
    ck_assert_msg(strstr(text, "presenced_proxy_headers_refused_total{listener=\"callback\","
                               "reason=\"missing\"} 1\n") != NULL,
                  "%s", text);
    ck_assert_ptr_nonnull(strstr(text, "reason=\"timed_out\"} 0\n"));
    ck_assert_ptr_null(strstr(text, "presenced_proxy_headers_refused_total{listener=\"status\""));
    stop();
}
END_TEST

/* Bounds. */

START_TEST(counts_connections_by_whom_the_header_names)
{
    start(LISTEN PLAIN PROXIED "max_connections_per_address = 2\n" REST);
    cleanup(wire_freep) struct wire *first = open_with(STR(FROM_4));
    expect_answer(first, REQUEST, "OK");
    struct wire *second = open_with(STR(FROM_4));
    expect_answer(second, REQUEST, "OK");
    cleanup(wire_freep) struct wire *third = open_with(STR(FROM_4 REQUEST));
    expect_closed_without_a_word(third);
    ck_assert_int_eq(listener_number("refused_per_address"), 1);
    cleanup(wire_freep) struct wire *other = open_with(STR(FROM_5));
    expect_answer(other, REQUEST, "OK");
    for (unsigned i = 0; i < 3; i++) {
        cleanup(wire_freep) struct wire *local = open_with(STR(LOCAL));
        expect_answer(local, REQUEST, "OK");
    }
    wire_free(second);
    await_number("connections", 2);
    cleanup(wire_freep) struct wire *fourth = open_with(STR(FROM_4));
    expect_answer(fourth, REQUEST, "OK");
    stop();
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("proxy_header");
    TCase *tcase = tcase_create("proxy_header");
    tcase_set_timeout(tcase, 2 * HARNESS_DEADLINE_MS / 1000);
    tcase_add_loop_test(tcase, believes_the_header, 0, COUNT(callers));
    tcase_add_test(tcase, logs_name_whom_the_header_names);
    tcase_add_test(tcase, takes_no_header_of_others);
    tcase_add_test(tcase, reads_a_header_and_a_request_in_one_piece);
    tcase_add_test(tcase, reads_a_header_in_pieces);
    tcase_add_test(tcase, passes_over_what_else_a_header_carries);
    tcase_add_test(tcase, comes_before_tls);
    tcase_add_test(tcase, a_connection_that_idles_is_no_slow_sender);
    tcase_add_loop_test(tcase, closes_counts_and_logs_what_is_no_header, 0, COUNT(refusals));
    tcase_add_loop_test(tcase, waits_no_longer_than_for_a_request, 0, COUNT(halves));
    tcase_add_test(tcase, tells_a_header_cut_short_from_a_look_at_the_port);
    tcase_add_test(tcase, metrics_have_each_reason);
    tcase_add_test(tcase, counts_connections_by_whom_the_header_names);
    suite_add_tcase(suite, tcase);
    return suite;
}

/* SPDX-License-Identifier: MIT */
#include "../unit/suite.h"
#include "event.h"
#include "wire.h"

#include <ctype.h>
#include <sys/socket.h>

/* Requests whose end two readers could see in two places. A load balancer in front and the daemon must never
 * disagree on it, so each such request is refused, the connection is closed, and nothing that follows is read
 * as a request. libmicrohttpd 0.9.75 lets most of them pass by itself; where it answers alone, the case says
 * so. */

/* A connection that is not closed shows within less than the daemon's own time-outs. */
#define CLOSE_DEADLINE_MS 5000

#define CONFIG               \
    "[callback]\n"           \
    "listen = 127.0.0.1:0\n" \
    "tls = off\n"            \
    "max_body = 1K\n"        \
    "[status]\n"             \
    "listen = 127.0.0.1:0\n" \
    "[app 1400000000]\n"

#define TARGET "/?SdkAppid=1400000000&CallbackCommand=State.StateChange&OptPlatform=Web"
#define POST "POST " TARGET " HTTP/1.1\r\n"
#define HOST "Host: localhost\r\n"

/* Bodies of exactly 112 (0x70) bytes, so that their length can stand in the literals below. */
#define LOGIN(user)                                                                                    \
    "{\"CallbackCommand\":\"State.StateChange\",\"Info\":{\"Action\":\"Login\",\"To_Account\":\"" user \
    "\",\"Reason\":\"Register\"}}   "
#define BODY LOGIN("victim00")
#define BODY_LENGTH "Content-Length: 112\r\n"
#define CHUNKED_BODY "70\r\n" BODY "\r\n0\r\n\r\n"

/* What an attacker hides behind the first request. */
#define SMUGGLED POST HOST BODY_LENGTH "\r\n" LOGIN("smuggled")

struct framing_case {
    const char *what;
    const char *bytes; /* SMUGGLED is sent behind them */
    int status;
    bool is_library; /* libmicrohttpd answers before we are asked: no JSON, and its head comes twice */
};

static const struct framing_case refused[] = {
    {"two lengths", POST HOST BODY_LENGTH "Content-Length: 4\r\n\r\n" BODY, 400, false},
    {"two lengths that agree", POST HOST BODY_LENGTH BODY_LENGTH "\r\n" BODY, 400, false},
    {"two lengths, zero first", POST HOST "Content-Length: 0\r\n" BODY_LENGTH "\r\n" BODY, 400, false},
    {"two lengths in one header", POST HOST "Content-Length: 112, 112\r\n\r\n" BODY, 400, true},
    {"length and chunked", POST HOST BODY_LENGTH "Transfer-Encoding: chunked\r\n\r\n" CHUNKED_BODY, 400,
     false},
    {"chunked and length", POST HOST "Transfer-Encoding: chunked\r\n" BODY_LENGTH "\r\n" CHUNKED_BODY, 400,
     false},
    {"length with a sign", POST HOST "Content-Length: +112\r\n\r\n" BODY, 400, true},
    {"length below zero", POST HOST "Content-Length: -112\r\n\r\n" BODY, 400, true},
    {"length in hex", POST HOST "Content-Length: 0x70\r\n\r\n" BODY, 400, true},
    {"length of words", POST HOST "Content-Length: many\r\n\r\n" BODY, 400, true},
    {"length empty", POST HOST "Content-Length:\r\n\r\n" BODY, 400, true},
    {"length beyond 64 bits", POST HOST "Content-Length: 18446744073709551728\r\n\r\n" BODY, 413, true},
    {"length with a blank before its colon", POST HOST "Content-Length : 112\r\n\r\n" BODY, 400, false},
    {"gzip, chunked", POST HOST "Transfer-Encoding: gzip, chunked\r\n\r\n" CHUNKED_BODY, 400, false},
    {"chunked, gzip", POST HOST "Transfer-Encoding: chunked, gzip\r\n\r\n" CHUNKED_BODY, 400, false},
    {"chunked twice", POST HOST "Transfer-Encoding: chunked, chunked\r\n\r\n" CHUNKED_BODY, 400, false},
    {"chunked in two headers",
     POST HOST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n" CHUNKED_BODY, 400, false},
    {"identity", POST HOST "Transfer-Encoding: identity\r\n" BODY_LENGTH "\r\n" BODY, 400, false},
    {"an unknown coding", POST HOST "Transfer-Encoding: xchunked\r\n\r\n" CHUNKED_BODY, 400, false},
    {"chunked with HTTP/1.0",
     "POST " TARGET " HTTP/1.0\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n" CHUNKED_BODY, 400, false},
    {"no Host", POST BODY_LENGTH "\r\n" BODY, 400, false},
    {"two Hosts", POST HOST "Host: example.org\r\n" BODY_LENGTH "\r\n" BODY, 400, false},
    {"two Hosts that agree", POST HOST HOST BODY_LENGTH "\r\n" BODY, 400, false},
    {"a length folded on a second line",
     POST HOST "X-Note: a\r\n Content-Length: 4\r\n" BODY_LENGTH "\r\n" BODY, 400, false},
    /* libmicrohttpd 0.9.75 takes what is folded for a part of the header's name: the length is gone. */
    {"a value folded", POST HOST "Content-Length:\r\n 112\r\n\r\n" BODY, 400, false},
    {"a value folded by a tab", POST HOST "Content-Length: \r\n\t112\r\n\r\n" BODY, 400, false},
    {"a coding folded", POST HOST "Transfer-Encoding:\r\n chunked\r\n\r\n" CHUNKED_BODY, 400, false},
    {"a length folded where none is needed",
     "GET /livez HTTP/1.1\r\n" HOST "Content-Length:\r\n 112\r\n\r\n" BODY, 400, false},
    {"a length folded in a request that is refused",
     "GET /elsewhere HTTP/1.1\r\n" HOST "Content-Length:\r\n 112\r\n\r\n" BODY, 400, false},
    {"neither length nor chunked", POST HOST "\r\n", 411, false},
};

#define N_REFUSED (sizeof(refused) / sizeof(refused[0]))

static struct sandbox *sandbox;
static struct instance *instance;
static struct client *status;

static void start(void)
{
    sandbox = sandbox_new();
    instance = instance_start(sandbox, CONFIG);
    status = client_new("http", instance_status_port(instance));
}

static void stop(void)
{
    client_free(status);
    instance_stop(instance);
    sandbox_free(sandbox);
}

_Static_assert(sizeof(BODY) - 1 == 112 && sizeof(LOGIN("smuggled")) - 1 == 112, "as BODY_LENGTH says");

static size_t count_answers(struct buf *bytes)
{
    size_t n = 0;
    for (const char *at = buf_text(bytes); (at = strstr(at, "HTTP/1.1 ")) != NULL; at++) {
        n += isdigit((unsigned char)at[9]) != 0;
    }
    return n;
}

static void expect_nobody(void)
{
    expect_state(status, "victim00", "");
    expect_state(status, "smuggled", "");
}

static void expect_refusal(const struct framing_case *framing_case, struct buf *answer)
{
    char line[32];
    (void)snprintf(line, sizeof(line), "HTTP/1.1 %d ", framing_case->status);
    const char *text = buf_text(answer);
    ck_assert_msg(strncmp(text, line, strlen(line)) == 0, "%s: %s", framing_case->what, text);
    ck_assert_msg(count_answers(answer) == (framing_case->is_library ? 2 : 1), "%s: %s", framing_case->what,
                  text);
    if (!framing_case->is_library) {
        expect_callback_bytes(answer, framing_case->status, "FAIL", 1);
    }
}

START_TEST(refuses_and_reads_no_further)
{
    const struct framing_case *framing_case = &refused[_i];
    cleanup(wire_freep) struct wire *wire = wire_open(instance_callback_port(instance));
    cleanup(buf_fini) struct buf request = {0};
    buf_append(&request, str_from(framing_case->bytes));
    buf_append(&request, STR(SMUGGLED));
    (void)wire_send(wire, buf_str(&request));
    cleanup(buf_fini) struct buf answer = {0};
    enum wire_end end = wire_read_to_end(wire, CLOSE_DEADLINE_MS, &answer);
    ck_assert_msg(end == WIRE_CLOSED, "%s: left open after %s", framing_case->what, buf_text(&answer));
    expect_refusal(framing_case, &answer);
    expect_nobody();
}
END_TEST

/* What is right is let through, so the cases above can fail. */

static void expect_both_applied(const char *first)
{
    cleanup(wire_freep) struct wire *wire = wire_open(instance_callback_port(instance));
    ck_assert(wire_send_text(wire, first));
    ck_assert(wire_send_text(wire, POST HOST BODY_LENGTH "Connection: close\r\n\r\n" LOGIN("smuggled")));
    cleanup(buf_fini) struct buf answers = {0};
    ck_assert_int_eq(wire_read_to_end(wire, CLOSE_DEADLINE_MS, &answers), WIRE_CLOSED);
    ck_assert_msg(count_answers(&answers) == 2, "%s", buf_text(&answers));
    expect_state(status, "victim00", "online");
    expect_state(status, "smuggled", "online");
}

START_TEST(serves_two_requests_sent_at_once)
{
    expect_both_applied(POST HOST BODY_LENGTH "\r\n" BODY);
}
END_TEST

START_TEST(serves_a_chunked_body_in_many_chunks)
{
    expect_both_applied(POST HOST "transfer-encoding: Chunked\r\n\r\n"
                                  "1\r\n \r\n70;name=value\r\n" BODY "\r\n0\r\n\r\n");
}
END_TEST

START_TEST(serves_http_1_0_without_a_host)
{
    cleanup(wire_freep) struct wire *wire = wire_open(instance_callback_port(instance));
    ck_assert(wire_send_text(wire, "POST " TARGET " HTTP/1.0\r\n" BODY_LENGTH "\r\n" BODY));
    cleanup(buf_fini) struct buf answer = {0};
    ck_assert_int_eq(wire_read_to_end(wire, CLOSE_DEADLINE_MS, &answer), WIRE_CLOSED);
    ck_assert_msg(strstr(buf_text(&answer), " 200 OK\r\n") != NULL, "%s", buf_text(&answer));
    expect_state(status, "victim00", "online");
}
END_TEST

#define LAST_REQUEST POST HOST BODY_LENGTH "Connection: close\r\n\r\n" BODY

static void expect_ok_and_close(struct wire *wire)
{
    cleanup(buf_fini) struct buf answer = {0};
    ck_assert_int_eq(wire_read_to_end(wire, CLOSE_DEADLINE_MS, &answer), WIRE_CLOSED);
    expect_callback_bytes(&answer, 200, "OK", 0);
}

START_TEST(serves_a_request_in_single_bytes)
{
    static const char request[] = LAST_REQUEST;
    cleanup(wire_freep) struct wire *wire = wire_open(instance_callback_port(instance));
    for (size_t i = 0; i < sizeof(request) - 1; i++) {
        ck_assert(wire_send(wire, (struct str){request + i, 1}));
    }
    expect_ok_and_close(wire);
}
END_TEST

/* Its bytes and its end come together: it has not left without a word. */
START_TEST(serves_who_sends_no_more_behind_the_request)
{
    cleanup(wire_freep) struct wire *wire = wire_open(instance_callback_port(instance));
    struct str request = STR(LAST_REQUEST);
    ck_assert_int_eq(send(wire_fd(wire), request.ptr, request.len, MSG_MORE), (ssize_t)request.len);
    ck_assert_int_eq(shutdown(wire_fd(wire), SHUT_WR), 0);
    expect_ok_and_close(wire);
}
END_TEST

START_TEST(asks_for_the_body_that_waits_for_100_continue)
{
    cleanup(wire_freep) struct wire *wire = wire_open(instance_callback_port(instance));
    ck_assert(wire_send_text(wire, POST HOST BODY_LENGTH "Expect: 100-continue\r\n\r\n"));
    cleanup(buf_fini) struct buf answer = {0};
    wire_await(wire, "HTTP/1.1 100 Continue\r\n\r\n", &answer);
    ck_assert(wire_send_text(wire, BODY));
    wire_await(wire, "HTTP/1.1 200 OK\r\n", &answer);
}
END_TEST

/* Bodies over max_body (1K). */

/* Sends a request with a body of `n` bytes. */
static void send_body(struct wire *wire, size_t n, bool is_chunked)
{
    cleanup(buf_fini) struct buf bytes = {0};
    if (is_chunked) {
        buf_appendf(&bytes, POST HOST "Transfer-Encoding: chunked\r\n\r\n%zx\r\n", n);
    } else {
        buf_appendf(&bytes, POST HOST "Content-Length: %zu\r\n\r\n", n);
    }
    for (size_t i = 0; i < n; i++) {
        buf_append_char(&bytes, ' ');
    }
    if (is_chunked) {
        buf_append(&bytes, STR("\r\n0\r\n\r\n"));
    }
    (void)wire_send(wire, buf_str(&bytes));
}

static const struct {
    size_t n_bytes;
    bool is_chunked;
} too_long[] = {{1025, false}, {2048, false}, {1025, true}, {2048, true}};

#define N_TOO_LONG (sizeof(too_long) / sizeof(too_long[0]))

START_TEST(says_413_for_a_body_up_to_twice_too_long)
{
    cleanup(wire_freep) struct wire *wire = wire_open(instance_callback_port(instance));
    cleanup(buf_fini) struct buf answer = {0};
    send_body(wire, too_long[_i].n_bytes, too_long[_i].is_chunked);
    wire_await(wire, "\"ErrorInfo\":\"", &answer);
    wire_await(wire, "\"}", &answer);
    expect_callback_bytes(&answer, 413, "FAIL", 1);
}
END_TEST

/* Beyond that the rest is not read, and a reset may overtake the answer. */
START_TEST(cuts_off_a_body_far_too_long)
{
    cleanup(wire_freep) struct wire *wire = wire_open(instance_callback_port(instance));
    cleanup(buf_fini) struct buf answer = {0};
    send_body(wire, 1 << 20, _i == 1);
    (void)wire_send_text(wire, SMUGGLED);
    ck_assert_int_eq(wire_read_to_end(wire, CLOSE_DEADLINE_MS, &answer), WIRE_CLOSED);
    ck_assert_uint_le(count_answers(&answer), 1);
    expect_nobody();
}
END_TEST

START_TEST(takes_a_body_of_max_body)
{
    cleanup(wire_freep) struct wire *wire = wire_open(instance_callback_port(instance));
    ck_assert(wire_send_text(wire, POST HOST "Content-Length: 1024\r\n\r\n" BODY));
    cleanup(buf_fini) struct buf blanks = {0};
    for (size_t i = strlen(BODY); i < 1024; i++) {
        buf_append_char(&blanks, ' ');
    }
    ck_assert(wire_send(wire, buf_str(&blanks)));
    cleanup(buf_fini) struct buf answer = {0};
    wire_await(wire, "HTTP/1.1 200 OK\r\n", &answer);
    expect_state(status, "victim00", "online");
}
END_TEST

/* Targets. */

START_TEST(survives_a_query_of_6000_bytes)
{
    cleanup(buf_fini) struct buf bytes = {0};
    buf_append(&bytes, STR("POST " TARGET "&tenant="));
    for (int i = 0; i < 6000; i++) {
        buf_append_char(&bytes, 'a');
    }
    buf_append(&bytes, STR(" HTTP/1.1\r\n" HOST BODY_LENGTH "\r\n" BODY));
    cleanup(wire_freep) struct wire *wire = wire_open(instance_callback_port(instance));
    ck_assert(wire_send(wire, buf_str(&bytes)));
    cleanup(buf_fini) struct buf answer = {0};
    wire_await(wire, "HTTP/1.1 200 OK\r\n", &answer);
    expect_state(status, "victim00", "online");
}
END_TEST

/* A head beyond the connection's memory: libmicrohttpd answers by itself. */
START_TEST(refuses_a_head_without_end)
{
    cleanup(wire_freep) struct wire *wire = wire_open(instance_callback_port(instance));
    cleanup(buf_fini) struct buf bytes = {0};
    buf_append(&bytes, STR(POST HOST "X-Note: "));
    for (int i = 0; i < 1 << 18; i++) {
        buf_append_char(&bytes, 'a');
    }
    (void)wire_send(wire, buf_str(&bytes));
    cleanup(buf_fini) struct buf answer = {0};
    ck_assert_int_eq(wire_read_to_end(wire, CLOSE_DEADLINE_MS, &answer), WIRE_CLOSED);
    ck_assert_uint_le(count_answers(&answer), 1);
    expect_nobody();
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("framing");
    TCase *tcase = tcase_create("framing");
    tcase_set_timeout(tcase, HARNESS_DEADLINE_MS / 1000);
    tcase_add_checked_fixture(tcase, start, stop);
    tcase_add_loop_test(tcase, refuses_and_reads_no_further, 0, (int)N_REFUSED);
    tcase_add_test(tcase, serves_two_requests_sent_at_once);
    tcase_add_test(tcase, serves_a_chunked_body_in_many_chunks);
    tcase_add_test(tcase, serves_http_1_0_without_a_host);
    tcase_add_test(tcase, serves_a_request_in_single_bytes);
    tcase_add_test(tcase, serves_who_sends_no_more_behind_the_request);
    tcase_add_test(tcase, asks_for_the_body_that_waits_for_100_continue);
    tcase_add_loop_test(tcase, says_413_for_a_body_up_to_twice_too_long, 0, (int)N_TOO_LONG);
    tcase_add_loop_test(tcase, cuts_off_a_body_far_too_long, 0, 2);
    tcase_add_test(tcase, takes_a_body_of_max_body);
    tcase_add_test(tcase, survives_a_query_of_6000_bytes);
    tcase_add_test(tcase, refuses_a_head_without_end);
    suite_add_tcase(suite, tcase);
    return suite;
}
